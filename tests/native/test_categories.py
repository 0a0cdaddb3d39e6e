"""Trees that ask for categories: chains of == as converters unroll them, and sets, by every algorithm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.graph.graph import Attribute
from celeris.ops.trees import LEAF, MEMBER, Forest, forest_of, with_sets
from tests.native.forests import ROWS, check, model

Columns = dict[str, list[Any]]


def _grow(columns: Columns, ends: list[tuple[int, int]], tree: int, depth: int, rng: np.random.Generator) -> int:
    """One tree: chains of == on two integer features, thresholds on a third; NaN now and then goes with the set."""
    at = columns["treeids"].count(tree)
    row: list[Any] = [tree, at, b"LEAF", 0, 0.0, 0, 0, 0]
    for name, value in zip(columns, row, strict=True):
        columns[name].append(value)
    place = len(columns["treeids"]) - 1
    if depth == 0 or rng.random() < 0.1:
        ends.append((tree, at))
        return at
    if rng.random() < 0.3:
        yes, no = (_grow(columns, ends, tree, depth - 1, rng) for _ in range(2))
        _set(columns, place, b"BRANCH_LEQ", 2, float(rng.normal()), yes, no, 0)
        return at
    feature, missing = int(rng.integers(2)), int(rng.integers(2))
    values = rng.choice(40, int(rng.integers(1, 15)), replace=False).tolist()
    yes = _grow(columns, ends, tree, depth - 1, rng)
    links = [place]
    for _ in values[1:]:
        for name, value in zip(columns, [tree, columns["treeids"].count(tree), b"LEAF", 0, 0.0, 0, 0, 0], strict=True):
            columns[name].append(value)
        links.append(len(columns["treeids"]) - 1)
    no = _grow(columns, ends, tree, depth - 1, rng)
    for k, (link, value) in enumerate(zip(links, values, strict=True)):
        after = columns["nodeids"][links[k + 1]] if k + 1 < len(links) else no
        _set(columns, link, b"BRANCH_EQ", feature, float(value), yes, after, missing)
    return at


def _set(columns: Columns, place: int, *values: Any) -> None:
    for name, value in zip(list(columns)[2:], values, strict=True):
        columns[name][place] = value


def _written(seed: int, trees: int, depth: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    columns: Columns = {
        name: []
        for name in (
            "treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids",
            "missing_value_tracks_true",
        )
    }  # fmt: skip
    ends: list[tuple[int, int]] = []
    for tree in range(trees):
        _grow(columns, ends, tree, depth, rng)
    found: dict[str, Any] = {f"nodes_{n}": v if n == "modes" else np.array(v) for n, v in columns.items()}
    found["nodes_values"] = found["nodes_values"].astype(np.float32)
    return found | {
        "target_treeids": np.array([e[0] for e in ends]),
        "target_nodeids": np.array([e[1] for e in ends]),
        "target_ids": np.zeros(len(ends), np.int64),
        "target_weights": rng.normal(size=len(ends)).astype(np.float32),
    }


def _table(seed: int, dtype: Any = np.float32) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 42, (max(ROWS), 3)).astype(np.float64)
    x[:, 2] = rng.normal(size=len(x))
    if np.dtype(dtype).kind == "f":
        x[rng.random(x.shape) < 0.05] = np.nan
        x[rng.random(x.shape) < 0.02] = np.inf
        x[rng.random(x.shape) < 0.02] += 0.5
    return x.astype(dtype)


def _attributes(written: dict[str, Any]) -> dict[str, Attribute]:
    kinds = {"modes": "STRINGS", "values": "FLOATS", "weights": "FLOATS"}
    return {name: Attribute(kinds.get(name.split("_", 1)[1], "INTS"), v) for name, v in written.items()}  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_native_and_reference_answers_are_equal(seed: int, dtype: Any) -> None:
    x = _table(seed, dtype)
    attributes = _attributes(_written(seed, 9, 1 + seed))
    check(model("TreeEnsembleRegressor", attributes, x, ["y"]), x)


def test_many_sets_need_more_than_one_chunk() -> None:
    x = _table(1)
    check(model("TreeEnsembleRegressor", _attributes(_written(1, 300, 5)), x, ["y"]), x)


def _leaf_values(forest: Forest, x: np.ndarray) -> np.ndarray:
    from celeris.ops.ml_trees import scores

    return scores(forest, x)[0]


@pytest.mark.parametrize("seed", range(8))
def test_chains_become_sets_of_the_same_meaning(seed: int) -> None:
    forest = forest_of("node", _written(seed, 5, 4), "target", 1)
    short = with_sets(forest)
    assert (short.mode == MEMBER).any()
    assert (short.mode != LEAF).sum() < (forest.mode != LEAF).sum()
    x = _table(seed)
    np.testing.assert_array_equal(_leaf_values(forest, x), _leaf_values(short, x))


def test_a_link_that_others_lead_to_stays() -> None:
    """0: x = 1 ? 3 : 1; 1: x = 2 ? 3 : 4; and 5 leads to 1 as well."""
    written = {
        "nodes_treeids": np.zeros(6, np.int64), "nodes_nodeids": np.arange(6),
        "nodes_modes": [b"BRANCH_LEQ", b"BRANCH_EQ", b"BRANCH_EQ", b"LEAF", b"LEAF", b"LEAF"],
        "nodes_featureids": np.array([1, 0, 0, 0, 0, 0]), "nodes_values": np.array([0, 1, 2, 0, 0, 0], np.float32),
        "nodes_truenodeids": np.array([1, 3, 3, 0, 0, 0]), "nodes_falsenodeids": np.array([2, 2, 4, 0, 0, 0]),
        "target_treeids": np.zeros(3, np.int64), "target_nodeids": np.array([3, 4, 5]),
        "target_ids": np.zeros(3, np.int64), "target_weights": np.array([1, 2, 3], np.float32),
    }  # fmt: skip
    forest = forest_of("node", written, "target", 1)
    assert with_sets(forest) is forest

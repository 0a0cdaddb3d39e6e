"""Forests numbered in one native pass are those of the general way, which what is written otherwise takes."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import celeris
from celeris import _core
from celeris.ops import trees as forests


def _forest(rng: np.random.Generator, trees: int) -> dict[str, Any]:
    """Attributes of random trees, written as converters write them."""
    found: dict[str, list[Any]] = {
        name: [] for name in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    }
    weights: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for tree in range(trees):
        size = 1 + 2 * int(rng.integers(0, 6))
        children = iter(range(1, size))
        inner = sorted(rng.choice(size // 2, size // 2, replace=False).tolist()) if size > 1 else []
        for node in range(size):
            is_inner = node in inner
            found["treeids"].append(tree * 2)  # ids with gaps
            found["nodeids"].append(node)
            found["featureids"].append(int(rng.integers(0, 5)))
            found["values"].append(float(rng.random()))
            found["modes"].append(b"BRANCH_LEQ" if is_inner else b"LEAF")
            found["truenodeids"].append(next(children) if is_inner else 0)
            found["falsenodeids"].append(next(children) if is_inner else 0)
            for target in range(0 if is_inner else int(rng.integers(0, 3))):
                weights["treeids"].append(tree * 2)
                weights["nodeids"].append(node)
                weights["ids"].append(target)
                weights["weights"].append(float(rng.random()))
        if rng.random() < 0.3:  # in another order than the nodes
            begin = weights["treeids"].index(tree * 2) if tree * 2 in weights["treeids"] else 0
            mixed = begin + rng.permutation(len(weights["treeids"]) - begin)
            for each in weights.values():
                each[begin:] = [each[at] for at in mixed]
    return {f"nodes_{k}": v for k, v in found.items()} | {f"target_{k}": v for k, v in weights.items()}


def _same(a: forests.Forest, b: forests.Forest) -> None:
    for name in forests.Forest.__slots__:
        x, y = getattr(a, name), getattr(b, name)
        if isinstance(x, np.ndarray):
            assert x.dtype == y.dtype, name
            np.testing.assert_array_equal(x, y, name)
        else:
            assert x == y, name


def _in_general(written: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> forests.Forest:
    with monkeypatch.context() as patch:
        patch.setattr(_core, "number_forest", lambda *_: None)
        return forests.forest_of("node", written, "target", 3)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), trees=st.integers(1, 6))
def test_one_pass_makes_what_the_general_way_makes(seed: int, trees: int) -> None:
    written = _forest(np.random.default_rng(seed), trees)
    with pytest.MonkeyPatch.context() as patch:
        general = _in_general(written, patch)
    for threads in (1, 3):
        _same(forests.forest_of("node", written, "target", 3, threads), general)


def _plain(written: dict[str, Any]) -> bool:
    n = {k: np.asarray(v, np.int64) for k, v in written.items() if not k.endswith(("modes", "values", "weights"))}
    modes = np.array([forests.LEAF if m == b"LEAF" else forests.LEQ for m in written["nodes_modes"]], np.uint8)
    return (
        _core.number_forest(
            n["nodes_treeids"], n["nodes_nodeids"], modes, n["nodes_featureids"], n["nodes_truenodeids"],
            n["nodes_falsenodeids"], n["target_treeids"], n["target_nodeids"], forests.LEAF,
        )
        is not None
    )  # fmt: skip


_STUMP = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_featureids": [1, 0, 0],
    "nodes_values": [0.5, 0.0, 0.0],
    "nodes_modes": [b"BRANCH_LEQ", b"LEAF", b"LEAF"],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
    "target_treeids": [0, 0],
    "target_nodeids": [1, 2],
    "target_ids": [0, 0],
    "target_weights": [1.0, 2.0],
}


def test_a_stump_is_written_plainly() -> None:
    assert _plain(_STUMP)


@pytest.mark.parametrize(
    "change",
    [
        {"nodes_nodeids": [1, 2, 3]},  # not from 0 on
        {"nodes_treeids": [0, 0, 1]},  # a child in another tree
        {"nodes_treeids": [1, 0, 1]},  # trees out of order
        {"nodes_truenodeids": [0, 0, 0]},  # a node that leads to itself
        {"nodes_truenodeids": [3, 0, 0]},  # no such node
        {"nodes_truenodeids": [-1, 0, 0]},
        {"nodes_truenodeids": [2**63 - 1, 0, 0]},
        {"nodes_falsenodeids": [-(2**63), 0, 0]},
        {"nodes_featureids": [-1, 0, 0]},
        {"nodes_featureids": [2**31 - 1, 0, 0]},
        {"target_nodeids": [0, 1]},  # a weight of an inner node
        {"target_nodeids": [1, 3]},
        {"target_treeids": [0, 1]},
    ],
)
def test_what_is_not_plain_is_left_to_the_general_way(change: dict[str, Any]) -> None:
    assert not _plain(_STUMP | change)


def test_packed_attributes_make_the_same_forest() -> None:
    written = _forest(np.random.default_rng(7), 2000)
    arrays = {k: v if k.endswith("modes") else np.asarray(v) for k, v in written.items()}
    narrow = {"nodes_featureids": np.int8, "nodes_treeids": np.int16, "nodes_nodeids": np.int16}
    small = {k: forests.packed(np.asarray(v, narrow[k]) if k in narrow else v) for k, v in arrays.items()}
    _same(forests.forest_of("node", arrays, "target", 3), forests.forest_of("node", small, "target", 3))


def test_what_is_all_the_same_is_kept_once() -> None:
    small = forests.packed(np.ones(5000, np.float32))
    assert small.strides == (0,)
    np.testing.assert_array_equal(small, np.ones(5000, np.float32))


def test_a_session_of_packed_attributes_can_be_pickled() -> None:
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 4)).astype(np.float32)
    model = RandomForestRegressor(20, random_state=0).fit(x, x[:, 0] + rng.normal(size=600))
    session = celeris.InferenceSession(to_onnx(model, x[:1]).SerializeToString())
    again = pickle.loads(pickle.dumps(session))
    np.testing.assert_array_equal(session.run(None, {"X": x})[0], again.run(None, {"X": x})[0])

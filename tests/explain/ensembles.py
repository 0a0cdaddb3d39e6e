"""Random tree ensembles as ONNX files, with covers that add up, and Shapley values by their definition."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from celeris.explain.shares import shares_of_hits
from celeris.ops.ml_trees import goes
from celeris.ops.trees import LEAF, Forest

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


def regressor(
    rng: np.random.Generator, *, trees: int, depth: int, features: int, targets: int = 1, **extra: Any
) -> bytes:
    """A TreeEnsembleRegressor with nodes_hitrates, unless `extra` says other."""
    names = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
             "missing_value_tracks_true", "hitrates")  # fmt: skip
    nodes: dict[str, list[Any]] = {f"nodes_{name}": [] for name in names}
    leaves: dict[str, list[Any]] = {f"target_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")}

    def grow(tree: int, node: int, left: int, hits: float) -> int:
        """Adds node `node` and what is below it; returns the next free number."""
        at = len(nodes["nodes_modes"])
        inner = left > 0 and (rng.random() < 0.85 or left == depth)
        mode = str(rng.choice(MODES[:4] if rng.random() < 0.8 else MODES)) if inner else "LEAF"
        value = float(rng.integers(-3, 4)) / 2
        row = (tree, node, int(rng.integers(features)), mode, value, 0, 0, int(rng.integers(2)), hits)
        for name, cell in zip(names, row, strict=True):
            nodes[f"nodes_{name}"].append(cell)
        if not inner:
            for target in range(targets):
                for name, cell in zip(("treeids", "nodeids", "ids", "weights"),
                                      (tree, node, target, float(rng.normal())), strict=True):  # fmt: skip
                    leaves[f"target_{name}"].append(cell)
            return node + 1
        share = float(rng.choice([0.0, 0.25, 0.5, 0.875]))
        nodes["nodes_truenodeids"][at] = node + 1
        after = grow(tree, node + 1, left - 1, hits * share)
        nodes["nodes_falsenodeids"][at] = after
        return grow(tree, after, left - 1, hits * (1 - share))

    for tree in range(trees):
        grow(tree, 0, depth, 1024.0)
    attributes = {**nodes, **leaves, "n_targets": targets, **extra}
    attributes = {name: value for name, value in attributes.items() if value != []}
    node = helper.make_node("TreeEnsembleRegressor", ["X"], ["Y"], domain="ai.onnx.ml", **attributes)
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["N", features])
    y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["N", targets])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(helper.make_graph([node], "trees", [x], [y]), opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())


def by_definition(forest: Forest, hits: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Shapley values [F + 1, targets] of one row, from the values of all coalitions; the empty one's is last."""
    shares = shares_of_hits(forest, hits)
    assert shares is not None
    count = len(x)

    def value(node: int, inside: frozenset[int]) -> Any:
        if forest.mode[node] == LEAF:
            out = np.zeros(forest.targets)
            part = slice(forest.first[node], forest.first[node + 1])
            np.add.at(out, forest.target[part], forest.weight[part].astype(np.float64))
            return out
        feature = int(forest.feature[node])
        ways = (int(forest.true[node]), int(forest.false[node]))
        if feature in inside:
            at = np.array([node])
            return value(ways[0] if goes(forest, at, x[feature : feature + 1])[0] else ways[1], inside)
        return shares[0][node] * value(ways[0], inside) + shares[1][node] * value(ways[1], inside)

    def all_trees(inside: frozenset[int]) -> np.ndarray:
        return np.asarray(sum((value(int(r), inside) for r in forest.roots), np.zeros(forest.targets)))

    worth = {
        frozenset(chosen): all_trees(frozenset(chosen))
        for size in range(count + 1)
        for chosen in combinations(range(count), size)
    }
    out = np.zeros((count + 1, forest.targets))
    out[count] = worth[frozenset()]
    for inside, v in worth.items():
        for i in set(range(count)) - inside:
            weight = factorial(len(inside)) * factorial(count - len(inside) - 1) / factorial(count)
            out[i] += weight * (worth[inside | {i}] - v)
    return out

"""Contributions of tree ensembles by their definition, and of linear models; leaves; outputs of single trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import celeris
from celeris.explain import Explainer
from celeris.explain.scored import ExplainError, Trees
from celeris.ops.ml_trees import regression, walk
from tests.explain.ensembles import by_definition, regressor


def _rows(rng: np.random.Generator, count: int, features: int) -> np.ndarray:
    """Rows on and beside the thresholds, with what is not a number."""
    x = (rng.integers(-4, 5, (count, features)) / 2).astype(np.float32)
    odd = rng.random(x.shape)
    x[odd < 0.1] = np.nan
    x[(odd > 0.1) & (odd < 0.14)] = np.inf
    x[(odd > 0.14) & (odd < 0.18)] = -0.0
    return x


def _trees(explainer: Explainer) -> Trees:
    assert isinstance(explainer._scored, Trees)
    return explainer._scored


@pytest.mark.parametrize(
    ("seed", "trees", "depth", "targets"), [(0, 1, 1, 1), (1, 3, 4, 1), (2, 4, 6, 3), (3, 2, 9, 2)]
)
def test_contributions_are_shapley_values(seed: int, trees: int, depth: int, targets: int) -> None:
    rng = np.random.default_rng(seed)
    explainer = Explainer(regressor(rng, trees=trees, depth=depth, features=5, targets=targets))
    x = _rows(rng, 19, 5)
    got = explainer(x)
    forest = _trees(explainer).forest
    hits = np.asarray(explainer._node.attr("nodes_hitrates"), np.float64)
    contributions = got.contributions.reshape(19, 5, targets)
    for row in range(19):
        expected = by_definition(forest, hits, x[row])
        np.testing.assert_allclose(contributions[row], expected[:5], rtol=0, atol=1e-12)
        np.testing.assert_allclose(np.ravel(got.base), expected[5], rtol=0, atol=1e-12)
    np.testing.assert_allclose(got.scores.reshape(19, targets), regression(forest, x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 15, 16, 17, 64, 65, 513])
def test_rows_are_explained_alike_in_any_company(rows: int) -> None:
    rng = np.random.default_rng(5)
    explainer = Explainer(regressor(rng, trees=5, depth=6, features=7))
    x = _rows(np.random.default_rng(6), 600, 7)
    whole = explainer(x).contributions
    assert np.array_equal(explainer(x[:rows]).contributions, whole[:rows])
    assert np.array_equal(explainer(np.asfortranarray(x[:rows])).contributions, whole[:rows])


def test_base_values_and_averages() -> None:
    rng = np.random.default_rng(7)
    file = regressor(
        rng, trees=4, depth=3, features=4, targets=2, base_values=[10.0, -5.0], aggregate_function="AVERAGE"
    )
    explainer, x = Explainer(file), _rows(rng, 20, 4)
    answer = celeris.InferenceSession(file).run(None, {"X": x})[0]
    np.testing.assert_allclose(explainer(x).scores, answer, rtol=1e-5, atol=1e-5)


def test_background_rows_tell_the_shares() -> None:
    rng = np.random.default_rng(8)
    file = regressor(rng, trees=3, depth=4, features=5, nodes_hitrates=[])
    background, x = _rows(rng, 200, 5), _rows(rng, 6, 5)
    with pytest.raises(ExplainError, match="give background rows"):
        Explainer(file)(x)
    explainer = Explainer(file, background)
    got, forest = explainer(x), _trees(explainer).forest
    at, visits = walk(forest, background), np.zeros(len(forest.mode))
    np.add.at(visits, at, 1)
    for node in range(len(visits) - 1, -1, -1):  # children come after their parents
        if forest.true[node] != node:
            visits[node] = visits[forest.true[node]] + visits[forest.false[node]]
    reached = visits > 0
    if reached.all():
        np.testing.assert_allclose(got.contributions[0], by_definition(forest, visits, x[0])[:5, 0], atol=1e-12)
    np.testing.assert_allclose(got.base, regression(forest, background).mean(), atol=1e-12)
    np.testing.assert_allclose(got.scores, regression(forest, x)[:, 0], atol=1e-12)


def test_shared_subtrees() -> None:
    """A diamond: both ways of the root lead to one node."""
    arrays: dict[str, Any] = {
        "nodes_treeids": [0] * 4, "nodes_nodeids": [0, 1, 2, 3], "nodes_featureids": [0, 1, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF"], "nodes_values": [0.0, 0.0, 0.0, 0.0],
        "nodes_truenodeids": [1, 2, 0, 0], "nodes_falsenodeids": [1, 3, 0, 0], "nodes_hitrates": [8.0, 8.0, 2.0, 6.0],
        "nodes_missing_value_tracks_true": [],
        "target_treeids": [0, 0], "target_nodeids": [2, 3], "target_ids": [0, 0], "target_weights": [1.0, 5.0],
    }  # fmt: skip
    file = regressor(np.random.default_rng(0), trees=1, depth=1, features=2, **arrays)
    got = Explainer(file)(np.array([[1, -1], [1, 1]], np.float32))
    np.testing.assert_allclose(got.contributions, [[0, -3], [0, 1]], atol=1e-12)
    assert got.base == 4


def test_a_deep_diamond_is_refused_at_once() -> None:
    """Sixty levels, both ways of each leading to the next: 2^60 paths."""
    levels = 60
    below = [*range(1, levels + 1), 0]
    arrays: dict[str, Any] = {
        "nodes_treeids": [0] * (levels + 1), "nodes_nodeids": list(range(levels + 1)),
        "nodes_featureids": [0] * (levels + 1), "nodes_modes": ["BRANCH_LEQ"] * levels + ["LEAF"],
        "nodes_values": [0.0] * (levels + 1), "nodes_truenodeids": below, "nodes_falsenodeids": below,
        "nodes_hitrates": [1.0] * (levels + 1), "nodes_missing_value_tracks_true": [],
        "target_treeids": [0], "target_nodeids": [levels], "target_ids": [0], "target_weights": [3.0],
    }  # fmt: skip
    explainer = Explainer(regressor(np.random.default_rng(0), trees=1, depth=1, features=1, **arrays))
    x = np.zeros((2, 1), np.float32)
    with pytest.raises(ExplainError, match="expected at most 8,000,000 ways down its trees"):
        explainer(x)
    assert explainer.leaves(x).tolist() == [[levels], [levels]]
    assert explainer.tree_outputs(x).tolist() == [[3.0], [3.0]]


def test_leaves_and_outputs_of_single_trees() -> None:
    rng = np.random.default_rng(9)
    explainer = Explainer(regressor(rng, trees=6, depth=5, features=4, targets=2))
    x, trees = _rows(rng, 50, 4), _trees(explainer)
    assert np.array_equal(explainer.leaves(x), trees.ids[walk(trees.forest, x)])
    np.testing.assert_allclose(explainer.tree_outputs(x).sum(axis=1), regression(trees.forest, x), atol=1e-12)


def _linear(op_type: str, **attributes: Any) -> bytes:
    outputs = ["Y"] if op_type == "LinearRegressor" else ["label", "Y"]
    node = helper.make_node(op_type, ["X"], outputs, domain="ai.onnx.ml", **attributes)
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["N", 3])
    kinds = {"Y": TensorProto.FLOAT, "label": TensorProto.INT64}
    values = [helper.make_tensor_value_info(name, kinds[name], None) for name in outputs]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(helper.make_graph([node], "g", [x], values), opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())


def test_linear_models() -> None:
    x = np.array([[1, 2, 3], [0, -1, 4]], np.float32)
    file = _linear("LinearRegressor", coefficients=[1.0, 10.0, 100.0], intercepts=[7.0])
    got = Explainer(file)(x)
    assert got.contributions.tolist() == [[1, 20, 300], [0, -10, 400]]
    assert got.base == 7
    about_mean = Explainer(file, background=x)(x)
    assert about_mean.contributions.tolist() == [[0.5, 15, -50], [-0.5, -15, 50]]
    assert about_mean.base == 7 + 0.5 + 5 + 350
    classes = _linear("LinearClassifier", coefficients=[1.0, 0, 0, 0, 2.0, 0, 0, 0, 3.0], intercepts=[0.0, 0.0, 1.0],
                      classlabels_ints=[4, 5, 6])  # fmt: skip
    several = Explainer(classes)(x)
    assert several.outputs == ["4", "5", "6"]
    assert several.contributions.shape == (2, 3, 3)
    assert several.output("6").contributions.tolist() == [[0, 0, 9], [0, 0, 12]]
    with pytest.raises(ExplainError, match="leaves: expected a tree ensemble"):
        Explainer(file).leaves(x)


def test_a_model_without_such_a_node_says_so() -> None:
    node = helper.make_node("Relu", ["X"], ["Y"])
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3]) for name in "XY")
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=opsets, ir_version=8)
    with pytest.raises(ExplainError, match="expected one node to explain, got none"):
        Explainer(model.SerializeToString())


def test_rows_that_are_too_narrow_are_refused() -> None:
    explainer = Explainer(regressor(np.random.default_rng(1), trees=3, depth=5, features=4))
    with pytest.raises(celeris.frames.DataError, match="expected 4 columns, as the model was trained on, got 2"):
        explainer(np.zeros((1, 2), np.float32))


def test_importance_and_columns() -> None:
    explainer = Explainer(
        regressor(np.random.default_rng(2), trees=3, depth=5, features=4), columns=["a", "b", "c", "d"]
    )
    got = explainer(_rows(np.random.default_rng(3), 30, 4))
    assert sorted(name for name, _ in got.importance()) == ["a", "b", "c", "d"]
    sizes = [size for _, size in got.importance()]
    assert sizes == sorted(sizes, reverse=True)
    assert list(got.columns()) == ["a", "b", "c", "d", "base"]
    assert "Explanation of 30 rows" in repr(got)

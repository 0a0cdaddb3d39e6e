"""Tree ensembles of the reference tier against onnxruntime, over random forests: the rules of binary classes above all."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import celeris
from tests.ops.forests import MODES, Attributes, Plan, forest, rows
from tests.ops.one_node import agree, model_of, run

TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]
POSITIVE, MIXED, NEGATIVE = (0.01, 0.3), (-1.0, 1.0), (-1.0, -0.01)
ML = "ai.onnx.ml"
CLOSE: dict[str, Any] = {
    "domain": ML,
    "rtol": 1e-3,
    "atol": 1e-4,
}  # onnxruntime adds in float32, and PROBIT magnifies that


def weights_for(transform: str, weights: tuple[float, float]) -> tuple[float, float]:
    return (0.01, 0.2) if transform == "PROBIT" else weights


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE", "MIN", "MAX"])
@pytest.mark.parametrize("targets", [1, 2, 3])
@pytest.mark.parametrize("based", [False, True])
def test_regression(transform: str, aggregate: str, targets: int, based: bool) -> None:
    rng = np.random.default_rng([targets, based])
    for modes, missing in ((("BRANCH_LEQ",), False), (MODES, True)):
        plan = Plan(
            targets=targets, per_leaf=targets, modes=modes, missing=missing, weights=weights_for(transform, MIXED)
        )
        given = forest(rng, plan) | {"aggregate_function": aggregate, "post_transform": transform}
        if based:
            given["base_values"] = [float(np.float32(v)) for v in rng.uniform(0, 0.2, targets)]
        agree("TreeEnsembleRegressor", [rows(rng, 40, 4, nan=0.1 * missing)], **CLOSE, **given)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("weights", [POSITIVE, MIXED, NEGATIVE], ids=["positive", "mixed", "negative"])
@pytest.mark.parametrize("used", [0, 1])
@pytest.mark.parametrize("based", [False, True])
@pytest.mark.parametrize("strings", [False, True])
def test_two_classes_of_which_one_has_weights(
    transform: str, weights: tuple[float, float], used: int, based: bool, strings: bool
) -> None:
    """What trainers of boosted trees are exported as: a frozen contract, onnxruntime's columns and labels."""
    rng = np.random.default_rng([used, based, strings])
    for trees in (1, 5):
        plan = Plan(trees=trees, targets=2, used=(used,), weights=weights_for(transform, weights), kind="class")
        given = forest(rng, plan) | {"post_transform": transform}
        given |= {"classlabels_strings": ["x", "y"]} if strings else {"classlabels_int64s": [7, 3]}
        if based:
            given["base_values"] = [float(np.float32(rng.uniform(-0.3, 0.3)))]
        x = rows(rng, 40, 4)
        model = model_of("TreeEnsembleClassifier", [x], 2, ML, None, given)
        ours, theirs = run(celeris, model, [x])[0], run(onnxruntime, model, [x])[0]
        np.testing.assert_array_equal(ours[0], theirs[0])
        # With PROBIT of class 0, onnxruntime's second column is memory that nobody wrote.
        columns = slice(0, 1) if transform == "PROBIT" and used == 0 else slice(None)
        np.testing.assert_allclose(ours[1][:, columns], theirs[1][:, columns], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("weights", [POSITIVE, MIXED, NEGATIVE], ids=["positive", "mixed", "negative"])
@pytest.mark.parametrize("based", [False, True])
def test_three_classes(transform: str, weights: tuple[float, float], based: bool) -> None:
    rng = np.random.default_rng(based)
    for modes, missing in ((("BRANCH_LEQ",), False), (MODES, True)):
        plan = Plan(
            targets=3, per_leaf=3, modes=modes, missing=missing, weights=weights_for(transform, weights), kind="class"
        )
        given = forest(rng, plan) | {"post_transform": transform, "classlabels_strings": ["x", "y", "z"]}
        if based:
            given["base_values"] = [float(np.float32(v)) for v in rng.uniform(0, 0.2, 3)]
        agree("TreeEnsembleClassifier", [rows(rng, 40, 4, nan=0.1 * missing)], 2, **CLOSE, **given)


@pytest.mark.parametrize("transform", TRANSFORMS[:4])
def test_two_classes_with_weights_of_their_own(transform: str) -> None:
    """scikit-learn's forests. onnxruntime 1.31 compares the second with 0 or 1/2, against its own columns: A1."""
    rng = np.random.default_rng(5)
    plan = Plan(targets=2, per_leaf=2, weights=POSITIVE, kind="class")
    given = forest(rng, plan) | {"post_transform": transform, "classlabels_int64s": [7, 3]}
    x = rows(rng, 60, 4)
    model = model_of("TreeEnsembleClassifier", [x], 2, ML, None, given)
    (label, scores), _ = run(celeris, model, [x])
    (_, theirs), _ = run(onnxruntime, model, [x])
    np.testing.assert_allclose(scores, theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(label, np.array([7, 3])[theirs.argmax(axis=1)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
def test_kinds_of_inputs(dtype: Any) -> None:
    rng = np.random.default_rng(6)
    given = forest(rng, Plan(trees=4, modes=MODES))
    x = rows(rng, 40, 4, dtype)
    if x.dtype.kind == "f":
        agree("TreeEnsembleRegressor", [x], **CLOSE, **given)
    else:  # not implemented in onnxruntime
        whole, real = (
            run(celeris, model_of("TreeEnsembleRegressor", [v], 1, ML, None, given), [v])
            for v in (x, x.astype(np.float64))
        )
        np.testing.assert_array_equal(whole[0][0], real[0][0])
    classes = forest(rng, Plan(trees=4, targets=3, per_leaf=3, kind="class")) | {"classlabels_int64s": [2, 0, 1]}
    agree("TreeEnsembleClassifier", [rows(rng, 40, 4, dtype)], 2, **CLOSE, **classes)


def test_trees_of_one_leaf_and_shared_weights() -> None:
    stump: Attributes = {
        "nodes_treeids": [0, 1], "nodes_nodeids": [0, 0], "nodes_featureids": [0, 0], "nodes_values": [0.0, 0.0],
        "nodes_modes": ["LEAF", "LEAF"], "nodes_truenodeids": [0, 0], "nodes_falsenodeids": [0, 0], "n_targets": 1,
        "target_treeids": [0, 1, 1], "target_nodeids": [0, 0, 0], "target_ids": [0, 0, 0],
        "target_weights": [0.5, 0.25, 0.125],
    }  # fmt: skip
    x = rows(np.random.default_rng(0), 3, 2)
    (found,), _ = run(celeris, model_of("TreeEnsembleRegressor", [x], 1, ML, None, stump), [x])
    assert found.tolist() == [[0.75]] * 3  # the first weight of a leaf, where there is one target
    agree("TreeEnsembleRegressor", [x], **CLOSE, **stump)
    several = {**stump, "n_targets": 2, "target_ids": [0, 0, 1]}
    for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
        agree("TreeEnsembleRegressor", [x], **CLOSE, **several, aggregate_function=aggregate)


def diamonds(depth: int) -> Attributes:
    """Each node's children are the two nodes of the next level, which share theirs: 2^depth paths."""
    count = 2 * depth + 1
    level = [(i + 1) // 2 for i in range(count)]
    inner = [lv < depth for lv in level]
    first = [2 * lv + 1 if ok else 0 for lv, ok in zip(level, inner, strict=True)]
    return {
        "nodes_treeids": [0] * count, "nodes_nodeids": list(range(count)), "nodes_featureids": [0] * count,
        "nodes_values": [float(lv) for lv in level], "nodes_modes": ["BRANCH_LEQ" if ok else "LEAF" for ok in inner],
        "nodes_truenodeids": first, "nodes_falsenodeids": [f + 1 if f else 0 for f in first], "n_targets": 1,
        "target_treeids": [0, 0], "target_nodeids": [count - 2, count - 1], "target_ids": [0, 0],
        "target_weights": [1.0, 2.0],
    }  # fmt: skip


def test_shared_subtrees_stay_shared() -> None:
    x = np.array([[100.0], [-1.0], [58.5], [59.5]], np.float32)
    (found,), _ = run(celeris, model_of("TreeEnsembleRegressor", [x], 1, ML, None, diamonds(60)), [x])
    assert found.ravel().tolist() == [2.0, 1.0, 1.0, 2.0]


def test_nodes_that_lead_back_are_refused() -> None:
    given = diamonds(5)
    given["nodes_truenodeids"][3] = 1
    with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail, match="lead back to themselves"):
        celeris.InferenceSession(model_of("TreeEnsembleRegressor", [np.zeros((1, 1), np.float32)], 1, ML, None, given))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("aggregate", [0, 1, 2, 3])
@pytest.mark.parametrize("transform", [0, 1, 2, 3])
def test_ensembles_of_version_5(dtype: Any, aggregate: int, transform: int) -> None:
    """One of the tests is for membership: x[1] in {1, 2.5, 4}. NaN ends a set."""

    def tensor(values: list[float], kind: Any = dtype) -> onnx.TensorProto:
        return onnx.numpy_helper.from_array(np.array(values, kind))

    given: Attributes = {
        "aggregate_function": aggregate, "post_transform": transform, "n_targets": 2, "tree_roots": [0, 2],
        "nodes_featureids": [0, 1, 2], "nodes_modes": tensor([0, 6, 3], np.uint8), "nodes_splits": tensor([0.5, 7, -1]),
        "nodes_truenodeids": [0, 1, 3], "nodes_trueleafs": [1, 1, 1], "nodes_falsenodeids": [1, 2, 4],
        "nodes_falseleafs": [0, 1, 1], "nodes_missing_value_tracks_true": [0, 1, 1],
        "leaf_targetids": [0, 1, 0, 1, 0], "leaf_weights": tensor([0.5, -0.25, 0.125, 2, -1.5]),
        "membership_values": tensor([1, 2.5, 4, np.nan]),
    }  # fmt: skip
    x = np.array([[0, 1, 0], [1, 2.5, -1], [1, 3, -2], [1, 4, 0], [np.nan, 1, np.nan], [1, np.nan, 0]], dtype)
    swapped = {1: 2, 2: 1}.get(transform, transform)  # onnxruntime takes SOFTMAX for LOGISTIC, and the other way round
    (theirs,), _ = run(
        onnxruntime, model_of("TreeEnsemble", [x], 1, ML, {ML: 5}, {**given, "post_transform": swapped}), [x]
    )
    (ours,), _ = run(celeris, model_of("TreeEnsemble", [x], 1, ML, {ML: 5}, given), [x])
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE", "MIN", "MAX"])
def test_of_several_weights_for_the_only_target_the_first_counts(aggregate: str) -> None:
    """skl2onnx's decision_leaf of three classes writes each leaf's number three times."""
    x = np.array([[-1.0], [1.0]], np.float32)
    agree(
        "TreeEnsembleRegressor", [x], 1, domain="ai.onnx.ml", n_targets=1, aggregate_function=aggregate,
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0], nodes_values=[0.0, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0] * 5, target_nodeids=[1, 1, 1, 2, 2], target_ids=[0] * 5,
        target_weights=[1.0, 2.0, 4.0, 8.0, 16.0],
    )  # fmt: skip

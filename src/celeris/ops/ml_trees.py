"""Tree ensembles of ai.onnx.ml: all rows walk down all trees, a level at a time; sums in float64, in tree order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import ml_verify, shapes
from celeris.ops.ml_linear import ML, infer_classifier, label_table, post_transformed
from celeris.ops.older import without
from celeris.ops.table import Facts, Op
from celeris.ops.trees import EQ, GT, GTE, LEAF, LEQ, LT, MEMBER, NEQ, Forest, distinct, forest_of, forest_of_5

_CELLS = 1 << 20  # rows times trees that walk at once
_COMPARE = {LEQ: np.less_equal, LT: np.less, GTE: np.greater_equal, GT: np.greater, EQ: np.equal, NEQ: np.not_equal}


def walk(forest: Forest, X: np.ndarray) -> np.ndarray:
    """The leaf of each row in each tree, int32 [N, trees]."""
    if X.shape[1] < forest.features:
        raise ValueError(f"tree ensemble: expected rows of at least {forest.features} features, got {X.shape[1]}")
    at = np.broadcast_to(forest.roots, (len(X), len(forest.roots))).copy()
    rows, trees = np.nonzero(forest.mode[at] != LEAF)
    while rows.size:
        node = at[rows, trees]
        value = X[rows, forest.feature[node]]
        node = np.where(goes(forest, node, value), forest.true[node], forest.false[node])
        at[rows, trees] = node
        still = forest.mode[node] != LEAF
        rows, trees = rows[still], trees[still]
    return at


def goes(forest: Forest, node: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Whether each value goes its node's way of truth."""
    modes = forest.mode[node]
    holds = np.isnan(value) & forest.missing[node]
    for mode in distinct(modes):
        which = modes == mode
        if mode == MEMBER:
            holds[which] |= [
                v in forest.members[forest.member_first[n] : forest.member_first[n + 1]]
                for n, v in zip(node[which], value[which], strict=True)
            ]
        else:
            holds[which] |= _COMPARE[int(mode)](value[which], forest.threshold[node[which]])
    return holds


def scores(forest: Forest, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the trees add up to, float64 [N, targets], without base values; and which have any weight, bool."""
    x = X if X.ndim == 2 else X.reshape(1, -1)
    if x.dtype.kind in "iub":
        x = x.astype(np.float64)
    out = np.zeros((len(x), forest.targets))
    has = np.zeros(out.shape, bool)
    step = max(1, _CELLS // max(1, len(forest.roots)))
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        _add(forest, walk(forest, x[part]), out[part], has[part])
    if forest.aggregate == "AVERAGE" and len(forest.roots):
        out /= len(forest.roots)
    return out, has


def _add(forest: Forest, leaves: np.ndarray, out: np.ndarray, has: np.ndarray) -> None:
    """Adds each tree's leaves, tree by tree, weight by weight."""
    most = int(np.diff(forest.first).max(initial=0))
    for tree in range(leaves.shape[1]):
        first, end = forest.first[leaves[:, tree]], forest.first[leaves[:, tree] + 1]
        for k in range(most):
            rows = np.flatnonzero(first + k < end)
            at = first[rows] + k
            target, weight = forest.target[at], forest.weight[at].astype(np.float64)
            cell = (rows, target)
            if forest.aggregate in ("SUM", "AVERAGE"):
                out[cell] += weight
            else:
                pick = np.minimum if forest.aggregate == "MIN" else np.maximum
                out[cell] = np.where(has[cell], pick(out[cell], weight), weight)
            has[cell] = True


def regression(forest: Forest, X: np.ndarray) -> np.ndarray:
    """The targets' values, float64 [N, targets]. A single one is transformed by PROBIT only, as in onnxruntime."""
    y, _ = scores(forest, X)
    if len(forest.base):
        y = y + forest.base
    return (
        y if forest.targets == 1 and forest.post_transform != "PROBIT" else post_transformed(y, forest.post_transform)
    )


def binary_case(forest: Forest) -> str:
    """How a classifier's scores become columns and labels.

    'classes': a column a class, the greatest wins. 'score': the weights are all of class 0 of two, and stand for the
    second: one score becomes two columns. 'second': the weights are all of class 1 of two. 'single': one class.
    Source: what onnxruntime's TreeAggregatorClassifier does; but where both of two classes have weights it compares
    the second with 0 and shows 0 and 1 in place of labels, which contradicts its own scores, and Celeris does not.
    """
    if forest.targets == 1:
        return "single"
    if forest.targets > 2 or not len(forest.target) or forest.target.min() != forest.target.max():
        return "classes"
    return "second" if forest.target[0] else "score"


def threshold(forest: Forest) -> float:
    """The score above which the second class wins: weights that are all positive are parts of a probability."""
    return 0.5 if forest.targets == 2 and not (forest.weight < 0).any() else 0.0


def shown(scores: np.ndarray) -> np.ndarray:
    """Scores as callers see them, on which labels are decided: five votes of float32(0.1) tie with five others."""
    return scores.astype(np.float32)


def classification(forest: Forest, X: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """label [N] and scores float64 [N, C]."""
    y, _ = scores(forest, X)
    case, kind = binary_case(forest), forest.post_transform
    if case == "classes":
        y = y + forest.base if len(forest.base) else y
        return labels[shown(y).argmax(axis=1)], post_transformed(y, kind)
    if case == "second":
        y[:, 1] += forest.base[1] if len(forest.base) == 2 else 0
        return labels[(shown(y[:, 1]) > threshold(forest)).astype(np.intp)], post_transformed(y, kind)
    score = y[:, :1] + (forest.base[0] if len(forest.base) else 0)
    positive = shown(score[:, 0]) > threshold(forest)
    if case == "single":
        table = labels if labels.dtype == object else np.array([0, 1])
        label = table[np.minimum(positive, len(table) - 1).astype(np.intp)]
        return label, post_transformed(score, kind if kind == "PROBIT" else "NONE")
    return labels[positive.astype(np.intp)], two_columns(forest, score)


def two_columns(forest: Forest, score: np.ndarray) -> np.ndarray:
    """The columns of two classes from the one score [N, 1] of the second."""
    if len(forest.base) == 2:
        return post_transformed(np.hstack([score, np.zeros_like(score)]), forest.post_transform)
    if forest.post_transform == "LOGISTIC":
        return post_transformed(np.hstack([-score, score]), "LOGISTIC")
    if forest.post_transform == "PROBIT":  # onnxruntime leaves the second column as it finds it
        return np.hstack([post_transformed(score, "PROBIT"), np.zeros_like(score)])
    return np.hstack([1 - score if threshold(forest) else -score, score])


def TreeEnsembleRegressor(
    X: np.ndarray,
    *,
    aggregate_function: str = "SUM",
    base_values: np.ndarray | None = None,
    base_values_as_tensor: np.ndarray | None = None,
    n_targets: int | None = None,
    nodes_falsenodeids: list[int] | None = None,
    nodes_featureids: list[int] | None = None,
    nodes_hitrates: np.ndarray | None = None,
    nodes_hitrates_as_tensor: np.ndarray | None = None,
    nodes_missing_value_tracks_true: list[int] | None = None,
    nodes_modes: list[str] | None = None,
    nodes_nodeids: list[int] | None = None,
    nodes_treeids: list[int] | None = None,
    nodes_truenodeids: list[int] | None = None,
    nodes_values: np.ndarray | None = None,
    nodes_values_as_tensor: np.ndarray | None = None,
    post_transform: str = "NONE",
    target_ids: list[int] | None = None,
    target_nodeids: list[int] | None = None,
    target_treeids: list[int] | None = None,
    target_weights: np.ndarray | None = None,
    target_weights_as_tensor: np.ndarray | None = None,
) -> np.ndarray:
    """Sums, means or extremes of leaves. X [N, F] -> Y [N, n_targets] f32. Source: TreeEnsembleRegressor-3."""
    return regression(regressor_forest(locals()), X).astype(np.float32)


def regressor_forest(attributes: Mapping[str, Any], threads: int = 1) -> Forest:
    """The forest of a TreeEnsembleRegressor's attributes."""
    return forest_of("TreeEnsembleRegressor", attributes, "target", int(attributes.get("n_targets") or 1), threads)


def TreeEnsembleClassifier(
    X: np.ndarray,
    *,
    base_values: np.ndarray | None = None,
    base_values_as_tensor: np.ndarray | None = None,
    class_ids: list[int] | None = None,
    class_nodeids: list[int] | None = None,
    class_treeids: list[int] | None = None,
    class_weights: np.ndarray | None = None,
    class_weights_as_tensor: np.ndarray | None = None,
    classlabels_int64s: list[int] | None = None,
    classlabels_strings: list[str] | None = None,
    nodes_falsenodeids: list[int] | None = None,
    nodes_featureids: list[int] | None = None,
    nodes_hitrates: np.ndarray | None = None,
    nodes_hitrates_as_tensor: np.ndarray | None = None,
    nodes_missing_value_tracks_true: list[int] | None = None,
    nodes_modes: list[str] | None = None,
    nodes_nodeids: list[int] | None = None,
    nodes_treeids: list[int] | None = None,
    nodes_truenodeids: list[int] | None = None,
    nodes_values: np.ndarray | None = None,
    nodes_values_as_tensor: np.ndarray | None = None,
    post_transform: str = "NONE",
) -> tuple[np.ndarray, np.ndarray]:
    """Votes of leaves. X [N, F] -> label [N], scores [N, C] f32. Source: ai.onnx.ml TreeEnsembleClassifier-3."""
    labels = label_table(classlabels_int64s, classlabels_strings)
    label, columns = classification(classifier_forest(locals()), X, labels)
    return label, columns.astype(np.float32)


def classifier_forest(attributes: Mapping[str, Any], threads: int = 1) -> Forest:
    """The forest of a TreeEnsembleClassifier's attributes."""
    integers, strings = attributes.get("classlabels_int64s"), attributes.get("classlabels_strings")
    count = len(strings) if strings is not None and len(strings) else 0 if integers is None else len(integers)
    if not count:
        raise ValueError("TreeEnsembleClassifier: expected classlabels_int64s or classlabels_strings, got neither")
    return forest_of("TreeEnsembleClassifier", attributes, "class", count, threads)


def TreeEnsemble(
    X: np.ndarray,
    *,
    aggregate_function: int = 1,
    leaf_targetids: list[int],
    leaf_weights: np.ndarray,
    membership_values: np.ndarray | None = None,
    n_targets: int | None = None,
    nodes_falseleafs: list[int],
    nodes_falsenodeids: list[int],
    nodes_featureids: list[int],
    nodes_hitrates: np.ndarray | None = None,
    nodes_missing_value_tracks_true: list[int] | None = None,
    nodes_modes: np.ndarray,
    nodes_splits: np.ndarray,
    nodes_trueleafs: list[int],
    nodes_truenodeids: list[int],
    post_transform: int = 0,
    tree_roots: list[int],
) -> np.ndarray:
    """Sums, means or extremes of leaves. X [N, F] -> Y [N, n_targets] of X's type. Source: TreeEnsemble-5."""
    return regression(forest_of_5("TreeEnsemble", locals()), X).astype(X.dtype)


_TENSORS_3 = ("base_values", "nodes_hitrates", "nodes_values")
_CLASSIFIER_1 = without(
    TreeEnsembleClassifier, *[f"{n}_as_tensor" for n in (*_TENSORS_3, "class_weights")]
)  # fmt: skip
_REGRESSOR_1 = without(TreeEnsembleRegressor, *[f"{n}_as_tensor" for n in (*_TENSORS_3, "target_weights")])


def _infer_regressor(facts: Facts) -> list[Type | None]:
    x = shapes.shape_of(facts, 0)
    return [Tensor("float", (x[0] if x is not None and len(x) == 2 else None, facts.attributes.get("n_targets", 1)))]


def _infer_ensemble(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None:
        return [None]
    rows = x.shape[0] if x.shape is not None and len(x.shape) == 2 else None
    return [Tensor(x.element, (rows, facts.attributes.get("n_targets", 1)))]


_CLASSIFIER, _REGRESSOR = ml_verify.forest(classifier_forest), ml_verify.forest(regressor_forest)
_ENSEMBLE = ml_verify.forest(lambda given, _: forest_of_5("TreeEnsemble", given))

OPS: tuple[Op, ...] = (
    Op("TreeEnsemble", 5, TreeEnsemble, _infer_ensemble, ML, verify=_ENSEMBLE),
    Op("TreeEnsembleClassifier", 1, _CLASSIFIER_1, infer_classifier, ML, verify=_CLASSIFIER),
    Op("TreeEnsembleClassifier", 3, TreeEnsembleClassifier, infer_classifier, ML, verify=_CLASSIFIER),
    Op("TreeEnsembleClassifier", 5, TreeEnsembleClassifier, infer_classifier, ML, deprecated=True),
    Op("TreeEnsembleRegressor", 1, _REGRESSOR_1, _infer_regressor, ML, verify=_REGRESSOR),
    Op("TreeEnsembleRegressor", 3, TreeEnsembleRegressor, _infer_regressor, ML, verify=_REGRESSOR),
    Op("TreeEnsembleRegressor", 5, TreeEnsembleRegressor, _infer_regressor, ML, deprecated=True),
)

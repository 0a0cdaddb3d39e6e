"""Support vector machines of ai.onnx.ml, in float64, rounded once."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import ml_verify, shapes
from celeris.ops.ml_linear import ML, label_table, post_transformed, rows_of
from celeris.ops.table import Facts, Op


def kernel(where: str, x: np.ndarray, y: np.ndarray, kind: str, params: np.ndarray | None) -> np.ndarray:
    """K(x, y) for rows x [N, F] and y [M, F] -> [N, M]; params: gamma, coef0, degree. Source: SVMClassifier-1."""
    gamma, coef0, degree = np.asarray(params if params is not None and len(params) else (0, 0, 0), np.float64)[:3]
    if kind == "RBF":
        return np.exp(-gamma * np.square(x[:, None, :] - y).sum(axis=2))
    dot = x @ y.T
    if kind == "LINEAR":
        return np.asarray(dot)
    if kind == "POLY":
        return np.asarray((gamma * dot + coef0) ** degree)
    if kind == "SIGMOID":
        return np.tanh(gamma * dot + coef0)
    raise ValueError(f"{where}: expected a kernel_type of LINEAR, POLY, RBF or SIGMOID, got {kind!r}")


def _vectors(where: str, x: np.ndarray, flat: np.ndarray | None, count: int) -> np.ndarray:
    vectors = np.asarray([] if flat is None else flat, np.float64)
    if vectors.size != count * x.shape[1]:
        raise ValueError(
            f"{where}: expected {count} support_vectors of {x.shape[1]} features, got {vectors.size} numbers"
        )
    return vectors.reshape(count, -1)


def SVMRegressor(
    X: np.ndarray,
    *,
    coefficients: np.ndarray | None = None,
    kernel_params: np.ndarray | None = None,
    kernel_type: str = "LINEAR",
    n_supports: int = 0,
    one_class: int = 0,
    post_transform: str = "NONE",
    rho: np.ndarray | None = None,
    support_vectors: np.ndarray | None = None,
) -> np.ndarray:
    """Sum of coefficient * K(x, vector) + rho, or its sign. X [N, F] -> Y [N, 1] f32. Source: SVMRegressor-1.

    No post_transform is made, as in onnxruntime.
    """
    x, weights = rows_of(X), np.asarray([] if coefficients is None else coefficients, np.float64)
    if n_supports > 0:
        vectors = _vectors("SVMRegressor", x, support_vectors, n_supports)
        values = kernel("SVMRegressor", x, vectors, kernel_type, kernel_params) @ weights
    else:
        values = x @ weights
    values = (values + (0.0 if rho is None or not len(rho) else float(rho[0])))[:, None]
    if one_class:
        return np.where(values > 0, 1, -1).astype(np.float32)
    return values.astype(np.float32)


def SVMClassifier(
    X: np.ndarray,
    *,
    classlabels_ints: list[int] | None = None,
    classlabels_strings: list[str] | None = None,
    coefficients: np.ndarray | None = None,
    kernel_params: np.ndarray | None = None,
    kernel_type: str = "LINEAR",
    post_transform: str = "NONE",
    prob_a: np.ndarray | None = None,
    prob_b: np.ndarray | None = None,
    rho: np.ndarray | None = None,
    support_vectors: np.ndarray | None = None,
    vectors_per_class: list[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One against one, by votes; or linear scores. X [N, F] -> label [N], scores f32: a column a class where there are
    probabilities or linear scores, else a column a pair of classes (two for a single pair). Source: SVMClassifier-1.
    """
    x, labels = rows_of(X), label_table(classlabels_ints, classlabels_strings)
    weights = np.asarray([] if coefficients is None else coefficients, np.float64)
    offsets = np.asarray([0.0] if rho is None or not len(rho) else rho, np.float64)
    if not vectors_per_class:
        per_class = weights.reshape(len(labels), -1)
        scores = x @ per_class.T + offsets[0]  # whatever kernel_type says, as in onnxruntime
        return labels[scores.argmax(axis=1)], post_transformed(scores, post_transform).astype(np.float32)
    vectors = _vectors("SVMClassifier", x, support_vectors, sum(vectors_per_class))
    values = kernel("SVMClassifier", x, vectors, kernel_type, kernel_params)
    pairs = decisions(values, weights, offsets, vectors_per_class)
    label = labels[votes(pairs, len(vectors_per_class)).argmax(axis=1)]
    if prob_a is not None and len(prob_a):
        columns = probabilities(pairs, prob_a, np.asarray(prob_b), len(vectors_per_class))
        return label, post_transformed(columns, post_transform).astype(np.float32)
    if pairs.shape[1] > 1:
        return label, post_transformed(pairs, post_transform).astype(np.float32)
    return label, two_columns(pairs, post_transform).astype(np.float32)


def two_columns(score: np.ndarray, post_transform: str) -> np.ndarray:
    """The columns of two classes from one score [N, 1], as onnxruntime makes them."""
    if post_transform == "LOGISTIC":
        return post_transformed(np.hstack([-score, score]), "LOGISTIC")
    if post_transform == "PROBIT":
        return np.hstack([post_transformed(score, "PROBIT"), np.zeros_like(score)])
    return np.hstack([(0 if post_transform == "NONE" else 1) - score, score])


def decisions(values: np.ndarray, weights: np.ndarray, rho: np.ndarray, counts: list[int]) -> np.ndarray:
    """The score of each pair of classes i < j [N, pairs]: positive votes for i."""
    classes, total = len(counts), sum(counts)
    if weights.size != (classes - 1) * total or len(rho) < classes * (classes - 1) // 2:
        raise ValueError(
            f"SVMClassifier: expected {(classes - 1) * total} coefficients and {classes * (classes - 1) // 2} rho, "
            f"got {weights.size} and {len(rho)}"
        )
    weights = weights.reshape(classes - 1, total)
    ends = np.cumsum(counts)
    own = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
    pairs = np.empty((len(values), classes * (classes - 1) // 2))
    at = 0
    for i in range(classes):
        for j in range(i + 1, classes):
            mine = values[:, own[i]] @ weights[j - 1, own[i]]
            pairs[:, at] = mine + values[:, own[j]] @ weights[i, own[j]] + rho[at]
            at += 1
    return pairs


def votes(pairs: np.ndarray, classes: int) -> np.ndarray:
    """How many pairs each class wins [N, classes]."""
    found = np.zeros((len(pairs), classes), np.int64)
    at = 0
    for i in range(classes):
        for j in range(i + 1, classes):
            wins = pairs[:, at] > 0
            found[:, i] += wins
            found[:, j] += ~wins
            at += 1
    return found


def probabilities(pairs: np.ndarray, a: np.ndarray, b: np.ndarray, classes: int) -> np.ndarray:
    """Platt's sigmoid a pair, then coupling [N, classes]. Source: libsvm, Wu, Lin and Weng (2004), second method."""
    r = np.zeros((len(pairs), classes, classes))
    at = 0
    for i in range(classes):
        for j in range(i + 1, classes):
            value = pairs[:, at] * float(a[at]) + float(b[at])
            e = np.exp(-np.abs(value))
            p = np.clip(np.where(value >= 0, e, 1) / (1 + e), 1e-7, 1 - 1e-7)
            r[:, i, j], r[:, j, i] = p, 1 - p
            at += 1
    return _coupled(r)


def _coupled(r: np.ndarray) -> np.ndarray:
    """The probabilities whose pairs fit r [N, k, k] best."""
    count, k = r.shape[:2]
    q = -np.swapaxes(r, 1, 2) * r
    for t in range(k):
        q[:, t, t] = np.square(r[:, :, t]).sum(axis=1) - np.square(r[:, t, t])
    p = np.full((count, k), 1 / k)
    active = np.arange(count)
    for _ in range(max(100, k)):
        part = q[active]
        qp = np.einsum("nij,nj->ni", part, p[active])
        pqp = (p[active] * qp).sum(axis=1)
        going = np.abs(qp - pqp[:, None]).max(axis=1) >= 0.005 / k
        active = active[going]
        if not active.size:
            break
        part, qp, pqp, mine = part[going], qp[going], pqp[going], p[active]
        for t in range(k):
            diff = (pqp - qp[:, t]) / part[:, t, t]
            mine[:, t] += diff
            scale = 1 + diff
            pqp = (pqp + diff * (diff * part[:, t, t] + 2 * qp[:, t])) / (scale * scale)
            qp = (qp + diff[:, None] * part[:, t, :]) / scale[:, None]
            mine /= scale[:, None]
        p[active] = mine
    return p


def _infer_classifier(facts: Facts) -> list[Type | None]:
    x = shapes.shape_of(facts, 0)
    rows = x[0] if x is not None and len(x) == 2 else None
    strings, given = facts.attributes.get("classlabels_strings"), facts.attributes
    labels = len(strings or given.get("classlabels_ints") or [])
    by_class = bool(given.get("prob_a") is not None or not given.get("vectors_per_class") or labels < 3)
    columns = labels if by_class else labels * (labels - 1) // 2
    return [Tensor("string" if strings else "int64", (rows,)), Tensor("float", (rows, columns))]


def _infer_regressor(facts: Facts) -> list[Type | None]:
    x = shapes.shape_of(facts, 0)
    return [Tensor("float", (x[0] if x is not None and len(x) == 2 else None, 1))]


OPS: tuple[Op, ...] = (
    Op("SVMClassifier", 1, SVMClassifier, _infer_classifier, ML, verify=ml_verify.svm_classifier),
    Op("SVMRegressor", 1, SVMRegressor, _infer_regressor, ML, verify=ml_verify.svm_regressor),
)

"""Linear models of ai.onnx.ml, and what classifiers share: post-transforms and labels."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import ml_verify, shapes
from celeris.ops.table import Facts, Op

ML = "ai.onnx.ml"
AS_SHARES = ("NONE", "SOFTMAX", "SOFTMAX_ZERO")  # where one score s of two classes is shown as 1 - s and s


def post_transformed(scores: np.ndarray, kind: str) -> np.ndarray:
    """Scores [N, C] after a post_transform. Source: ai.onnx.ml TreeEnsembleClassifier-3, onnxruntime's ml_common.h."""
    with np.errstate(all="ignore"):
        if kind == "NONE":
            return scores
        if kind == "LOGISTIC":
            e = np.exp(-np.abs(scores))
            return np.asarray(np.where(scores < 0, e, 1) / (1 + e))
        if kind in ("SOFTMAX", "SOFTMAX_ZERO"):
            if kind == "SOFTMAX_ZERO":
                return _softmax_zero(scores)
            e = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=-np.inf))
            return np.asarray(e / e.sum(axis=-1, keepdims=True))
        if kind == "PROBIT":
            x = 2 * scores - 1
            log = np.log((1 - x) * (1 + x))
            v = 2 / (3.14159 * 0.147) + 0.5 * log
            return np.asarray(1.41421356 * np.sign(x) * np.sqrt(np.sqrt(v * v - log / 0.147) - v))
    raise ValueError(f"post_transform: expected NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT, got {kind!r}")


def _softmax_zero(scores: np.ndarray) -> np.ndarray:
    """Scores within 1e-7 of zero take no share: they stay x e^-max. A NaN counts as such unless it comes first."""
    top = np.fmax.reduce(scores, axis=-1, keepdims=True, initial=-np.inf)
    top = np.where(np.isnan(scores[..., :1]), np.nan, top) if scores.shape[-1] else top
    counted = np.abs(scores) > 1e-7
    e = np.where(counted, np.exp(scores - top), scores * np.exp(-top))
    total = np.where(counted, e, 0).sum(axis=-1, keepdims=True)
    return np.asarray(e / np.where(total == 0, 1, total))


def label_table(integers: list[int] | None, strings: list[str] | None) -> np.ndarray:
    """The class labels: str or int64."""
    return np.array(strings, object) if strings else np.array(integers or [], np.int64)


def rows_of(X: np.ndarray) -> np.ndarray:
    """X as a matrix of float64: a vector is one row."""
    return np.asarray(X if X.ndim > 1 else X.reshape(1, -1), np.float64)


def LinearClassifier(
    X: np.ndarray,
    *,
    classlabels_ints: list[int] | None = None,
    classlabels_strings: list[str] | None = None,
    coefficients: np.ndarray,
    intercepts: np.ndarray | None = None,
    multi_class: int = 0,
    post_transform: str = "NONE",
) -> tuple[np.ndarray, np.ndarray]:
    """scores = X . coefficients' + intercepts; X [N, F] -> label [N], scores [N, C] f32. Source: LinearClassifier-1."""
    labels = label_table(classlabels_ints, classlabels_strings)
    count = len(labels) if intercepts is None or not len(intercepts) else len(intercepts)
    x = rows_of(X)
    weights = np.asarray(coefficients, np.float64).reshape(count, -1)
    scores = x @ weights.T + (0 if intercepts is None or not len(intercepts) else np.asarray(intercepts, np.float64))
    if count == 1 and len(labels) == 2:
        label = labels[(scores[:, 0] > 0).astype(int)]
        if post_transform in AS_SHARES:
            return label, np.hstack([1 - scores, scores]).astype(np.float32)
        scores = np.hstack([-scores, scores])
    else:
        label = labels[scores.argmax(axis=1)]
    return label, post_transformed(scores, post_transform).astype(np.float32)


def LinearRegressor(
    X: np.ndarray,
    *,
    coefficients: np.ndarray | None = None,
    intercepts: np.ndarray | None = None,
    post_transform: str = "NONE",
    targets: int = 1,
) -> np.ndarray:
    """Y = X . coefficients' + intercepts; X [N, F] -> Y [N, targets] f32. Source: LinearRegressor-1."""
    if coefficients is None or not len(coefficients):
        raise ValueError("LinearRegressor: expected coefficients, got none")
    y = rows_of(X) @ np.asarray(coefficients, np.float64).reshape(targets, -1).T
    if intercepts is not None and len(intercepts):
        y = y + np.asarray(intercepts, np.float64)
    single = targets == 1 and post_transform != "PROBIT"  # as onnxruntime: a single score is not transformed otherwise
    return (y if single else post_transformed(y, post_transform)).astype(np.float32)


def infer_classifier(facts: Facts) -> list[Type | None]:
    """label [N], scores [N, C]."""
    x = shapes.shape_of(facts, 0)
    rows = x[0] if x is not None and len(x) == 2 else None
    strings = facts.raw.get("classlabels_strings", ())
    integers = facts.raw.get("classlabels_ints", facts.raw.get("classlabels_int64s", ()))
    count = len(strings) or len(integers) or None
    return [Tensor("string" if len(strings) else "int64", (rows,)), Tensor("float", (rows, count))]


def _infer_regressor(facts: Facts) -> list[Type | None]:
    x = shapes.shape_of(facts, 0)
    return [Tensor("float", (x[0] if x is not None and len(x) == 2 else None, facts.attributes.get("targets", 1)))]


OPS: tuple[Op, ...] = (
    Op("LinearClassifier", 1, LinearClassifier, infer_classifier, ML, verify=ml_verify.linear_classifier),
    Op("LinearRegressor", 1, LinearRegressor, _infer_regressor, ML, verify=ml_verify.linear_regressor),
)

"""Losses of classifiers: what training graphs end in."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op


def _picked(
    where: str, values: np.ndarray, target: np.ndarray, weight: np.ndarray | None, ignore_index: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """-values[n, target[n, ...], ...] * weight, and the weight, both [N, ...]; 0 where the target is ignored."""
    if values.ndim < 2 or target.shape != (*values.shape[:1], *values.shape[2:]):
        raise ValueError(f"{where}: expected values [N,C,...] and classes [N,...], got {values.shape}, {target.shape}")
    classes = values.shape[1]
    if weight is not None and weight.shape != (classes,):
        raise ValueError(f"{where}: expected {classes} weights, one a class, got shape {weight.shape}")
    ignored = np.zeros(target.shape, bool) if ignore_index is None else np.asarray(target == ignore_index)
    at = np.where(ignored, 0, target)
    if at.size and not (at.min() >= 0 and at.max() < classes):
        raise ValueError(f"{where}: expected classes from 0 to {classes - 1}, got {at.min()} to {at.max()}")
    weights = np.ones(target.shape, values.dtype) if weight is None else widen(weight)[at]
    weights = np.where(ignored, values.dtype.type(0), weights)
    if classes == 0:
        return np.zeros(target.shape, values.dtype), weights
    picked = np.take_along_axis(values, np.expand_dims(at, 1), axis=1)[:, 0]
    return np.where(ignored, values.dtype.type(0), -picked * weights), weights


def _reduced(where: str, loss: np.ndarray, weights: np.ndarray, reduction: str) -> np.ndarray:
    if reduction == "none":
        return loss
    if reduction == "sum":
        return np.asarray(loss.sum())
    if reduction != "mean":
        raise ValueError(f"{where}: expected reduction none, sum or mean, got {reduction!r}")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(loss.sum() / weights.sum())


def NegativeLogLikelihoodLoss(
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> np.ndarray:
    """loss = -input[n, target] * weight[target], [N,C,...] and [N,...]. Source: NegativeLogLikelihoodLoss-22.

    `mean` divides by the sum of the weights that count. Raises ValueError for a class out of range.
    """
    loss, weights = _picked("NegativeLogLikelihoodLoss", widen(input), target, weight, ignore_index)
    return narrow(_reduced("NegativeLogLikelihoodLoss", loss, weights, reduction), input.dtype)


def SoftmaxCrossEntropyLoss(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> tuple[np.ndarray, np.ndarray]:
    """NegativeLogLikelihoodLoss of log_prob = log_softmax(scores, axis 1). Source: SoftmaxCrossEntropyLoss-13."""
    wide = widen(scores)
    shifted = wide - wide.max(axis=1, keepdims=True)
    log_prob = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss, factors = _picked("SoftmaxCrossEntropyLoss", log_prob, labels, weights, ignore_index)
    output = _reduced("SoftmaxCrossEntropyLoss", loss, factors, reduction)
    return narrow(output, scores.dtype), narrow(log_prob, scores.dtype)


def _loss_types(facts: Facts) -> list[Type | None]:
    scores, labels = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    if scores is None:
        return [None, None]
    if facts.attributes.get("reduction", "mean") == "none":
        return [Tensor(scores.element, None if labels is None else labels.shape), scores]
    return [Tensor(scores.element, ()), scores]


OPS: tuple[Op, ...] = (
    Op("NegativeLogLikelihoodLoss", 12, NegativeLogLikelihoodLoss, _loss_types),
    Op("SoftmaxCrossEntropyLoss", 12, SoftmaxCrossEntropyLoss, _loss_types),
)

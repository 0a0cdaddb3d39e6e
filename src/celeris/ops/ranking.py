"""An axis weighed or ranked as a whole: Softmax, LogSoftmax, Hardmax, TopK."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.precision import narrow, quiet, widen
from celeris.ops.table import Facts, Op


def _shifted(where: str, x: np.ndarray, axis: int) -> tuple[np.ndarray, int]:
    """x less its greatest along the axis, so that exp cannot overflow; and the axis from the front."""
    at = shapes.axis_in(where, axis, x.ndim)
    wide = widen(x)
    return wide - wide.max(axis=at, keepdims=True, initial=-np.inf), at


@quiet
def Softmax(input: np.ndarray, *, axis: int = -1) -> np.ndarray:
    """exp(X) / sum(exp(X)) along an axis, the sum in float64. Source: ai.onnx Softmax-13."""
    shifted, at = _shifted("Softmax", input, axis)
    powers = np.exp(shifted)
    total = powers.sum(axis=at, keepdims=True, dtype=np.float64).astype(powers.dtype)
    return narrow(powers / total, input.dtype)


@quiet
def LogSoftmax(input: np.ndarray, *, axis: int = -1) -> np.ndarray:
    """ln(Softmax(X)) without overflow. Source: ai.onnx LogSoftmax-13."""
    shifted, at = _shifted("LogSoftmax", input, axis)
    total = np.exp(shifted).sum(axis=at, keepdims=True, dtype=np.float64)
    return narrow(shifted - np.log(total).astype(shifted.dtype), input.dtype)


def Hardmax(input: np.ndarray, *, axis: int = -1) -> np.ndarray:
    """1 where the first greatest element of an axis is, else 0. Source: ai.onnx Hardmax-13."""
    at = shapes.axis_in("Hardmax", axis, input.ndim)
    result = np.zeros(input.shape, input.dtype)
    if input.size:
        np.put_along_axis(result, input.argmax(axis=at, keepdims=True), np.ones((), input.dtype), at)
    return result


def _coerced(function: Callable[..., np.ndarray], x: np.ndarray, axis: int) -> np.ndarray:
    """`function` over all dimensions from `axis` on at once, as before opset 13."""
    if not -x.ndim <= axis <= x.ndim:
        raise ValueError(f"{function.__name__}: expected an axis in [{-x.ndim}, {x.ndim}], got {axis}")
    at = axis + x.ndim if axis < 0 else axis
    return function(x.reshape(prod(x.shape[:at]), prod(x.shape[at:]))).reshape(x.shape)


def Softmax_1(input: np.ndarray, *, axis: int = 1) -> np.ndarray:
    """Softmax over all dimensions from `axis` on. Source: ai.onnx Softmax-11."""
    return _coerced(Softmax, input, axis)


def LogSoftmax_1(input: np.ndarray, *, axis: int = 1) -> np.ndarray:
    """LogSoftmax over all dimensions from `axis` on. Source: ai.onnx LogSoftmax-11."""
    return _coerced(LogSoftmax, input, axis)


def Hardmax_1(input: np.ndarray, *, axis: int = 1) -> np.ndarray:
    """Hardmax over all dimensions from `axis` on. Source: ai.onnx Hardmax-11."""
    return _coerced(Hardmax, input, axis)


def TopK(
    X: np.ndarray, K: np.ndarray, *, axis: int = -1, largest: int = 1, sorted: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """The K greatest (or least) along an axis and where they are, i64; of equals the first. Source: ai.onnx TopK-24.

    They come sorted whether that is asked for or not.
    """
    at = shapes.axis_in("TopK", axis, X.ndim)
    if K.size != 1:
        raise ValueError(f"TopK: expected one K, got {K.size}")
    count, size = int(K.reshape(-1)[0]), X.shape[at]
    if not 0 <= count <= size:
        raise ValueError(f"TopK: expected K from 0 to {size} (the size of axis {at}), got {count}")
    wide = widen(X)
    if largest:  # sorted backwards from the end, so that of equals the first comes first
        order = size - 1 - np.flip(np.argsort(np.flip(wide, at), axis=at, kind="stable"), at)
    else:
        order = np.argsort(wide, axis=at, kind="stable")
    first = order[(slice(None),) * at + (slice(0, count),)].astype(np.int64)
    return np.take_along_axis(X, first, at), first


def TopK_10(X: np.ndarray, K: np.ndarray, *, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """The K greatest. Source: ai.onnx TopK-10."""
    return TopK(X, K, axis=axis)


def TopK_1(X: np.ndarray, *, axis: int = -1, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k greatest, k an attribute. Source: ai.onnx TopK-1."""
    return TopK(X, np.array(k), axis=axis)


def _topk(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    if data is None or data.shape is None:
        return [data, Tensor("int64")]
    at = shapes.axis_in("TopK", int(facts.attributes.get("axis", -1)), len(data.shape))
    held = (int(facts.attributes["k"]),) if "k" in facts.attributes else shapes.contents(facts, 1)
    known = held is not None and len(held) == 1
    shape = shapes.replaced(data.shape, at, held[0]) if held and known else (None,) * len(data.shape)
    return [Tensor(data.element, shape), Tensor("int64", shape)]


OPS: tuple[Op, ...] = (
    Op("Hardmax", 1, Hardmax_1, shapes.same),
    Op("Hardmax", 13, Hardmax, shapes.same),
    Op("LogSoftmax", 1, LogSoftmax_1, shapes.same),
    Op("LogSoftmax", 13, LogSoftmax, shapes.same),
    Op("Softmax", 1, Softmax_1, shapes.same),
    Op("Softmax", 13, Softmax, shapes.same),
    Op("TopK", 1, TopK_1, _topk),
    Op("TopK", 10, TopK_10, _topk),
    Op("TopK", 11, TopK, _topk),
)

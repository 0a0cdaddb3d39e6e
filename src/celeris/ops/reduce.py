"""Reductions along axes: sums, norms, extremes, and where the extremes are. Softmax and TopK are in ranking.py.

Sums are accumulated in float64 and rounded once; integers wrap in their own type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.older import axes_attribute, without
from celeris.ops.precision import narrow, quiet
from celeris.ops.table import Dims, Facts, Op

Axes = tuple[int, ...]


def in_double(x: np.ndarray) -> np.ndarray:
    """`x` in the type that sums are accumulated in: float64 for any float, integers as they are."""
    return x if x.dtype.kind in "iubc" or x.dtype == np.float64 else x.astype(np.float64)


def _over(where: str, data: np.ndarray, axes: np.ndarray | None, noop_with_empty_axes: int) -> Axes:
    """The axes to reduce, counted from the front: all where none are given, unless noop_with_empty_axes."""
    if axes is None or axes.size == 0:
        return () if noop_with_empty_axes else tuple(range(data.ndim))
    return shapes.axes_in(where, axes.reshape(-1), data.ndim)


def _combined(combine: Any, x: np.ndarray, over: Axes, keepdims: int) -> np.ndarray:
    """`x` reduced by a ufunc in its own type: integers wrap."""
    return np.asarray(combine.reduce(x, axis=over, dtype=x.dtype, keepdims=bool(keepdims)))


def _total(x: np.ndarray, over: Axes, keepdims: int) -> np.ndarray:
    return _combined(np.add, x, over, keepdims)


@quiet
def ReduceSum(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """The sum along axes. Source: ai.onnx ReduceSum-13."""
    over = _over("ReduceSum", data, axes, noop_with_empty_axes)
    return narrow(_total(in_double(data), over, keepdims), data.dtype)


@quiet
def ReduceSumSquare(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """The sum of squares along axes. Source: ai.onnx ReduceSumSquare-18."""
    over = _over("ReduceSumSquare", data, axes, noop_with_empty_axes)
    return narrow(_total(np.square(in_double(data)), over, keepdims), data.dtype)


@quiet
def ReduceL1(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """The sum of absolute values along axes. Source: ai.onnx ReduceL1-18."""
    over = _over("ReduceL1", data, axes, noop_with_empty_axes)
    return narrow(_total(np.abs(in_double(data)), over, keepdims), data.dtype)


@quiet
def ReduceL2(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """The square root of the sum of squares along axes. Source: ai.onnx ReduceL2-18."""
    over = _over("ReduceL2", data, axes, noop_with_empty_axes)
    return narrow(np.sqrt(_total(np.square(data.astype(np.float64)), over, keepdims)), data.dtype)


@quiet
def ReduceLogSum(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """The logarithm of the sum along axes. Source: ai.onnx ReduceLogSum-28."""
    over = _over("ReduceLogSum", data, axes, noop_with_empty_axes)
    return narrow(np.log(_total(data.astype(np.float64), over, keepdims)), data.dtype)


@quiet
def ReduceLogSumExp(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """ln(sum(exp(X))) along axes, without overflow. Source: ai.onnx ReduceLogSumExp-28."""
    over = _over("ReduceLogSumExp", data, axes, noop_with_empty_axes)
    wide = data.astype(np.float64)
    top = wide.max(axis=over, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    total = np.log(_total(np.exp(wide - top), over, 1)) + top
    return narrow(total if keepdims else total.squeeze(over), data.dtype)


@quiet
def ReduceMean(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """The mean along axes; of integers truncated. Source: ai.onnx ReduceMean-18."""
    over = _over("ReduceMean", data, axes, noop_with_empty_axes)
    count = int(np.prod([data.shape[axis] for axis in over], dtype=np.int64))
    if data.dtype.kind in "iu" and count == 0:
        raise ValueError("ReduceMean: expected at least one element to average, got none; integers have no NaN")
    return narrow(_total(data.astype(np.float64), over, keepdims) / np.float64(count), data.dtype)


@quiet
def ReduceProd(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """The product along axes. Source: ai.onnx ReduceProd-18."""
    over = _over("ReduceProd", data, axes, noop_with_empty_axes)
    return narrow(_combined(np.multiply, in_double(data), over, keepdims), data.dtype)


def lowest(dtype: np.dtype) -> Any:
    """What the greatest of no elements is: minus infinity, or the least that the type holds."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return False if dtype.kind == "b" else -np.inf


def highest(dtype: np.dtype) -> Any:
    """What the least of no elements is: infinity, or the greatest that the type holds."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).max
    return True if dtype.kind == "b" else np.inf


def _extreme(pick: np.ufunc, data: np.ndarray, over: Axes, keepdims: int, initial: Any) -> np.ndarray:
    start = np.asarray(initial).astype(data.dtype)[()]
    return narrow(pick.reduce(data, axis=over, keepdims=bool(keepdims), initial=start), data.dtype)


@quiet
def ReduceMax(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """The greatest along axes; NaN where one is NaN. Source: ai.onnx ReduceMax-20."""
    over = _over("ReduceMax", data, axes, noop_with_empty_axes)
    return _extreme(np.maximum, data, over, keepdims, lowest(data.dtype))


@quiet
def ReduceMin(
    data: np.ndarray, axes: np.ndarray | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """The least along axes; NaN where one is NaN. Source: ai.onnx ReduceMin-20."""
    over = _over("ReduceMin", data, axes, noop_with_empty_axes)
    return _extreme(np.minimum, data, over, keepdims, highest(data.dtype))


def _found(
    where: str, find: Callable[..., Any], data: np.ndarray, axis: int, keepdims: int, select_last_index: int
) -> np.ndarray:
    at = shapes.axis_in(where, axis, data.ndim)
    size = data.shape[at]
    if size == 0:
        raise ValueError(f"{where}: expected at least one element along axis {at}, got shape {list(data.shape)}")
    if select_last_index:
        index = size - 1 - find(np.flip(data, at), axis=at, keepdims=bool(keepdims))
    else:
        index = find(data, axis=at, keepdims=bool(keepdims))
    return narrow(index, np.dtype(np.int64))


def ArgMax(data: np.ndarray, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> np.ndarray:
    """Where the greatest along an axis is, i64: the first such place, or the last. Source: ai.onnx ArgMax-13."""
    return _found("ArgMax", np.argmax, data, axis, keepdims, select_last_index)


def ArgMin(data: np.ndarray, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> np.ndarray:
    """Where the least along an axis is, i64: the first such place, or the last. Source: ai.onnx ArgMin-13."""
    return _found("ArgMin", np.argmin, data, axis, keepdims, select_last_index)


def _running(
    where: str, combine: np.ufunc, neutral: int, x: np.ndarray, axis: np.ndarray, exclusive: int, reverse: int
) -> np.ndarray:
    if axis.size != 1:
        raise ValueError(f"{where}: expected one axis, got {axis.size}")
    at = shapes.axis_in(where, int(axis.reshape(-1)[0]), x.ndim)
    wide = in_double(np.flip(x, at) if reverse else x)
    result = combine.accumulate(wide, axis=at, dtype=wide.dtype)
    if exclusive and x.shape[at]:
        first = np.full((*x.shape[:at], 1, *x.shape[at + 1 :]), neutral, wide.dtype)
        before = result[(slice(None),) * at + (slice(0, -1),)]
        result = np.concatenate([first, before], axis=at)
    return narrow(np.flip(result, at) if reverse else result, x.dtype)


@quiet
def CumSum(x: np.ndarray, axis: np.ndarray, *, exclusive: int = 0, reverse: int = 0) -> np.ndarray:
    """Running sums along an axis, with or without the element itself, from either end. Source: ai.onnx CumSum-14."""
    return _running("CumSum", np.add, 0, x, axis, exclusive, reverse)


@quiet
def CumProd(x: np.ndarray, axis: np.ndarray, *, exclusive: int = 0, reverse: int = 0) -> np.ndarray:
    """Running products along an axis, as CumSum. Source: ai.onnx CumProd-26."""
    return _running("CumProd", np.multiply, 1, x, axis, exclusive, reverse)


def _axes(facts: Facts) -> list[int] | None:
    """The axes that are reduced, [] where none are given; None where they are not known."""
    if facts.attributes.get("axes") is not None:
        return list(facts.attributes["axes"])
    return shapes.numbers(facts, 1) if shapes.given(facts, 1) else []


def _reduced(where: str, facts: Facts) -> list[Type | None]:
    """Input 0 with the reduced dimensions of size 1, or without them."""
    data, axes = shapes.tensor(facts, 0), _axes(facts)
    keep = bool(facts.attributes.get("keepdims", 1))
    if data is None or data.shape is None:
        return [data]
    rank = len(data.shape)
    if axes is None:
        return [Tensor(data.element)]
    if not axes and facts.attributes.get("noop_with_empty_axes"):
        return [data]
    over = shapes.axes_in(where, axes, rank) if axes else tuple(range(rank))
    kept = (1 if at in over else size for at, size in enumerate(data.shape) if keep or at not in over)
    return [Tensor(data.element, tuple(kept))]


def _place(where: str, facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    if data is None or data.shape is None:
        return [Tensor("int64")]
    at = shapes.axis_in(where, int(facts.attributes.get("axis", 0)), len(data.shape))
    keep = (1,) if facts.attributes.get("keepdims", 1) else ()
    return [Tensor("int64", (*data.shape[:at], *keep, *data.shape[at + 1 :]))]


def _multiplied(facts: Facts) -> list[Dims | None]:
    held = shapes.contents(facts, 0)
    if held is None or _axes(facts) not in ([], [0], [-1]) or facts.attributes.get("noop_with_empty_axes"):
        return [None]
    return [(shapes.product(held),)]


def _versions(
    function: Callable[..., Any], input_since: int, propagate: Callable[[Facts], list[Dims | None]] | None = None
) -> tuple[Op, Op]:
    """A reduction whose axes became an input at opset `input_since`."""
    name = function.__name__
    rule = partial(_reduced, name)
    older = axes_attribute(without(function, "noop_with_empty_axes"))
    return (
        Op(name, 1, older, rule, propagate=propagate),
        Op(name, input_since, function, rule, propagate=propagate),
    )


OPS: tuple[Op, ...] = (
    Op("ArgMax", 1, without(ArgMax, "select_last_index"), partial(_place, "ArgMax")),
    Op("ArgMax", 12, ArgMax, partial(_place, "ArgMax")),
    Op("ArgMin", 1, without(ArgMin, "select_last_index"), partial(_place, "ArgMin")),
    Op("ArgMin", 12, ArgMin, partial(_place, "ArgMin")),
    Op("CumProd", 26, CumProd, shapes.same),
    Op("CumSum", 11, CumSum, shapes.same),
    *_versions(ReduceL1, 18),
    *_versions(ReduceL2, 18),
    *_versions(ReduceLogSum, 18),
    *_versions(ReduceLogSumExp, 18),
    *_versions(ReduceMax, 18),
    *_versions(ReduceMean, 18),
    *_versions(ReduceMin, 18),
    *_versions(ReduceProd, 18, _multiplied),
    *_versions(ReduceSum, 13),
    *_versions(ReduceSumSquare, 18),
)

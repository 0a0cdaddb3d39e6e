"""Elements picked by index or condition: Gather, Slice, Compress, NonZero, OneHot, Unique, and their kind."""

from __future__ import annotations

from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.older import without
from celeris.ops.precision import widen
from celeris.ops.table import Dims, Facts, Op

_INT64 = np.dtype(np.int64)
_FEW = 16  # numbers that Python compares sooner than NumPy


def wrapped(where: str, indices: np.ndarray, size: int) -> np.ndarray:
    """Indices counted from the front. Raises ValueError, in onnxruntime's words, for one out of range."""
    if not indices.size:
        return indices.astype(np.int64, copy=False)
    some = indices.reshape(-1).tolist() if indices.size <= _FEW else (int(indices.min()), int(indices.max()))
    low, high = min(some), max(some)
    if low < -size or high >= size:
        bad = indices[(indices < -size) | (indices >= size)].reshape(-1)[0]
        raise ValueError(
            f"{where}: indices element out of data bounds, idx={int(bad)} must be within the inclusive range "
            f"[{-size},{size - 1}]"
        )
    if low >= 0:
        return indices.astype(np.int64, copy=False)
    return np.where(indices < 0, indices + size, indices).astype(np.int64)


def Gather(data: np.ndarray, indices: np.ndarray, *, axis: int = 0) -> np.ndarray:
    """Slices of `data` along an axis, in the shape of `indices` in its place. Source: ai.onnx Gather-13."""
    at = shapes.axis_in("Gather", axis, data.ndim)
    return np.asarray(data.take(wrapped("Gather", indices, data.shape[at]), axis=at), data.dtype)


def GatherElements(data: np.ndarray, indices: np.ndarray, *, axis: int = 0) -> np.ndarray:
    """out[i][j] = data[indices[i][j]][j] (axis 0), in the shape of `indices`. Source: ai.onnx GatherElements-13."""
    at = shapes.axis_in("GatherElements", axis, data.ndim)
    part = beside("GatherElements", data, indices.shape, at)
    return np.take_along_axis(part, wrapped("GatherElements", indices, data.shape[at]), at)


def beside(where: str, data: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """The part of `data` that has the sizes of `shape` on every axis but `axis`."""
    if len(shape) != data.ndim:
        raise ValueError(f"{where}: expected indices of rank {data.ndim}, got {len(shape)}")
    wrong = [i for i, size in enumerate(shape) if i != axis and size > data.shape[i]]
    if wrong:
        raise ValueError(f"{where}: expected indices within shape {list(data.shape)}, got shape {list(shape)}")
    return data[tuple(slice(None) if i == axis else slice(0, size) for i, size in enumerate(shape))]


def tuples(where: str, data: np.ndarray, indices: np.ndarray, lead: int) -> tuple[np.ndarray, ...]:
    """The last axis of `indices` as an index per axis of `data` from axis `lead` on, each in range."""
    if not indices.ndim or not 1 <= indices.shape[-1] <= data.ndim - lead:
        raise ValueError(
            f"{where}: expected index tuples of 1 to {data.ndim - lead} numbers, got indices of shape {indices.shape}"
        )
    return tuple(wrapped(where, indices[..., i], data.shape[lead + i]) for i in range(indices.shape[-1]))


def GatherND(data: np.ndarray, indices: np.ndarray, *, batch_dims: int = 0) -> np.ndarray:
    """Slices of `data` at the tuples on the last axis of `indices`. Source: ai.onnx GatherND-13."""
    if not 0 <= batch_dims < min(data.ndim, indices.ndim) or data.shape[:batch_dims] != indices.shape[:batch_dims]:
        raise ValueError(
            f"GatherND: expected {batch_dims} leading dimensions in common, got shapes {data.shape}, {indices.shape}"
        )
    rank = indices.ndim - 1
    batch = tuple(np.arange(size).reshape(-1, *(1,) * (rank - 1 - i)) for i, size in enumerate(data.shape[:batch_dims]))
    return np.asarray(data[(*batch, *tuples("GatherND", data, indices, batch_dims))], data.dtype)


def Slice(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    axes: np.ndarray | None = None,
    steps: np.ndarray | None = None,
) -> np.ndarray:
    """data[start:end:step] along the axes named, or the first ones; a view. Source: ai.onnx Slice-13."""
    low, high = starts.reshape(-1).tolist(), ends.reshape(-1).tolist()
    chosen = list(range(len(low))) if axes is None else axes.reshape(-1).tolist()
    strides = [1] * len(low) if steps is None else steps.reshape(-1).tolist()
    if not len(low) == len(high) == len(chosen) == len(strides) or 0 in strides:
        raise ValueError(
            "Slice: expected as many starts, ends, axes and steps, and no step 0, got "
            f"{low}, {high}, {chosen}, {strides}"
        )
    cut = [slice(None)] * data.ndim
    for axis, start, end, step in zip(shapes.axes_in("Slice", chosen, data.ndim), low, high, strides, strict=True):
        cut[axis] = slice(start, end, step)
    return data[tuple(cut)]


def Slice_1(data: np.ndarray, *, axes: list[int] | None = None, ends: list[int], starts: list[int]) -> np.ndarray:
    """Slice whose arguments are attributes. Source: ai.onnx Slice-1."""
    return Slice(data, np.array(starts), np.array(ends), None if axes is None else np.array(axes))


def Compress(input: np.ndarray, condition: np.ndarray, *, axis: int | None = None) -> np.ndarray:
    """The slices along an axis (of the flattened input without one) where `condition` is. Source: Compress-28."""
    flat = input.reshape(-1) if axis is None else input
    at = 0 if axis is None else shapes.axis_in("Compress", axis, input.ndim)
    chosen = np.flatnonzero(condition[: flat.shape[at]])
    return np.asarray(np.take(flat, chosen, axis=at))


def NonZero(X: np.ndarray) -> np.ndarray:
    """The indices of elements other than 0, in row-major order: i64 [rank, n]. Source: ai.onnx NonZero-13."""
    if X.ndim == 0:
        return np.zeros((0, int(bool(X))), np.int64)
    return np.array(np.nonzero(X), _INT64)


def OneHot(indices: np.ndarray, depth: np.ndarray, values: np.ndarray, *, axis: int = -1) -> np.ndarray:
    """values [off, on]: `on` at each index along a new axis of size `depth`, else `off`. Source: ai.onnx OneHot-28."""
    size = int(depth.reshape(-1)[0]) if depth.size == 1 else 0
    if size < 1 or values.shape != (2,):
        raise ValueError(
            f"OneHot: expected one depth of at least 1 and two values, got {depth.tolist()} and shape {values.shape}"
        )
    at = shapes.axis_in("OneHot", axis, indices.ndim + 1)
    where = indices.astype(np.int64)
    places = np.expand_dims(np.where(where < 0, where + size, where), at)
    classes = np.arange(size).reshape(-1, *(1,) * (indices.ndim - at))
    return np.take(values, (places == classes).astype(np.intp))


def ReverseSequence(
    input: np.ndarray, sequence_lens: np.ndarray, *, batch_axis: int = 1, time_axis: int = 0
) -> np.ndarray:
    """The first sequence_lens[b] steps of each sequence in reverse, the rest as it is. Source: ReverseSequence-28."""
    if {batch_axis, time_axis} != {0, 1} or input.ndim < 2:
        raise ValueError(
            f"ReverseSequence: expected batch_axis and time_axis 0 and 1, got {batch_axis} and {time_axis}"
        )
    steps, batch = input.shape[time_axis], input.shape[batch_axis]
    if sequence_lens.shape != (batch,) or (sequence_lens < 0).any() or (sequence_lens > steps).any():
        raise ValueError(
            f"ReverseSequence: expected {batch} sequence_lens from 0 to {steps}, got {sequence_lens.tolist()}"
        )
    time = np.arange(steps)[:, None]
    source = np.where(time < sequence_lens, sequence_lens - 1 - time, time)
    chosen = input[source, np.arange(batch)] if time_axis == 0 else input[np.arange(batch)[:, None], source.T]
    return np.asarray(chosen)


def Unique(
    X: np.ndarray, *, axis: int | None = None, sorted: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The distinct elements (or slices along an axis), where each is first, which each is, how many. Source: Unique-28.

    Y ascending, or in the order of first occurrence.
    """
    at = 0 if axis is None else shapes.axis_in("Unique", axis, X.ndim)
    flat = X.reshape(-1) if axis is None else X
    keys = widen(flat) if X.dtype != object else np.unique(flat, return_inverse=True)[1].reshape(flat.shape)
    rows = keys if keys.ndim == 1 else np.moveaxis(keys, at, 0).reshape(keys.shape[at], -1)
    _, first, inverse, counts = np.unique(
        rows, axis=None if rows.ndim == 1 else 0, return_index=True, return_inverse=True, return_counts=True
    )
    inverse = inverse.reshape(-1)
    if not sorted:
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        first, inverse, counts = first[order], rank[inverse], counts[order]
    distinct = np.take(flat, first, axis=at)
    return distinct, first.astype(_INT64), inverse.astype(_INT64), counts.astype(_INT64)


def _gathered(facts: Facts) -> list[Type | None]:
    data, indices = shapes.tensor(facts, 0), shapes.shape_of(facts, 1)
    if data is None or data.shape is None or indices is None:
        return [data and Tensor(data.element)]
    at = shapes.axis_in("Gather", int(facts.attributes.get("axis", 0)), len(data.shape))
    return [Tensor(data.element, (*data.shape[:at], *indices, *data.shape[at + 1 :]))]


def _picked(facts: Facts) -> list[Dims | None]:
    held, indices = shapes.contents(facts, 0), shapes.numbers(facts, 1)
    if held is None or indices is None or not all(-len(held) <= i < len(held) for i in indices):
        return [None]
    return [tuple(held[i] for i in indices)]


def _elements(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    return [data and Tensor(data.element, shapes.shape_of(facts, 1))]


def _tuples_gathered(facts: Facts) -> list[Type | None]:
    data, indices = shapes.tensor(facts, 0), shapes.shape_of(facts, 1)
    if data is None or data.shape is None or not indices or not isinstance(indices[-1], int):
        return [data and Tensor(data.element)]
    rest = int(facts.attributes.get("batch_dims", 0)) + indices[-1]
    return [Tensor(data.element, (*indices[:-1], *data.shape[rest:]))]


def _bounds(facts: Facts, name: str, index: int) -> list[int] | None:
    """starts, ends, axes or steps, as attribute or input; None where it is not known."""
    if facts.attributes.get(name) is not None:
        return list(facts.attributes[name])
    return shapes.numbers(facts, index)


def cut(size: Dim, start: int, end: int, step: int) -> Dim:
    """How many elements of `size` lie in [start:end:step]; None where that cannot be told."""
    if isinstance(size, int):
        return len(range(*slice(start, end, step).indices(size)))
    return size if start == 0 and step == 1 and end >= 2**31 - 1 else None


def _sliced(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    if data is None or data.shape is None:
        return [data]
    rank = len(data.shape)
    starts, ends = _bounds(facts, "starts", 1), _bounds(facts, "ends", 2)
    axes = _bounds(facts, "axes", 3)
    if axes is None and (shapes.given(facts, 3) or (starts or ends) is None):
        return [Tensor(data.element, (None,) * rank)]
    chosen = shapes.axes_in("Slice", range(len(starts or ends or ())) if axes is None else axes, rank)
    steps = _bounds(facts, "steps", 4) if shapes.given(facts, 4) else [1] * len(chosen)
    found = list(data.shape)
    for i, axis in enumerate(chosen):
        whole = None if starts is None or ends is None or steps is None else (starts[i], ends[i], steps[i])
        found[axis] = None if whole is None else cut(found[axis], *whole)
    return [Tensor(data.element, tuple(found))]


def _part(facts: Facts) -> list[Dims | None]:
    held, starts, ends = shapes.contents(facts, 0), _bounds(facts, "starts", 1), _bounds(facts, "ends", 2)
    steps = _bounds(facts, "steps", 4) if shapes.given(facts, 4) else [1]
    shape = shapes.shape_of(facts, 0)
    known = held is not None and starts is not None and ends is not None and steps is not None
    if not known or not held or not starts or not ends or not steps or len(starts) != 1 or len(shape or (0,)) != 1:
        return [None]
    return [tuple(held[starts[0] : ends[0] : steps[0]])]


def _compressed(facts: Facts) -> list[Type | None]:
    data, axis = shapes.tensor(facts, 0), facts.attributes.get("axis")
    if data is None or data.shape is None or axis is None:
        return [data and Tensor(data.element, (None,) if axis is None else None)]
    return [Tensor(data.element, shapes.replaced(data.shape, shapes.axis_in("Compress", axis, len(data.shape)), None))]


def _nonzero(facts: Facts) -> list[Type | None]:
    shape = shapes.shape_of(facts, 0)
    return [Tensor("int64", (None if shape is None else len(shape), None))]


def _one_hot(facts: Facts) -> list[Type | None]:
    shape, kind, depth = shapes.shape_of(facts, 0), shapes.tensor(facts, 2), shapes.contents(facts, 1)
    if kind is None or shape is None:
        return [kind and Tensor(kind.element)]
    at = shapes.axis_in("OneHot", int(facts.attributes.get("axis", -1)), len(shape) + 1)
    size: Dim = depth[0] if depth is not None and len(depth) == 1 else None
    return [Tensor(kind.element, (*shape[:at], size, *shape[at:]))]


def _unique(facts: Facts) -> list[Type | None]:
    data, axis = shapes.tensor(facts, 0), facts.attributes.get("axis")
    index = Tensor("int64", (None,))
    if data is None:
        return [None, index, index, index]
    shape: Seq[Dim] | None = (None,) if axis is None else data.shape
    if axis is not None and data.shape is not None:
        shape = shapes.replaced(data.shape, shapes.axis_in("Unique", axis, len(data.shape)), None)
    return [Tensor(data.element, None if shape is None else tuple(shape)), index, index, index]


OPS: tuple[Op, ...] = (
    Op("Compress", 9, Compress, _compressed),
    Op("Gather", 1, Gather, _gathered, propagate=_picked),
    Op("GatherElements", 11, GatherElements, _elements),
    Op("GatherND", 11, without(GatherND, "batch_dims"), _tuples_gathered),
    Op("GatherND", 12, GatherND, _tuples_gathered),
    Op("NonZero", 9, NonZero, _nonzero),
    Op("OneHot", 9, OneHot, _one_hot),
    Op("ReverseSequence", 10, ReverseSequence, shapes.same),
    Op("Slice", 1, Slice_1, _sliced, propagate=_part),
    Op("Slice", 10, Slice, _sliced, propagate=_part),
    Op("Unique", 11, Unique, _unique),
)

"""Operators of com.microsoft that rearrange tensors, most of them ONNX's own from before they were there."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.types import Shape, Tensor, Type
from celeris.ops import shapes
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.grids import GridSample as OnnxGridSample
from celeris.ops.index import GatherND as OnnxGatherND
from celeris.ops.table import Facts, Op
from celeris.ops.tensor import Pad as OnnxPad
from celeris.ops.tensor import Range as OnnxRange
from celeris.ops.tensor import Trilu as OnnxTrilu


def ExpandDims(X: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """X with a new axis of size 1. Source: com.microsoft ExpandDims-1."""
    at = int(axis.reshape(-1)[0])
    if not -X.ndim - 1 <= at <= X.ndim:
        raise ValueError(f"ExpandDims: expected an axis in [{-X.ndim - 1}, {X.ndim}], got {at}")
    return np.expand_dims(X, at)


def GatherND(data: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Slices of data at index vectors. Source: com.microsoft GatherND-1."""
    return OnnxGatherND(data, indices)


def GridSample(
    X: np.ndarray, Grid: np.ndarray, *, align_corners: int = 0, mode: str = "bilinear", padding_mode: str = "zeros"
) -> np.ndarray:
    """X [N,C,H,W] read at points: Grid [N,H',W',2] in [-1, 1]. Source: com.microsoft GridSample-1."""
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    return OnnxGridSample(X, Grid, align_corners=align_corners, mode=mode, padding_mode=padding_mode)


def Pad(data: np.ndarray, pads: np.ndarray, value: np.ndarray | None = None, *, mode: str = "constant") -> np.ndarray:
    """data with a border: pads [2 * rank] or [1, 2 * rank]. Source: com.microsoft Pad-1."""
    return OnnxPad(data, pads.reshape(-1), value, mode=mode)


def Range(start: np.ndarray, limit: np.ndarray, delta: np.ndarray | None = None) -> np.ndarray:
    """start, start + delta, ... before limit; delta is 1 where it is missing. Source: com.microsoft Range-1."""
    first, last, step = (None if x is None else x.reshape(-1)[0].reshape(()) for x in (start, limit, delta))
    assert first is not None
    assert last is not None
    return OnnxRange(first, last, np.asarray(1, start.dtype) if step is None else step)


def Trilu(X: np.ndarray, k: np.ndarray | None = None, *, upper: int = 1) -> np.ndarray:
    """The upper or lower triangle of each matrix. Source: com.microsoft Trilu-1."""
    return OnnxTrilu(X, k, upper=upper)


def UnfoldTensor(input: np.ndarray, *, dim: int = -1, size: int, step: int = 1) -> np.ndarray:
    """Slices of `size` along `dim`, `step` apart, as a new last axis. Source: com.microsoft UnfoldTensor-1."""
    axis = shapes.axis_in("UnfoldTensor", dim, input.ndim)
    if not 1 <= size <= input.shape[axis] or step < 1:
        raise ValueError(
            f"UnfoldTensor: expected size from 1 to {input.shape[axis]} and step from 1, got {size} and {step}"
        )
    views = np.lib.stride_tricks.sliding_window_view(input, size, axis)
    at: list[Any] = [slice(None)] * input.ndim
    at[axis] = slice(None, None, step)
    return np.ascontiguousarray(views[tuple(at)])


def Unique(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different elements in the order in which they come, which of them each x is, and how many of each.

    Source: com.microsoft Unique-1.
    """
    if x.ndim != 1:
        raise ValueError(f"Unique: expected x of rank 1, got shape {list(x.shape)}")
    values, first, which, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return values[order], place[which.reshape(-1)].astype(np.int64), counts[order].astype(np.int64)


def SampleOp(X: np.ndarray) -> np.ndarray:
    """Y = X. Source: com.microsoft SampleOp-1."""
    return X


def NGramRepeatBlock(input_ids: np.ndarray, scores: np.ndarray, *, ngram_size: int) -> np.ndarray:
    """Scores [B,V] with -inf where a token would repeat an n-gram of ids [B,T]. Source: NGramRepeatBlock-1."""
    if input_ids.ndim != 2 or scores.ndim != 2 or len(input_ids) != len(scores) or ngram_size < 1:
        raise ValueError("NGramRepeatBlock: expected input_ids [B,T], scores [B,V] and ngram_size of at least 1")
    out = scores.copy()
    length = input_ids.shape[1]
    if length < ngram_size:
        return out
    grams = np.lib.stride_tricks.sliding_window_view(input_ids, ngram_size, 1)
    last = input_ids[:, None, length - ngram_size + 1 :]
    rows, at = np.nonzero((grams[..., :-1] == last).all(axis=-1))
    tokens = grams[rows, at, -1]
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < scores.shape[1]:
        raise ValueError(f"NGramRepeatBlock: expected ids from 0 to {scores.shape[1] - 1}, got {tokens.max()}")
    out[rows, tokens] = -np.inf
    return out


def _expanded(facts: Facts) -> list[Type | None]:
    x, axis = shapes.tensor(facts, 0), shapes.value(facts, 1)
    if x is None or x.shape is None or axis is None:
        return [None if x is None else Tensor(x.element)]
    at = int(axis.reshape(-1)[0]) % (len(x.shape) + 1)
    return [Tensor(x.element, (*x.shape[:at], 1, *x.shape[at:]))]


def _of_element(shape: Shape | None, facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    return [None if x is None else Tensor(x.element, shape)]


def _gathered(facts: Facts) -> list[Type | None]:
    data, indices = shapes.shape_of(facts, 0), shapes.shape_of(facts, 1)
    if data is None or not indices or not isinstance(indices[-1], int):
        return _of_element(None, facts)
    return _of_element((*indices[:-1], *data[indices[-1] :]), facts)


def _sampled(facts: Facts) -> list[Type | None]:
    x, grid = shapes.shape_of(facts, 0), shapes.shape_of(facts, 1)
    if x is None or grid is None or len(x) != 4 or len(grid) != 4:
        return _of_element(None, facts)
    return _of_element((x[0], x[1], grid[1], grid[2]), facts)


def _padded(facts: Facts) -> list[Type | None]:
    x, pads = shapes.shape_of(facts, 0), shapes.numbers(facts, 1)
    if x is None or pads is None or len(pads) != 2 * len(x):
        return _of_element(None if x is None else (None,) * len(x), facts)
    ends = zip(x, pads[: len(x)], pads[len(x) :], strict=True)
    return _of_element(tuple(n + a + b if isinstance(n, int) else n if a + b == 0 else None for n, a, b in ends), facts)


def _ranged(facts: Facts) -> list[Type | None]:
    return _of_element((None,), facts)


def _unfolded(facts: Facts) -> list[Type | None]:
    x, size, step = shapes.shape_of(facts, 0), facts.attributes["size"], facts.attributes.get("step", 1)
    if x is None:
        return _of_element(None, facts)
    axis = shapes.axis_in("UnfoldTensor", facts.attributes.get("dim", -1), len(x))
    long = x[axis]
    count = (long - size) // step + 1 if isinstance(long, int) else None
    return _of_element((*shapes.replaced(x, axis, count), size), facts)


def _unique_types(facts: Facts) -> list[Type | None]:
    return [*_of_element((None,), facts), Tensor("int64", shapes.shape_of(facts, 0)), Tensor("int64", (None,))]


def _scores_type(facts: Facts) -> list[Type | None]:
    return [facts.types[1]]


OPS: tuple[Op, ...] = (
    Op("ExpandDims", 1, ExpandDims, _expanded, MICROSOFT),
    Op("GatherND", 1, GatherND, _gathered, MICROSOFT),
    Op("GridSample", 1, GridSample, _sampled, MICROSOFT),
    Op("NGramRepeatBlock", 1, NGramRepeatBlock, _scores_type, MICROSOFT),
    Op("Pad", 1, Pad, _padded, MICROSOFT),
    Op("Range", 1, Range, _ranged, MICROSOFT),
    Op("SampleOp", 1, SampleOp, shapes.same, MICROSOFT),
    Op("Trilu", 1, Trilu, shapes.same, MICROSOFT),
    Op("UnfoldTensor", 1, UnfoldTensor, _unfolded, MICROSOFT),
    Op("Unique", 1, Unique, _unique_types, MICROSOFT),
)

"""Elements put in place by index: ScatterElements, ScatterND, TensorScatter."""

from __future__ import annotations

import numpy as np

from celeris.ops import shapes
from celeris.ops.index import beside, tuples, wrapped
from celeris.ops.older import without
from celeris.ops.precision import narrow, quiet, widen
from celeris.ops.table import Op

_REDUCTIONS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _put(
    where: str, data: np.ndarray, index: tuple[np.ndarray, ...], updates: np.ndarray, reduction: str
) -> np.ndarray:
    """A copy of `data` with `updates` at `index`, put there or combined with what is there."""
    if reduction == "none":
        result = data.copy()
        result[index] = updates
        return result
    if reduction not in _REDUCTIONS or data.dtype == object:
        raise ValueError(f"{where}: expected a reduction of none, add, mul, max or min on numbers, got {reduction!r}")
    wide = widen(data)
    wide = wide.copy() if wide is data else wide
    _REDUCTIONS[reduction].at(wide, index, widen(updates))
    return narrow(wide, data.dtype)


@quiet
def ScatterElements(
    data: np.ndarray, indices: np.ndarray, updates: np.ndarray, *, axis: int = 0, reduction: str = "none"
) -> np.ndarray:
    """out[indices[i][j]][j] = updates[i][j] (axis 0), the rest as in data. Source: ai.onnx ScatterElements-18."""
    at = shapes.axis_in("ScatterElements", axis, data.ndim)
    beside("ScatterElements", data, indices.shape, at)
    if indices.shape != updates.shape:
        raise ValueError(
            "ScatterElements: expected indices and updates of one shape, got "
            f"{list(indices.shape)} and {list(updates.shape)}"
        )
    index = list(np.ogrid[tuple(slice(0, size) for size in indices.shape)])
    index[at] = wrapped("ScatterElements", indices, data.shape[at])
    return _put("ScatterElements", data, tuple(index), updates, reduction)


def Scatter(data: np.ndarray, indices: np.ndarray, updates: np.ndarray, *, axis: int = 0) -> np.ndarray:
    """ScatterElements under its first name. Source: ai.onnx Scatter-9."""
    return ScatterElements(data, indices, updates, axis=axis)


@quiet
def ScatterND(data: np.ndarray, indices: np.ndarray, updates: np.ndarray, *, reduction: str = "none") -> np.ndarray:
    """Slices of `updates` at the tuples on the last axis of `indices`. Source: ai.onnx ScatterND-18."""
    index = tuples("ScatterND", data, indices, 0)
    expected = indices.shape[:-1] + data.shape[len(index) :]
    if updates.shape != expected:
        raise ValueError(f"ScatterND: expected updates of shape {list(expected)}, got {list(updates.shape)}")
    return _put("ScatterND", data, index, updates, reduction)


def TensorScatter(
    past_cache: np.ndarray,
    update: np.ndarray,
    write_indices: np.ndarray | None = None,
    *,
    axis: int = -2,
    mode: str = "linear",
) -> np.ndarray:
    """past_cache [B,...] with `update` along `axis` from write_indices[b] on, around its end if circular.

    Source: ai.onnx TensorScatter-24.
    """
    at = shapes.axis_in("TensorScatter", axis, past_cache.ndim)
    batch, size, steps = past_cache.shape[0], past_cache.shape[at], update.shape[at]
    if at == 0 or update.shape != shapes.replaced(past_cache.shape, at, steps) or steps > size:
        raise ValueError(
            f"TensorScatter: expected an update that fits {list(past_cache.shape)} along an axis after 0, got "
            f"{list(update.shape)} along {axis}"
        )
    if mode not in ("linear", "circular"):
        raise ValueError(f"TensorScatter: expected mode linear or circular, got {mode!r}")
    first = np.zeros(batch, np.int64) if write_indices is None else write_indices.reshape(-1).astype(np.int64)
    places = first[:, None] + np.arange(steps)
    if mode == "circular":
        places %= size
    elif places.size and (places.min() < 0 or places.max() >= size):
        raise ValueError(
            f"TensorScatter: expected write_indices from 0 to {size - steps}, got {first.tolist()}; use mode=circular"
        )
    result = past_cache.copy()
    moved = np.moveaxis(result, at, 1)
    moved[np.arange(batch)[:, None], places] = np.moveaxis(update, at, 1)
    return result


OPS: tuple[Op, ...] = (
    Op("Scatter", 9, Scatter, shapes.same),
    Op("Scatter", 11, Scatter, shapes.same, deprecated=True),
    Op("ScatterElements", 11, without(ScatterElements, "reduction"), shapes.same),
    Op("ScatterElements", 16, ScatterElements, shapes.same),
    Op("ScatterND", 11, without(ScatterND, "reduction"), shapes.same),
    Op("ScatterND", 16, ScatterND, shapes.same),
    Op("TensorScatter", 24, TensorScatter, shapes.same),
)

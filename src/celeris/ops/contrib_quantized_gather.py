"""Embedding tables of com.microsoft in blocks of few bits."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.contrib_quantized_matmul import unpacked
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op


def GatherBlockQuantized(
    data: np.ndarray,
    indices: np.ndarray,
    scales: np.ndarray,
    zero_points: np.ndarray | None = None,
    *,
    bits: int = 4,
    block_size: int = 128,
    gather_axis: int = 0,
    quantize_axis: int = 1,
) -> np.ndarray:
    """output = slices of data at indices along gather_axis, less zero point, times scale, one each a block of an axis.

    An index out of range gives zeros. data of uint8 holds 8 // bits numbers a byte along its last axis, the lowest
    bits first. Source: com.microsoft GatherBlockQuantized-1.
    """
    packed = data.dtype == np.uint8
    whole = unpacked(data, bits) if packed and bits < 8 else data
    gathered = shapes.axis_in("GatherBlockQuantized", gather_axis, whole.ndim)
    axis = shapes.axis_in("GatherBlockQuantized", quantize_axis, whole.ndim)
    if gathered == axis:
        raise ValueError(f"GatherBlockQuantized: expected two axes, got gather_axis and quantize_axis {axis}")
    block = np.arange(whole.shape[axis]) // (block_size or max(whole.shape[axis], 1))
    want = [len(set(block.tolist())) if i == axis else size for i, size in enumerate(whole.shape)]
    if scales.ndim != whole.ndim or any(own not in (1, size) for own, size in zip(scales.shape, want, strict=True)):
        raise ValueError(f"GatherBlockQuantized: expected scales {want}, got {list(scales.shape)}")
    size = whole.shape[gathered]
    inside = (indices >= -size) & (indices < size)
    at = np.where(inside, indices, 0)

    def slices(x: np.ndarray, repeated: bool) -> np.ndarray:
        """The slices of `x`, a block's value for each of its numbers."""
        each = np.take(x, block, axis) if repeated and x.shape[axis] > 1 else x
        return np.take(each, at, gathered) if each.shape[gathered] > 1 or size == 1 else each

    values = slices(whole, False).astype(np.float32)
    if zero_points is not None:
        zeros = unpacked(zero_points, bits)[..., : scales.shape[-1]] if packed and bits < 8 else zero_points
        values = values - slices(zeros, True).astype(np.float32)
    elif packed:
        values = values - np.float32(1 << bits - 1)
    y = values * slices(widen(scales), True)
    inside = inside.reshape(*[1] * gathered, *indices.shape, *[1] * (whole.ndim - gathered - 1))
    return narrow(np.where(inside, y, np.float32(0)), scales.dtype)


def _gathered(facts: Facts) -> list[Type | None]:
    data, at, scales = shapes.tensor(facts, 0), shapes.shape_of(facts, 1), shapes.tensor(facts, 2)
    if scales is None:
        return [None]
    if data is None or data.shape is None or at is None:
        return [Tensor(scales.element)]
    axis = int(facts.attributes.get("gather_axis", 0)) % max(len(data.shape), 1)
    dims = list(data.shape)
    if data.element == "uint8" and isinstance(dims[-1], int):
        dims[-1] = dims[-1] * 8 // int(facts.attributes.get("bits", 4))
    return [Tensor(scales.element, (*dims[:axis], *at, *dims[axis + 1 :]))]


OPS: tuple[Op, ...] = (Op("GatherBlockQuantized", 1, GatherBlockQuantized, _gathered, MICROSOFT),)

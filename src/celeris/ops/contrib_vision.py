"""Operators of com.microsoft on images: crops, and convolutions and pools whose padding or mask is an input."""

from __future__ import annotations

from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.conv import ConvTranspose
from celeris.ops.pool import MaxPool
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Dims, Facts, Op
from celeris.ops.windows import output_sizes


def ConvTransposeWithDynamicPads(
    X: np.ndarray,
    W: np.ndarray,
    Pads: np.ndarray | None = None,
    B: np.ndarray | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Seq[int] | None = None,
    group: int = 1,
    kernel_shape: Seq[int] | None = None,
    output_padding: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """ConvTranspose whose pads [2 * rank] are an input: X [N,C,...], W [C,M/group,...] -> Y [N,M,...].

    Source: com.microsoft ConvTransposeWithDynamicPads-1.
    """
    return ConvTranspose(
        X, W, B, auto_pad=auto_pad, dilations=dilations, group=group, kernel_shape=kernel_shape,
        output_padding=output_padding, pads=None if Pads is None else [int(n) for n in Pads], strides=strides,
    )  # fmt: skip


def _points(first: np.ndarray, last: np.ndarray, size: int, out: int) -> np.ndarray:
    """Where `out` points from `first` to `last` [R], shares of an axis, lie among its pixels: [R,out]."""
    if out == 1:
        return 0.5 * (first + last)[:, None] * (size - 1)
    step = (last - first) * (size - 1) / (out - 1)
    return np.asarray(first[:, None] * (size - 1) + np.arange(out, dtype=first.dtype) * step[:, None])


def CropAndResize(
    X: np.ndarray,
    rois: np.ndarray,
    batch_indices: np.ndarray,
    crop_size: np.ndarray,
    *,
    extrapolation_value: float = 0.0,
    mode: str = "bilinear",
) -> np.ndarray:
    """Boxes of X [N,C,H,W] in one size [2]: rois [R,4] of y1, x1, y2, x2 in [0, 1], their images [R] -> Y [R,C,h,w].

    Source: com.microsoft CropAndResize-1.
    """
    count = len(rois)
    if X.ndim != 4 or rois.shape != (count, 4) or batch_indices.shape != (count,) or crop_size.shape != (2,):
        given = ", ".join(str(list(a.shape)) for a in (X, rois, batch_indices, crop_size))
        raise ValueError(
            f"CropAndResize: expected X [N,C,H,W], rois [R,4], batch_indices [R], crop_size [2], got {given}"
        )
    if mode not in ("bilinear", "nearest"):
        raise ValueError(f"CropAndResize: expected mode bilinear or nearest, got {mode!r}")
    if count and not (batch_indices.min() >= 0 and batch_indices.max() < len(X)):
        raise ValueError(f"CropAndResize: expected batch_indices from 0 to {len(X) - 1}, got {batch_indices.tolist()}")
    height, width = X.shape[2:]
    boxes = widen(rois)
    rows = _points(boxes[:, 0], boxes[:, 2], height, int(crop_size[0]))
    columns = _points(boxes[:, 1], boxes[:, 3], width, int(crop_size[1]))
    inside = ((rows >= 0) & (rows <= height - 1))[:, None, :, None]
    inside = inside & ((columns >= 0) & (columns <= width - 1))[:, None, None, :]
    image = widen(X)[batch_indices]
    every = np.arange(count)[:, None, None]

    def pixels(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """[R,C,h,w] of the pixels at rows y [R,h] and columns x [R,w]."""
        y, x = y.clip(0, height - 1).astype(np.int64), x.clip(0, width - 1).astype(np.int64)
        return np.moveaxis(image[every, :, y[:, :, None], x[:, None, :]], 3, 1)

    if mode == "nearest":
        found = pixels(np.floor(rows + 0.5), np.floor(columns + 0.5))
    else:
        top, left = np.floor(rows), np.floor(columns)
        low, right = (rows - top)[:, None, :, None], (columns - left)[:, None, None, :]
        upper = pixels(top, left) * (1 - right) + pixels(top, np.ceil(columns)) * right
        lower = pixels(np.ceil(rows), left) * (1 - right) + pixels(np.ceil(rows), np.ceil(columns)) * right
        found = upper * (1 - low) + lower * low
    return narrow(np.where(inside, found, found.dtype.type(extrapolation_value)), X.dtype)


def MaxpoolWithMask(
    X: np.ndarray,
    M: np.ndarray,
    *,
    auto_pad: str = "NOTSET",
    kernel_shape: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    storage_order: int = 0,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """The maximum of each window of X [N,C,...] up to the first pixel of it whose mask M [N,C,...] is 0.

    Source: com.microsoft MaxpoolWithMask-1.
    """
    if X.shape[2:] != M.shape[2:] or X.ndim < 3:
        raise ValueError(f"MaxpoolWithMask: expected X and M [N,C,...], got {list(X.shape)} and {list(M.shape)}")
    seen = np.broadcast_to(M != 0, X.shape)
    lowest = np.finfo(np.float32).min
    kernel = X.shape[2:] if kernel_shape is None else kernel_shape
    return MaxPool(
        np.where(seen, X, lowest), kernel_shape=kernel, auto_pad=auto_pad, pads=pads, storage_order=storage_order,
        strides=strides,
    )[0]  # fmt: skip


def _cropped(facts: Facts) -> list[Type | None]:
    x, rois = shapes.tensor(facts, 0), shapes.shape_of(facts, 1)
    if x is None or x.shape is None or len(x.shape) != 4 or not rois:
        return [None if x is None else Tensor(x.element)]
    size: Dims = tuple(shapes.numbers(facts, 3) or (None, None))
    return [Tensor(x.element, (rois[0], x.shape[1], *size))]


def _pooled(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None or x.shape is None or len(x.shape) < 3:
        return [x]
    sizes = output_sizes(x.shape[2:], facts.attributes.get("kernel_shape"), facts.attributes)
    return [Tensor(x.element, (*x.shape[:2], *sizes))]


def _transposed(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    return [
        None
        if x is None
        else Tensor(x.element, None if x.shape is None else (x.shape[0], *[None] * (len(x.shape) - 1)))
    ]


OPS: tuple[Op, ...] = (
    Op("ConvTransposeWithDynamicPads", 1, ConvTransposeWithDynamicPads, _transposed, MICROSOFT),
    Op("CropAndResize", 1, CropAndResize, _cropped, MICROSOFT),
    Op("MaxpoolWithMask", 1, MaxpoolWithMask, _pooled, MICROSOFT),
)

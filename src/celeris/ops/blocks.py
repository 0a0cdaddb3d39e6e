"""Blocks of pixels to channels and back, and convolution at deformed positions."""

from __future__ import annotations

import math
from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.sampling import linear
from celeris.ops.table import Facts, Op
from celeris.ops.windows import output_sizes, windows


def _block(where: str, x: np.ndarray, blocksize: int, mode: str) -> int:
    if x.ndim != 4 or blocksize < 1:
        raise ValueError(f"{where}: expected input [N,C,H,W] and a positive blocksize, got {x.shape} and {blocksize}")
    if mode not in ("DCR", "CRD"):
        raise ValueError(f"{where}: expected mode DCR or CRD, got {mode!r}")
    return blocksize


def DepthToSpace(input: np.ndarray, *, blocksize: int, mode: str = "DCR") -> np.ndarray:
    """[N, C*b*b, H, W] -> [N, C, H*b, W*b]; the block leads the channels (DCR) or follows. Source: DepthToSpace-28."""
    b = _block("DepthToSpace", input, blocksize, mode)
    n, c, h, w = input.shape
    if c % (b * b):
        raise ValueError(f"DepthToSpace: expected channels divisible by {b * b}, got {c}")
    c //= b * b
    if mode == "DCR":
        parts = input.reshape(n, b, b, c, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = input.reshape(n, c, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, c, h * b, w * b)


def DepthToSpace_1(input: np.ndarray, *, blocksize: int) -> np.ndarray:
    """DepthToSpace in mode DCR. Source: ai.onnx DepthToSpace-1."""
    return DepthToSpace(input, blocksize=blocksize)


def SpaceToDepth(input: np.ndarray, *, blocksize: int, mode: str = "DCR") -> np.ndarray:
    """[N, C, H*b, W*b] -> [N, C*b*b, H, W], the reverse of DepthToSpace. Source: ai.onnx SpaceToDepth-28."""
    b = _block("SpaceToDepth", input, blocksize, mode)
    n, c, h, w = input.shape
    if h % b or w % b:
        raise ValueError(f"SpaceToDepth: expected height and width divisible by {b}, got {h} and {w}")
    parts = input.reshape(n, c, h // b, b, w // b, b)
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return parts.transpose(order).reshape(n, c * b * b, h // b, w // b)


def SpaceToDepth_1(input: np.ndarray, *, blocksize: int) -> np.ndarray:
    """SpaceToDepth in mode DCR. Source: ai.onnx SpaceToDepth-1."""
    return SpaceToDepth(input, blocksize=blocksize)


def DeformConv(
    X: np.ndarray,
    W: np.ndarray,
    offset: np.ndarray,
    B: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    *,
    dilations: Seq[int] | None = None,
    group: int = 1,
    kernel_shape: Seq[int] | None = None,
    offset_group: int = 1,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """Conv of X, W at positions moved by `offset` [N,G*K*rank,*out], times `mask` [N,G*K,*out]. Source: DeformConv-22.

    K = prod(kernel), G = offset_group; values between pixels are linear, outside X they are 0.
    """
    kernel = W.shape[2:]
    rank = X.ndim - 2
    if rank < 1 or W.ndim != X.ndim or group < 1 or X.shape[1] != W.shape[1] * group or W.shape[0] % group:
        raise ValueError(f"DeformConv: expected W [M,C/group,...] for X {X.shape}, group {group}, got {W.shape}")
    if kernel_shape is not None and len(kernel_shape) and tuple(kernel_shape) != kernel:
        raise ValueError(f"DeformConv: expected kernel_shape {kernel} as W has, got {tuple(kernel_shape)}")
    frame = windows("DeformConv", X.shape[2:], kernel, strides=strides, dilations=dilations, pads=pads)
    taps, items, channels = math.prod(kernel), len(X), X.shape[1]
    wanted = (items, offset_group * taps * rank, *frame.out)
    if offset_group < 1 or channels % offset_group or offset.shape != wanted:
        raise ValueError(f"DeformConv: expected offset {wanted}, offset_group {offset_group}, got {offset.shape}")
    x, moves = widen(X), widen(offset).reshape(items, offset_group, *kernel, rank, *frame.out)
    masks = None if mask is None else widen(mask).reshape(items, offset_group, taps, *frame.out)
    grids = _grids(frame.strides, frame.dilations, frame.before, kernel, frame.out)
    size = channels // offset_group
    columns = np.empty((items, channels, taps, *frame.out), x.dtype)
    for n in range(items):
        for g in range(offset_group):
            at = [grid + np.take(moves[n, g], axis, axis=rank) for axis, grid in enumerate(grids)]
            values = linear(x[n, g * size : (g + 1) * size], at).reshape(size, taps, *frame.out)
            columns[n, g * size : (g + 1) * size] = values if masks is None else values * masks[n, g]
    positions = math.prod(frame.out)
    y = np.matmul(
        widen(W).reshape(group, W.shape[0] // group, -1), columns.reshape(items, group, -1, positions)
    ).reshape(items, W.shape[0], *frame.out)
    if B is not None:
        y = y + widen(B).reshape(-1, *[1] * rank)
    return narrow(y, X.dtype)


def _grids(
    strides: Seq[int], dilations: Seq[int], before: Seq[int], kernel: Seq[int], out: Seq[int]
) -> list[np.ndarray]:
    """For each axis, where the kernel's positions lie in the input: broadcasts to [*kernel, *out]."""
    rank = len(kernel)
    grids = []
    for i in range(rank):
        inner = (np.arange(kernel[i]) * dilations[i]).reshape([-1 if j == i else 1 for j in range(2 * rank)])
        outer = (np.arange(out[i]) * strides[i] - before[i]).reshape(
            [-1 if j == i + rank else 1 for j in range(2 * rank)]
        )
        grids.append(inner + outer)
    return grids


def _times(size: Dim, factor: int) -> Dim:
    return size * factor if isinstance(size, int) else None


def _over(size: Dim, factor: int) -> Dim:
    return size // factor if isinstance(size, int) and factor > 0 else None


def _depth_type(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    b = int(facts.attributes.get("blocksize", 1))
    if x is None or x.shape is None or len(x.shape) != 4:
        return [None if x is None else Tensor(x.element)]
    n, c, h, w = x.shape
    return [Tensor(x.element, (n, _over(c, b * b), _times(h, b), _times(w, b)))]


def _space_type(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    b = int(facts.attributes.get("blocksize", 1))
    if x is None or x.shape is None or len(x.shape) != 4:
        return [None if x is None else Tensor(x.element)]
    n, c, h, w = x.shape
    return [Tensor(x.element, (n, _times(c, b * b), _over(h, b), _over(w, b)))]


def _deform_type(facts: Facts) -> list[Type | None]:
    x, w = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    if x is None or x.shape is None:
        return [x]
    kernel = [n for n in (w.shape[2:] if w is not None and w.shape else ()) if isinstance(n, int)]
    outputs: Dim = w.shape[0] if w is not None and w.shape else None
    return [Tensor(x.element, (x.shape[0], outputs, *output_sizes(x.shape[2:], kernel, facts.attributes)))]


OPS: tuple[Op, ...] = (
    Op("DeformConv", 19, DeformConv, _deform_type),
    Op("DepthToSpace", 1, DepthToSpace_1, _depth_type),
    Op("DepthToSpace", 11, DepthToSpace, _depth_type),
    Op("SpaceToDepth", 1, SpaceToDepth_1, _space_type),
    Op("SpaceToDepth", 28, SpaceToDepth, _space_type),
)

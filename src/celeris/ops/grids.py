"""Sampling an image on a grid of real coordinates, and the grids of affine maps."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op

_CUBIC = -0.75


def _denormalized(grid: np.ndarray, size: int, align_corners: int) -> np.ndarray:
    """[-1, 1] to pixels: from the first centre to the last, or from edge to edge."""
    half = grid.dtype.type(0.5)
    if align_corners:
        return np.asarray((grid + 1) * half * grid.dtype.type(size - 1))
    return np.asarray(((grid + 1) * grid.dtype.type(size) - 1) * half)


def _reflected(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Coordinates folded at both borders until they lie within."""
    if high <= low:
        return np.full_like(x, low)
    length = x.dtype.type(high - low)
    distance = np.abs(x - x.dtype.type(low))
    turns = np.floor(distance / length)
    rest = distance - turns * length
    return np.asarray(np.where(turns % 2 == 0, rest + x.dtype.type(low), x.dtype.type(high) - rest))


def _borders(size: int, align_corners: int) -> tuple[float, float]:
    return (0.0, size - 1.0) if align_corners else (-0.5, size - 0.5)


def _weights(mode: str, share: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """The pixels around a point, from the one on its left, and their weights. Cubic: Keys, with a = -0.75."""
    if mode == "nearest":
        return [(0, np.ones_like(share))]
    if mode == "linear":
        return [(0, 1 - share), (1, share)]
    a = share.dtype.type(_CUBIC)
    near = [((a + 2) * d - (a + 3)) * d * d + 1 for d in (share, 1 - share)]
    far = [((a * d - 5 * a) * d + 8 * a) * d - 4 * a for d in (share + 1, 2 - share)]
    return [(-1, far[0]), (0, near[0]), (1, near[1]), (2, far[1])]


def _pixels(at: np.ndarray, size: int, padding_mode: str, align_corners: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Indices within the axis, and where they were within it (None: everywhere)."""
    if padding_mode == "zeros":
        inside = (at >= 0) & (at < size)
        return np.where(inside, at, 0).astype(np.intp), inside
    if padding_mode == "reflection":
        at = np.trunc(_reflected(at, *_borders(size, align_corners)))
    return np.clip(np.nan_to_num(at), 0, size - 1).astype(np.intp), None


def _taps(
    grid: np.ndarray, size: int, mode: str, padding_mode: str, align_corners: int
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """For one axis: the indices, weights and validity of each pixel that a point mixes."""
    with np.errstate(invalid="ignore", over="ignore"):
        # Far outside is far outside: whole numbers stay exact.
        x = np.clip(_denormalized(grid, size, align_corners), -(2.0**22), 2.0**22)
        x = np.rint(x) if mode == "nearest" else x
        low, high = _borders(size, align_corners)
        beyond = (x < low) | (x > high)
        if padding_mode == "border" and mode != "cubic":  # each of cubic's pixels is clamped, not the point
            x = np.where(beyond, np.clip(x, 0, size - 1), x)
        elif padding_mode == "reflection":
            x = np.where(beyond, _reflected(x, low, high), x)
        left = np.trunc(x) if mode == "nearest" else np.floor(x)
        found = []
        for shift, weight in _weights(mode, x - left):
            index, inside = _pixels(left + shift, size, padding_mode, align_corners)
            found.append((index, weight, inside))
        return found


def GridSample(
    X: np.ndarray, grid: np.ndarray, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros"
) -> np.ndarray:
    """Y [N,C,*out] = X [N,C,*sizes] at grid [N,*out,R], its last axis first. Source: ai.onnx GridSample-22."""
    rank = X.ndim - 2
    if rank < 1 or grid.ndim != X.ndim or grid.shape[-1] != rank or len(grid) != len(X):
        raise ValueError(f"GridSample: expected grid [{len(X)},...,{rank}] for X {X.shape}, got {grid.shape}")
    if mode not in ("linear", "nearest", "cubic") or padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"GridSample: expected a known mode and padding_mode, got {mode!r} and {padding_mode!r}")
    out = (*X.shape[:2], *grid.shape[1:-1])
    if 0 in out:
        return np.zeros(out, X.dtype)
    if 0 in X.shape:
        raise ValueError(f"GridSample: expected an image with pixels, got shape {X.shape}")
    image = X if mode == "nearest" else X.astype(np.float64) if X.dtype.kind in "iub" else widen(X)
    points = widen(grid)
    axes = [
        _taps(points[..., rank - 1 - i], size, mode, padding_mode, align_corners) for i, size in enumerate(X.shape[2:])
    ]
    items = np.arange(len(X)).reshape(-1, *[1] * rank)
    total: np.ndarray | None = None
    for corner in product(*axes):
        place: tuple[Any, ...] = (items, slice(None), *(index for index, _, _ in corner))
        value = np.moveaxis(image[place], -1, 1)
        value = _weighted(value, corner, mode)
        total = value if total is None else total + value
    assert total is not None
    return narrow(np.ascontiguousarray(total), X.dtype)


def _weighted(
    value: np.ndarray, corner: tuple[tuple[np.ndarray, np.ndarray, np.ndarray | None], ...], mode: str
) -> np.ndarray:
    for _, weight, inside in corner:
        if mode != "nearest":
            value = value * weight[:, None].astype(value.real.dtype)
        if inside is not None:
            nothing: Any = "" if value.dtype == object else value.dtype.type(0)
            value = np.where(inside[:, None], value, nothing)
    return value


def GridSample_16(
    X: np.ndarray, grid: np.ndarray, *, align_corners: int = 0, mode: str = "bilinear", padding_mode: str = "zeros"
) -> np.ndarray:
    """GridSample of images, with the modes bilinear, nearest and bicubic. Source: ai.onnx GridSample-16."""
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    return GridSample(X, grid, align_corners=align_corners, mode=mode, padding_mode=padding_mode)


def AffineGrid(theta: np.ndarray, size: np.ndarray, *, align_corners: int = 0) -> np.ndarray:
    """grid [N,*out,R] = theta [N,R,R+1] times the points of an image of `size` [N,C,*out]. Source: AffineGrid-20."""
    out = [int(n) for n in size[2:]]
    rank = len(out)
    if rank not in (2, 3) or theta.shape != (int(size[0]), rank, rank + 1):
        raise ValueError(f"AffineGrid: expected theta [N,R,R+1] for size {size.tolist()}, got {theta.shape}")
    wide = widen(theta)
    base = np.ones((*out, rank + 1), wide.dtype)
    for i, n in enumerate(out):
        if align_corners:
            at = np.linspace(-1, 1, n) if n > 1 else np.zeros(n)
        else:
            at = (np.arange(n) * 2 + 1) / max(n, 1) - 1
        base[..., rank - 1 - i] = at.reshape([-1 if j == i else 1 for j in range(rank)])
    points = base.reshape(-1, rank + 1) @ wide.swapaxes(1, 2)
    return narrow(points.reshape(len(theta), *out, rank), theta.dtype)


def _sampled(facts: Facts) -> list[Type | None]:
    x, grid = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    if x is None:
        return [None]
    if x.shape is None or grid is None or grid.shape is None:
        return [Tensor(x.element)]
    return [Tensor(x.element, (*x.shape[:2], *grid.shape[1:-1]))]


def _affine(facts: Facts) -> list[Type | None]:
    theta = shapes.tensor(facts, 0)
    if theta is None:
        return [None]
    size, length = shapes.contents(facts, 1), shapes.length(facts, 1)
    if length is None or length < 2:
        return [Tensor(theta.element)]
    known = (None,) * length if size is None else size
    return [Tensor(theta.element, (known[0], *known[2:], length - 2))]


OPS: tuple[Op, ...] = (
    Op("AffineGrid", 20, AffineGrid, _affine),
    Op("GridSample", 16, GridSample_16, _sampled),
    Op("GridSample", 20, GridSample, _sampled),
)

"""Pooling: the maximum, average or Lp norm of windows, of whole channels, and the reverse of the maximum."""

from __future__ import annotations

import math
from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op
from celeris.ops.windows import Windows, output_sizes, per_axis, windows


def _frame(where: str, x: np.ndarray, kernel: Seq[int], **options: object) -> Windows:
    if x.ndim < 3:
        raise ValueError(f"{where}: expected X [N,C,...] of rank 3 or more, got {x.shape}")
    return windows(where, x.shape[2:], kernel, **options)  # type: ignore[arg-type]


def _counts(frame: Windows, include_pad: int) -> np.ndarray:
    """How many elements each window averages: [*out]. Padding counts where asked, what lies beyond it never."""
    total = np.ones((), np.float64)
    for k, s, d, before, after, size, out in zip(
        frame.kernel, frame.strides, frame.dilations, frame.before, frame.after, frame.sizes, frame.out, strict=True
    ):
        at = np.arange(out)[:, None] * s + np.arange(k) * d
        low, high = (0, before + size + after) if include_pad else (before, before + size)
        total = total[..., None] * ((at >= low) & (at < high)).sum(axis=1)
    return total


def AveragePool(
    X: np.ndarray,
    *,
    kernel_shape: Seq[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """Y = the mean of each window: X [N,C,...] -> Y [N,C,*out]. Source: ai.onnx AveragePool-22."""
    frame = _frame(
        "AveragePool", X, kernel_shape, strides=strides, dilations=dilations, pads=pads, auto_pad=auto_pad,
        ceil_mode=ceil_mode,
    )  # fmt: skip
    wide = widen(X)
    total = np.zeros((*X.shape[:2], *frame.out), wide.dtype)
    for _, view in frame.views(frame.padded(wide)):
        total += view
    return narrow(total / np.maximum(_counts(frame, count_include_pad), 1).astype(wide.dtype), X.dtype)


def AveragePool_10(
    X: np.ndarray,
    *,
    kernel_shape: Seq[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """AveragePool without dilations. Source: ai.onnx AveragePool-10."""
    return AveragePool(
        X, kernel_shape=kernel_shape, auto_pad=auto_pad, ceil_mode=ceil_mode, count_include_pad=count_include_pad,
        pads=pads, strides=strides,
    )  # fmt: skip


def AveragePool_7(
    X: np.ndarray,
    *,
    kernel_shape: Seq[int],
    auto_pad: str = "NOTSET",
    count_include_pad: int = 0,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """AveragePool of whole windows only. Source: ai.onnx AveragePool-7."""
    return AveragePool(
        X, kernel_shape=kernel_shape, auto_pad=auto_pad, count_include_pad=count_include_pad, pads=pads, strides=strides
    )


def AveragePool_1(
    X: np.ndarray,
    *,
    kernel_shape: Seq[int],
    auto_pad: str = "NOTSET",
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """AveragePool that does not count padding. Source: ai.onnx AveragePool-1."""
    return AveragePool(X, kernel_shape=kernel_shape, auto_pad=auto_pad, pads=pads, strides=strides)


def MaxPool(
    X: np.ndarray,
    *,
    kernel_shape: Seq[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    storage_order: int = 0,
    strides: Seq[int] | None = None,
    _outputs: int = 1,
) -> tuple[np.ndarray, ...]:
    """Y = the maximum of each window; Indices i64 = where in the flat X it lies. Source: ai.onnx MaxPool-22."""
    frame = _frame(
        "MaxPool", X, kernel_shape, strides=strides, dilations=dilations, pads=pads, auto_pad=auto_pad,
        ceil_mode=ceil_mode,
    )  # fmt: skip
    wide = widen(X)
    least = -np.inf if wide.dtype.kind == "f" else np.iinfo(wide.dtype).min
    padded = frame.padded(wide, least)
    best = np.full((*X.shape[:2], *frame.out), least, wide.dtype)
    for _, view in frame.views(padded):
        np.maximum(best, view, out=best)
    y = narrow(best, X.dtype)
    return (y,) if _outputs == 1 else (y, _indices(X.shape, padded, frame, storage_order))


def _indices(shape: tuple[int, ...], padded: np.ndarray, frame: Windows, storage_order: int) -> np.ndarray:
    """Where each window's first maximum lies in the flat input, rows first or (storage_order 1) columns first."""
    columns = frame.strided(padded).reshape(*shape[:2], math.prod(frame.kernel), math.prod(frame.out))
    in_kernel = np.unravel_index(columns.argmax(axis=2).reshape(*shape[:2], *frame.out), frame.kernel)
    sizes = shape[2:]
    flat: np.ndarray = np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape[0], shape[1], *[1] * len(sizes))
    flat = flat * math.prod(sizes)
    for i, position in enumerate(in_kernel):
        start = np.arange(frame.out[i]) * frame.strides[i] - frame.before[i]
        at = start.reshape([-1 if j == i else 1 for j in range(len(sizes))]) + position * frame.dilations[i]
        flat = flat + at * math.prod(sizes[:i] if storage_order else sizes[i + 1 :])
    return np.asarray(flat, np.int64)


def MaxPool_8(
    X: np.ndarray,
    *,
    kernel_shape: Seq[int],
    auto_pad: str = "NOTSET",
    pads: Seq[int] | None = None,
    storage_order: int = 0,
    strides: Seq[int] | None = None,
    _outputs: int = 1,
) -> tuple[np.ndarray, ...]:
    """MaxPool of whole windows without dilations. Source: ai.onnx MaxPool-8."""
    return MaxPool(
        X, kernel_shape=kernel_shape, auto_pad=auto_pad, pads=pads, storage_order=storage_order, strides=strides,
        _outputs=_outputs,
    )  # fmt: skip


def MaxPool_1(
    X: np.ndarray,
    *,
    kernel_shape: Seq[int],
    auto_pad: str = "NOTSET",
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """MaxPool without indices. Source: ai.onnx MaxPool-1."""
    return MaxPool(X, kernel_shape=kernel_shape, auto_pad=auto_pad, pads=pads, strides=strides)[0]


def LpPool(
    X: np.ndarray,
    *,
    kernel_shape: Seq[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Seq[int] | None = None,
    p: float = 2,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """Y = (sum |x|^p)^(1/p) of each window; padding is 0. Source: ai.onnx LpPool-22."""
    frame = _frame(
        "LpPool", X, kernel_shape, strides=strides, dilations=dilations, pads=pads, auto_pad=auto_pad,
        ceil_mode=ceil_mode,
    )  # fmt: skip
    powers = frame.padded(np.abs(widen(X)) ** p)
    total = np.zeros((*X.shape[:2], *frame.out), powers.dtype)
    for _, view in frame.views(powers):
        total += view
    return narrow(total ** (1 / p), X.dtype)


def LpPool_2(
    X: np.ndarray,
    *,
    kernel_shape: Seq[int],
    auto_pad: str = "NOTSET",
    p: float = 2,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """LpPool of whole windows without dilations. Source: ai.onnx LpPool-2."""
    return LpPool(X, kernel_shape=kernel_shape, auto_pad=auto_pad, p=p, pads=pads, strides=strides)


def LpPool_1(
    X: np.ndarray,
    *,
    auto_pad: str = "NOTSET",
    kernel_shape: Seq[int] | None = None,
    p: float = 2.0,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """LpPool with a real p; the kernel is the whole input by default. Source: ai.onnx LpPool-1."""
    return LpPool(X, kernel_shape=kernel_shape or X.shape[2:], auto_pad=auto_pad, p=p, pads=pads, strides=strides)


def _whole(where: str, x: np.ndarray) -> tuple[int, ...]:
    if x.ndim < 2:
        raise ValueError(f"{where}: expected X [N,C,...], got {x.shape}")
    return tuple(range(2, x.ndim))


def GlobalAveragePool(X: np.ndarray) -> np.ndarray:
    """Y = the mean of each channel: [N,C,...] -> [N,C,1,...]. Source: ai.onnx GlobalAveragePool-22."""
    return narrow(widen(X).mean(axis=_whole("GlobalAveragePool", X), keepdims=True), X.dtype)


def GlobalMaxPool(X: np.ndarray) -> np.ndarray:
    """Y = the maximum of each channel: [N,C,...] -> [N,C,1,...]. Source: ai.onnx GlobalMaxPool-22."""
    return narrow(widen(X).max(axis=_whole("GlobalMaxPool", X), keepdims=True), X.dtype)


def GlobalLpPool(X: np.ndarray, *, p: float = 2) -> np.ndarray:
    """Y = (sum |x|^p)^(1/p) of each channel: [N,C,...] -> [N,C,1,...]. Source: ai.onnx GlobalLpPool-22."""
    powers = np.abs(widen(X)) ** p
    return narrow(powers.sum(axis=_whole("GlobalLpPool", X), keepdims=True) ** (1 / p), X.dtype)


def _unpooled(shape: Seq[int], kernel: Seq[int], strides: Seq[int] | None, pads: Seq[int] | None) -> list[int]:
    rank = len(kernel)
    steps = per_axis("MaxUnpool", "strides", strides, rank, 1, 1)
    both = per_axis("MaxUnpool", "pads", pads, 2 * rank, 0, 0)
    sizes = zip(shape[2:], kernel, steps, both[:rank], both[rank:], strict=True)
    return [*shape[:2], *((n - 1) * s + int(k) - b - a for n, k, s, b, a in sizes)]


def MaxUnpool(
    X: np.ndarray,
    I: np.ndarray,  # noqa: E741
    output_shape: np.ndarray | None = None,
    *,
    kernel_shape: Seq[int],
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """Zeros, with X's values at the flat positions I of the tensor that MaxPool had. Source: ai.onnx MaxUnpool-22.

    A larger `output_shape` adds zeros behind that tensor's axes.
    """
    if X.ndim < 3 or len(kernel_shape) != X.ndim - 2 or I.shape != X.shape:
        raise ValueError(f"MaxUnpool: expected X and I of one shape [N,C,...], got {X.shape} and {I.shape}")
    inner = _unpooled(X.shape, kernel_shape, strides, pads)
    pooled = np.zeros(math.prod(inner), X.dtype)
    if I.size and not (I.min() >= 0 and I.max() < pooled.size):
        raise ValueError(f"MaxUnpool: expected indices from 0 to {pooled.size - 1}, got {I.min()} to {I.max()}")
    pooled[I.ravel()] = X.ravel()
    if output_shape is None:
        return pooled.reshape(inner)
    outer = [int(n) for n in output_shape]
    if len(outer) != len(inner) or any(o < n for o, n in zip(outer, inner, strict=True)):
        raise ValueError(f"MaxUnpool: expected an output_shape of at least {inner}, got {outer}")
    result = np.zeros(outer, X.dtype)
    result[tuple(map(slice, inner))] = pooled.reshape(inner)
    return result


def _pooled(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    kernel = facts.attributes.get("kernel_shape")
    if x is None:
        return [None, Tensor("int64")]
    shape = None
    if x.shape is not None:
        shape = (*x.shape[:2], *output_sizes(x.shape[2:], kernel, facts.attributes))
    return [Tensor(x.element, shape), Tensor("int64", shape)]


def _global(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None or x.shape is None:
        return [x]
    return [Tensor(x.element, x.shape[:2] + (1,) * (len(x.shape) - 2))]


def _unpooled_type(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None or x.shape is None:
        return [x]
    wanted = facts.values[2] if len(facts.values) > 2 else None
    if wanted is not None:
        return [Tensor(x.element, tuple(int(n) for n in wanted))]
    sizes = [n for n in x.shape[2:] if isinstance(n, int)]
    a = facts.attributes
    given = len(facts.types) > 2 and facts.types[2] is not None
    shape: tuple[Dim, ...] = (*x.shape[:2], *[None] * (len(x.shape) - 2))
    if not given and len(sizes) == len(x.shape) - 2:
        inner = _unpooled([0, 0, *sizes], a["kernel_shape"], a.get("strides"), a.get("pads"))
        shape = (*x.shape[:2], *inner[2:])
    return [Tensor(x.element, shape)]


OPS: tuple[Op, ...] = (
    Op("AveragePool", 1, AveragePool_1, _pooled),
    Op("AveragePool", 7, AveragePool_7, _pooled),
    Op("AveragePool", 10, AveragePool_10, _pooled),
    Op("AveragePool", 19, AveragePool, _pooled),
    Op("GlobalAveragePool", 1, GlobalAveragePool, _global),
    Op("GlobalLpPool", 1, GlobalLpPool, _global),
    Op("GlobalMaxPool", 1, GlobalMaxPool, _global),
    Op("LpPool", 1, LpPool_1, _pooled),
    Op("LpPool", 2, LpPool_2, _pooled),
    Op("LpPool", 18, LpPool, _pooled),
    Op("MaxPool", 1, MaxPool_1, _pooled),
    Op("MaxPool", 8, MaxPool_8, _pooled),
    Op("MaxPool", 10, MaxPool, _pooled),
    Op("MaxUnpool", 9, MaxUnpool, _unpooled_type),
)

"""Convolution, transposed and quantized too, as matrix products over strided windows."""

from __future__ import annotations

import math
from collections.abc import Sequence as Seq
from itertools import product
from typing import Any

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.quantize import requantized
from celeris.ops.table import Facts, Op
from celeris.ops.windows import Windows, output_sizes, per_axis, same_padding, windows

# Columns of one product, in elements: what is unfolded at once stays small beside the input.
_UNFOLDED = 1 << 22


def _checked(where: str, x: np.ndarray, w: np.ndarray, group: int, bias: np.ndarray | None) -> None:
    if x.ndim < 3 or w.ndim != x.ndim:
        raise ValueError(f"{where}: expected X [N,C,...] and W of one rank from 3, got {x.shape} and {w.shape}")
    if group < 1 or x.shape[1] != w.shape[1] * group or w.shape[0] % group:
        raise ValueError(f"{where}: expected W [M,C/group,...] for X {x.shape}, group {group}, got {w.shape}")
    if bias is not None and bias.shape != (w.shape[0],):
        raise ValueError(f"{where}: expected a bias of {w.shape[0]} values, got shape {bias.shape}")


def convolve(x: np.ndarray, w: np.ndarray, frame: Windows, group: int) -> np.ndarray:
    """x [N,C,*sizes], w [M,C/group,*kernel] -> [N,M,*out], by products of [M/group,K] with [K,prod(out)]."""
    items, outputs = x.shape[0], w.shape[0]
    positions, depth = math.prod(frame.out), math.prod(w.shape[1:])
    weights = w.reshape(group, outputs // group, depth)
    padded = frame.padded(x)
    result = np.empty((items, group, outputs // group, positions), np.result_type(x, w))
    step = max(1, _UNFOLDED // max(1, group * depth * positions))
    for start in range(0, items, step):
        part = frame.strided(padded[start : start + step])
        columns = part.reshape(len(part), group, depth, positions)
        np.matmul(weights, columns, out=result[start : start + step])
    return result.reshape(items, outputs, *frame.out)


def _kernel(where: str, w: np.ndarray, kernel_shape: Seq[int] | None) -> tuple[int, ...]:
    if kernel_shape is not None and len(kernel_shape) and tuple(kernel_shape) != w.shape[2:]:
        raise ValueError(f"{where}: expected kernel_shape {w.shape[2:]} as W has, got {tuple(kernel_shape)}")
    return w.shape[2:]


def Conv(
    X: np.ndarray,
    W: np.ndarray,
    B: np.ndarray | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Seq[int] | None = None,
    group: int = 1,
    kernel_shape: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """Y = X * W + B (correlation): X [N,C,...], W [M,C/group,...], B [M] -> Y [N,M,...]. Source: ai.onnx Conv-22."""
    _checked("Conv", X, W, group, B)
    kernel = _kernel("Conv", W, kernel_shape)
    frame = windows("Conv", X.shape[2:], kernel, strides=strides, dilations=dilations, pads=pads, auto_pad=auto_pad)
    y = convolve(widen(X), widen(W), frame, group)
    if B is not None:
        y += widen(B).reshape(-1, *[1] * (X.ndim - 2))
    return narrow(y, X.dtype)


def _centred(x: np.ndarray, zero_point: np.ndarray | None) -> np.ndarray:
    """x - zero_point, a zero point for all or for each slice of axis 0, as float64: exact, and BLAS runs."""
    wide = x.astype(np.float64)
    if zero_point is None:
        return wide
    zero = zero_point.astype(np.float64)
    return wide - (zero.reshape(-1, *[1] * (x.ndim - 1)) if zero.size > 1 else zero.reshape(()))


def ConvInteger(
    x: np.ndarray,
    w: np.ndarray,
    x_zero_point: np.ndarray | None = None,
    w_zero_point: np.ndarray | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Seq[int] | None = None,
    group: int = 1,
    kernel_shape: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """y = conv(x - x_zero_point, w - w_zero_point), int32; the padding is 0 after it. Source: ConvInteger-10."""
    _checked("ConvInteger", x, w, group, None)
    kernel = _kernel("ConvInteger", w, kernel_shape)
    frame = windows(
        "ConvInteger", x.shape[2:], kernel, strides=strides, dilations=dilations, pads=pads, auto_pad=auto_pad
    )
    exact = convolve(_centred(x, x_zero_point), _centred(w, w_zero_point), frame, group)
    return exact.astype(np.int64).astype(np.int32)


def QLinearConv(
    x: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray,
    w: np.ndarray,
    w_scale: np.ndarray,
    w_zero_point: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
    B: np.ndarray | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Seq[int] | None = None,
    group: int = 1,
    kernel_shape: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """y = quantize(conv(dequantize(x), dequantize(w)) + B), B int32 in x_scale * w_scale. Source: QLinearConv-10."""
    _checked("QLinearConv", x, w, group, B)
    kernel = _kernel("QLinearConv", w, kernel_shape)
    frame = windows(
        "QLinearConv", x.shape[2:], kernel, strides=strides, dilations=dilations, pads=pads, auto_pad=auto_pad
    )
    exact = convolve(_centred(x, x_zero_point), _centred(w, w_zero_point), frame, group)
    ones = [1] * (x.ndim - 2)
    if B is not None:
        exact += B.astype(np.float64).reshape(-1, *ones)
    right = w_scale.reshape(-1, *ones) if w_scale.size > 1 else w_scale.reshape(())
    return requantized(exact, x_scale.reshape(()), right, y_scale.reshape(()), y_zero_point.reshape(()))


def fold(columns: np.ndarray, frame: Windows, padded: Seq[int]) -> np.ndarray:
    """The reverse of `Windows.strided`: columns [N,C,*kernel,*out] added up where they came from, [N,C,*padded]."""
    result = np.zeros((*columns.shape[:2], *padded), columns.dtype)
    for position in product(*map(range, frame.kernel)):
        source: tuple[Any, ...] = (slice(None), slice(None), *position)
        result[(slice(None), slice(None), *frame.slices(position))] += columns[source]
    return result


def _transposed_pads(
    where: str,
    sizes: Seq[int],
    reach: Seq[int],
    strides: Seq[int],
    extra: Seq[int],
    pads: Seq[int] | None,
    auto_pad: str,
    output_shape: Seq[int] | None,
) -> tuple[list[int], list[int]]:
    """The padding before each axis, and its output size."""
    rank = len(sizes)
    full = [(size - 1) * s + e + r for size, s, e, r in zip(sizes, strides, extra, reach, strict=True)]
    if output_shape is not None and len(output_shape):
        wanted = [int(n) for n in output_shape][-rank:]
    elif auto_pad.startswith("SAME"):
        wanted = [size * s for size, s in zip(sizes, strides, strict=True)]
    else:
        both = per_axis(where, "pads", pads if auto_pad == "NOTSET" else None, 2 * rank, 0, 0)
        return list(both[:rank]), [f - b - a for f, b, a in zip(full, both[:rank], both[rank:], strict=True)]
    # Where the shape is given, the odd pixel goes to the beginning unless SAME_UPPER asks otherwise.
    before = [same_padding(f - n, auto_pad)[0] for f, n in zip(full, wanted, strict=True)]
    return before, wanted


def ConvTranspose(
    X: np.ndarray,
    W: np.ndarray,
    B: np.ndarray | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Seq[int] | None = None,
    group: int = 1,
    kernel_shape: Seq[int] | None = None,
    output_padding: Seq[int] | None = None,
    output_shape: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """The gradient of Conv: X [N,C,...], W [C,M/group,...] -> Y [N,M,...]. Source: ai.onnx ConvTranspose-22."""
    rank = X.ndim - 2
    if rank < 1 or W.ndim != X.ndim or W.shape[0] != X.shape[1] or group < 1 or X.shape[1] % group:
        raise ValueError(f"ConvTranspose: expected W [C,M/group,...] for X {X.shape}, group {group}, got {W.shape}")
    kernel = _kernel("ConvTranspose", W, kernel_shape)
    steps = per_axis("ConvTranspose", "strides", strides, rank, 1, 1)
    gaps = per_axis("ConvTranspose", "dilations", dilations, rank, 1, 1)
    extra = per_axis("ConvTranspose", "output_padding", output_padding, rank, 0, 0)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, gaps, strict=True)]
    sizes = X.shape[2:]
    before, out = _transposed_pads(
        "ConvTranspose", sizes, reach, steps, extra, pads, auto_pad or "NOTSET", output_shape
    )
    items, channels, outputs = X.shape[0], X.shape[1], W.shape[1] * group
    positions = math.prod(sizes)
    weights = widen(W).reshape(group, channels // group, -1).swapaxes(1, 2)
    columns = np.matmul(weights, widen(X).reshape(items, group, channels // group, positions))
    # A window of the output lies at each position of the input.
    frame = Windows(kernel, steps, gaps, (0,) * rank, (0,) * rank, sizes, sizes)
    whole = [max((n - 1) * s + r, b + o) for n, s, r, b, o in zip(sizes, steps, reach, before, out, strict=True)]
    folded = fold(columns.reshape(items, outputs, *kernel, *sizes), frame, whole)
    y = folded[(slice(None), slice(None), *(slice(b, b + n) for b, n in zip(before, out, strict=True)))]
    if B is not None:
        y = y + widen(B).reshape(-1, *[1] * rank)
    return narrow(np.ascontiguousarray(y), X.dtype)


def CausalConvWithState(
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    past_state: np.ndarray | None = None,
    *,
    activation: str = "none",
) -> tuple[np.ndarray, np.ndarray]:
    """Depthwise convolution of [past_state, input] [B,C,k-1+L] -> output [B,C,L], the last k-1 columns as state.

    `past_state` is 0 by default. Source: ai.onnx CausalConvWithState-27.
    """
    if activation not in ("none", "silu", "swish"):
        raise ValueError(f"CausalConvWithState: expected activation none, silu or swish, got {activation!r}")
    if input.ndim != 3 or weight.ndim != 3:
        raise ValueError(f"CausalConvWithState: expected ranks 3 and 3, got {input.ndim} and {weight.ndim}")
    past = weight.shape[2] - 1
    state = np.zeros((*input.shape[:2], past), input.dtype) if past_state is None else past_state
    if state.shape != (*input.shape[:2], past):
        raise ValueError(f"CausalConvWithState: expected past_state {(*input.shape[:2], past)}, got {state.shape}")
    whole = np.concatenate([state, input], axis=2)
    output = Conv(whole, weight, bias, group=input.shape[1])
    if activation != "none":
        wide = widen(output)
        with np.errstate(over="ignore"):
            output = narrow(wide / (1 + np.exp(-wide)), input.dtype)
    return output, whole[:, :, whole.shape[2] - past :]


def Col2Im(
    input: np.ndarray,
    image_shape: np.ndarray,
    block_shape: np.ndarray,
    *,
    dilations: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """The columns [N, C * prod(block), L] added up in an image [N,C,*image]. Source: ai.onnx Col2Im-18."""
    image, block = [int(n) for n in image_shape], [int(n) for n in block_shape]
    frame = windows("Col2Im", image, block, strides=strides, dilations=dilations, pads=pads)
    if input.ndim != 3 or input.shape[1] % math.prod(block) or input.shape[2] != math.prod(frame.out):
        raise ValueError(f"Col2Im: expected input [N,C*{math.prod(block)},{math.prod(frame.out)}], got {input.shape}")
    columns = widen(input).reshape(len(input), -1, *block, *frame.out)
    whole = [b + n + a for b, n, a in zip(frame.before, image, frame.after, strict=True)]
    result = fold(columns, frame, whole)
    inner = (slice(b, b + n) for b, n in zip(frame.before, image, strict=True))
    return narrow(np.ascontiguousarray(result[(slice(None), slice(None), *inner)]), input.dtype)


def _weights(facts: Facts, index: int) -> tuple[Tensor | None, Tensor | None, Seq[int] | None]:
    """X, W at `index`, and the kernel's sizes where they are known."""
    x, w = shapes.tensor(facts, 0), shapes.tensor(facts, index)
    kernel = facts.attributes.get("kernel_shape")
    if not kernel and w is not None and w.shape is not None and all(isinstance(n, int) for n in w.shape[2:]):
        kernel = [n for n in w.shape[2:] if isinstance(n, int)]
    return x, w, kernel


def _convolved(facts: Facts, index: int, element: str | None) -> list[Type | None]:
    x, w, kernel = _weights(facts, index)
    if x is None or element is None:
        return [None]
    if x.shape is None:
        return [Tensor(element)]
    outputs: Dim = w.shape[0] if w is not None and w.shape else None
    return [Tensor(element, (x.shape[0], outputs, *output_sizes(x.shape[2:], kernel, facts.attributes)))]


def conv_type(facts: Facts) -> list[Type | None]:
    """Y [N,M,*out]."""
    x = shapes.tensor(facts, 0)
    return _convolved(facts, 1, None if x is None else x.element)


def _integer_type(facts: Facts) -> list[Type | None]:
    return _convolved(facts, 1, "int32")


def _quantized_type(facts: Facts) -> list[Type | None]:
    zero = shapes.tensor(facts, 7)
    return _convolved(facts, 3, None if zero is None else zero.element)


def _transposed_type(facts: Facts) -> list[Type | None]:
    x, w, kernel = _weights(facts, 1)
    if x is None or x.shape is None:
        return [x]
    a = facts.attributes
    rank = len(x.shape) - 2
    per = w.shape[1] if w is not None and w.shape else None
    outputs = per * int(a.get("group", 1)) if isinstance(per, int) else None
    unknown = Tensor(x.element, (x.shape[0], outputs, *[None] * rank))
    sizes = [n for n in x.shape[2:] if isinstance(n, int)]
    if kernel is None or len(sizes) != rank or len(kernel) != rank:
        return [unknown]
    try:
        steps = per_axis("shape", "strides", a.get("strides"), rank, 1, 1)
        gaps = per_axis("shape", "dilations", a.get("dilations"), rank, 1, 1)
        extra = per_axis("shape", "output_padding", a.get("output_padding"), rank, 0, 0)
        reach = [(int(k) - 1) * d + 1 for k, d in zip(kernel, gaps, strict=True)]
        auto = a.get("auto_pad") or "NOTSET"
        out = _transposed_pads("shape", sizes, reach, steps, extra, a.get("pads"), auto, a.get("output_shape"))[1]
    except ValueError:
        return [unknown]
    return [Tensor(x.element, (x.shape[0], outputs, *out))]


def _causal_types(facts: Facts) -> list[Type | None]:
    x, w = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    if x is None or x.shape is None or len(x.shape) != 3:
        return [x, None if x is None else Tensor(x.element)]
    k = w.shape[2] if w is not None and w.shape is not None and len(w.shape) == 3 else None
    return [x, Tensor(x.element, (*x.shape[:2], k - 1 if isinstance(k, int) else None))]


def _col2im_type(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None:
        return [None]
    image, block, rank = shapes.contents(facts, 1), shapes.numbers(facts, 2), shapes.length(facts, 1)
    if rank is None or x.shape is None or len(x.shape) != 3:
        return [Tensor(x.element)]
    size = None if block is None else math.prod(block)
    channels = x.shape[1] // size if size and isinstance(x.shape[1], int) else None
    return [Tensor(x.element, (x.shape[0], channels, *((None,) * rank if image is None else image)))]


OPS: tuple[Op, ...] = (
    Op("CausalConvWithState", 27, CausalConvWithState, _causal_types),
    Op("Col2Im", 18, Col2Im, _col2im_type),
    Op("Conv", 1, Conv, conv_type),
    Op("ConvInteger", 10, ConvInteger, _integer_type),
    Op("ConvTranspose", 1, ConvTranspose, _transposed_type),
    Op("QLinearConv", 10, QLinearConv, _quantized_type),
)

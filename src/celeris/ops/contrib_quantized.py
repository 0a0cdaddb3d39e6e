"""Element-wise operators, pools and tables of 8-bit tensors of com.microsoft: dequantize, compute, quantize."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Seq
from typing import Any

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.activation import sigmoid
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.pool import AveragePool, MaxPool
from celeris.ops.precision import quiet
from celeris.ops.quantize import DequantizeLinear_13, QuantizeLinear_13, saturated
from celeris.ops.ranking import Softmax, Softmax_1
from celeris.ops.table import Facts, Op
from celeris.ops.windows import output_sizes

_HUNDREDTH = float(np.float32(0.01))


def wide(x: np.ndarray, scale: np.ndarray, zero_point: np.ndarray | None) -> np.ndarray:
    """(x - zero_point) * scale, one of each, float64: exact but for the scale's own rounding."""
    zero = 0 if zero_point is None else int(zero_point.reshape(-1)[0])
    return np.asarray((x.astype(np.float64) - zero) * float(scale.reshape(-1)[0]))


def small(x: np.ndarray, scale: np.ndarray, zero_point: np.ndarray | None, dtype: np.dtype) -> np.ndarray:
    """saturate(round_half_even(x / scale) + zero_point). The quotient is taken in float32, as onnxruntime takes it."""
    zero = 0 if zero_point is None else int(zero_point.reshape(-1)[0])
    quotient = x.astype(np.float32) / scale.reshape(-1)[0]
    return saturated(np.rint(quotient).astype(np.float64) + zero, dtype).reshape(x.shape)


def _binary(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
    A: tuple[np.ndarray, np.ndarray, np.ndarray | None],
    B: tuple[np.ndarray, np.ndarray, np.ndarray | None],
    scale: np.ndarray,
    zero_point: np.ndarray | None,
) -> np.ndarray:
    return small(function(wide(*A), wide(*B)), scale, zero_point, A[0].dtype)


@quiet
def QLinearAdd(
    A: np.ndarray,
    A_scale: np.ndarray,
    A_zero_point: np.ndarray | None,
    B: np.ndarray,
    B_scale: np.ndarray,
    B_zero_point: np.ndarray | None,
    C_scale: np.ndarray,
    C_zero_point: np.ndarray | None = None,
) -> np.ndarray:
    """C = A + B, broadcasting, of 8-bit tensors. Source: com.microsoft QLinearAdd-1."""
    return _binary(np.add, (A, A_scale, A_zero_point), (B, B_scale, B_zero_point), C_scale, C_zero_point)


@quiet
def QLinearMul(
    A: np.ndarray,
    A_scale: np.ndarray,
    A_zero_point: np.ndarray | None,
    B: np.ndarray,
    B_scale: np.ndarray,
    B_zero_point: np.ndarray | None,
    C_scale: np.ndarray,
    C_zero_point: np.ndarray | None = None,
) -> np.ndarray:
    """C = A * B, broadcasting, of 8-bit tensors. Source: com.microsoft QLinearMul-1."""
    return _binary(np.multiply, (A, A_scale, A_zero_point), (B, B_scale, B_zero_point), C_scale, C_zero_point)


@quiet
def QLinearLeakyRelu(
    X: np.ndarray,
    X_scale: np.ndarray,
    X_zero_point: np.ndarray | None,
    Y_scale: np.ndarray,
    Y_zero_point: np.ndarray | None = None,
    *,
    alpha: float = _HUNDREDTH,
) -> np.ndarray:
    """Y = X, below 0 alpha * X, of an 8-bit tensor. Source: com.microsoft QLinearLeakyRelu-1."""
    x = wide(X, X_scale, X_zero_point)
    return small(np.where(x >= 0, x, alpha * x), Y_scale, Y_zero_point, X.dtype)


@quiet
def QLinearSigmoid(
    X: np.ndarray,
    X_scale: np.ndarray,
    X_zero_point: np.ndarray | None,
    Y_scale: np.ndarray,
    Y_zero_point: np.ndarray | None = None,
) -> np.ndarray:
    """Y = 1 / (1 + exp(-X)) of an 8-bit tensor. Source: com.microsoft QLinearSigmoid-1."""
    return small(sigmoid(wide(X, X_scale, X_zero_point)), Y_scale, Y_zero_point, X.dtype)


@quiet
def QLinearSoftmax(
    X: np.ndarray,
    X_scale: np.ndarray,
    x_zero_point: np.ndarray | None,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
    *,
    axis: int = -1,
    opset: int,
) -> np.ndarray:
    """Softmax of an 8-bit tensor; before opset 13 over all axes from `axis` on. Source: QLinearSoftmax-1."""
    function = Softmax if opset >= 13 else Softmax_1
    return small(function(wide(X, X_scale, x_zero_point), axis=axis), y_scale, y_zero_point, X.dtype)


def QLinearWhere(
    condition: np.ndarray,
    X: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray,
    Y: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
    z_scale: np.ndarray,
    z_zero_point: np.ndarray,
) -> np.ndarray:
    """Z = X where the condition holds, else Y, broadcasting, of 8-bit tensors. Source: com.microsoft QLinearWhere-1."""
    left = small(wide(X, x_scale, x_zero_point), z_scale, z_zero_point, X.dtype)
    right = small(wide(Y, y_scale, y_zero_point), z_scale, z_zero_point, Y.dtype)
    return np.where(condition, left, right)


def QLinearConcat(Y_scale: np.ndarray, Y_zero_point: np.ndarray, *inputs: np.ndarray, axis: int) -> np.ndarray:
    """8-bit tensors joined along `axis`, each given with its scale and zero point. Source: QLinearConcat-1."""
    if not inputs or len(inputs) % 3:
        raise ValueError(f"QLinearConcat: expected a tensor, a scale and a zero point each, got {len(inputs)} inputs")
    dtype = Y_zero_point.dtype
    parts = [small(wide(*inputs[i : i + 3]), Y_scale, Y_zero_point, dtype) for i in range(0, len(inputs), 3)]
    return np.concatenate(parts, axis=shapes.axis_in("QLinearConcat", axis, parts[0].ndim))


def channels_first(x: np.ndarray, channels_last: int) -> np.ndarray:
    """x [N,...,C] as [N,C,...] where channels come last."""
    return np.moveaxis(x, -1, 1) if channels_last else x


def channels_back(y: np.ndarray, channels_last: int) -> np.ndarray:
    """The way back."""
    return np.ascontiguousarray(np.moveaxis(y, 1, -1)) if channels_last else y


@quiet
def QLinearAveragePool(
    X: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray | None,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray | None = None,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    channels_last: int = 0,
    count_include_pad: int = 0,
    kernel_shape: Seq[int],
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """The mean of each window of an 8-bit tensor [N,C,...] or [N,...,C]. Source: com.microsoft QLinearAveragePool-1."""
    mean = AveragePool(
        channels_first(wide(X, x_scale, x_zero_point), channels_last), kernel_shape=kernel_shape, auto_pad=auto_pad,
        ceil_mode=ceil_mode, count_include_pad=count_include_pad, pads=pads, strides=strides,
    )  # fmt: skip
    return channels_back(small(mean, y_scale, y_zero_point, X.dtype), channels_last)


@quiet
def QLinearGlobalAveragePool(
    X: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
    *,
    channels_last: int = 0,
) -> np.ndarray:
    """The mean of each channel of an 8-bit tensor [N,C,...] or [N,...,C]. Source: QLinearGlobalAveragePool-1."""
    x = channels_first(wide(X, x_scale, x_zero_point), channels_last)
    mean = x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)
    return channels_back(small(mean, y_scale, y_zero_point, X.dtype), channels_last)


def NhwcMaxPool(
    x: np.ndarray,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Seq[int] | None = None,
    kernel_shape: Seq[int],
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """The maximum of each window of an 8-bit tensor [N,...,C]. Source: com.microsoft NhwcMaxPool-1."""
    return channels_back(
        MaxPool(
            channels_first(x, 1), kernel_shape=kernel_shape, auto_pad=auto_pad, ceil_mode=ceil_mode,
            dilations=dilations, pads=pads, strides=strides,
        )[0],
        1,
    )  # fmt: skip


def QuantizeLinear(
    x: np.ndarray, y_scale: np.ndarray, y_zero_point: np.ndarray | None = None, *, axis: int | None = None
) -> np.ndarray:
    """y = saturate(round(x / y_scale) + y_zero_point), to 16 and 4 bits too. Source: com.microsoft QuantizeLinear-1."""
    return QuantizeLinear_13(x, y_scale, y_zero_point, axis=1 if axis is None else axis)


def DequantizeLinear(
    x: np.ndarray, x_scale: np.ndarray, x_zero_point: np.ndarray | None = None, *, axis: int | None = None
) -> np.ndarray:
    """y = (x - x_zero_point) * x_scale, of 16 and 4 bits too. Source: com.microsoft DequantizeLinear-1."""
    return DequantizeLinear_13(x, x_scale, x_zero_point, axis=1 if axis is None else axis)


def _binary_type(facts: Facts) -> list[Type | None]:
    a = shapes.tensor(facts, 0)
    shape = shapes.broadcast_shapes(shapes.shape_of(facts, 0), shapes.shape_of(facts, 3))
    return [None if a is None else Tensor(a.element, shape)]


def _where_type(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 1)
    shape = shapes.broadcast_shapes(*[shapes.shape_of(facts, i) for i in (0, 1, 4)])
    return [None if x is None else Tensor(x.element, shape)]


def _joined_type(facts: Facts) -> list[Type | None]:
    zero, parts = shapes.tensor(facts, 1), [shapes.shape_of(facts, i) for i in range(2, len(facts.types), 3)]
    if zero is None:
        return [None]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return [Tensor(zero.element)]
    axis = shapes.axis_in("QLinearConcat", facts.attributes["axis"], len(known[0]))
    along = [part[axis] for part in known]
    total = sum(n for n in along if isinstance(n, int)) if all(isinstance(n, int) for n in along) else None
    return [Tensor(zero.element, shapes.replaced(known[0], axis, total))]


def _pooled(facts: Facts, channels_last: Any) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None or x.shape is None or len(x.shape) < 3:
        return [None if x is None else Tensor(x.element)]
    sizes = x.shape[1:-1] if channels_last else x.shape[2:]
    kernel = facts.attributes.get("kernel_shape")
    out = output_sizes(sizes, kernel, facts.attributes) if kernel else (1,) * len(sizes)
    ends = ((x.shape[0],), (x.shape[-1],)) if channels_last else (x.shape[:2], ())
    return [Tensor(x.element, (*ends[0], *out, *ends[1]))]


def _pool_type(facts: Facts) -> list[Type | None]:
    return _pooled(facts, facts.attributes.get("channels_last"))


def _nhwc_type(facts: Facts) -> list[Type | None]:
    return _pooled(facts, True)


def _quantized(facts: Facts) -> list[Type | None]:
    zero = shapes.tensor(facts, 2)
    return [Tensor("uint8" if zero is None else zero.element, shapes.shape_of(facts, 0))]


def _dequantized(facts: Facts) -> list[Type | None]:
    scale = shapes.tensor(facts, 1)
    return [None if scale is None else Tensor(scale.element, shapes.shape_of(facts, 0))]


OPS: tuple[Op, ...] = (
    Op("DequantizeLinear", 1, DequantizeLinear, _dequantized, MICROSOFT),
    Op("NhwcMaxPool", 1, NhwcMaxPool, _nhwc_type, MICROSOFT),
    Op("QLinearAdd", 1, QLinearAdd, _binary_type, MICROSOFT),
    Op("QLinearAveragePool", 1, QLinearAveragePool, _pool_type, MICROSOFT),
    Op("QLinearConcat", 1, QLinearConcat, _joined_type, MICROSOFT),
    Op("QLinearGlobalAveragePool", 1, QLinearGlobalAveragePool, _pool_type, MICROSOFT),
    Op("QLinearLeakyRelu", 1, QLinearLeakyRelu, shapes.same, MICROSOFT),
    Op("QLinearMul", 1, QLinearMul, _binary_type, MICROSOFT),
    Op("QLinearSigmoid", 1, QLinearSigmoid, shapes.same, MICROSOFT),
    Op("QLinearSoftmax", 1, QLinearSoftmax, shapes.same, MICROSOFT),
    Op("QLinearWhere", 1, QLinearWhere, _where_type, MICROSOFT),
    Op("QuantizeLinear", 1, QuantizeLinear, _quantized, MICROSOFT),
)

"""Linear quantization: y = saturate(round(x / scale) + zero_point), back again, and products of quantized matrices."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, Dim, Shape, Tensor, Type, dtype_of
from celeris.ops import shapes
from celeris.ops.precision import widen
from celeris.ops.table import Facts, Op


@cache
def integer_range(dtype: np.dtype) -> tuple[int, int] | None:
    """The least and greatest value of an integer type, 2 and 4 bits included; None for floats."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return int(limits.min), int(limits.max)
    if dtype.name.startswith(("int", "uint")):  # ml_dtypes: int4, uint2, ...
        bits, signed = int(dtype.name.lstrip("uint")), dtype.name.startswith("int")
        return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return None


def spread(where: str, value: np.ndarray, shape: tuple[int, ...], axis: int, block_size: int = 0) -> np.ndarray:
    """A scale or zero point so that it broadcasts to `shape`: one for all, one a slice of `axis`, or one a block."""
    if value.size == 1 and value.ndim <= 1:
        return value.reshape(())
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"{where}: expected an axis within rank {len(shape)}, got {axis}")
    axis %= len(shape)
    if value.ndim == 1 and not (block_size and len(shape) == 1):
        if value.size != shape[axis]:
            raise ValueError(f"{where}: expected a scale of {shape[axis]} values (axis {axis}), got {value.size}")
        return value.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    if block_size <= 0:
        raise ValueError(f"{where}: expected a scale of rank 0 or 1 where block_size is not set, got {value.shape}")
    blocks = tuple(-(-size // block_size) if i == axis else size for i, size in enumerate(shape))
    if value.shape != blocks:
        raise ValueError(f"{where}: expected a scale of shape {blocks} for blocks of {block_size}, got {value.shape}")
    return np.take(np.repeat(value, block_size, axis), range(shape[axis]), axis)


def saturated(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """`x` cast to `dtype`, whole numbers clipped to its range; NaN becomes 0."""
    limits = integer_range(dtype)
    if limits is None:
        return x.astype(dtype)
    clipped = np.clip(x, *limits)
    if clipped.dtype.kind == "f":
        clipped = np.nan_to_num(clipped, nan=0)
    return np.asarray(clipped.astype(np.int32).astype(dtype))


def _to_float(x: np.ndarray, dtype: np.dtype, saturate: int) -> np.ndarray:
    """Round to a small float type. With `saturate`, what is beyond its range becomes its largest value."""
    from ml_dtypes import finfo

    if not saturate and dtype.name not in ("float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn"):
        with np.errstate(over="ignore", invalid="ignore"):
            return x.astype(dtype)
    limit = float(finfo(dtype).max)  # type: ignore[no-untyped-call]
    # Every such type has NaN or, having none, saturates; np.clip keeps a NaN as it is.
    with np.errstate(invalid="ignore"):
        return np.asarray(np.clip(x, -limit, limit).astype(dtype))


def QuantizeLinear(
    x: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: int = 1,
) -> np.ndarray:
    """y = saturate(round_half_even(x / y_scale) + y_zero_point); y is as x. Source: ai.onnx QuantizeLinear-28.

    The quotient has the type `precision`, by default that of y_scale.
    """
    if y_zero_point is not None:
        dtype = y_zero_point.dtype
        if output_dtype and dtype_of(ELEMENT_NAMES[output_dtype]) != dtype:
            raise ValueError(f"QuantizeLinear: expected y_zero_point of type {output_dtype}, got {dtype}")
    else:
        dtype = dtype_of(ELEMENT_NAMES[output_dtype]) if output_dtype else np.dtype(np.uint8)
    scale = spread("QuantizeLinear", y_scale, x.shape, axis, block_size)
    zero = None if y_zero_point is None else spread("QuantizeLinear", y_zero_point, x.shape, axis, block_size)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        quotient = _quotient(x, scale, precision)
        if integer_range(dtype) is None:
            shifted = quotient if zero is None else quotient + zero.astype(quotient.dtype)
            return _to_float(np.asarray(shifted), dtype, saturate)
        rounded = np.rint(quotient)
        return saturated(rounded if zero is None else rounded + zero.astype(np.float32), dtype).reshape(x.shape)


def _quotient(x: np.ndarray, scale: np.ndarray, precision: int) -> np.ndarray:
    if precision:
        chosen = dtype_of(ELEMENT_NAMES[precision])
    elif scale.dtype.kind in "iu" or scale.dtype.name.startswith("float8"):
        chosen = np.dtype(np.float32)  # the quotient of integers, or by a power of two, is taken in float32
    else:
        chosen = scale.dtype
    return widen(np.asarray(x.astype(chosen) / scale.astype(chosen)))


def QuantizeLinear_21(
    x: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    saturate: int = 1,
) -> np.ndarray:
    """QuantizeLinear in the precision of y_scale. Source: ai.onnx QuantizeLinear-21."""
    options: dict[str, Any] = {"block_size": block_size, "output_dtype": output_dtype, "saturate": saturate}
    return QuantizeLinear(x, y_scale, y_zero_point, axis=axis, **options)


def QuantizeLinear_19(
    x: np.ndarray, y_scale: np.ndarray, y_zero_point: np.ndarray | None = None, *, axis: int = 1, saturate: int = 1
) -> np.ndarray:
    """QuantizeLinear for a tensor or along an axis, not by blocks. Source: ai.onnx QuantizeLinear-19."""
    return QuantizeLinear(x, y_scale, y_zero_point, axis=axis, saturate=saturate)


def QuantizeLinear_13(
    x: np.ndarray, y_scale: np.ndarray, y_zero_point: np.ndarray | None = None, *, axis: int = 1
) -> np.ndarray:
    """QuantizeLinear to 8 bits. Source: ai.onnx QuantizeLinear-13."""
    return QuantizeLinear(x, y_scale, y_zero_point, axis=axis)


def QuantizeLinear_10(x: np.ndarray, y_scale: np.ndarray, y_zero_point: np.ndarray | None = None) -> np.ndarray:
    """QuantizeLinear to 8 bits with one scale. Source: ai.onnx QuantizeLinear-10."""
    return QuantizeLinear(x, y_scale, y_zero_point)


def DequantizeLinear(
    x: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> np.ndarray:
    """y = (x - x_zero_point) * x_scale, in the type `output_dtype` or that of x_scale. Source: DequantizeLinear-28."""
    if x_zero_point is not None and x_zero_point.dtype != x.dtype:
        raise ValueError(f"DequantizeLinear: expected x_zero_point of type {x.dtype}, got {x_zero_point.dtype}")
    dtype = dtype_of(ELEMENT_NAMES[output_dtype]) if output_dtype else x_scale.dtype
    scale = spread("DequantizeLinear", x_scale, x.shape, axis, block_size)
    # Differences of integers are exact here: int32 may need more than float32 has.
    exact = np.float64 if x.dtype == np.int32 else np.float32
    shifted = x.astype(exact)
    if x_zero_point is not None:
        shifted = shifted - spread("DequantizeLinear", x_zero_point, x.shape, axis, block_size).astype(exact)
    return np.asarray(shifted.astype(np.float32) * scale.astype(np.float32)).astype(dtype)


def DequantizeLinear_21(
    x: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
) -> np.ndarray:
    """DequantizeLinear to the type of x_scale. Source: ai.onnx DequantizeLinear-21."""
    return DequantizeLinear(x, x_scale, x_zero_point, axis=axis, block_size=block_size)


def DequantizeLinear_13(
    x: np.ndarray, x_scale: np.ndarray, x_zero_point: np.ndarray | None = None, *, axis: int = 1
) -> np.ndarray:
    """DequantizeLinear for a tensor or along an axis. Source: ai.onnx DequantizeLinear-13."""
    return DequantizeLinear(x, x_scale, x_zero_point, axis=axis)


def DequantizeLinear_10(x: np.ndarray, x_scale: np.ndarray, x_zero_point: np.ndarray | None = None) -> np.ndarray:
    """DequantizeLinear with one scale. Source: ai.onnx DequantizeLinear-10."""
    return DequantizeLinear(x, x_scale, x_zero_point)


def DynamicQuantizeLinear(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y u8 with the scale and zero point that fit x's range, 0 included. Source: ai.onnx DynamicQuantizeLinear-11."""
    high, low = (np.float32(max(x.max(initial=0), 0)), np.float32(min(x.min(initial=0), 0)))
    scale = np.float32(high - low) / np.float32(255) if high > low else np.float32(1)
    zero = np.rint(np.clip(-low / scale, 0, 255)).astype(np.uint8)
    y_scale, y_zero_point = np.asarray(scale, np.float32), np.asarray(zero, np.uint8)
    return QuantizeLinear(x, y_scale, y_zero_point), y_scale, y_zero_point


def _centred(x: np.ndarray, zero_point: np.ndarray | None, rows: bool) -> np.ndarray:
    """x - zero_point as float64, in which products and sums of 8-bit integers are exact and BLAS runs."""
    result = x.astype(np.float64)
    if zero_point is None:
        return result
    zero = zero_point.astype(np.float64)
    return result - (zero[:, None] if rows and zero.ndim == 1 and zero.size > 1 else zero)


def _require_product(where: str, a: np.ndarray, b: np.ndarray) -> None:
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ValueError(f"{where}: expected [...,M,K] and [...,K,N], got shapes {list(a.shape)} and {list(b.shape)}")


def MatMulInteger(
    A: np.ndarray, B: np.ndarray, a_zero_point: np.ndarray | None = None, b_zero_point: np.ndarray | None = None
) -> np.ndarray:
    """Y = (A - a_zero_point) @ (B - b_zero_point), int32; zero points one, or [M], [N]. Source: MatMulInteger-10."""
    _require_product("MatMulInteger", A, B)
    product = np.matmul(_centred(A, a_zero_point, rows=True), _centred(B, b_zero_point, rows=False))
    return np.asarray(product).astype(np.int64).astype(np.int32)


def QLinearMatMul(
    a: np.ndarray,
    a_scale: np.ndarray,
    a_zero_point: np.ndarray,
    b: np.ndarray,
    b_scale: np.ndarray,
    b_zero_point: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
) -> np.ndarray:
    """y = quantize(dequantize(a) @ dequantize(b)); scales one, or [M] and [N]. Source: ai.onnx QLinearMatMul-21."""
    _require_product("QLinearMatMul", a, b)
    product = np.asarray(np.matmul(_centred(a, a_zero_point, rows=True), _centred(b, b_zero_point, rows=False)))
    left = widen(a_scale)[:, None] if a_scale.ndim == 1 and a_scale.size > 1 else widen(a_scale)
    return requantized(product, left, widen(b_scale), y_scale, y_zero_point)


def requantized(
    product: np.ndarray, left: np.ndarray, right: np.ndarray, y_scale: np.ndarray, y_zero_point: np.ndarray
) -> np.ndarray:
    """An exact product of quantized values, scaled to the type of `y_zero_point`."""
    dtype = y_zero_point.dtype
    scaled = product * np.asarray(left * right / widen(y_scale), np.float64)
    shape = product.shape
    if integer_range(dtype) is None:
        return _to_float((scaled + y_zero_point.astype(np.float64)).astype(np.float32), dtype, 1).reshape(shape)
    return saturated(np.asarray(np.rint(scaled) + y_zero_point.astype(np.float64)), dtype).reshape(shape)


def _quantized(facts: Facts) -> list[Type | None]:
    zero = shapes.tensor(facts, 2)
    number = facts.attributes.get("output_dtype") or 0
    element = zero.element if zero is not None else ELEMENT_NAMES[number] if number else "uint8"
    x = shapes.tensor(facts, 0)
    return [Tensor(element, None if x is None else x.shape)]


def _dequantized(facts: Facts) -> list[Type | None]:
    x, scale = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    number = facts.attributes.get("output_dtype") or 0
    if not number and scale is None:
        return [None]
    element = ELEMENT_NAMES[number] if number or scale is None else scale.element
    return [Tensor(element, None if x is None else x.shape)]


def _dynamic(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    return [Tensor("uint8", None if x is None else x.shape), Tensor("float", ()), Tensor("uint8", ())]


def product_shape(a: Shape | None, b: Shape | None) -> Shape | None:
    """np.matmul's shape over symbolic sizes; None where a rank is unknown."""
    if not a or not b:
        return None
    batch = shapes.broadcast_shapes(a[:-2], b[:-2])
    rows: tuple[Dim, ...] = a[-2:-1] if len(a) > 1 else ()
    columns: tuple[Dim, ...] = b[-1:] if len(b) > 1 else ()
    return None if batch is None else (*batch, *rows, *columns)


def _shape(facts: Facts, index: int) -> Shape | None:
    found = shapes.tensor(facts, index)
    return None if found is None else found.shape


def _integer_product(facts: Facts) -> list[Type | None]:
    return [Tensor("int32", product_shape(_shape(facts, 0), _shape(facts, 1)))]


def _quantized_product(facts: Facts) -> list[Type | None]:
    zero = shapes.tensor(facts, 7)
    return [None if zero is None else Tensor(zero.element, product_shape(_shape(facts, 0), _shape(facts, 3)))]


OPS: tuple[Op, ...] = (
    Op("DequantizeLinear", 10, DequantizeLinear_10, _dequantized),
    Op("DequantizeLinear", 13, DequantizeLinear_13, _dequantized),
    Op("DequantizeLinear", 21, DequantizeLinear_21, _dequantized),
    Op("DequantizeLinear", 23, DequantizeLinear, _dequantized),
    Op("DynamicQuantizeLinear", 11, DynamicQuantizeLinear, _dynamic),
    Op("MatMulInteger", 10, MatMulInteger, _integer_product),
    Op("QLinearMatMul", 10, QLinearMatMul, _quantized_product),
    Op("QuantizeLinear", 10, QuantizeLinear_10, _quantized),
    Op("QuantizeLinear", 13, QuantizeLinear_13, _quantized),
    Op("QuantizeLinear", 19, QuantizeLinear_19, _quantized),
    Op("QuantizeLinear", 21, QuantizeLinear_21, _quantized),
    Op("QuantizeLinear", 23, QuantizeLinear, _quantized),
)

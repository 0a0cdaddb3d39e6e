"""Products of com.microsoft with quantized matrices: 8-bit integers, blocks of 2 to 8 bits, and convolutions."""

from __future__ import annotations

from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Shape, Tensor, Type
from celeris.ops import shapes
from celeris.ops.contrib_quantized import channels_back, channels_first, small
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.conv import QLinearConv as OnnxQLinearConv
from celeris.ops.matmul import gemm_type, matmul_shape
from celeris.ops.precision import narrow, quiet
from celeris.ops.quantize import DynamicQuantizeLinear
from celeris.ops.reduce import in_double
from celeris.ops.table import Facts, Op
from celeris.ops.windows import output_sizes

# The 16 values of a code, by quant_type: 4-bit floats, and normal floats. Source: arXiv:2305.14314 and bitsandbytes.
_FP4 = (0.0, 0.00520833, 0.66666667, 1.0, 0.33333333, 0.5, 0.16666667, 0.25)
_CODES_4 = np.array(
    [
        [*_FP4, *(-v for v in _FP4)],
        [
            -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
            -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
            0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
        ],
    ],
    np.float32,
)  # fmt: skip


def shifted(x: np.ndarray, zero_point: np.ndarray | None) -> np.ndarray:
    """x - zero_point, one for all or one a column, as float64: exact, and BLAS runs."""
    if zero_point is None:
        return x.astype(np.float64)
    zero = zero_point.astype(np.float64)
    if zero.ndim == 2 and x.ndim > 2:
        zero = zero[:, None]  # a matrix each
    return np.asarray(x.astype(np.float64) - (zero.reshape(()) if zero.size == 1 else zero))


def product(where: str, left: np.ndarray, right: np.ndarray, scale: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """left @ right * scale + bias, float64."""
    if not left.ndim or right.ndim < 2 or left.shape[-1] != right.shape[-2]:
        raise ValueError(f"{where}: expected A [...,M,K] and B [...,K,N], got {list(left.shape)}, {list(right.shape)}")
    y = np.matmul(left, right) * scale
    return np.asarray(y if bias is None else y + bias.astype(np.float64))


def _scale(scale: np.ndarray, rank: int) -> np.ndarray:
    """One for all, one a column, or a row of columns for each matrix."""
    wide = scale.astype(np.float64)
    return wide.reshape(()) if wide.size == 1 else wide[:, None] if wide.ndim == 2 and rank > 2 else wide


@quiet
def MatMulIntegerToFloat(
    A: np.ndarray,
    B: np.ndarray,
    a_scale: np.ndarray,
    b_scale: np.ndarray,
    a_zero_point: np.ndarray | None = None,
    b_zero_point: np.ndarray | None = None,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    """Y = (A - a_zero_point) @ (B - b_zero_point) * a_scale * b_scale + bias. Source: MatMulIntegerToFloat-1."""
    scale = _scale(a_scale, 0) * _scale(b_scale, B.ndim)
    y = product("MatMulIntegerToFloat", shifted(A, a_zero_point), shifted(B, b_zero_point), scale, bias)
    return narrow(y, a_scale.dtype)


@quiet
def DynamicQuantizeMatMul(
    A: np.ndarray,
    B: np.ndarray,
    b_scale: np.ndarray,
    b_zero_point: np.ndarray | None = None,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    """Y = A @ dequantized B + bias, A rounded to 8 bits of its own range. Source: DynamicQuantizeMatMul-1."""
    a, a_scale, a_zero_point = DynamicQuantizeLinear(A)
    return MatMulIntegerToFloat(a, B, a_scale, b_scale, a_zero_point, b_zero_point, bias)


@quiet
def QGemm(
    A: np.ndarray,
    a_scale: np.ndarray,
    a_zero_point: np.ndarray,
    B: np.ndarray,
    b_scale: np.ndarray,
    b_zero_point: np.ndarray,
    C: np.ndarray | None = None,
    y_scale: np.ndarray | None = None,
    y_zero_point: np.ndarray | None = None,
    *,
    alpha: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> np.ndarray:
    """Y = A' @ B' + C of 8-bit matrices, C int32; all of it by alpha * a_scale * b_scale. Float without y_scale.

    Source: com.microsoft QGemm-1.
    """
    left, right = shifted(A, a_zero_point), shifted(B.T if transB else B, b_zero_point)
    scale = alpha * _scale(a_scale, 0) * _scale(b_scale, 2)
    if A.ndim != 2 or B.ndim != 2:
        raise ValueError(f"QGemm: expected matrices, got shapes {list(A.shape)} and {list(B.shape)}")
    exact = product("QGemm", left.T if transA else left, right, np.ones(()), None)
    y = (exact if C is None else exact + C.astype(np.float64)) * scale
    if y_scale is None:
        return narrow(y, np.dtype(np.float32))
    return small(y, y_scale, y_zero_point, A.dtype if y_zero_point is None else y_zero_point.dtype)


def unpacked(packed: np.ndarray, bits: int) -> np.ndarray:
    """Numbers of `bits` bits in bytes [...,P], the lowest first -> uint8 [...,8 * P // bits]."""
    if bits == 8:
        return packed
    count = packed.shape[-1] * 8 // bits
    flags = np.unpackbits(packed, axis=-1, bitorder="little")[..., : count * bits]
    return np.packbits(flags.reshape(*packed.shape[:-1], count, bits), axis=-1, bitorder="little")[..., 0]


@quiet
def MatMulNBits(
    A: np.ndarray,
    B: np.ndarray,
    scales: np.ndarray,
    zero_points: np.ndarray | None = None,
    g_idx: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    *,
    K: int,
    N: int,
    accuracy_level: int = 0,
    bits: int = 4,
    block_size: int,
    weight_prepacked: int = 0,
) -> np.ndarray:
    """Y = A @ W' + bias, W [N,K] in blocks of `block_size` numbers of `bits` bits: A [...,K] -> Y [...,N].

    B [N, blocks, block_size * bits / 8] holds the lowest bits first; each block has a scale and a zero point, which is
    half the range where it is missing. Source: com.microsoft MatMulNBits-1.
    """
    blocks = -(-K // block_size)
    if not 2 <= bits <= 8 or weight_prepacked or B.size != N * blocks * block_size * bits // 8 or A.shape[-1] != K:
        raise ValueError(
            f"MatMulNBits: expected A [...,{K}] and B of {N * blocks * block_size * bits // 8} bytes of {bits} bits, "
            f"not prepacked, got {list(A.shape)} and {list(B.shape)}"
        )
    codes = unpacked(B.reshape(N, blocks, -1), bits).reshape(N, blocks * block_size)[:, :K]
    block = np.arange(K) // block_size if g_idx is None else g_idx[:K]
    if zero_points is None:
        zero: np.ndarray = np.full((N, blocks), 1 << bits - 1, np.float64)
    elif zero_points.dtype == np.uint8:
        zero = unpacked(zero_points.reshape(N, -1), bits)[:, :blocks].astype(np.float64)
    else:
        zero = zero_points.reshape(N, blocks).astype(np.float64)
    factors = scales.reshape(N, blocks).astype(np.float64)
    weights = (codes - zero[:, block]) * factors[:, block]
    y = np.matmul(in_double(A), weights.T)
    return narrow(y if bias is None else y + in_double(bias), A.dtype)


@quiet
def MatMulBnb4(
    A: np.ndarray,
    B: np.ndarray,
    absmax: np.ndarray,
    *,
    K: int,
    N: int,
    block_size: int,
    quant_type: int,
    training_mode: int = 0,
    transB: int = 1,
) -> np.ndarray:
    """Y = A @ W', W [N,K] of 4-bit floats (quant_type 0: FP4, 1: NF4), each block scaled by its absmax.

    Source: com.microsoft MatMulBnb4-1; arXiv:2305.14314.
    """
    if quant_type not in (0, 1) or A.shape[-1] != (K if transB else N) or B.size != (N * K + 1) // 2:
        raise ValueError(f"MatMulBnb4: expected A [...,{K}], {(N * K + 1) // 2} bytes of B and quant_type 0 or 1")
    packed = B.reshape(-1)
    codes = np.stack([packed >> 4, packed & 15], axis=-1).reshape(-1)[: N * K]  # the first in the high bits
    scale = np.repeat(absmax.reshape(-1).astype(np.float64), block_size)[: N * K]
    weights = (_CODES_4[quant_type][codes] * scale).reshape(N, K)
    return narrow(np.matmul(in_double(A), weights.T if transB else weights), A.dtype)


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
    channels_last: int = 0,
    dilations: Seq[int] | None = None,
    group: int = 1,
    kernel_shape: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """ONNX's QLinearConv, whose x and y may be [N,...,C]. Source: com.microsoft QLinearConv-1."""
    y = OnnxQLinearConv(
        channels_first(x, channels_last), x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B,
        auto_pad=auto_pad, dilations=dilations, group=group, kernel_shape=kernel_shape, pads=pads, strides=strides,
    )  # fmt: skip
    return channels_back(y, channels_last)


def _float_product(facts: Facts) -> list[Type | None]:
    scale = shapes.tensor(facts, 2)
    shape = matmul_shape(shapes.shape_of(facts, 0), shapes.shape_of(facts, 1))
    return [Tensor("float" if scale is None else scale.element, shape)]


def _block_product(facts: Facts) -> list[Type | None]:
    a = shapes.tensor(facts, 0)
    if a is None:
        return [None]
    size = facts.attributes["N"] if facts.attributes.get("transB", 1) else facts.attributes["K"]
    shape: Shape | None = None if not a.shape else (*a.shape[:-1], size)
    return [Tensor(a.element, shape)]


def _gemm(facts: Facts) -> list[Type | None]:
    found = gemm_type(Facts([shapes.tensor(facts, 0), shapes.tensor(facts, 3)], [], facts.attributes, 1, facts.opset))[
        0
    ]
    zero = shapes.tensor(facts, 8)
    element = zero.element if zero is not None else "float"
    return [Tensor(element, found.shape if isinstance(found, Tensor) else None)]


def _conv(facts: Facts) -> list[Type | None]:
    x, w, zero = shapes.shape_of(facts, 0), shapes.shape_of(facts, 3), shapes.tensor(facts, 7)
    if x is None or w is None or zero is None or len(x) < 3:
        return [None if zero is None else Tensor(zero.element)]
    last = facts.attributes.get("channels_last")
    kernel = [n for n in w[2:] if isinstance(n, int)]
    out = output_sizes(x[1:-1] if last else x[2:], kernel, facts.attributes)
    return [Tensor(zero.element, (x[0], *out, w[0]) if last else (x[0], w[0], *out))]


OPS: tuple[Op, ...] = (
    Op("DynamicQuantizeMatMul", 1, DynamicQuantizeMatMul, _float_product, MICROSOFT),
    Op("MatMulBnb4", 1, MatMulBnb4, _block_product, MICROSOFT),
    Op("MatMulIntegerToFloat", 1, MatMulIntegerToFloat, _float_product, MICROSOFT),
    Op("MatMulNBits", 1, MatMulNBits, _block_product, MICROSOFT),
    Op("QGemm", 1, QGemm, _gemm, MICROSOFT),
    Op("QLinearConv", 1, QLinearConv, _conv, MICROSOFT),
)

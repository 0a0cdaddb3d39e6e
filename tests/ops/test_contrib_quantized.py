"""8-bit and smaller operators of com.microsoft against onnxruntime. A tie may fall on the other side: one step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.one_node import agree

RNG = np.random.default_rng(2)
KINDS = [np.uint8, np.int8]


def f32(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def scale(value: Any) -> np.ndarray:
    return np.array(value, np.float32)


def any_of(dtype: Any, *shape: int) -> np.ndarray:
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, int(limits.max) + 1, shape).astype(dtype)


@pytest.mark.parametrize("dtype", KINDS)
def test_elements(dtype: Any) -> None:
    def zero(value: int) -> np.ndarray:
        return np.array(value, dtype)

    pair = [any_of(dtype, 3, 40), scale(0.02), zero(12), any_of(dtype, 40), scale(0.03), zero(7), scale(0.05), zero(9)]
    agree("QLinearAdd", pair, atol=1)
    agree("QLinearMul", pair, atol=1)
    agree("QLinearLeakyRelu", [any_of(dtype, 3, 400), scale(0.02), zero(12), scale(0.03), zero(7)], alpha=0.3, atol=1)
    agree("QLinearSigmoid", [any_of(dtype, 3, 400), scale(0.03), zero(12), scale(0.004), zero(7)], atol=1)
    where = [
        RNG.random((3, 5)) > 0.5,
        any_of(dtype, 3, 5),
        scale(0.02),
        zero(3),
        any_of(dtype, 5),
        scale(0.03),
        zero(4),
    ]
    agree("QLinearWhere", [*where, scale(0.03), zero(5)], atol=1)
    parts = [any_of(dtype, 2, 3), scale(0.02), zero(3), any_of(dtype, 2, 5), scale(0.03), zero(4)]
    agree("QLinearConcat", [scale(0.03), zero(4), *parts], axis=1, atol=1)
    for opset, axis in ((13, -1), (13, 1), (12, 1), (12, 2)):
        least = zero(np.iinfo(dtype).min)
        agree(
            "QLinearSoftmax", [any_of(dtype, 3, 4, 5), scale(0.03), zero(12), scale(1 / 256), least], atol=1,
            opset=opset, axis=axis,
        )  # fmt: skip


def seven_bits(*shape: int) -> np.ndarray:
    """Weights with which onnxruntime is exact: its sums of uint8 by int8 saturate at 16 bits on processors without VNNI."""
    return any_of(np.int8, *shape) // 2


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("dtype", KINDS)
def test_windows(dtype: Any, last: int) -> None:
    x = any_of(dtype, 2, 7, 8, 3) if last else any_of(dtype, 2, 3, 7, 8)
    zeros = np.array(3, dtype), np.array(4, dtype)
    pool = [x, scale(0.02), zeros[0], scale(0.01), zeros[1]]
    agree(
        "QLinearAveragePool", pool, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], channels_last=last, atol=1
    )
    agree(
        "QLinearAveragePool", pool, kernel_shape=[2, 3], count_include_pad=1, pads=[1, 1, 0, 1], ceil_mode=1,
        channels_last=last, atol=1,
    )  # fmt: skip
    agree("QLinearGlobalAveragePool", pool, channels_last=last, atol=1)
    weights = seven_bits(6, 3, 3, 3), scale(RNG.random(6) * 0.01 + 0.001), np.zeros(6, np.int8)
    bias = RNG.integers(-100, 100, 6).astype(np.int32)
    inputs = [x, scale(0.02), zeros[0], *weights, scale(0.4), zeros[1], bias]
    agree("QLinearConv", inputs, channels_last=last, pads=[1, 1, 1, 1], atol=1)
    if last:
        agree("NhwcMaxPool", [x], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 1, 1, 0], dilations=[1, 2])


@pytest.mark.parametrize("dtype", KINDS)
def test_products(dtype: Any) -> None:
    def zero(value: int) -> np.ndarray:
        return np.array(value, dtype)

    a, b, columns = any_of(dtype, 3, 4), any_of(np.int8, 4, 5), scale(RNG.random(5))
    agree("MatMulIntegerToFloat", [a, b, scale(0.02), columns, zero(4), np.arange(5).astype(np.int8), f32(5)])
    agree("MatMulIntegerToFloat", [any_of(dtype, 2, 3, 4), any_of(dtype, 2, 4, 5), scale(0.02), scale(0.3), zero(4)])
    agree("DynamicQuantizeMatMul", [f32(3, 4), any_of(dtype, 4, 5), scale(0.02), zero(3), f32(5)])
    agree("DynamicQuantizeMatMul", [f32(2, 3, 4), any_of(dtype, 4, 5), columns, any_of(dtype, 5)])
    bias = RNG.integers(-99, 99, 5).astype(np.int32)
    by_column = [a, scale(0.02), zero(3), b, columns, any_of(np.int8, 5), bias]
    agree("QGemm", [*by_column, scale(0.4), zero(4)], atol=1)
    turned = [any_of(dtype, 4, 3), scale(0.02), zero(3), any_of(np.int8, 5, 4), scale(0.3), np.array(1, np.int8)]
    agree("QGemm", turned, transA=1, transB=1, alpha=0.5)
    agree("QGemm", [*turned, bias], transA=1, transB=1, alpha=0.5)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
def test_linear_quantization_to_16_bits_too(dtype: Any) -> None:
    agree("QuantizeLinear", [f32(3, 4) * 10, scale(0.01), np.array(3, dtype)])
    agree("QuantizeLinear", [f32(3, 4) * 10, scale(RNG.random(4)), np.arange(4).astype(dtype)], axis=1)
    agree("DequantizeLinear", [any_of(dtype, 3, 4), scale(0.01), np.array(3, dtype)])
    agree("DequantizeLinear", [any_of(dtype, 3, 4), scale(RNG.random(3)), np.arange(3).astype(dtype)], axis=0)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("sizes", [(64, 16), (40, 16), (70, 32)], ids=str)
def test_blocks_of_few_bits(bits: int, sizes: tuple[int, int]) -> None:
    k, block = sizes
    n, blocks = 5, -(-k // block)
    weights, scales = any_of(np.uint8, n, blocks, block * bits // 8), f32(n, blocks)
    zeros = any_of(np.uint8, n, -(-blocks * bits // 8))
    given: dict[str, Any] = {"K": k, "N": n, "bits": bits, "block_size": block}
    agree("MatMulNBits", [f32(2, 3, k), weights, scales], rtol=1e-4, atol=1e-3, **given)
    agree("MatMulNBits", [f32(3, k), weights, scales, zeros, None, f32(n)], rtol=1e-4, atol=1e-3, **given)
    if bits == 4:
        agree("MatMulNBits", [f32(3, k), weights, scales, f32(n, blocks)], rtol=1e-4, atol=1e-3, **given)


@pytest.mark.parametrize("kind", [0, 1])
def test_blocks_of_4_bit_floats(kind: int) -> None:
    k, n, block = 32, 6, 16
    inputs = [f32(3, k), any_of(np.uint8, n * k // 2), f32(n * k // block)]
    agree("MatMulBnb4", inputs, K=k, N=n, block_size=block, quant_type=kind)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("by_column", [False, True])
def test_a_quantized_lstm(direction: str, by_column: bool) -> None:
    """Its states are rounded to 8 bits, and onnxruntime rounds its activations as well: a step apart now and then."""
    d, i, h, t, b = 2 if direction == "bidirectional" else 1, 6, 5, 4, 3
    per = (d, 4 * h) if by_column else (d,)
    weights = seven_bits(d, i, 4 * h), seven_bits(d, h, 4 * h)
    quantized = [scale(np.full(per, 0.01)), np.zeros(per, np.int8)] * 2
    inputs = [f32(t, b, i), *weights, f32(d, 8 * h), None, f32(d, b, h) * 0.1, f32(d, b, h) * 0.1, None, *quantized]
    agree("DynamicQuantizeLSTM", inputs, 3, hidden_size=h, direction=direction, rtol=0, atol=0.01)
    short = [*inputs[:4], np.array([4, 2, 3], np.int32), None, None, f32(d, 3 * h), *quantized]
    agree("DynamicQuantizeLSTM", short, 3, hidden_size=h, direction=direction, rtol=0, atol=0.01)

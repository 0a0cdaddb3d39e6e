"""What onnxruntime's optimiser makes for GPUs only: held to the ONNX operators that it was made from."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.calls import call

RNG = np.random.default_rng(8)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def contrib(name: str, *inputs: np.ndarray | None, **attributes: object) -> np.ndarray:
    return call(name, *inputs, opset=1, domain="com.microsoft", **attributes)


def last(x: np.ndarray) -> np.ndarray:
    return np.moveaxis(x, 1, -1)


def test_bias_add() -> None:
    x, bias, skip = floats(2, 3, 4), floats(4), floats(2, 3, 4)
    np.testing.assert_array_equal(contrib("BiasAdd", x, bias, skip), x + bias + skip)


def test_bias_split_gelu() -> None:
    x, bias = floats(2, 3, 8), floats(8)
    left, right = np.split(x + bias, 2, axis=2)
    np.testing.assert_allclose(contrib("BiasSplitGelu", x, bias), left * call("Gelu", right), rtol=1e-6, atol=1e-6)
    with pytest.raises(ValueError, match="expected an even D"):
        contrib("BiasSplitGelu", floats(2, 3, 7), floats(7))


def test_gemm_fast_gelu() -> None:
    x, w, bias = floats(2, 3, 4), floats(4, 5), floats(5)
    expected = call("Gelu", call("MatMul", x, w) + bias, approximate="tanh")
    np.testing.assert_allclose(contrib("GemmFastGelu", x, w, bias), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("channels_last", [0, 1])
@pytest.mark.parametrize("activation", [0, 1])
def test_group_norm(channels_last: int, activation: int) -> None:
    x, gamma, beta = floats(2, 6, 3, 4), floats(6), floats(6)
    expected = call("GroupNormalization", x, gamma, beta, num_groups=3)
    expected = expected * call("Sigmoid", expected) if activation else expected
    options = {"activation": activation, "channels_last": channels_last, "groups": 3}
    y = contrib("GroupNorm", last(x) if channels_last else x, gamma, beta, **options)
    np.testing.assert_allclose(y, last(expected) if channels_last else expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="expected groups that divide 6 channels"):
        contrib("GroupNorm", x, gamma, beta, activation=0, channels_last=0, groups=4)


@pytest.mark.parametrize("shape", [(2, 3, 4, 6), (2, 1, 1, 6), (2, 6)])
@pytest.mark.parametrize("biased", [False, True])
def test_skip_group_norm(shape: tuple[int, ...], biased: bool) -> None:
    x, gamma, beta, skip, bias = floats(2, 3, 4, 6), floats(6), floats(6), floats(*shape), floats(6)
    total = x + skip.reshape(2, *shape[1:-1] or (1, 1), 6) + (bias if biased else 0)
    y, summed = contrib("SkipGroupNorm", x, gamma, beta, skip, bias if biased else None, activation=0, groups=2)
    np.testing.assert_allclose(summed, total, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        y, contrib("GroupNorm", total, gamma, beta, activation=0, groups=2), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("group", [1, 2])
def test_convolution_of_channels_last(group: int) -> None:
    x, w, b = floats(1, 4, 5, 6), floats(6, 4 // group, 3, 3), floats(6)
    expected = call("Conv", x, w, b, group=group, pads=[1, 0, 1, 0], strides=[2, 1])
    y = contrib("NhwcConv", last(x), last(w), b, group=group, pads=[1, 0, 1, 0], strides=[2, 1])
    np.testing.assert_array_equal(y, last(expected))

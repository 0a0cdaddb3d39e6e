"""com.microsoft's crops, masked pools and convolutions with pads that are inputs, as onnxruntime has them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.one_node import agree

RNG = np.random.default_rng(6)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [(3, 4), (1, 1), (1, 5), (9, 2)])
def test_boxes_in_one_size(mode: str, size: tuple[int, int]) -> None:
    rois = np.array([[0, 0, 1, 1], [0.1, 0.3, 0.72, 0.61], [-0.2, 0.5, 1.3, 0.1]], np.float32)
    images = np.array([0, 1, 1], np.int32)
    agree(
        "CropAndResize", [floats(2, 3, 6, 5), rois, images, np.array(size, np.int32)], mode=mode,
        extrapolation_value=-7.0, types=False,
    )  # fmt: skip


def test_pads_that_are_an_input() -> None:
    x, w, b = floats(1, 2, 4, 5), floats(2, 3, 3, 3), floats(3)
    for pads in ([0, 0, 0, 0], [1, 0, 1, 1]):
        agree("ConvTransposeWithDynamicPads", [x, w, np.array(pads, np.int64), b], strides=[2, 2], types=False)


@pytest.mark.parametrize("strides", [[1, 1], [2, 2]])
def test_masked_pixels_are_not_pooled(strides: list[int]) -> None:
    x = floats(2, 3, 6, 6)
    mask = np.ones((2, 3, 6, 6), np.int32)
    mask[..., 4:] = 0
    agree("MaxpoolWithMask", [x, mask], kernel_shape=[2, 2], strides=strides, pads=[0, 0, 1, 1], types=False)

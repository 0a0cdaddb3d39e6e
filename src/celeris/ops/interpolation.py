"""Resizing one axis: where each output pixel lies in the input, and which input pixels it mixes."""

from __future__ import annotations

import numpy as np

from celeris.records import Record


class Axis(Record, frozen=True):
    """One axis to resize: its number, input and output size, scale, and part of the image (tf_crop_and_resize).

    `exact`: the scale is out / size, not a number of its own.
    """

    number: int
    size: int
    out: int
    scale: float
    exact: bool = False
    start: float = 0.0
    end: float = 1.0

    @property
    def unchanged(self) -> bool:
        """Whether the output is the input."""
        return self.size == self.out and self.scale == 1 and (self.start, self.end) == (0, 1)

    @property
    def width(self) -> float:
        """The output size before it was made whole."""
        return self.scale * self.size

    def coordinates(self, mode: str, dtype: type) -> np.ndarray:
        """The output pixels' places in the input. Source: the table in ai.onnx Resize-19."""
        x: np.ndarray = np.arange(self.out, dtype=dtype)
        one, half = dtype(1), dtype(0.5)
        if mode == "half_pixel":
            return self._original(x + half) - half
        if mode == "pytorch_half_pixel":
            return self._original(x + half) - half if self.out > 1 else x * 0
        if mode == "asymmetric":
            return self._original(x)
        if mode == "tf_half_pixel_for_nn":
            return self._original(x + half)
        if mode == "align_corners":
            return np.asarray(x * dtype(self.size - 1) / dtype(self.width - 1) if self.width != 1 else x * 0)
        if mode == "half_pixel_symmetric":
            offset = dtype(self.size / 2 * (1 - self.out / self.width))
            return np.asarray(offset + self._original(x + half) - half)
        if mode == "tf_crop_and_resize":
            last, start, end = dtype(self.size - 1), dtype(self.start), dtype(self.end)
            if self.out == 1:
                return np.asarray(half * (start + end) * last + x)
            return np.asarray(start * last + x * ((end - start) * last / (dtype(self.width) - one)))
        raise ValueError(f"Resize: expected a known coordinate_transformation_mode, got {mode!r}")

    def _original(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x * self.size / self.out if self.exact else x / x.dtype.type(self.scale))


def nearest(coordinates: np.ndarray, mode: str, axis: Axis) -> np.ndarray:
    """The input pixel of each output pixel; `simple`, of opset 10, rounds up where it shrinks."""
    if mode == "round_prefer_floor":
        at = np.ceil(coordinates - coordinates.dtype.type(0.5))
    elif mode == "round_prefer_ceil":
        at = np.floor(coordinates + coordinates.dtype.type(0.5))
    elif mode == "ceil" or (mode == "simple" and axis.scale < 1):
        at = np.ceil(coordinates)
    elif mode in ("floor", "simple"):
        at = np.floor(coordinates)
    else:
        raise ValueError(f"Resize: expected a known nearest_mode, got {mode!r}")
    return np.asarray(np.clip(at, 0, axis.size - 1), np.intp)


def _linear(distance: np.ndarray, a: float) -> np.ndarray:
    return np.asarray(np.clip(1 - np.abs(distance), 0, 1))


def _cubic(distance: np.ndarray, a: float) -> np.ndarray:
    """Cubic convolution. Source: R. Keys, https://ieeexplore.ieee.org/document/1163711, equation 4."""
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.asarray(np.where(x <= 1, near, np.where(x < 2, far, 0)))


def taps(
    coordinates: np.ndarray, axis: Axis, mode: str, *, antialias: int, exclude_outside: int, a: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which input pixels each output pixel mixes, and their weights: both [out, taps]. Pixels outside are the edge's.

    Where it shrinks, antialiasing widens the filter by 1 / scale.
    """
    reach, curve = (1, _linear) if mode == "linear" else (2, _cubic)
    stretch = min(axis.scale, 1.0) if antialias else 1.0
    first = int(np.floor(-reach / stretch)) + 1
    # The pixel on the left is never the point itself: a whole coordinate is its right neighbour.
    left = np.ceil(coordinates) - 1
    at = left[:, None] + np.arange(first, 2 - first)
    weights = curve((at - coordinates[:, None]) * stretch, a)
    if antialias:
        weights = weights / weights.sum(axis=1, keepdims=True)
    if exclude_outside:
        weights = np.where((at < 0) | (at >= axis.size), 0, weights)
        total = weights.sum(axis=1, keepdims=True)
        weights = weights / np.where(total == 0, 1, total)
    return np.clip(at, 0, axis.size - 1).astype(np.intp), weights


def mix(x: np.ndarray, number: int, at: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The axis `number` of x replaced by sums of pixels: one multiplication and addition of all rows a tap."""
    shape = [-1 if i == number else 1 for i in range(x.ndim)]
    total: np.ndarray | None = None
    for index, weight in zip(at.T, weights.T, strict=True):
        part = np.take(x, index, axis=number) * weight.astype(x.real.dtype).reshape(shape)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total

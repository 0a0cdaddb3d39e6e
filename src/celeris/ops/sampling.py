"""Interpolation at real coordinates, vectorised: what DeformConv, GridSample and RoiAlign share."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np


def linear(image: np.ndarray, coordinates: list[np.ndarray]) -> np.ndarray:
    """The image [C,*sizes] at points: coordinates, one array [*P] an axis -> [C,*P]; outside, pixels are 0."""
    floors = [np.floor(c) for c in coordinates]
    total: np.ndarray | None = None
    for corner in product((0, 1), repeat=len(coordinates)):
        weight = np.ones((), image.dtype)
        index = []
        for c, floor, side, size in zip(coordinates, floors, corner, image.shape[1:], strict=True):
            at = floor + side
            share = c - floor if side else 1 - (c - floor)
            inside = (at >= 0) & (at < size)
            weight = weight * np.where(inside, share, 0).astype(image.dtype)
            index.append(np.where(inside, at, 0).astype(np.intp))
        place: tuple[Any, ...] = (slice(None), *index)
        value = image[place] * weight
        total = value if total is None else total + value
    assert total is not None
    return total

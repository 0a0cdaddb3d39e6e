"""Decoding image files, by Pillow (the extra `image`)."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops.table import Facts, Op

# The formats that ONNX lists; Pillow's other readers stay closed to what a request carries.
_FORMATS = ("BMP", "JPEG", "JPEG2000", "TIFF", "PNG", "WEBP", "PPM")
_MODES = {"RGB": "RGB", "BGR": "RGB", "Grayscale": "L"}


def _pillow() -> Any:
    try:
        import PIL.Image
    except ImportError as error:
        raise ImportError(
            "ImageDecoder: expected Pillow to be installed, got none; run pip install 'celeris[image]'"
        ) from error
    return PIL.Image


def ImageDecoder(encoded_stream: np.ndarray, *, pixel_format: str = "RGB") -> np.ndarray:
    """image u8 [H,W,3], or [H,W,1] for Grayscale, of a file's bytes [K] u8; no pixels where it cannot be read.

    Raises ImportError where Pillow is not installed. Source: ai.onnx ImageDecoder-20.
    """
    if pixel_format not in _MODES:
        raise ValueError(f"ImageDecoder: expected pixel_format RGB, BGR or Grayscale, got {pixel_format!r}")
    pillow = _pillow()
    channels = 1 if pixel_format == "Grayscale" else 3
    try:
        with pillow.open(io.BytesIO(encoded_stream.tobytes()), formats=_FORMATS) as opened:
            image = np.asarray(opened.convert(_MODES[pixel_format]))
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError):
        return np.zeros((0, 0, channels), np.uint8)
    image = image.reshape(*image.shape[:2], channels)
    return np.ascontiguousarray(image[:, :, ::-1]) if pixel_format == "BGR" else image


def _decoded(facts: Facts) -> list[Type | None]:
    return [Tensor("uint8", (None, None, 1 if facts.attributes.get("pixel_format") == "Grayscale" else 3))]


OPS: tuple[Op, ...] = (Op("ImageDecoder", 20, ImageDecoder, _decoded),)

"""Trigonometric and hyperbolic functions, in radians; NaN outside their domain."""

from __future__ import annotations

import numpy as np

from celeris.ops import shapes
from celeris.ops.older import consuming
from celeris.ops.precision import rounded_once
from celeris.ops.table import Op


@rounded_once
def Acos(input: np.ndarray) -> np.ndarray:
    """The arc cosine of each element. Source: ai.onnx Acos-22."""
    return np.arccos(input)


@rounded_once
def Acosh(input: np.ndarray) -> np.ndarray:
    """The inverse hyperbolic cosine of each element. Source: ai.onnx Acosh-22."""
    return np.arccosh(input)


@rounded_once
def Asin(input: np.ndarray) -> np.ndarray:
    """The arc sine of each element. Source: ai.onnx Asin-22."""
    return np.arcsin(input)


@rounded_once
def Asinh(input: np.ndarray) -> np.ndarray:
    """The inverse hyperbolic sine of each element. Source: ai.onnx Asinh-22."""
    return np.arcsinh(input)


@rounded_once
def Atan(input: np.ndarray) -> np.ndarray:
    """The arc tangent of each element. Source: ai.onnx Atan-22."""
    return np.arctan(input)


@rounded_once
def Atanh(input: np.ndarray) -> np.ndarray:
    """The inverse hyperbolic tangent of each element. Source: ai.onnx Atanh-22."""
    return np.arctanh(input)


@rounded_once
def Cos(input: np.ndarray) -> np.ndarray:
    """The cosine of each element. Source: ai.onnx Cos-22."""
    return np.cos(input)


@rounded_once
def Cosh(input: np.ndarray) -> np.ndarray:
    """The hyperbolic cosine of each element. Source: ai.onnx Cosh-22."""
    return np.cosh(input)


@rounded_once
def Sin(input: np.ndarray) -> np.ndarray:
    """The sine of each element. Source: ai.onnx Sin-22."""
    return np.sin(input)


@rounded_once
def Sinh(input: np.ndarray) -> np.ndarray:
    """The hyperbolic sine of each element. Source: ai.onnx Sinh-22."""
    return np.sinh(input)


@rounded_once
def Tan(input: np.ndarray) -> np.ndarray:
    """The tangent of each element. Source: ai.onnx Tan-22."""
    return np.tan(input)


@rounded_once
def Tanh(input: np.ndarray) -> np.ndarray:
    """The hyperbolic tangent of each element. Source: ai.onnx Tanh-13."""
    return np.tanh(input)


OPS: tuple[Op, ...] = (
    Op("Acos", 7, Acos, shapes.same),
    Op("Acosh", 9, Acosh, shapes.same),
    Op("Asin", 7, Asin, shapes.same),
    Op("Asinh", 9, Asinh, shapes.same),
    Op("Atan", 7, Atan, shapes.same),
    Op("Atanh", 9, Atanh, shapes.same),
    Op("Cos", 7, Cos, shapes.same),
    Op("Cosh", 9, Cosh, shapes.same),
    Op("Sin", 7, Sin, shapes.same),
    Op("Sinh", 9, Sinh, shapes.same),
    Op("Tan", 7, Tan, shapes.same),
    Op("Tanh", 1, consuming(Tanh), shapes.same),
    Op("Tanh", 6, Tanh, shapes.same),
)

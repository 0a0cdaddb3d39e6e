"""Activation functions, element by element. Softmax and its kin are in ranking.py."""

from __future__ import annotations

import numpy as np

from celeris.ops import shapes
from celeris.ops.erf import erf
from celeris.ops.older import consuming, defaulting
from celeris.ops.precision import quiet, rounded_once
from celeris.ops.table import Op

_SIXTH, _FIFTH = 1 / 6, float(np.float32(0.2))  # attributes are float32 in a file, and so are their defaults
_SELU = float(np.float32(1.67326319217681884765625)), float(np.float32(1.05070102214813232421875))
_HUNDREDTH = float(np.float32(0.01))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow: exp is taken of numbers up to 0 only."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def softplus(x: np.ndarray) -> np.ndarray:
    """ln(1 + exp(x)) without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@quiet
def Relu(X: np.ndarray) -> np.ndarray:
    """Y = max(0, X). Source: ai.onnx Relu-14."""
    return np.asarray(np.maximum(X, X.dtype.type(0)))


@rounded_once
def LeakyRelu(X: np.ndarray, *, alpha: float = _HUNDREDTH) -> np.ndarray:
    """Y = X, below 0 alpha * X. Source: ai.onnx LeakyRelu-16."""
    return np.where(X < 0, alpha * X, X)


@rounded_once
def PRelu(X: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Y = X, below 0 slope * X; the slope broadcasts to X. Source: ai.onnx PRelu-16."""
    return np.where(X < 0, slope * X, X)


@rounded_once
def PRelu_6(X: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """PRelu whose slope, where it is a vector, is by channel: X [N,C,...], slope [C]. Source: ai.onnx PRelu-6."""
    if slope.size != 1 and slope.ndim == 1 and X.ndim > 1:
        slope = slope.reshape(-1, *(1,) * (X.ndim - 2))
    return np.where(X < 0, slope * X, X)


@rounded_once
def ThresholdedRelu(X: np.ndarray, *, alpha: float = 1.0) -> np.ndarray:
    """Y = X where X > alpha, else 0. Source: ai.onnx ThresholdedRelu-22."""
    return np.where(alpha < X, X, 0)


@rounded_once
def Elu(X: np.ndarray, *, alpha: float = 1.0) -> np.ndarray:
    """Y = X, below 0 alpha * (exp(X) - 1). Source: ai.onnx Elu-22; arXiv:1511.07289."""
    return np.where(X < 0, alpha * np.expm1(X), X)


@rounded_once
def Selu(X: np.ndarray, *, alpha: float = _SELU[0], gamma: float = _SELU[1]) -> np.ndarray:
    """Y = gamma * X, up to 0 gamma * alpha * (exp(X) - 1). Source: ai.onnx Selu-22; arXiv:1706.02515."""
    return gamma * np.where(X > 0, X, alpha * np.expm1(X))


@rounded_once
def Celu(X: np.ndarray, *, alpha: float = 1.0) -> np.ndarray:
    """Y = max(0, X) + min(0, alpha * (exp(X / alpha) - 1)). Source: ai.onnx Celu-28; arXiv:1704.07483."""
    return np.maximum(X, 0) + np.minimum(alpha * np.expm1(X / alpha), 0)


@rounded_once
def Sigmoid(X: np.ndarray) -> np.ndarray:
    """Y = 1 / (1 + exp(-X)). Source: ai.onnx Sigmoid-13."""
    return sigmoid(X)


@rounded_once
def HardSigmoid(X: np.ndarray, *, alpha: float = _FIFTH, beta: float = 0.5) -> np.ndarray:
    """Y = max(0, min(1, alpha * X + beta)). Source: ai.onnx HardSigmoid-22."""
    return np.clip(alpha * X + beta, 0, 1)


@rounded_once
def HardSwish(X: np.ndarray) -> np.ndarray:
    """Y = X * max(0, min(1, X / 6 + 0.5)). Source: ai.onnx HardSwish-22; arXiv:1905.02244."""
    return X * np.clip(X * _SIXTH + 0.5, 0, 1)


@rounded_once
def Swish(X: np.ndarray, *, alpha: float = 1.0) -> np.ndarray:
    """Y = X * sigmoid(alpha * X). Source: ai.onnx Swish-24; arXiv:1710.05941."""
    return X * sigmoid(alpha * X)


@rounded_once
def SwiGLU(A: np.ndarray, B: np.ndarray, *, alpha: float = 1.0) -> np.ndarray:
    """Y = A * sigmoid(alpha * A) * B, of one shape. Source: ai.onnx SwiGLU-28; arXiv:2002.05202."""
    if A.shape != B.shape:
        raise ValueError(f"SwiGLU: expected inputs of one shape, got {list(A.shape)} and {list(B.shape)}")
    return A * sigmoid(alpha * A) * B


@rounded_once
def Gelu(X: np.ndarray, *, approximate: str = "none") -> np.ndarray:
    """Y = X / 2 * (1 + erf(X / sqrt(2))), or its approximation by tanh. Source: ai.onnx Gelu-20; arXiv:1606.08415."""
    if approximate == "tanh":
        inner = np.sqrt(2 / np.pi) * (X + 0.044715 * X * X * X)
        return 0.5 * X * (1 + np.tanh(inner))
    if approximate != "none":
        raise ValueError(f"Gelu: expected approximate none or tanh, got {approximate!r}")
    return 0.5 * X * (1 + erf(X * np.sqrt(0.5)))


@rounded_once
def Mish(X: np.ndarray) -> np.ndarray:
    """Y = X * tanh(softplus(X)). Source: ai.onnx Mish-22; arXiv:1908.08681."""
    return X * np.tanh(softplus(X))


@rounded_once
def Softplus(X: np.ndarray) -> np.ndarray:
    """Y = ln(1 + exp(X)). Source: ai.onnx Softplus-22."""
    return softplus(X)


@rounded_once
def Softsign(input: np.ndarray) -> np.ndarray:
    """Y = X / (1 + |X|). Source: ai.onnx Softsign-22."""
    return input / (1 + np.abs(input))


@rounded_once
def Shrink(input: np.ndarray, *, bias: float = 0.0, lambd: float = 0.5) -> np.ndarray:
    """Y = X + bias below -lambd, X - bias above lambd, else 0. Source: ai.onnx Shrink-9."""
    return np.where(input < -lambd, input + bias, np.where(input > lambd, input - bias, 0))


_SELU_1 = defaulting(consuming(Selu), alpha=float(np.float32(1.6732)), gamma=float(np.float32(1.0507)))

OPS: tuple[Op, ...] = (
    Op("Celu", 12, Celu, shapes.same),
    Op("Elu", 1, consuming(Elu), shapes.same),
    Op("Elu", 6, Elu, shapes.same),
    Op("Gelu", 20, Gelu, shapes.same),
    Op("HardSigmoid", 1, consuming(HardSigmoid), shapes.same),
    Op("HardSigmoid", 6, HardSigmoid, shapes.same),
    Op("HardSwish", 14, HardSwish, shapes.same),
    Op("LeakyRelu", 1, consuming(LeakyRelu), shapes.same),
    Op("LeakyRelu", 6, LeakyRelu, shapes.same),
    Op("Mish", 18, Mish, shapes.same),
    Op("PRelu", 1, consuming(PRelu_6), shapes.same),
    Op("PRelu", 6, PRelu_6, shapes.same),
    Op("PRelu", 7, PRelu, shapes.same),
    Op("Relu", 1, consuming(Relu), shapes.same),
    Op("Relu", 6, Relu, shapes.same),
    Op("Selu", 1, _SELU_1, shapes.same),
    Op("Selu", 6, Selu, shapes.same),
    Op("Shrink", 9, Shrink, shapes.same),
    Op("Sigmoid", 1, consuming(Sigmoid), shapes.same),
    Op("Sigmoid", 6, Sigmoid, shapes.same),
    Op("Softplus", 1, Softplus, shapes.same),
    Op("Softsign", 1, Softsign, shapes.same),
    Op("SwiGLU", 28, SwiGLU, shapes.same),
    Op("Swish", 24, Swish, shapes.same),
    Op("ThresholdedRelu", 10, ThresholdedRelu, shapes.same),
)

"""Activation functions of com.microsoft, and those that are fused into its products and convolutions."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Seq
from typing import Any

import numpy as np

from celeris.ops import activation as onnx
from celeris.ops import shapes
from celeris.ops.activation import sigmoid
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.conv import Conv, conv_type
from celeris.ops.erf import erf
from celeris.ops.precision import narrow, rounded_once, widen
from celeris.ops.table import Op

# name -> (function, what its parameters are called, in the order in which a fused node gives them)
_FUSED: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "Clip": (lambda x, low=-np.inf, high=np.inf: np.clip(x, low, high), ("low", "high")),
    "Elu": (onnx.Elu, ("alpha",)),
    "HardSigmoid": (onnx.HardSigmoid, ("alpha", "beta")),
    "LeakyRelu": (onnx.LeakyRelu, ("alpha",)),
    "ParametricSoftplus": (lambda x, alpha, beta: alpha * np.logaddexp(beta * x, 0), ("alpha", "beta")),
    "Relu": (onnx.Relu, ()),
    "ScaledTanh": (lambda x, alpha, beta: alpha * np.tanh(beta * x), ("alpha", "beta")),
    "Selu": (onnx.Selu, ("alpha", "gamma")),
    "Sigmoid": (onnx.Sigmoid, ()),
    "Softplus": (onnx.Softplus, ()),
    "Softsign": (onnx.Softsign, ()),
    "Tanh": (np.tanh, ()),
    "ThresholdedRelu": (onnx.ThresholdedRelu, ("alpha",)),
}


def activated(where: str, y: np.ndarray, name: str | None, parameters: Seq[float]) -> np.ndarray:
    """`y` after the activation that was fused behind `where`; none where it has no name."""
    if not name:
        return y
    if name not in _FUSED:
        raise ValueError(f"{where}: expected an activation among {', '.join(_FUSED)}, got {name!r}")
    function, names = _FUSED[name]
    given = {key: y.dtype.type(value) for key, value in zip(names, parameters, strict=False)}
    return narrow(function(y, **given), y.dtype)


@rounded_once
def Gelu(X: np.ndarray) -> np.ndarray:
    """Y = X / 2 * (1 + erf(X / sqrt(2))). Source: com.microsoft Gelu-1; arXiv:1606.08415."""
    return 0.5 * X * (1 + erf(X * np.sqrt(0.5)))


@rounded_once
def BiasGelu(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = Gelu(A + B): A [...,N], B [N]. Source: com.microsoft BiasGelu-1."""
    if B.ndim != 1 or not A.ndim or A.shape[-1] != len(B):
        raise ValueError(f"BiasGelu: expected A [...,N] and B [N], got shapes {list(A.shape)} and {list(B.shape)}")
    x = A + B
    return 0.5 * x * (1 + erf(x * np.sqrt(0.5)))


@rounded_once
def FastGelu(X: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Gelu of X + bias by tanh: X [...,N], bias [N]. Source: com.microsoft FastGelu-1; arXiv:1606.08415."""
    if bias is not None and (bias.ndim != 1 or not X.ndim or X.shape[-1] != len(bias)):
        raise ValueError(f"FastGelu: expected X [...,N] and bias [N], got {list(X.shape)} and {list(bias.shape)}")
    x = X if bias is None else X + bias
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)))


@rounded_once
def QuickGelu(X: np.ndarray, *, alpha: float = 1.702) -> np.ndarray:
    """Y = X * sigmoid(alpha * X). Source: com.microsoft QuickGelu-1."""
    return X * sigmoid(alpha * X)


def ScaledSiLU(X: np.ndarray, scale: np.ndarray | None = None, *, alpha: float = 1.0) -> np.ndarray:
    """Y = Z * sigmoid(Z), Z = scale * X, each step rounded to X's type; scale [], or alpha. Source: ScaledSiLU-1."""
    if scale is not None and scale.size != 1:
        raise ValueError(f"ScaledSiLU: expected one scale, got shape {list(scale.shape)}")
    factor = np.float32(alpha) if scale is None else widen(scale).reshape(())
    z = widen(narrow(widen(X) * factor, X.dtype))
    with np.errstate(over="ignore"):
        return narrow(z * widen(narrow(sigmoid(z), X.dtype)), X.dtype)


def FusedConv(
    X: np.ndarray,
    W: np.ndarray,
    B: np.ndarray | None = None,
    Z: np.ndarray | None = None,
    *,
    activation: str | None = None,
    activation_params: np.ndarray | None = None,
    auto_pad: str = "NOTSET",
    dilations: Seq[int] | None = None,
    group: int = 1,
    kernel_shape: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """Y = activation(conv(X, W) + B + Z), Z of Y's shape. Source: com.microsoft FusedConv-1."""
    y = Conv(
        X, W, B, auto_pad=auto_pad, dilations=dilations, group=group, kernel_shape=kernel_shape, pads=pads,
        strides=strides,
    )  # fmt: skip
    if Z is not None:
        if Z.shape != y.shape:
            raise ValueError(f"FusedConv: expected Z of shape {list(y.shape)}, got {list(Z.shape)}")
        y = narrow(widen(y) + widen(Z), y.dtype)
    return activated(
        "FusedConv", y, activation, [] if activation_params is None else [float(p) for p in activation_params]
    )


OPS: tuple[Op, ...] = (
    Op("BiasGelu", 1, BiasGelu, shapes.same, MICROSOFT),
    Op("FastGelu", 1, FastGelu, shapes.same, MICROSOFT),
    Op("FusedConv", 1, FusedConv, conv_type, MICROSOFT),
    Op("Gelu", 1, Gelu, shapes.same, MICROSOFT),
    Op("QuickGelu", 1, QuickGelu, shapes.same, MICROSOFT),
    Op("ScaledSiLU", 1, ScaledSiLU, shapes.same, MICROSOFT),
)

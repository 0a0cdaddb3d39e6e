"""What onnxruntime's optimiser makes of diffusion models: norms of groups and convolutions, channels last.

onnxruntime has kernels of these for GPUs only; files that it has optimised run here all the same.
"""

from __future__ import annotations

from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.activation import sigmoid
from celeris.ops.contrib_activation import FastGelu
from celeris.ops.contrib_quantized import channels_back, channels_first
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.conv import Conv
from celeris.ops.erf import erf
from celeris.ops.matmul import matmul_shape
from celeris.ops.norm import standardized
from celeris.ops.precision import narrow, quiet, rounded_once, widen
from celeris.ops.reduce import in_double
from celeris.ops.table import Facts, Op
from celeris.ops.windows import output_sizes


@rounded_once
def BiasAdd(X: np.ndarray, bias: np.ndarray, skip: np.ndarray) -> np.ndarray:
    """Y = X + bias + skip, broadcast: X, skip [N,S,C], bias [C]. Source: com.microsoft BiasAdd-1."""
    return X + bias + skip


@rounded_once
def BiasSplitGelu(X: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Y = left * Gelu(right), the halves of X + bias: X [N,S,D], bias [D] -> Y [N,S,D/2]. Source: BiasSplitGelu-1."""
    if X.shape[-1] % 2 or bias.shape != X.shape[-1:]:
        raise ValueError(f"BiasSplitGelu: expected an even D and bias [D], got {list(X.shape)} and {list(bias.shape)}")
    left, right = np.split(X + bias, 2, axis=-1)
    return left * 0.5 * right * (1 + erf(right * np.sqrt(0.5)))


@quiet
def GemmFastGelu(X: np.ndarray, W: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Y = FastGelu(X @ W + bias): X [...,K], W [K,N], bias [N]. Source: com.microsoft GemmFastGelu-1."""
    return narrow(FastGelu(np.matmul(in_double(X), in_double(W)), None if bias is None else in_double(bias)), X.dtype)


def GroupNorm(
    X: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    *,
    activation: int,
    channels_last: int = 1,
    epsilon: float = 1e-5,
    groups: int,
) -> np.ndarray:
    """Y = X [N,H,W,C] (or [N,C,H,W]) standardized by groups of channels, * gamma [C] + beta [C]; SiLU of it if asked.

    Source: com.microsoft GroupNorm-1; arXiv:1803.08494.
    """
    x = channels_first(X, channels_last)
    channels = x.shape[1]
    if groups < 1 or channels % groups or gamma.shape != (channels,) or beta.shape != (channels,):
        given = f"{groups} groups, gamma {list(gamma.shape)}, beta {list(beta.shape)}"
        raise ValueError(f"GroupNorm: expected groups that divide {channels} channels, gamma and beta [C], got {given}")
    parts = widen(x).reshape(len(x), groups, -1)
    normal = standardized(parts, (2,), epsilon)[0].reshape(x.shape)
    by_channel = [widen(v).reshape(-1, *[1] * (x.ndim - 2)) for v in (gamma, beta)]
    y = normal * by_channel[0] + by_channel[1]
    return channels_back(narrow(y * sigmoid(y) if activation else y, X.dtype), channels_last)


def SkipGroupNorm(
    X: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    skip: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    activation: int,
    channels_last: int = 1,
    epsilon: float = 1e-5,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """GroupNorm of S = X + skip + bias, and S: skip as X, [N,1,1,C] or [N,C]; bias [C]. Source: SkipGroupNorm-1."""
    total = widen(channels_first(X, channels_last))
    plus = skip if skip.ndim == 2 else channels_first(skip, channels_last)
    total = total + widen(plus).reshape(*plus.shape, *[1] * (X.ndim - plus.ndim))
    if bias is not None:
        total = total + widen(bias).reshape(-1, *[1] * (X.ndim - 2))
    summed = channels_back(narrow(total, X.dtype), channels_last)
    y = GroupNorm(
        summed, gamma, beta, activation=activation, channels_last=channels_last, epsilon=epsilon, groups=groups
    )
    return y, summed


def NhwcConv(
    X: np.ndarray,
    W: np.ndarray,
    B: np.ndarray | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Seq[int] | None = None,
    group: int = 1,
    kernel_shape: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    strides: Seq[int] | None = None,
) -> np.ndarray:
    """Conv of channels last: X [N,...,C], W [M,...,C/group], B [M] -> Y [N,...,M]. Source: com.microsoft NhwcConv-1."""
    y = Conv(
        channels_first(X, 1), channels_first(W, 1), B, auto_pad=auto_pad, dilations=dilations, group=group,
        kernel_shape=kernel_shape, pads=pads, strides=strides,
    )  # fmt: skip
    return channels_back(y, 1)


def _half_type(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None or not x.shape:
        return [x]
    last = x.shape[-1]
    return [Tensor(x.element, (*x.shape[:-1], last // 2 if isinstance(last, int) else None))]


def _twice(facts: Facts) -> list[Type | None]:
    return shapes.same(facts) * 2


def _product(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    return [None if x is None else Tensor(x.element, matmul_shape(x.shape, shapes.shape_of(facts, 1)))]


def _nhwc_type(facts: Facts) -> list[Type | None]:
    x, w = shapes.tensor(facts, 0), shapes.shape_of(facts, 1)
    if x is None or x.shape is None or w is None or len(w) != len(x.shape) or len(w) < 3:
        return [None if x is None else Tensor(x.element)]
    kernel = [n for n in w[1:-1] if isinstance(n, int)]
    return [Tensor(x.element, (x.shape[0], *output_sizes(x.shape[1:-1], kernel, facts.attributes), w[0]))]


OPS: tuple[Op, ...] = (
    Op("BiasAdd", 1, BiasAdd, shapes.same, MICROSOFT),
    Op("BiasSplitGelu", 1, BiasSplitGelu, _half_type, MICROSOFT),
    Op("GemmFastGelu", 1, GemmFastGelu, _product, MICROSOFT),
    Op("GroupNorm", 1, GroupNorm, shapes.same, MICROSOFT),
    Op("NhwcConv", 1, NhwcConv, _nhwc_type, MICROSOFT),
    Op("SkipGroupNorm", 1, SkipGroupNorm, _twice, MICROSOFT),
)

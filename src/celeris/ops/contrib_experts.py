"""Mixtures of experts of com.microsoft: each token goes through a few of many two-layer networks."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from celeris.ops import shapes
from celeris.ops.activation import sigmoid
from celeris.ops.contrib_activation import FastGelu
from celeris.ops.contrib_quantized_matmul import unpacked
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.precision import narrow, quiet, widen
from celeris.ops.table import Op


class _Layer(NamedTuple):
    """One layer of all experts: weights [E,N,K], bias [E,N]."""

    weights: np.ndarray
    bias: np.ndarray | None

    def __call__(self, expert: int, x: np.ndarray) -> np.ndarray:
        y = x @ self.weights[expert].T
        return y if self.bias is None else y + widen(self.bias[expert])


class _Activation(NamedTuple):
    """What stands between the layers, and the parameters of SwiGLU."""

    where: str
    name: str
    alpha: float
    beta: float
    limit: float | None
    fusion: int

    def __call__(self, x: np.ndarray, linear: np.ndarray | None) -> np.ndarray:
        if self.name == "swiglu":
            gate, plain = self._halves(x, linear)
            if self.limit is not None and math.isfinite(self.limit):
                gate, plain = np.minimum(gate, self.limit), np.clip(plain, -self.limit, self.limit)
            return gate * sigmoid(self.alpha * gate) * (plain + self.beta)
        if self.name == "relu":
            y = np.maximum(x, 0)
        elif self.name == "gelu":
            y = FastGelu(x)  # by tanh, as onnxruntime's experts compute it
        elif self.name == "silu":
            y = x * sigmoid(x)
        elif self.name == "identity":
            y = x
        else:
            raise ValueError(f"{self.where}: expected relu, gelu, silu, swiglu or identity, got {self.name!r}")
        return y if linear is None else y * linear

    def _halves(self, x: np.ndarray, linear: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        if self.fusion == 1:
            return x[:, 0::2], x[:, 1::2]
        if self.fusion == 2:
            return x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]
        if linear is None:
            raise ValueError(f"{self.where}: expected fc3 weights for swiglu that is not fused, got none")
        return x, linear


def _routed(
    where: str, logits: np.ndarray, weights: np.ndarray | None, k: int, normalized: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which k experts each token goes to [T,k], the first of equals first, and with which shares [T,k]."""
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"{where}: expected k from 1 to {logits.shape[1]} experts, got {k}")
    chosen = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    if weights is not None:
        shares = np.take_along_axis(widen(weights), chosen, 1)
        return chosen, shares / shares.sum(axis=1, keepdims=True) if normalized else shares
    scores = np.take_along_axis(logits, chosen, 1) if normalized else logits
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares = e / e.sum(axis=1, keepdims=True)
    return chosen, shares if normalized else np.take_along_axis(shares, chosen, 1)


def _mixed(
    where: str,
    input: np.ndarray,
    routes: tuple[np.ndarray, np.ndarray],
    layers: tuple[_Layer, _Layer, _Layer | None],
    activation: _Activation,
) -> np.ndarray:
    """The sum of each token's experts by their shares; each expert computes all of its tokens at once."""
    first, second, third = layers
    tokens = widen(input).reshape(-1, input.shape[-1])
    chosen, shares = routes
    if len(chosen) != len(tokens):
        raise ValueError(f"{where}: expected router_probs of {len(tokens)} tokens, got {len(chosen)}")
    result = np.zeros((len(tokens), second.weights.shape[1]), tokens.dtype)
    for expert in range(len(first.weights)):
        rows, places = np.nonzero(chosen == expert)
        if len(rows):
            x = tokens[rows]
            inner = activation(first(expert, x), None if third is None else third(expert, x))
            result[rows] += second(expert, inner) * shares[rows, places][:, None]
    return narrow(result.reshape(*input.shape[:-1], -1), input.dtype)


@quiet
def MoE(
    input: np.ndarray,
    router_probs: np.ndarray,
    fc1_experts_weights: np.ndarray,
    fc1_experts_bias: np.ndarray | None,
    fc2_experts_weights: np.ndarray,
    fc2_experts_bias: np.ndarray | None = None,
    fc3_experts_weights: np.ndarray | None = None,
    fc3_experts_bias: np.ndarray | None = None,
    *,
    activation_alpha: float = 1.0,
    activation_beta: float = 0.0,
    activation_type: str = "relu",
    k: int = 1,
    normalize_routing_weights: int = 0,
    swiglu_fusion: int = 0,
    swiglu_limit: float | None = None,
    use_sparse_mixer: int = 0,
) -> np.ndarray:
    """output = sum of the k best experts of each token: input [T,H] or [B,S,H], router_probs [T,E], weights [E,N,K].

    Source: com.microsoft MoE-1; arXiv:2101.03961.
    """
    _no_mixer("MoE", use_sparse_mixer)
    third = None if fc3_experts_weights is None else _Layer(widen(fc3_experts_weights), fc3_experts_bias)
    first, second = (widen(fc1_experts_weights), fc1_experts_bias), (widen(fc2_experts_weights), fc2_experts_bias)
    between = _Activation("MoE", activation_type, activation_alpha, activation_beta, swiglu_limit, swiglu_fusion)
    routes = _routed("MoE", widen(router_probs), None, k, normalize_routing_weights)
    return _mixed("MoE", input, routes, (_Layer(*first), _Layer(*second), third), between)


def _no_mixer(where: str, use_sparse_mixer: int) -> None:
    if use_sparse_mixer:
        raise ValueError(f"{where}: expected use_sparse_mixer 0, as on CPUs, got {use_sparse_mixer}")


def _dequantized(
    packed: np.ndarray, scales: np.ndarray | None, zero_points: np.ndarray | None, bits: int, block: int
) -> np.ndarray:
    """Weights [E,N,K] f32 of codes [E,N,K*bits/8], a scale (and zero point) a row or a block of a row."""
    if scales is None:
        raise ValueError("QMoE: expected scales of each layer, got none")
    codes = unpacked(packed, bits).astype(np.float32)
    columns = codes.shape[2]
    factors = widen(scales).reshape(*codes.shape[:2], -1)
    blocks = factors.shape[2]
    if zero_points is None:
        zeros: np.ndarray = np.full((1, 1, 1), 1 << bits - 1, np.float32)
    elif blocks == 1:
        zeros = unpacked(zero_points.reshape(len(codes), -1), bits)[:, : codes.shape[1], None]
    else:
        zeros = unpacked(zero_points, bits)[..., :blocks]
    at = np.arange(columns) // block if block > 0 and blocks > 1 else np.zeros(columns, np.int64)
    zeros = zeros.astype(np.float32)
    return (codes - (zeros[..., at] if zeros.shape[2] > 1 else zeros)) * factors[..., at]


@quiet
def QMoE(
    input: np.ndarray,
    router_probs: np.ndarray,
    fc1_experts_weights: np.ndarray,
    fc1_scales: np.ndarray | None,
    fc1_experts_bias: np.ndarray | None,
    fc2_experts_weights: np.ndarray,
    fc2_scales: np.ndarray | None = None,
    fc2_experts_bias: np.ndarray | None = None,
    fc3_experts_weights: np.ndarray | None = None,
    fc3_scales: np.ndarray | None = None,
    fc3_experts_bias: np.ndarray | None = None,
    fc1_zero_points: np.ndarray | None = None,
    fc2_zero_points: np.ndarray | None = None,
    fc3_zero_points: np.ndarray | None = None,
    router_weights: np.ndarray | None = None,
    fc1_global_scale: np.ndarray | None = None,
    fc2_global_scale: np.ndarray | None = None,
    fc1_act_scale: np.ndarray | None = None,
    fc2_act_scale: np.ndarray | None = None,
    fc1_act_block_scale: np.ndarray | None = None,
    fc2_act_block_scale: np.ndarray | None = None,
    *,
    accuracy_level: int = 0,
    activation_alpha: float = 1.0,
    activation_beta: float = 0.0,
    activation_type: str = "relu",
    block_size: int | None = None,
    expert_weight_bits: int = 4,
    fc1_expert_weight_bits: int | None = None,
    fc2_expert_weight_bits: int | None = None,
    fc3_expert_weight_bits: int | None = None,
    k: int = 1,
    normalize_routing_weights: int = 0,
    quant_type: str = "int",
    swiglu_fusion: int = 0,
    swiglu_limit: float | None = None,
    use_sparse_mixer: int = 0,
    weights_prepacked: int = -1,
) -> np.ndarray:
    """MoE of weights [E,N,K*bits/8] of 2, 4 or 8 bits, scales [E,N] or [E,N,K/block_size]: input [T,H] or [B,S,H].

    Source: com.microsoft QMoE-1.
    """
    _no_mixer("QMoE", use_sparse_mixer)
    if quant_type != "int" or weights_prepacked > 0:
        raise ValueError(f"QMoE: expected quant_type int, not prepacked, as on CPUs, got {quant_type!r}")
    block = block_size or 0
    made: list[_Layer | None] = []
    for weights, scales, zeros, bits, bias in (
        (fc1_experts_weights, fc1_scales, fc1_zero_points, fc1_expert_weight_bits, fc1_experts_bias),
        (fc2_experts_weights, fc2_scales, fc2_zero_points, fc2_expert_weight_bits, fc2_experts_bias),
        (fc3_experts_weights, fc3_scales, fc3_zero_points, fc3_expert_weight_bits, fc3_experts_bias),
    ):
        width = bits or expert_weight_bits
        made.append(None if weights is None else _Layer(_dequantized(weights, scales, zeros, width, block), bias))
    first, second, third = made
    assert first is not None
    assert second is not None
    between = _Activation("QMoE", activation_type, activation_alpha, activation_beta, swiglu_limit, swiglu_fusion)
    # onnxruntime's kernel of quantized experts weighs by the softmax of the chosen, whether asked to normalize or not.
    normalized = 1 if router_weights is None else normalize_routing_weights
    routes = _routed("QMoE", widen(router_probs), router_weights, k, normalized)
    return _mixed("QMoE", input, routes, (first, second, third), between)


OPS: tuple[Op, ...] = (
    Op("MoE", 1, MoE, shapes.same, MICROSOFT),
    Op("QMoE", 1, QMoE, shapes.same, MICROSOFT),
)

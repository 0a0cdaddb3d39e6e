"""What com.microsoft puts around linear attention: its gates, its norm, its convolution; and the attention itself."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.activation import sigmoid
from celeris.ops.attention import join_heads, split_heads
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.conv import CausalConvWithState as OnnxCausalConvWithState
from celeris.ops.linear_attention import LinearAttention as OnnxLinearAttention
from celeris.ops.linear_attention import linear_attention_types
from celeris.ops.precision import narrow, quiet, widen
from celeris.ops.table import Facts, Op


def _one_state(where: str, state_window: int) -> None:
    if state_window:
        raise ValueError(f"{where}: expected state_window 0, the state after the last token, got {state_window}")


def CausalConvWithState(
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    past_state: np.ndarray | None = None,
    *,
    activation: str = "none",
    channels_last: int = 0,
    dilation: int = 1,
    ndim: int = 1,
    state_window: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """ONNX's, with taps `dilation` apart, and channels last where asked: input [B,L,C,...], state [B,(k-1)*dilation,C].

    Source: com.microsoft CausalConvWithState-1.
    """
    _one_state("CausalConvWithState", state_window)
    if ndim != 1:
        raise ValueError(f"CausalConvWithState: expected ndim 1, got {ndim}")
    if dilation < 1:
        raise ValueError(f"CausalConvWithState: expected a dilation from 1, got {dilation}")
    kernel = weight
    if dilation > 1 and weight.ndim == 3:
        kernel = np.zeros((*weight.shape[:2], (weight.shape[2] - 1) * dilation + 1), weight.dtype)
        kernel[:, :, ::dilation] = weight
    if not channels_last:
        return OnnxCausalConvWithState(input, kernel, bias, past_state, activation=activation)

    def first(x: np.ndarray) -> np.ndarray:
        return np.moveaxis(x.reshape(*x.shape[:2], -1), 1, 2)

    past = None if past_state is None else first(past_state)
    y, state = OnnxCausalConvWithState(first(input), kernel, bias, past, activation=activation)
    back = (np.ascontiguousarray(np.moveaxis(x, 1, 2)) for x in (y, state))
    whole, kept = (x.reshape(*x.shape[:2], *input.shape[2:]) for x in back)
    return whole, kept


def LinearAttention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    past_state: np.ndarray | None = None,
    decay: np.ndarray | None = None,
    beta: np.ndarray | None = None,
    *,
    chunk_size: int = 64,
    kv_num_heads: int,
    q_num_heads: int,
    scale: float = 0.0,
    state_window: int = 0,
    update_rule: str = "gated_delta",
) -> tuple[np.ndarray, np.ndarray]:
    """ONNX's, of more heads of keys than of queries too: query [B,T,H*D], value [B,T,G*E] -> [B,T,max(H,G)*E], state.

    Source: com.microsoft LinearAttention-1.
    """
    _one_state("LinearAttention", state_window)
    heads = q_num_heads
    if 0 < q_num_heads < kv_num_heads and kv_num_heads % q_num_heads == 0:
        parts = split_heads("LinearAttention", query, q_num_heads)
        query, heads = join_heads(np.repeat(parts, kv_num_heads // q_num_heads, axis=1)), kv_num_heads
    return OnnxLinearAttention(
        query, key, value, past_state, decay, beta, chunk_size=chunk_size, kv_num_heads=kv_num_heads,
        q_num_heads=heads, scale=scale, update_rule=update_rule,
    )  # fmt: skip


@quiet
def LinearAttentionGate(
    a: np.ndarray, dt_bias: np.ndarray, decay_scale: np.ndarray, b: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """decay = decay_scale * softplus(a + dt_bias), beta = sigmoid(b): a, b [B,T,H], dt_bias, decay_scale [H].

    Source: com.microsoft LinearAttentionGate-1.
    """
    if not dt_bias.shape == decay_scale.shape == a.shape[-1:]:
        given = f"{list(a.shape)}, {list(dt_bias.shape)} and {list(decay_scale.shape)}"
        raise ValueError(f"LinearAttentionGate: expected a [B,T,H], dt_bias [H] and decay_scale [H], got {given}")
    decay = decay_scale * np.logaddexp(widen(a) + dt_bias, np.float32(0))
    return narrow(decay, a.dtype), None if b is None else narrow(sigmoid(widen(b)), b.dtype)


@quiet
def GatedRMSNorm(
    X: np.ndarray, scale: np.ndarray, gate: np.ndarray, *, activation: str = "silu", epsilon: float = 1e-5
) -> np.ndarray:
    """Y = X / rms(X) * scale * activation(gate), X, gate [...,H*C], scale [C]. Source: GatedRMSNorm-1."""
    if scale.ndim != 1 or not scale.size or X.shape[-1] % len(scale) or gate.shape != X.shape:
        given = f"{list(X.shape)}, {list(scale.shape)} and {list(gate.shape)}"
        raise ValueError(f"GatedRMSNorm: expected X and gate [...,H*C] and scale [C], got {given}")
    if activation not in ("silu", "swish", "sigmoid"):
        raise ValueError(f"GatedRMSNorm: expected activation silu, swish or sigmoid, got {activation!r}")
    x = widen(X).reshape(*X.shape[:-1], -1, len(scale))
    z = widen(gate)
    root = np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + x.dtype.type(epsilon))
    normal = (x / root * widen(scale)).reshape(X.shape)
    return narrow(normal * sigmoid(z) * (1 if activation == "sigmoid" else z), X.dtype)


def _causal_types(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    return [x, None if x is None else Tensor(x.element)]


def _attention_types(facts: Facts) -> list[Type | None]:
    heads, groups = facts.attributes.get("q_num_heads", 0), facts.attributes.get("kv_num_heads", 0)
    if heads < groups:
        return [
            None if t is None else Tensor(t.element) for t in linear_attention_types(facts) if isinstance(t, Tensor)
        ]
    return linear_attention_types(facts)


def _gate_types(facts: Facts) -> list[Type | None]:
    return [shapes.tensor(facts, 0), shapes.tensor(facts, 3)]


OPS: tuple[Op, ...] = (
    Op("CausalConvWithState", 1, CausalConvWithState, _causal_types, MICROSOFT),
    Op("GatedRMSNorm", 1, GatedRMSNorm, shapes.same, MICROSOFT),
    Op("LinearAttention", 1, LinearAttention, _attention_types, MICROSOFT),
    Op("LinearAttentionGate", 1, LinearAttentionGate, _gate_types, MICROSOFT),
)

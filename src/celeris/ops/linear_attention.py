"""Linear attention: a recurrent state in place of the scores of all pairs."""

from __future__ import annotations

import math

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.attention import join_heads, split_heads
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op

_RULES = {"linear": (False, False), "gated": (True, False), "delta": (False, True), "gated_delta": (True, True)}


def _gates(
    rule: str, decay: np.ndarray | None, beta: np.ndarray | None, heads: int, size: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """exp(decay) [B,G,T,1 or D] and beta [B,G or 1,T,1], None where the rule has none."""
    if rule not in _RULES:
        raise ValueError(f"LinearAttention: expected update_rule among {sorted(_RULES)}, got {rule!r}")
    for name, value, needed in zip(("decay", "beta"), (decay, beta), _RULES[rule], strict=True):
        if (value is not None) != needed:
            raise ValueError(f"LinearAttention: expected {name} exactly where the rule has it, got rule {rule!r}")
    kept = None
    if decay is not None:
        if decay.ndim != 3 or decay.shape[2] not in (heads, heads * size):
            raise ValueError(
                f"LinearAttention: expected decay [B,T,{heads}] or [B,T,{heads * size}], got {decay.shape}"
            )
        kept = np.exp(split_heads("LinearAttention", widen(decay), heads))
    rate = None
    if beta is not None:
        if beta.ndim != 3 or beta.shape[2] not in (heads, 1):
            raise ValueError(f"LinearAttention: expected beta [B,T,{heads}] or [B,T,1], got {beta.shape}")
        rate = split_heads("LinearAttention", widen(beta), beta.shape[2])
    return kept, rate


def LinearAttention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    past_state: np.ndarray | None = None,
    decay: np.ndarray | None = None,
    beta: np.ndarray | None = None,
    *,
    kv_num_heads: int,
    q_num_heads: int,
    chunk_size: int = 64,
    scale: float = 0.0,
    update_rule: str = "gated_delta",
) -> tuple[np.ndarray, np.ndarray]:
    """S = exp(decay) S + k (x) beta (v - S^T k), o = scale q^T S: query [B,T,H*D], value [B,T,G*E] -> [B,T,H*E], S.

    Rules without a gate have decay 0, without delta v itself. `chunk_size` is a hint. Source: LinearAttention-27.
    """
    if not query.ndim == key.ndim == value.ndim == 3:
        raise ValueError(f"LinearAttention: expected rank 3, got {query.shape}, {key.shape}, {value.shape}")
    if kv_num_heads < 1 or q_num_heads < 1 or q_num_heads % kv_num_heads:
        raise ValueError(f"LinearAttention: expected kv_num_heads to divide {q_num_heads}, got {kv_num_heads}")
    q = split_heads("LinearAttention", widen(query), q_num_heads)
    k = split_heads("LinearAttention", widen(key), kv_num_heads)
    v = split_heads("LinearAttention", widen(value), kv_num_heads)
    kept, rate = _gates(update_rule, decay, beta, kv_num_heads, k.shape[3])
    batch, heads, length, size = q.shape
    shape = (batch, kv_num_heads, size, v.shape[3])
    if past_state is not None and past_state.shape != shape:
        raise ValueError(f"LinearAttention: expected past_state {shape}, got {past_state.shape}")
    state = np.zeros(shape, q.dtype) if past_state is None else widen(past_state)
    # A group of query heads reads one state.
    grouped = q.reshape(batch, kv_num_heads, heads // kv_num_heads, length, size)
    outputs = np.empty((*grouped.shape[:4], v.shape[3]), q.dtype)
    for t in range(length):
        if kept is not None:
            state = state * kept[:, :, t, :, None]
        written = v[:, :, t, None, :]
        if rate is not None:
            written = rate[:, :, t, None, :] * (written - k[:, :, t, None, :] @ state)
        state = state + k[:, :, t, :, None] * written
        outputs[:, :, :, t] = grouped[:, :, :, t] @ state
    outputs *= outputs.dtype.type(scale or 1 / math.sqrt(size))
    output = join_heads(outputs.reshape(batch, heads, length, v.shape[3]))
    return narrow(output, query.dtype), narrow(state, query.dtype if past_state is None else past_state.dtype)


def linear_attention_types(facts: Facts) -> list[Type | None]:
    q, v, past = (shapes.tensor(facts, i) for i in (0, 2, 3))
    if q is None:
        return [None, None]
    heads, groups = facts.attributes.get("q_num_heads"), facts.attributes.get("kv_num_heads")
    element = q.element if past is None else past.element
    known = [x.shape for x in (q, v) if x is not None and x.shape is not None and len(x.shape) == 3]
    if len(known) != 2 or not heads or not groups:
        return [Tensor(q.element), Tensor(element)]
    sq, sv = known
    inner: Dim = sq[2] // heads if isinstance(sq[2], int) else None
    outer: Dim = sv[2] // groups if isinstance(sv[2], int) else None
    width: Dim = outer * heads if isinstance(outer, int) else None
    return [Tensor(q.element, (*sq[:2], width)), Tensor(element, (sq[0], groups, inner, outer))]


OPS: tuple[Op, ...] = (Op("LinearAttention", 27, LinearAttention, linear_attention_types),)

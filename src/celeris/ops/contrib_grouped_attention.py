"""GroupQueryAttention and RotaryEmbedding of com.microsoft: what decoders of language models are exported with."""

from __future__ import annotations

import math

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.attention import RotaryEmbedding as OnnxRotaryEmbedding
from celeris.ops.attention import join_heads, scores_of, split_heads, weighted
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.precision import narrow, quiet, widen
from celeris.ops.table import Facts, Op


@quiet
def RotaryEmbedding(
    input: np.ndarray,
    position_ids: np.ndarray,
    cos_cache: np.ndarray,
    sin_cache: np.ndarray,
    *,
    interleaved: int | None = None,
    is_packed_batching: int | None = None,
    num_heads: int | None = None,
    rotary_embedding_dim: int | None = None,
    scale: float | None = None,
) -> np.ndarray:
    """Rotary embedding of input [B,S,H] or [B,N,S,D] at positions [B,S], or [1]: the first of a run. Caches [P,R/2].

    Source: com.microsoft RotaryEmbedding-1; arXiv:2104.09864.
    """
    heads = num_heads or None
    if input.ndim == 3 and not heads:
        size = rotary_embedding_dim or 2 * cos_cache.shape[1]
        heads = input.shape[2] // size
    length = input.shape[1] if input.ndim == 3 else input.shape[2]
    positions = position_ids
    if position_ids.size == 1 and (len(input), length) != position_ids.shape:
        positions = np.broadcast_to(position_ids.reshape(()) + np.arange(length), (len(input), length))
    return OnnxRotaryEmbedding(
        input, cos_cache, sin_cache, positions, interleaved=interleaved or 0, num_heads=heads,
        rotary_embedding_dim=rotary_embedding_dim or 2 * cos_cache.shape[1],
    )  # fmt: skip


def _normalized(x: np.ndarray, weight: np.ndarray | None, epsilon: float | None) -> np.ndarray:
    """Each head over its root mean square."""
    if weight is None:
        return x
    wide = widen(x)
    root = np.sqrt(np.square(wide).mean(axis=-1, keepdims=True) + np.float32(1e-6 if epsilon is None else epsilon))
    return narrow(wide / root * widen(weight), x.dtype)


@quiet
def GroupQueryAttention(
    query: np.ndarray,
    key: np.ndarray | None,
    value: np.ndarray | None,
    past_key: np.ndarray | None,
    past_value: np.ndarray | None,
    seqlens_k: np.ndarray,
    total_sequence_length: np.ndarray,
    cos_cache: np.ndarray | None = None,
    sin_cache: np.ndarray | None = None,
    position_ids: np.ndarray | None = None,
    attention_bias: np.ndarray | None = None,
    head_sink: np.ndarray | None = None,
    k_scale: np.ndarray | None = None,
    v_scale: np.ndarray | None = None,
    q_norm_weight: np.ndarray | None = None,
    k_norm_weight: np.ndarray | None = None,
    *,
    causal: int = 1,
    do_rotary: int | None = None,
    k_quant_type: str = "NONE",
    kv_cache_bit_width: int | None = None,
    kv_num_heads: int,
    local_window_size: int = -1,
    num_heads: int,
    qk_norm_epsilon: float = 1e-6,
    qk_output: int = 0,
    rotary_interleaved: int | None = None,
    scale: float | None = None,
    sliding_window_cache: int = 0,
    smooth_softmax: int = -1,
    softcap: float | None = None,
    v_quant_type: str = "NONE",
    _outputs: int = 3,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Attention of query [B,S,N*D] to key and value [B,S,G*D] behind a cache [B,G,P,D], N / G heads to a group.

    Item b has seqlens_k[b] + 1 keys in all, and the caches are as long as the longest. Without key and value, they
    are packed with the queries [B,S,(N+2G)*D]. Source: com.microsoft GroupQueryAttention-1; arXiv:2305.13245.
    """
    where = "GroupQueryAttention"
    if k_quant_type != "NONE" or v_quant_type != "NONE" or sliding_window_cache:
        raise ValueError(f"{where}: expected k_quant_type NONE, v_quant_type NONE and sliding_window_cache 0")
    q, k, v = grouped_heads(query, key, value, num_heads, kv_num_heads)
    q, k = _normalized(q, q_norm_weight, qk_norm_epsilon), _normalized(k, k_norm_weight, qk_norm_epsilon)
    batch, length = len(q), q.shape[2]
    longest = int(total_sequence_length.reshape(-1)[0])
    totals = seqlens_k.reshape(-1).astype(np.int64) + 1
    if len(totals) != batch or (batch and not 0 < totals.min() <= totals.max() <= max(longest, length)):
        raise ValueError(f"{where}: expected {batch} seqlens_k from 0 to {longest - 1}, got {seqlens_k.tolist()}")
    before = np.zeros(batch, np.int64) if length == longest else totals - length
    if do_rotary:
        if cos_cache is None or sin_cache is None:
            raise ValueError(f"{where}: expected cos_cache and sin_cache for do_rotary, got none")
        positions = _positions(before, length, position_ids, prompt=length == longest and length > 1)
        q, k = (RotaryEmbedding(x, positions, cos_cache, sin_cache, interleaved=rotary_interleaved) for x in (q, k))
    keys, values = (_appended(past, new, before, longest) for past, new in ((past_key, k), (past_value, v)))
    scores = scores_of(q, keys[:, :, :longest], scale if scale else 1 / math.sqrt(q.shape[3]))
    if softcap:
        scores = np.tanh(scores / np.float32(softcap)) * np.float32(softcap)
    if attention_bias is not None:
        scores = scores + widen(attention_bias)[..., :longest]
    seen = _seen(before, totals, length, longest, bool(causal), local_window_size)
    scores = np.where(seen, scores, -np.inf).astype(scores.dtype)
    sink = None if head_sink is None else widen(head_sink).reshape(1, -1, 1, 1)
    if sink is None and smooth_softmax == 1:
        sink = np.zeros((1, 1, 1, 1), np.float32)
    shares = _shares(scores, sink)
    y = join_heads(narrow(weighted(shares, widen(values[:, :, :longest])), query.dtype))
    shown = None if not qk_output or _outputs < 4 else narrow((scores, shares)[qk_output - 1], query.dtype)
    return y, keys, values, shown


def _positions(before: np.ndarray, length: int, given: np.ndarray | None, prompt: bool) -> np.ndarray:
    """Where the queries stand [B,S]. What is given of a first prompt is only where it begins."""
    if given is None:
        given = before[:, None] + np.arange(length)
    elif prompt:
        given = given.reshape(-1)[:1] + np.arange(length)
    return np.broadcast_to(given, (len(before), length))


def grouped_heads(
    query: np.ndarray, key: np.ndarray | None, value: np.ndarray | None, heads: int, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    where = "GroupQueryAttention"
    if heads < 1 or groups < 1 or heads % groups or query.ndim != 3:
        raise ValueError(f"{where}: expected a query [B,S,H] and kv_num_heads that divide {heads}, got {groups}")
    if key is None or value is None:
        size = query.shape[2] // (heads + 2 * groups)
        query, key, value = np.split(query, [heads * size, (heads + groups) * size], axis=2)
    return split_heads(where, query, heads), split_heads(where, key, groups), split_heads(where, value, groups)


def _appended(past: np.ndarray | None, new: np.ndarray, before: np.ndarray, longest: int) -> np.ndarray:
    """The cache [B,G,T,D] with the new keys of each item behind its `before` old ones."""
    held = 0 if past is None else past.shape[2]
    batch, groups, length, depth = new.shape
    out = np.zeros((batch, groups, max(held, longest), depth), new.dtype)
    for b, start in enumerate(before):
        if past is not None:
            out[b, :, :start] = past[b, :, :start]
        fits = min(length, out.shape[2] - start)
        out[b, :, start : start + fits] = new[b, :, :fits]
    return out


def _seen(before: np.ndarray, totals: np.ndarray, length: int, longest: int, causal: bool, window: int) -> np.ndarray:
    """Which keys a query sees [B,1,S,T]: none after itself nor, with a window, long before."""
    at = np.arange(longest)
    here = (before[:, None] + np.arange(length))[:, :, None]
    seen = at < totals[:, None, None]
    if causal:
        seen = seen & (at <= here)
        if window >= 0:
            seen &= at > here - window
    return np.broadcast_to(seen, (len(before), length, longest))[:, None]


def _shares(scores: np.ndarray, sink: np.ndarray | None) -> np.ndarray:
    """The softmax of the last axis; a sink takes a share that goes nowhere. Who sees nothing gives 0."""
    top = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    if sink is not None:
        top = np.maximum(top, sink)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=-1, keepdims=True)
    if sink is not None:
        total = total + np.exp(sink - top)
    return np.asarray(e / np.where(total == 0, 1, total))


def _grouped_types(facts: Facts) -> list[Type | None]:
    x, past = shapes.tensor(facts, 0), shapes.tensor(facts, 3)
    if x is None:
        return [None] * 4
    unknown = Tensor(x.element)
    heads, groups = facts.attributes["num_heads"], facts.attributes["kv_num_heads"]
    if x.shape is None or len(x.shape) != 3:
        return [unknown] * 4
    packed = shapes.tensor(facts, 1) is None
    width: Dim = x.shape[2]
    if packed:
        width = width // (heads + 2 * groups) * heads if isinstance(width, int) else None
    depth: Dim = width // heads if isinstance(width, int) else None
    total, held = shapes.numbers(facts, 6), None if past is None or past.shape is None else past.shape[2]
    long: Dim = x.shape[1] if past is None else None
    if total and (past is None or isinstance(held, int)):
        long = max(total[0], held or 0)
    cache = Tensor(x.element, (x.shape[0], groups, long, depth))
    return [
        Tensor(x.element, (*x.shape[:2], width)),
        cache,
        cache,
        Tensor(x.element, (x.shape[0], heads, x.shape[1], None)),
    ]


OPS: tuple[Op, ...] = (
    Op("GroupQueryAttention", 1, GroupQueryAttention, _grouped_types, MICROSOFT),
    Op("RotaryEmbedding", 1, RotaryEmbedding, shapes.same, MICROSOFT),
)

"""Attention of com.microsoft as transformers' graphs are fused into it: Attention, MultiHeadAttention, QAttention."""

from __future__ import annotations

import math
from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.attention import join_heads, scores_of, split_heads, weighted
from celeris.ops.contrib_quantized_matmul import MatMulIntegerToFloat
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.precision import narrow, quiet, widen
from celeris.ops.table import Facts, Op

_FILTER = -10000.0
_LOWEST = float(np.finfo(np.float32).min)


def key_mask(
    where: str, mask: np.ndarray | None, batch: int, queries: int, keys: int, value: float | None
) -> np.ndarray | None:
    """What is added to scores [B,N,S,T]: 0 where a key is seen, else `value`.

    The mask is [B] (how many keys are seen; [3B+2] begins so) or [2B] (and, behind, how many before them are not), or
    flags [B,T] or [B,S,T].
    """
    if mask is None:
        return None
    at = np.arange(keys)
    if mask.shape in ((batch,), (3 * batch + 2,)):
        seen = at < mask[:batch, None]
    elif mask.shape == (2 * batch,):
        seen = (at < mask[:batch, None]) & (at >= mask[batch:, None])
    elif mask.shape in ((batch, keys), (batch, queries, keys)):
        seen = mask > 0
    else:
        raise ValueError(
            f"{where}: expected a mask of shape [{batch}], [{2 * batch}], [{batch},{keys}] or "
            f"[{batch},{queries},{keys}], got {list(mask.shape)}"
        )
    seen = seen[:, None] if seen.ndim == 3 else seen[:, None, None]
    return np.where(seen, 0, _FILTER if value is None else value).astype(np.float32)


def causal(mask: np.ndarray | None, queries: int, keys: int, past: int) -> np.ndarray:
    """The mask [B,N,S,T] where, besides, a query sees no key after itself; `past` keys are from before the queries."""
    later = np.arange(keys) > np.arange(queries)[:, None] + past
    return np.where(later[None, None], np.float32(_LOWEST), np.float32(0) if mask is None else mask)


def softmax(scores: np.ndarray) -> np.ndarray:
    """The softmax of the last axis."""
    e = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=_LOWEST))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def attend(
    where: str,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None,
    bias: np.ndarray | None,
    scale: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """softmax(scale * q k' + bias + mask) v: q [B,N,S,D], k [B,N,T,D], v [B,N,T,E] -> [B,N,S,E], and the scores."""
    scores = scores_of(q, k, scale if scale else 1 / math.sqrt(q.shape[3]))
    for name, added in (("attention_bias", bias), ("mask", mask)):
        if added is None:
            continue
        if added.ndim != 4 or any(a not in (1, n) for a, n in zip(added.shape, scores.shape, strict=True)):
            raise ValueError(f"{where}: expected {name} to fit {list(scores.shape)}, got shape {list(added.shape)}")
        scores = scores + widen(added)
    return narrow(weighted(softmax(scores), widen(v)), q.dtype), scores


def _sizes(where: str, heads: int, hidden: Seq[int] | None, columns: int) -> list[int]:
    """The widths of q, k and v in the columns of the weights."""
    sizes = [int(n) for n in hidden] if hidden else [columns // 3] * 3
    if len(sizes) != 3 or sum(sizes) != columns or sizes[0] != sizes[1] or heads < 1 or any(n % heads for n in sizes):
        raise ValueError(f"{where}: expected q, k and v of {heads} heads in {columns} columns, got widths {sizes}")
    return sizes


def _self_attention(
    where: str,
    projected: np.ndarray,
    sizes: list[int],
    heads: int,
    mask_index: np.ndarray | None,
    past: np.ndarray | None,
    attention_bias: np.ndarray | None,
    unidirectional: int,
    value: float | None,
    scale: float | None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """From q, k, v side by side [B,S,widths] to the output [B,S,V] and the cache [2,B,N,T,D], if v is as wide as k."""
    parts = np.split(projected, np.cumsum(sizes)[:2], axis=2)
    q, k, v = (split_heads(where, part, heads) for part in parts)
    if past is not None:
        k, v = np.concatenate([past[0], k], axis=2), np.concatenate([past[1], v], axis=2)
    batch, queries, keys = len(q), q.shape[2], k.shape[2]
    mask = key_mask(where, mask_index, batch, queries, keys, value)
    if unidirectional:
        mask = causal(mask, queries, keys, keys - queries)
    y, _ = attend(where, q, k, v, mask, attention_bias, scale)
    return join_heads(y), np.stack([k, v]) if sizes[0] == sizes[2] else None


@quiet
def Attention(
    input: np.ndarray,
    weights: np.ndarray,
    bias: np.ndarray | None = None,
    mask_index: np.ndarray | None = None,
    past: np.ndarray | None = None,
    attention_bias: np.ndarray | None = None,
    past_sequence_length: np.ndarray | None = None,
    *,
    do_rotary: int | None = None,
    mask_filter_value: float | None = None,
    num_heads: int,
    past_present_share_buffer: int | None = None,
    qkv_hidden_sizes: Seq[int] | None = None,
    rotary_embedding_dim: int | None = None,
    scale: float | None = None,
    unidirectional: int = 0,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Self-attention of input [B,S,I] by weights [I,Q+K+V] -> [B,S,V], and the keys and values [2,B,N,T,D].

    Source: com.microsoft Attention-1; arXiv:1706.03762.
    """
    if do_rotary or past_present_share_buffer:
        raise ValueError("Attention: expected neither do_rotary nor past_present_share_buffer, which are not for CPUs")
    if input.ndim != 3 or weights.ndim != 2 or input.shape[2] != len(weights):
        raise ValueError(f"Attention: expected input [B,S,I], weights [I,Q], got {input.shape} and {weights.shape}")
    sizes = _sizes("Attention", num_heads, qkv_hidden_sizes, weights.shape[1])
    projected = np.matmul(widen(input), widen(weights))
    projected = projected if bias is None else projected + widen(bias)
    return _self_attention(
        "Attention", narrow(projected, input.dtype), sizes, num_heads, mask_index, past, attention_bias,
        unidirectional, mask_filter_value, scale,
    )  # fmt: skip


@quiet
def QAttention(
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    input_scale: np.ndarray,
    weight_scale: np.ndarray,
    mask_index: np.ndarray | None = None,
    input_zero_point: np.ndarray | None = None,
    weight_zero_point: np.ndarray | None = None,
    past: np.ndarray | None = None,
    *,
    do_rotary: int | None = None,
    mask_filter_value: float | None = None,
    num_heads: int,
    past_present_share_buffer: int | None = None,
    scale: float | None = None,
    unidirectional: int = 0,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Attention of an 8-bit input [B,S,I] and 8-bit weights [I,3H]. Source: com.microsoft QAttention-1."""
    if do_rotary or past_present_share_buffer:
        raise ValueError("QAttention: expected neither do_rotary nor past_present_share_buffer, which are not for CPUs")
    sizes = _sizes("QAttention", num_heads, None, weight.shape[1])
    projected = MatMulIntegerToFloat(
        input, weight, input_scale, weight_scale, input_zero_point, weight_zero_point, bias
    )
    return _self_attention(
        "QAttention", projected, sizes, num_heads, mask_index, past, None, unidirectional, mask_filter_value, scale
    )


def _heads_of(
    query: np.ndarray, key: np.ndarray | None, value: np.ndarray | None, bias: np.ndarray | None, heads: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """q [B,N,S,D], k and v [B,N,L,D] of any way to give them, the bias added."""
    where = "MultiHeadAttention"
    if query.ndim == 5:  # [B,S,N,3,D]
        q, k, v = (np.ascontiguousarray(query[:, :, :, i].swapaxes(1, 2)) for i in range(3))
    else:
        q = split_heads(where, query, heads)
        if key is None:
            raise ValueError(f"{where}: expected a key, or a query [B,S,N,3,D] that holds it, got {query.shape}")
        if key.ndim == 5:  # [B,L,N,2,D]
            k, v = (np.ascontiguousarray(key[:, :, :, i].swapaxes(1, 2)) for i in range(2))
        elif value is None:
            raise ValueError(f"{where}: expected a value, or a key [B,L,N,2,D] that holds it, got {key.shape}")
        elif key.ndim == 4:
            k, v = key, value
        else:
            k, v = split_heads(where, key, heads), split_heads(where, value, heads)
    if bias is None:
        return q, k, v
    widths = [x.shape[1] * x.shape[3] for x in (q, k, v)]
    if bias.shape != (sum(widths),):
        raise ValueError(f"{where}: expected a bias of {sum(widths)} values, got shape {list(bias.shape)}")
    parts = np.split(bias, np.cumsum(widths)[:2])
    given = key is not None and key.ndim == 4  # such keys are finished
    shifted = [x + b.reshape(x.shape[1], 1, -1) for x, b in zip((q, k, v), parts, strict=True)]
    return shifted[0], k if given else shifted[1], v if given else shifted[2]


@quiet
def MultiHeadAttention(
    query: np.ndarray,
    key: np.ndarray | None = None,
    value: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    key_padding_mask: np.ndarray | None = None,
    attention_bias: np.ndarray | None = None,
    past_key: np.ndarray | None = None,
    past_value: np.ndarray | None = None,
    past_sequence_length: np.ndarray | None = None,
    cache_indirection: np.ndarray | None = None,
    *,
    mask_filter_value: float | None = None,
    num_heads: int,
    scale: float | None = None,
    unidirectional: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Attention of query [B,S,H] to keys and values [B,L,H] -> [B,S,V], keys and values [B,N,T,D], scores [B,N,S,T].

    Also packed as query [B,S,N,3,D] or key [B,L,N,2,D], or finished as [B,N,L,D]. Source: MultiHeadAttention-1.
    """
    if past_sequence_length is not None or cache_indirection is not None:
        raise ValueError("MultiHeadAttention: expected past_key and past_value of their true length, got a buffer")
    q, k, v = _heads_of(query, key, value, bias, num_heads)
    if past_key is not None and past_value is not None:
        k, v = np.concatenate([past_key, k], axis=2), np.concatenate([past_value, v], axis=2)
    batch, queries, keys = len(q), q.shape[2], k.shape[2]
    mask = key_mask("MultiHeadAttention", key_padding_mask, batch, queries, keys, mask_filter_value)
    if unidirectional:
        mask = causal(mask, queries, keys, 0 if past_key is None else past_key.shape[2])
    y, scores = attend("MultiHeadAttention", q, k, v, mask, attention_bias, scale)
    return join_heads(y), k, v, narrow(scores, query.dtype)


def _plus(a: Dim, b: Dim) -> Dim:
    return a + b if isinstance(a, int) and isinstance(b, int) else None


def _self_types(facts: Facts, element: str | None, past: int, columns: Dim) -> list[Type | None]:
    x, before = shapes.shape_of(facts, 0), shapes.shape_of(facts, past)
    if element is None:
        return [None, None]
    if x is None or len(x) != 3:
        return [Tensor(element), Tensor(element)]
    sizes, heads = facts.attributes.get("qkv_hidden_sizes"), facts.attributes["num_heads"]
    width = sizes[2] if sizes else columns // 3 if isinstance(columns, int) else None
    present: Tensor = Tensor(element)
    if before is not None and len(before) == 5:
        present = Tensor(element, (*before[:3], _plus(before[3], x[1]), before[4]))
    elif isinstance(width, int):
        present = Tensor(element, (2, x[0], heads, x[1], width // heads))
    return [Tensor(element, (x[0], x[1], width)), present]


def _attention_types(facts: Facts) -> list[Type | None]:
    x, w = shapes.tensor(facts, 0), shapes.shape_of(facts, 1)
    return _self_types(facts, None if x is None else x.element, 4, w[1] if w is not None and len(w) == 2 else None)


def _quantized_types(facts: Facts) -> list[Type | None]:
    w = shapes.shape_of(facts, 1)
    return _self_types(facts, "float", 8, w[1] if w is not None and len(w) == 2 else None)


def _multi_head_types(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None:
        return [None] * 4
    unknown = Tensor(x.element)
    q, k, v, past = (shapes.shape_of(facts, i) for i in (0, 1, 2, 6))
    heads = facts.attributes["num_heads"]
    width: Dim = None
    if q is not None and len(q) == 5:
        width = q[2] * q[4] if isinstance(q[2], int) and isinstance(q[4], int) else None
    elif q is not None and len(q) == 3:
        width = q[2]
        if v is not None and len(v) == 3:
            width = v[2]
        elif v is not None and len(v) == 4:
            width = v[1] * v[3] if isinstance(v[1], int) and isinstance(v[3], int) else None
    if q is None or len(q) not in (3, 5):
        return [unknown] * 4
    y = Tensor(x.element, (q[0], q[1], width))
    long: Dim = q[1] if len(q) == 5 else None if k is None else k[2] if len(k) == 4 else k[1]
    if past is not None and len(past) == 4:
        long = _plus(past[2], long)
    depth: Dim = width // heads if isinstance(width, int) else None
    return [y, Tensor(x.element, (q[0], heads, long, depth)), Tensor(x.element, (q[0], heads, long, depth)), unknown]


OPS: tuple[Op, ...] = (
    Op("Attention", 1, Attention, _attention_types, MICROSOFT),
    Op("MultiHeadAttention", 1, MultiHeadAttention, _multi_head_types, MICROSOFT),
    Op("QAttention", 1, QAttention, _quantized_types, MICROSOFT),
)

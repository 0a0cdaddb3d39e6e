"""Attention of com.microsoft to blocks of the past, and rotary embeddings of three positions."""

from __future__ import annotations

import math
from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.attention import RotaryEmbedding as OnnxRotaryEmbedding
from celeris.ops.attention import join_heads, scores_of, weighted
from celeris.ops.contrib_attention import softmax
from celeris.ops.contrib_grouped_attention import RotaryEmbedding, grouped_heads
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.precision import narrow, quiet, widen
from celeris.ops.table import Facts, Op


def _layouts(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """[layouts, blocks, blocks] bool of the compressed rows: which blocks of keys a block of queries sees."""
    count, blocks = len(rows), rows.shape[1] - 1
    seen = np.zeros((count, blocks, blocks), bool)
    for layout in range(count):
        number = np.diff(rows[layout])
        if number.min(initial=0) < 0 or rows[layout, -1] > columns.shape[1]:
            raise ValueError(f"SparseAttention: expected rows that ascend to {columns.shape[1]}, got {rows[layout]}")
        seen[layout, np.repeat(np.arange(blocks), number), columns[layout, : rows[layout, -1]]] = True
    return seen


@quiet
def SparseAttention(
    query: np.ndarray,
    key: np.ndarray | None,
    value: np.ndarray | None,
    past_key: np.ndarray,
    past_value: np.ndarray,
    block_row_indices: np.ndarray,
    block_col_indices: np.ndarray,
    total_sequence_length: np.ndarray,
    key_total_sequence_lengths: np.ndarray,
    cos_cache: np.ndarray | None = None,
    sin_cache: np.ndarray | None = None,
    *,
    do_rotary: int | None = None,
    kv_num_heads: int,
    num_heads: int,
    rotary_interleaved: int | None = None,
    scale: float | None = None,
    sparse_block_size: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Attention of query [B,S,N*D] to those blocks of a cache [B,G,max,D] that its head's layout has; key [B,S,G*D].

    Head h follows layout h modulo their number, given as compressed rows [L,blocks+1] and columns [L,most]. Without key
    and value they are packed with the queries. Source: com.microsoft SparseAttention-1; arXiv:2404.14219.
    """
    q, k, v = grouped_heads(query, key, value, num_heads, kv_num_heads)
    batch, length, longest = len(q), q.shape[2], int(total_sequence_length.reshape(-1)[0])
    totals = key_total_sequence_lengths.reshape(-1).astype(np.int64)
    if totals.shape != (batch,) or not length <= longest <= past_key.shape[2] or totals.max(initial=0) > longest:
        given = f"{totals.tolist()} of at most {longest} in a cache of {past_key.shape[2]}"
        raise ValueError(f"SparseAttention: expected {batch} lengths of keys within the cache, got {given}")
    before = np.zeros(batch, np.int64) if length == longest else totals - length
    positions = before[:, None] + np.arange(length)
    if do_rotary:
        if cos_cache is None or sin_cache is None:
            raise ValueError("SparseAttention: expected cos_cache and sin_cache for do_rotary, got none")
        at = positions.clip(0, len(cos_cache) - 1)
        q, k = (RotaryEmbedding(x, at, cos_cache, sin_cache, interleaved=rotary_interleaved) for x in (q, k))
    keys, values = past_key.copy(), past_value.copy()
    for item, start in enumerate(before):
        keys[item, :, start : start + length] = k[item]
        values[item, :, start : start + length] = v[item]
    layouts = _layouts(block_row_indices, block_col_indices)
    at = np.arange(longest)
    blocks = layouts[:, (positions // sparse_block_size)[:, :, None], at // sparse_block_size]  # [L,B,S,T]
    seen = np.moveaxis(blocks, 0, 1)[:, np.arange(num_heads) % len(layouts)] & (at <= positions[:, :, None])[:, None]
    scores = scores_of(q, keys[:, :, :longest], scale if scale else 1 / math.sqrt(q.shape[3]))
    shares = softmax(np.where(seen, scores, -np.inf).astype(scores.dtype))
    return join_heads(narrow(weighted(shares, widen(values[:, :, :longest])), query.dtype)), keys, values


def MRotaryEmbedding(
    input: np.ndarray,
    position_ids: np.ndarray,
    cos_cache: np.ndarray,
    sin_cache: np.ndarray,
    *,
    interleaved: int | None = None,
    is_packed_batching: int | None = None,
    mrope_layout: int | None = None,
    mrope_section: Seq[int],
    num_heads: int | None = None,
    rotary_embedding_dim: int | None = None,
    scale: float | None = None,
) -> np.ndarray:
    """Rotary embedding of input [B,S,H] or [B,N,S,D], each section of features by its own of 3 positions [3,B,S].

    Source: com.microsoft MRotaryEmbedding-1; arXiv:2409.12191.
    """
    half = cos_cache.shape[1]
    if len(mrope_section) != 3 or sum(mrope_section) != half or position_ids.ndim != 3 or len(position_ids) != 3:
        given = f"{list(mrope_section)} and {list(position_ids.shape)}"
        raise ValueError(f"MRotaryEmbedding: expected 3 sections of {half} in all and positions [3,B,S], got {given}")
    source = np.repeat(np.arange(3), mrope_section)
    if mrope_layout:
        source = np.zeros(half, np.int64)
        for part in (1, 2):
            source[part : int(mrope_section[part]) * 3 : 3] = part
    at = np.moveaxis(position_ids, 0, 2)[..., source]  # [B,S,R/2]
    cos, sin = (cache[at, np.arange(half)] for cache in (cos_cache, sin_cache))
    heads = num_heads or (input.shape[2] // (rotary_embedding_dim or 2 * half) if input.ndim == 3 else None)
    return OnnxRotaryEmbedding(
        input, cos, sin, None, interleaved=interleaved or 0, num_heads=heads,
        rotary_embedding_dim=rotary_embedding_dim or 2 * half,
    )  # fmt: skip


def _sparse_types(facts: Facts) -> list[Type | None]:
    x, key = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    y = x if key is not None or x is None else Tensor(x.element)
    return [y, shapes.tensor(facts, 3), shapes.tensor(facts, 4)]


OPS: tuple[Op, ...] = (
    Op("MRotaryEmbedding", 1, MRotaryEmbedding, shapes.same, MICROSOFT),
    Op("SparseAttention", 1, SparseAttention, _sparse_types, MICROSOFT),
)

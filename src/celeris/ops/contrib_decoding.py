"""What decoders of com.microsoft do a token at a time: attention to a cache, alignment, guesses of tokens to come."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.attention import join_heads, split_heads
from celeris.ops.contrib_attention import attend, key_mask
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.precision import narrow, quiet
from celeris.ops.table import Facts, Op

_WHERE = "DecoderMaskedMultiHeadAttention"


def _cached(
    past: np.ndarray | None, new: np.ndarray, count: np.ndarray | None, shared: int
) -> tuple[np.ndarray, np.ndarray]:
    """The keys or values so far [B,N,T,D], and the cache as it is given on: a buffer [B,N,max,D] where `shared`."""
    if past is None:
        return new, new
    if not shared:
        both = np.concatenate([past, new], axis=2)
        return both, both
    if count is None:
        raise ValueError(f"{_WHERE}: expected past_sequence_length beside a shared buffer, got none")
    at = int(count.reshape(-1)[0])
    if not 0 <= at < past.shape[2]:
        raise ValueError(f"{_WHERE}: expected past_sequence_length below {past.shape[2]}, the buffer's, got {at}")
    buffer = past.copy()
    buffer[:, :, at : at + 1] = new
    return buffer[:, :, : at + 1], buffer


def _of_beams(x: np.ndarray, beams: np.ndarray | None, width: np.ndarray | None) -> np.ndarray:
    """The keys or values [B,N,T,D] with each of a beam's past tokens taken from the beam that it came from."""
    if beams is None or width is None or int(width.reshape(-1)[0]) <= 1:
        return x
    count, past = int(width.reshape(-1)[0]), x.shape[2] - 1
    source = beams.reshape(len(x), -1)[:, :past] + (np.arange(len(x)) // count * count)[:, None]
    mixed = x.copy()
    mixed[:, :, :past] = np.moveaxis(x[source, :, np.arange(past)], 2, 1)
    return mixed


@quiet
def DecoderMaskedMultiHeadAttention(
    query: np.ndarray,
    key: np.ndarray | None = None,
    value: np.ndarray | None = None,
    mask_index: np.ndarray | None = None,
    attention_bias: np.ndarray | None = None,
    past_key: np.ndarray | None = None,
    past_value: np.ndarray | None = None,
    past_sequence_length: np.ndarray | None = None,
    beam_width: np.ndarray | None = None,
    cache_indirection: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    *,
    mask_filter_value: float | None = None,
    num_heads: int,
    output_qk: int | None = None,
    past_present_share_buffer: int | None = None,
    scale: float | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Attention of one query [B,1,H] to cached keys and values [B,N,T,D] and its own [B,1,H] -> output [B,1,V], caches.

    Packed as query [B,1,3H], or crossed: key and value [B,N,T,D] that are finished.
    Source: com.microsoft DecoderMaskedMultiHeadAttention-1.
    """
    if query.ndim != 3 or query.shape[1] != 1:
        raise ValueError(f"{_WHERE}: expected query [B,1,H], got shape {list(query.shape)}")
    crossed = key is not None and key.ndim == 4
    if key is None or value is None:
        query, key, value = np.split(query, 3, axis=2)
    if bias is not None:
        width = query.shape[2]
        query = query + bias[:width]
        if not crossed:
            key, value = key + bias[width : 2 * width], value + bias[2 * width :]
    q = split_heads(_WHERE, query, num_heads)
    if crossed:
        k, v = key, value
        given = key, value
    else:
        shared = past_present_share_buffer or 0
        new = split_heads(_WHERE, key, num_heads), split_heads(_WHERE, value, num_heads)
        k, key_cache = _cached(past_key, new[0], past_sequence_length, shared)
        v, value_cache = _cached(past_value, new[1], past_sequence_length, shared)
        k, v = _of_beams(k, cache_indirection, beam_width), _of_beams(v, cache_indirection, beam_width)
        given = key_cache, value_cache
    mask = key_mask(_WHERE, mask_index, len(q), 1, k.shape[2], mask_filter_value)
    y, scores = attend(_WHERE, q, k, v, mask, attention_bias, scale)
    return join_heads(y), *given, narrow(scores, query.dtype)


def DynamicTimeWarping(input: np.ndarray) -> np.ndarray:
    """The cheapest path from (0, 0) to (M-1, N-1) through costs [M,N] or [1,M,N] -> output [2,steps] i32.

    A step goes down, right, or both; of equals both, then down. Source: com.microsoft DynamicTimeWarping-1.
    """
    costs = input[0] if input.ndim == 3 and len(input) == 1 else input
    if costs.ndim != 2 or not costs.size:
        raise ValueError(f"DynamicTimeWarping: expected costs [M,N], got shape {list(input.shape)}")
    rows, columns = costs.shape
    total = np.full((rows + 1, columns + 1), np.inf, np.float32)
    total[0, 0] = 0
    came = np.zeros((rows + 1, columns + 1), np.int8)
    for j in range(1, columns + 1):
        for i in range(1, rows + 1):
            both, down, right = total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]
            if both < down and both < right:
                came[i, j], least = 0, both
            elif down < both and down < right:
                came[i, j], least = 1, down
            else:
                came[i, j], least = 2, right
            total[i, j] = costs[i - 1, j - 1] + least
    came[0, :], came[:, 0] = 2, 1
    path = []
    i, j = rows, columns
    while i > 0 or j > 0:
        path.append((i - 1, j - 1))
        step = came[i, j]
        i, j = i - (step != 2), j - (step != 1)
    return np.array(path[::-1], np.int32).T


def BifurcationDetector(
    src_tokens: np.ndarray,
    cur_tokens: np.ndarray,
    prev_suffix_match_idx: np.ndarray,
    pred_tokens: np.ndarray | None = None,
    *,
    max_ngram_size: int = 3,
    min_ngram_size: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """tokens = cur_tokens and the predictions up to the first that differs from src_tokens; where in src they go on.

    Source: com.microsoft BifurcationDetector-1.
    """
    tokens = cur_tokens
    if pred_tokens is not None:
        start = int(prev_suffix_match_idx.reshape(-1)[0])
        if len(pred_tokens) != len(src_tokens) + 1 - start:
            want = len(src_tokens) + 1 - start
            raise ValueError(f"BifurcationDetector: expected {want} predicted tokens, got {len(pred_tokens)}")
        differ = np.nonzero(pred_tokens[:-1] != src_tokens[start:])[0]
        tokens = np.concatenate([cur_tokens, pred_tokens[: (differ[0] if len(differ) else len(pred_tokens) - 1) + 1]])
    found = -1
    for size in range(min_ngram_size, max_ngram_size + 1):
        if size > len(tokens) or size > len(src_tokens):
            break
        grams = np.lib.stride_tricks.sliding_window_view(src_tokens, size)
        matches = np.nonzero((grams == tokens[-size:]).all(axis=1))[0]
        if not len(matches):
            break
        if len(matches) == 1:
            found = int(matches[0]) + size
            break
    return tokens, np.array([found] if prev_suffix_match_idx.ndim else found, np.int64)


def _masked_types(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    return [None if x is None else Tensor(x.element)] * 4


def _path_type(facts: Facts) -> list[Type | None]:
    return [Tensor("int32", (2, None))]


def _token_types(facts: Facts) -> list[Type | None]:
    return [Tensor("int64", (None,)), Tensor("int64", (None,))]


OPS: tuple[Op, ...] = (
    Op("BifurcationDetector", 1, BifurcationDetector, _token_types, MICROSOFT),
    Op("DecoderMaskedMultiHeadAttention", 1, DecoderMaskedMultiHeadAttention, _masked_types, MICROSOFT),
    Op("DynamicTimeWarping", 1, DynamicTimeWarping, _path_type, MICROSOFT),
)

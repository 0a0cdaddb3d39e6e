"""Scaled dot-product attention, with caches, masks and windows; and rotary position embedding."""

from __future__ import annotations

import math

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, Dim, Tensor, Type, dtype_of
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op
from celeris.records import Record


def split_heads(where: str, x: np.ndarray, heads: int | None) -> np.ndarray:
    """[B,S,H*D] -> [B,H,S,D]."""
    if not heads or heads < 1 or x.shape[2] % heads:
        raise ValueError(f"{where}: expected a number of heads that divides {x.shape[2]}, got {heads}")
    return x.reshape(*x.shape[:2], heads, x.shape[2] // heads).swapaxes(1, 2)


def join_heads(x: np.ndarray) -> np.ndarray:
    """[B,H,S,D] -> [B,S,H*D]."""
    b, h, s, d = x.shape
    return np.ascontiguousarray(x.swapaxes(1, 2)).reshape(b, s, h * d)


class _Cache(Record, frozen=True):
    """How many keys there are, how many came before the queries, and which are padding."""

    queries: int
    keys: int
    past: int
    valid: np.ndarray | None  # [B]: the number of keys that are no padding

    def bias(self, is_causal: int, left: int, right: int, dtype: np.dtype) -> np.ndarray:
        """0 where query i sees key j, else -inf: [S,T], or [B,1,S,T] where it differs by item."""
        i, j = np.arange(self.queries)[:, None], np.arange(self.keys)
        at = i + (self.past if self.valid is None else self.valid.reshape(-1, 1, 1, 1) - self.queries)
        seen = np.ones(np.broadcast_shapes(at.shape, j.shape), bool)
        if is_causal:
            seen &= j <= at
        if left >= 0:
            seen &= j >= at - left
        if right >= 0:
            seen &= j <= at + right
        if self.valid is not None:
            seen &= j < self.valid.reshape(-1, 1, 1, 1)
        return np.where(seen, 0, -np.inf).astype(dtype)


def _masked(mask: np.ndarray, keys: int, dtype: np.dtype) -> np.ndarray:
    """A mask as what is added to the scores; the keys that it leaves out are not seen."""
    bias = np.where(mask, 0, -np.inf).astype(dtype) if mask.dtype == bool else mask.astype(dtype)
    if bias.ndim == 0 or bias.shape[-1] > keys:
        raise ValueError(f"Attention: expected attn_mask [...,{keys}] or shorter, got {mask.shape}")
    if bias.shape[-1] == keys:
        return bias
    result = np.full((*bias.shape[:-1], keys), -np.inf, dtype)
    result[..., : bias.shape[-1]] = bias
    return result


def _softmax(scores: np.ndarray, bias: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The softmax of the last axis, in steps of `dtype`; a row of which no key is seen is 0."""
    blind = np.isneginf(bias.max(axis=-1, keepdims=True, initial=-np.inf))
    scores = _rounded(scores, dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        top = scores.max(axis=-1, keepdims=True, initial=-np.inf)
        weights = _rounded(np.exp(_rounded(scores - np.where(np.isneginf(top), 0, top), dtype)), dtype)
        total = _rounded(weights.sum(axis=-1, keepdims=True), dtype)
        shares = weights / np.where(total == 0, 1, total)
    return np.where(blind, 0, shares).astype(dtype)


def Attention(
    Q: np.ndarray,
    K: np.ndarray,
    V: np.ndarray,
    attn_mask: np.ndarray | None = None,
    past_key: np.ndarray | None = None,
    past_value: np.ndarray | None = None,
    nonpad_kv_seqlen: np.ndarray | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    left_window_size: int = -1,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    right_window_size: int = -1,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Y = softmax(scale * Q K^T + mask) V: Q [B,H,S,D], K [B,G,T,D], V [B,G,T,E] -> Y [B,H,S,E], or [B,S,H*D] each.

    A query that sees no key gives 0. Also the caches with past_key and past_value before K and V, and the scores at
    stage `qk_matmul_output_mode`. Source: ai.onnx Attention-25; arXiv:1706.03762, arXiv:2305.13245.
    """
    _check(Q, K, V, past_key, past_value, nonpad_kv_seqlen, (left_window_size, right_window_size))
    packed = Q.ndim == 3
    q, k, v = Q, K, V
    if packed:
        q = split_heads("Attention", Q, q_num_heads)
        k, v = split_heads("Attention", K, kv_num_heads), split_heads("Attention", V, kv_num_heads)
    if past_key is not None and past_value is not None:
        k, v = np.concatenate([past_key, k], axis=2), np.concatenate([past_value, v], axis=2)
    present_key, present_value = k, v
    cache = _Cache(q.shape[2], k.shape[2], 0 if past_key is None else past_key.shape[2], nonpad_kv_seqlen)
    if q.shape[1] % k.shape[1] or k.shape[1] != v.shape[1]:
        raise ValueError(f"Attention: expected {k.shape[1]} key heads to divide {q.shape[1]} query heads")
    if q.shape[0] != k.shape[0] or q.shape[3] != k.shape[3] or k.shape[:3] != v.shape[:3]:
        want = "Q [B,H,S,D], K [B,G,T,D] and V [B,G,T,E]"
        raise ValueError(f"Attention: expected {want}, got {list(q.shape)}, {list(k.shape)} and {list(v.shape)}")
    raw = scores_of(q, k, 1 / math.sqrt(q.shape[3]) if scale is None else scale)
    capped = _rounded(np.tanh(raw / softcap) * raw.dtype.type(softcap), Q.dtype) if softcap > 0 else raw
    bias = cache.bias(is_causal, left_window_size, right_window_size, raw.dtype)
    if attn_mask is not None:
        mask = _masked(attn_mask, cache.keys, raw.dtype)
        if any(own not in (1, size) for own, size in zip(reversed(mask.shape), reversed(raw.shape), strict=False)):
            want = f"attn_mask that broadcasts to {list(raw.shape)} (batch, heads, queries, keys)"
            raise ValueError(f"Attention: expected {want}, got {list(attn_mask.shape)}")
        bias = bias + mask
    biased = _rounded(capped + bias, Q.dtype)
    precision = Q.dtype if softmax_precision is None else dtype_of(ELEMENT_NAMES[softmax_precision])
    shares = narrow(_softmax(biased, bias, precision), Q.dtype)
    y = narrow(weighted(widen(shares), widen(v)), Q.dtype)
    stage = (raw, capped, biased, shares)[qk_matmul_output_mode]
    return join_heads(y) if packed else y, present_key, present_value, narrow(stage, Q.dtype)


def _check(
    Q: np.ndarray,
    K: np.ndarray,
    V: np.ndarray,
    past_key: np.ndarray | None,
    past_value: np.ndarray | None,
    nonpad_kv_seqlen: np.ndarray | None,
    window: tuple[int, int],
) -> None:
    if not Q.ndim == K.ndim == V.ndim or Q.ndim not in (3, 4):
        raise ValueError(f"Attention: expected Q, K and V of one rank, 3 or 4, got {Q.shape}, {K.shape}, {V.shape}")
    if (past_key is None) != (past_value is None):
        raise ValueError("Attention: expected past_key and past_value together, got one of them")
    if nonpad_kv_seqlen is not None and past_key is not None:
        raise ValueError("Attention: expected nonpad_kv_seqlen or past_key, got both")
    if nonpad_kv_seqlen is not None and nonpad_kv_seqlen.shape != (len(Q),):
        raise ValueError(f"Attention: expected {len(Q)} values of nonpad_kv_seqlen, got {nonpad_kv_seqlen.shape}")
    if min(window) < -1:
        raise ValueError(f"Attention: expected window sizes of at least -1, got {window}")


def _rounded(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """What the operator's function in ONNX has between its steps: each rounds to the inputs' type."""
    return widen(narrow(x, dtype))


def scores_of(q: np.ndarray, k: np.ndarray, scale: float) -> np.ndarray:
    """scale * q k^T [B,H,S,T]; both sides carry its root, so that no product overflows. A key head serves a group."""
    root = widen(np.array(math.sqrt(scale)).astype(q.dtype))
    b, heads, s, d = q.shape
    left, right = _rounded(widen(q) * root, q.dtype), _rounded(widen(k) * root, q.dtype)
    product = np.matmul(left.reshape(b, k.shape[1], heads // k.shape[1] * s, d), right.swapaxes(2, 3))
    return _rounded(product.reshape(b, heads, s, k.shape[2]), q.dtype)


def weighted(shares: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The values v [B,G,T,E] in shares [B,H,S,T]: [B,H,S,E]. A value head serves a group."""
    b, heads, s, t = shares.shape
    grouped = shares.reshape(b, v.shape[1], heads // v.shape[1] * s, t)
    return np.asarray(np.matmul(grouped, v).reshape(b, heads, s, v.shape[3]))


def Attention_24(
    Q: np.ndarray,
    K: np.ndarray,
    V: np.ndarray,
    attn_mask: np.ndarray | None = None,
    past_key: np.ndarray | None = None,
    past_value: np.ndarray | None = None,
    nonpad_kv_seqlen: np.ndarray | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Attention without windows. Source: ai.onnx Attention-24."""
    return Attention(
        Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen, is_causal=is_causal, kv_num_heads=kv_num_heads,
        q_num_heads=q_num_heads, qk_matmul_output_mode=qk_matmul_output_mode, scale=scale, softcap=softcap,
        softmax_precision=softmax_precision,
    )  # fmt: skip


def Attention_23(
    Q: np.ndarray,
    K: np.ndarray,
    V: np.ndarray,
    attn_mask: np.ndarray | None = None,
    past_key: np.ndarray | None = None,
    past_value: np.ndarray | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Attention without windows and without padded keys. Source: ai.onnx Attention-23."""
    return Attention(
        Q, K, V, attn_mask, past_key, past_value, is_causal=is_causal, kv_num_heads=kv_num_heads,
        q_num_heads=q_num_heads, qk_matmul_output_mode=qk_matmul_output_mode, scale=scale, softcap=softcap,
        softmax_precision=softmax_precision,
    )  # fmt: skip


def RotaryEmbedding(
    X: np.ndarray,
    cos_cache: np.ndarray,
    sin_cache: np.ndarray,
    position_ids: np.ndarray | None = None,
    *,
    interleaved: int = 0,
    num_heads: int | None = None,
    rotary_embedding_dim: int = 0,
) -> np.ndarray:
    """(a, b) -> (a cos - b sin, a sin + b cos) for pairs of the first R features: X [B,H,S,D] or [B,S,H*D], Y as X.

    The caches are [P,R/2] with position_ids [B,S], else [B,S,R/2]. Source: RotaryEmbedding-23; arXiv:2104.09864.
    """
    if X.ndim not in (3, 4):
        raise ValueError(f"RotaryEmbedding: expected X of rank 3 or 4, got {X.shape}")
    x = widen(split_heads("RotaryEmbedding", X, num_heads) if X.ndim == 3 else X)
    size = rotary_embedding_dim or x.shape[3]
    if size % 2 or not 0 <= size <= x.shape[3]:
        raise ValueError(f"RotaryEmbedding: expected an even rotary dimension up to {x.shape[3]}, got {size}")
    cos, sin = cos_cache, sin_cache
    if position_ids is not None:
        if position_ids.size and not (position_ids.min() >= 0 and position_ids.max() < len(cos_cache)):
            raise ValueError(f"RotaryEmbedding: expected position_ids below {len(cos_cache)}, got {position_ids.max()}")
        cos, sin = cos_cache[position_ids], sin_cache[position_ids]
    if cos.shape != (len(x), x.shape[2], size // 2) or sin.shape != cos.shape:
        raise ValueError(f"RotaryEmbedding: expected caches {(len(x), x.shape[2], size // 2)}, got {cos.shape}")
    cos, sin = widen(cos)[:, None], widen(sin)[:, None]
    first, second = (
        (slice(0, size, 2), slice(1, size, 2)) if interleaved else (slice(0, size // 2), slice(size // 2, size))
    )
    y = x.copy()
    y[..., first] = cos * x[..., first] - sin * x[..., second]
    y[..., second] = sin * x[..., first] + cos * x[..., second]
    return narrow(join_heads(y) if X.ndim == 3 else y, X.dtype)


def _plus(a: Dim, b: Dim) -> Dim:
    return a + b if isinstance(a, int) and isinstance(b, int) else None


def _part(size: Dim, heads: int | None) -> Dim:
    return size // heads if isinstance(size, int) and heads else None


def _attention_types(facts: Facts) -> list[Type | None]:
    q, k, v, past = (shapes.tensor(facts, i) for i in (0, 1, 2, 4))
    if q is None or v is None:
        return [None] * 4
    if k is None or any(x.shape is None or len(x.shape) not in (3, 4) for x in (q, k, v)):
        return [Tensor(q.element), Tensor(q.element), Tensor(v.element), Tensor(q.element)]
    assert q.shape is not None and k.shape is not None and v.shape is not None
    heads, groups = facts.attributes.get("q_num_heads"), facts.attributes.get("kv_num_heads")
    if len(q.shape) == 3:
        sq: tuple[Dim, ...] = (q.shape[0], heads, q.shape[1], _part(q.shape[2], heads))
        sk, sv = ((x[0], groups, x[1], _part(x[2], groups)) for x in (k.shape, v.shape))
    else:
        sq, sk, sv = q.shape, k.shape, v.shape  # type: ignore[assignment]
    total = sk[2]
    if past is not None:
        total = _plus(total, past.shape[2]) if past.shape is not None and len(past.shape) == 4 else None
    y: tuple[Dim, ...] = (*sq[:3], sv[3])
    if len(q.shape) == 3:
        y = (q.shape[0], q.shape[1], sv[3] * heads if isinstance(sv[3], int) and heads else None)
    return [
        Tensor(q.element, y),
        Tensor(k.element, (*sk[:2], total, sk[3])),
        Tensor(v.element, (*sv[:2], total, sv[3])),
        Tensor(q.element, (*sq[:3], total)),
    ]


OPS: tuple[Op, ...] = (
    Op("Attention", 23, Attention_23, _attention_types),
    Op("Attention", 24, Attention_24, _attention_types),
    Op("Attention", 25, Attention, _attention_types),
    Op("RotaryEmbedding", 23, RotaryEmbedding, shapes.same),
)

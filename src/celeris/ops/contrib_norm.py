"""Normalizations of com.microsoft, and onnxruntime's own in ONNX's domain: what transformers' graphs are fused into."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Shape, Tensor, Type
from celeris.ops import shapes
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.norm import standardized
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op


def _skipped(where: str, input: np.ndarray, skip: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """input + skip + bias, widened: skip [B,S,H], [1,S,H] or [S,H]."""
    if input.ndim not in (2, 3) or skip.shape[-2:] != input.shape[-2:] or skip.ndim > input.ndim:
        raise ValueError(
            f"{where}: expected input and skip [B,S,H] or [S,H], got {list(input.shape)} and {list(skip.shape)}"
        )
    if skip.ndim == 3 and len(skip) not in (1, len(input)):
        raise ValueError(f"{where}: expected a skip of batch 1 or {len(input)}, got {len(skip)}")
    total = widen(input) + widen(skip)
    return total if bias is None else total + widen(bias)


def _is_vector(where: str, name: str, x: np.ndarray | None, size: int) -> None:
    if x is not None and x.shape != (size,):
        raise ValueError(f"{where}: expected {name} of shape [{size}], got {list(x.shape)}")


def SkipLayerNormalization(
    input: np.ndarray,
    skip: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    *,
    epsilon: float = 1e-12,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The layer norm of input + skip + bias, * gamma + beta; mean, 1 / deviation, and the sum. [B,S,H] or [S,H].

    Source: com.microsoft SkipLayerNormalization-1.
    """
    total = _skipped("SkipLayerNormalization", input, skip, bias)
    for name, vector in (("gamma", gamma), ("beta", beta), ("bias", bias)):
        _is_vector("SkipLayerNormalization", name, vector, input.shape[-1])
    normal, mean, inverse = standardized(total, (total.ndim - 1,), epsilon)
    y = normal * widen(gamma)
    y = y if beta is None else y + widen(beta)
    saved = (narrow(mean, np.dtype(np.float32)), narrow(inverse, np.dtype(np.float32)))
    return narrow(y, input.dtype), *saved, narrow(total, input.dtype)


def _root_mean_square(x: np.ndarray, axes: tuple[int, ...], epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    inverse = 1 / np.sqrt(np.square(x).mean(axis=axes, keepdims=True) + x.dtype.type(epsilon))
    return x * inverse, inverse


def SkipSimplifiedLayerNormalization(
    input: np.ndarray, skip: np.ndarray, gamma: np.ndarray, bias: np.ndarray | None = None, *, epsilon: float = 1e-12
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray]:
    """input + skip + bias over its root mean square, * gamma; no mean, 1 / root, and the sum. [B,S,H] or [S,H].

    Source: com.microsoft SkipSimplifiedLayerNormalization-1; arXiv:1910.07467.
    """
    total = _skipped("SkipSimplifiedLayerNormalization", input, skip, bias)
    for name, vector in (("gamma", gamma), ("bias", bias)):
        _is_vector("SkipSimplifiedLayerNormalization", name, vector, input.shape[-1])
    normal, inverse = _root_mean_square(total, (total.ndim - 1,), epsilon)
    saved = narrow(inverse, np.dtype(np.float32))
    return narrow(normal * widen(gamma), input.dtype), None, saved, narrow(total, input.dtype)


def EmbedLayerNormalization(
    input_ids: np.ndarray,
    segment_ids: np.ndarray | None,
    word_embedding: np.ndarray,
    position_embedding: np.ndarray,
    segment_embedding: np.ndarray | None,
    gamma: np.ndarray,
    beta: np.ndarray,
    mask: np.ndarray | None = None,
    position_ids: np.ndarray | None = None,
    *,
    epsilon: float = 1e-12,
    mask_index_type: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The layer norm of the sum of word, position and segment embeddings: ids [B,S] -> [B,S,H].

    Also how many tokens of each item the mask shows, int32 [B], and the sum. Source: com.microsoft
    EmbedLayerNormalization-1.
    """
    if input_ids.ndim != 2:
        raise ValueError(f"EmbedLayerNormalization: expected input_ids [B,S], got shape {list(input_ids.shape)}")
    batch, length = input_ids.shape
    positions = np.arange(length)[None] if position_ids is None else position_ids
    total = _embedded("input_ids", word_embedding, input_ids) + _embedded("positions", position_embedding, positions)
    if segment_ids is not None and segment_embedding is not None:
        total = total + _embedded("segment_ids", segment_embedding, segment_ids)
    normal = standardized(total, (2,), epsilon)[0]
    shown = np.zeros(batch, np.int32) if mask is None else (mask == 1).sum(axis=1).astype(np.int32)
    y = narrow(normal * widen(gamma) + widen(beta), word_embedding.dtype)
    return y, shown, narrow(total, word_embedding.dtype)


def _embedded(what: str, table: np.ndarray, ids: np.ndarray) -> np.ndarray:
    if ids.size and not 0 <= ids.min() <= ids.max() < len(table):
        raise ValueError(
            f"EmbedLayerNormalization: expected {what} from 0 to {len(table) - 1}, got {ids.min()} to {ids.max()}"
        )
    return widen(table)[ids]


def QEmbedLayerNormalization(
    input_ids: np.ndarray,
    segment_ids: np.ndarray | None,
    word_embedding_quant: np.ndarray,
    position_embedding_quant: np.ndarray,
    segment_embedding: np.ndarray | None,
    gamma_quant: np.ndarray,
    beta_quant: np.ndarray,
    mask: np.ndarray | None,
    word_embedding_scale: np.ndarray,
    position_embedding_scale: np.ndarray,
    segment_embedding_scale: np.ndarray | None,
    gamma_scale: np.ndarray,
    beta_scale: np.ndarray,
    word_embedding_zero_point: np.ndarray,
    position_embedding_zero_point: np.ndarray,
    segment_embedding_zero_point: np.ndarray | None,
    gamma_zero_point: np.ndarray,
    beta_zero_point: np.ndarray,
    *,
    epsilon: float = 1e-12,
) -> tuple[np.ndarray, np.ndarray]:
    """EmbedLayerNormalization of 8-bit tables. Source: com.microsoft QEmbedLayerNormalization-1."""

    def wide(x: np.ndarray, scale: np.ndarray, zero: np.ndarray) -> np.ndarray:
        return (x.astype(np.float32) - zero.astype(np.float32)) * scale

    segments = None
    if (
        segment_embedding is not None
        and segment_embedding_scale is not None
        and segment_embedding_zero_point is not None
    ):
        segments = wide(segment_embedding, segment_embedding_scale, segment_embedding_zero_point)
    return EmbedLayerNormalization(
        input_ids,
        segment_ids,
        wide(word_embedding_quant, word_embedding_scale, word_embedding_zero_point),
        wide(position_embedding_quant, position_embedding_scale, position_embedding_zero_point),
        segments,
        wide(gamma_quant, gamma_scale, gamma_zero_point),
        wide(beta_quant, beta_scale, beta_zero_point),
        mask,
        epsilon=epsilon,
    )[:2]


def _skip_types(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None:
        return [None] * 4
    saved = Tensor("float", None if x.shape is None else (*x.shape[:-1], 1))
    return [x, saved, saved, x]


def _embed_types(facts: Facts) -> list[Type | None]:
    ids, table = shapes.shape_of(facts, 0), shapes.tensor(facts, 2)
    quantized = (
        len(facts.types) > 9 and shapes.tensor(facts, 8) is not None and table is not None and table.element != "float"
    )
    element = "float" if quantized or table is None else table.element
    width = table.shape[1] if table is not None and table.shape is not None and len(table.shape) == 2 else None
    shape: Shape | None = None if ids is None else (*ids, width)
    return [Tensor(element, shape), Tensor("int32", None if ids is None else ids[:1]), Tensor(element, shape)]


OPS: tuple[Op, ...] = (
    Op("EmbedLayerNormalization", 1, EmbedLayerNormalization, _embed_types, MICROSOFT),
    Op("QEmbedLayerNormalization", 1, QEmbedLayerNormalization, _embed_types, MICROSOFT),
    Op("SkipLayerNormalization", 1, SkipLayerNormalization, _skip_types, MICROSOFT),
    Op("SkipSimplifiedLayerNormalization", 1, SkipSimplifiedLayerNormalization, _skip_types, MICROSOFT),
)

"""What onnxruntime's optimiser puts around attention: packing of padded tokens, and biases of relative positions.

onnxruntime has kernels of these for GPUs only; files that it has optimised run here all the same.
"""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.activation import sigmoid
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op


def RemovePadding(
    input: np.ndarray, sequence_token_count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The tokens of input [B,S,H] that are no padding [T,H], where they and then it stood [B,S], sums, most.

    Source: com.microsoft RemovePadding-1.
    """
    if input.ndim != 3 or sequence_token_count.shape != input.shape[:1]:
        given = f"{list(input.shape)} and {list(sequence_token_count.shape)}"
        raise ValueError(f"RemovePadding: expected input [B,S,H] and sequence_token_count [B], got {given}")
    batch, length, width = input.shape
    kept = (np.arange(length) < sequence_token_count[:, None]).reshape(-1)
    order = np.argsort(~kept, kind="stable").astype(np.int32)
    sums = np.concatenate([[0], np.cumsum(sequence_token_count)]).astype(np.int32)
    most = np.array([sequence_token_count.max(initial=0)], np.int32)
    return input.reshape(-1, width)[kept], order.reshape(batch, length), sums, most


def RestorePadding(input: np.ndarray, token_offset: np.ndarray) -> np.ndarray:
    """output [B,S,H] with the tokens [T,H] where token_offset [B,S] says, else zeros. Source: RestorePadding-1."""
    if input.ndim != 2 or token_offset.ndim != 2 or len(input) > token_offset.size:
        given = f"{list(input.shape)} and {list(token_offset.shape)}"
        raise ValueError(f"RestorePadding: expected input [T,H] and token_offset [B,S], got {given}")
    y = np.zeros((token_offset.size, input.shape[1]), input.dtype)
    y[token_offset.reshape(-1)[: len(input)]] = input
    return y.reshape(*token_offset.shape, -1)


def RelativePositionBias(
    bias_table: np.ndarray,
    query_length: np.ndarray,
    key_length: np.ndarray,
    *,
    is_bidirectional: int = 0,
    max_distance: int,
) -> np.ndarray:
    """output [1,N,S,T] = bias_table [buckets,N] by how far a key is from its query: near ones exactly, far ones by log.

    Source: com.microsoft RelativePositionBias-1; arXiv:1910.10683.
    """
    queries, keys = int(query_length.reshape(-1)[0]), int(key_length.reshape(-1)[0])
    buckets = len(bias_table)
    distance = np.arange(keys) - np.arange(queries)[:, None]
    half = buckets // 2 if is_bidirectional else buckets
    base = np.where(distance > 0, half, 0) if is_bidirectional else np.zeros_like(distance)
    distance = np.abs(distance) if is_bidirectional else np.maximum(-distance, 0)
    near = half // 2
    share = np.log(np.maximum(distance, 1) / near) / np.log(max_distance / near)
    far = np.minimum(near + (share * (half - near)).astype(np.int64), half - 1)
    return np.moveaxis(bias_table[base + np.where(distance < near, distance, far)], 2, 0)[None]


def GatedRelativePositionBias(
    query_layer: np.ndarray,
    query_bias: np.ndarray,
    rel_pos: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    eco_a: np.ndarray,
    token_offset: np.ndarray | None = None,
    *,
    num_heads: int,
) -> np.ndarray:
    """rel_pos [1,N,S,S] times gates that the query [B,S,N*D] sets: u * (r * eco_a - 1) + 2, u and r of a linear layer.

    Source: com.microsoft GatedRelativePositionBias-1; arXiv:2110.13900.
    """
    query = query_layer if token_offset is None else RestorePadding(query_layer, token_offset)
    batch, length, width = query.shape
    heads = (widen(query) + widen(query_bias)).reshape(batch, length, num_heads, width // num_heads).swapaxes(1, 2)
    gates = sigmoid((heads @ widen(weight) + widen(bias)).reshape(batch, num_heads, length, 2, -1).sum(axis=-1))
    u, r = gates[..., :1], gates[..., 1:]
    return narrow((u * (r * widen(eco_a) - 1) + 2) * widen(rel_pos), query_layer.dtype)


def _packed_types(facts: Facts) -> list[Type | None]:
    x, counts = shapes.tensor(facts, 0), shapes.shape_of(facts, 1)
    if x is None or x.shape is None or len(x.shape) != 3:
        return [None if x is None else Tensor(x.element), Tensor("int32"), Tensor("int32"), Tensor("int32", (1,))]
    sums = counts[0] + 1 if counts and isinstance(counts[0], int) else None
    packed = Tensor(x.element, (None, x.shape[2]))
    return [packed, Tensor("int32", x.shape[:2]), Tensor("int32", (sums,)), Tensor("int32", (1,))]


def _restored_type(facts: Facts) -> list[Type | None]:
    x, at = shapes.tensor(facts, 0), shapes.shape_of(facts, 1)
    if x is None or x.shape is None or at is None or len(x.shape) != 2:
        return [None if x is None else Tensor(x.element)]
    return [Tensor(x.element, (*at, x.shape[1]))]


def _bias_type(facts: Facts) -> list[Type | None]:
    table = shapes.tensor(facts, 0)
    heads = table.shape[1] if table is not None and table.shape and len(table.shape) == 2 else None
    return [None if table is None else Tensor(table.element, (1, heads, None, None))]


def _gated_type(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 2)
    return [None if x is None else Tensor(x.element, None if x.shape is None else (None, *x.shape[1:]))]


OPS: tuple[Op, ...] = (
    Op("GatedRelativePositionBias", 1, GatedRelativePositionBias, _gated_type, MICROSOFT),
    Op("RelativePositionBias", 1, RelativePositionBias, _bias_type, MICROSOFT),
    Op("RemovePadding", 1, RemovePadding, _packed_types, MICROSOFT),
    Op("RestorePadding", 1, RestorePadding, _restored_type, MICROSOFT),
)

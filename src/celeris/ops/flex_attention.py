"""FlexAttention of ai.onnx.preview: attention whose scores and probabilities a subgraph may change."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, Tensor, Type, dtype_of
from celeris.ops import shapes
from celeris.ops.attention import scores_of, weighted
from celeris.ops.precision import narrow, widen
from celeris.ops.ranking import Softmax
from celeris.ops.table import Facts, Op


def _changed(name: str, body: Callable[..., list[Any]] | None, x: np.ndarray) -> np.ndarray:
    if body is None:
        return x
    result = np.asarray(body(x)[0])
    if result.shape != x.shape or result.dtype != x.dtype:
        raise ValueError(
            f"FlexAttention: expected {name} to keep {x.dtype} {list(x.shape)}, got {result.dtype} {list(result.shape)}"
        )
    return result


def FlexAttention(
    Q: np.ndarray,
    K: np.ndarray,
    V: np.ndarray,
    *,
    prob_mod: Callable[..., list[Any]] | None = None,
    scale: float | None = None,
    score_mod: Callable[..., list[Any]] | None = None,
    softmax_precision: int | None = None,
) -> np.ndarray:
    """Y = prob_mod(softmax(score_mod(scale * Q K^T))) V: Q [B,H,S,D], K [B,G,T,D], V [B,G,T,E] -> Y [B,H,S,E].

    Source: ai.onnx.preview FlexAttention-1.
    """
    if not Q.ndim == K.ndim == V.ndim == 4 or K.shape[1] < 1 or Q.shape[1] % K.shape[1] or K.shape[1] != V.shape[1]:
        raise ValueError(
            "FlexAttention: expected Q [B,H,S,D], K [B,G,T,D] and V [B,G,T,E] with G dividing H, got "
            f"{list(Q.shape)}, {list(K.shape)}, {list(V.shape)}"
        )
    default = "double" if Q.dtype == np.float64 else "float"
    precision = dtype_of(default if softmax_precision is None else ELEMENT_NAMES[softmax_precision])
    scores = scores_of(Q, K, 1 / math.sqrt(Q.shape[3]) if scale is None else scale).astype(precision)
    shares = Softmax(_changed("score_mod", score_mod, scores), axis=3)
    shares = _changed("prob_mod", prob_mod, shares)
    return narrow(weighted(widen(shares), widen(V.astype(precision))), Q.dtype)


def _type(facts: Facts) -> list[Type | None]:
    q, v = shapes.tensor(facts, 0), shapes.shape_of(facts, 2)
    known = q is not None and q.shape is not None and len(q.shape) == 4 and v is not None and len(v) == 4
    if q is None or q.shape is None or v is None or not known:
        return [q and Tensor(q.element)]
    return [Tensor(q.element, (*q.shape[:3], v[3]))]


OPS: tuple[Op, ...] = (Op("FlexAttention", 1, FlexAttention, _type, domain="ai.onnx.preview"),)

"""onnxruntime's own normalization in ONNX's domain, which its optimizer puts into graphs."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, Tensor, Type, dtype_of
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op


def SimplifiedLayerNormalization(
    X: np.ndarray, scale: np.ndarray, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Y = X / sqrt(mean(X^2) + epsilon) * scale over the axes from `axis` on, and 1 / the root.

    Source: onnxruntime SimplifiedLayerNormalization-1; arXiv:1910.07467.
    """
    axes = tuple(range(shapes.axis_in("SimplifiedLayerNormalization", axis, X.ndim), X.ndim))
    wide = widen(X)
    inverse = 1 / np.sqrt(np.square(wide).mean(axis=axes, keepdims=True) + wide.dtype.type(epsilon))
    stash = dtype_of(ELEMENT_NAMES[stash_type])
    return narrow(wide * inverse * widen(scale), scale.dtype), narrow(inverse, stash)


def _types(facts: Facts) -> list[Type | None]:
    x, scale = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    saved = ELEMENT_NAMES[facts.attributes.get("stash_type") or 1]
    y = None if scale is None else Tensor(scale.element, None if x is None else x.shape)
    if x is None or x.shape is None:
        return [y, Tensor(saved)]
    axis = shapes.axis_in("SimplifiedLayerNormalization", int(facts.attributes.get("axis", -1)), len(x.shape))
    return [y, Tensor(saved, x.shape[:axis] + (1,) * (len(x.shape) - axis))]


OPS: tuple[Op, ...] = (Op("SimplifiedLayerNormalization", 1, SimplifiedLayerNormalization, _types),)

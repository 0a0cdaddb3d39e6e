"""Whole-tensor claims of Softmax and LayerNormalization over the last axis."""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.whole import Values


def _is_last(node: Node, values: Values, default: int) -> bool:
    shape = values.shape(node.inputs[0])
    return shape is not None and len(shape) > 0 and node.attr("axis", default) in (-1, len(shape) - 1)


def claim_softmax(node: Node, values: Values) -> TensorClaim | Refusal:
    """Softmax of float32. Before opset 13 the axes from `axis` on were one: for the last axis that is the same."""
    if values.element(node.inputs[0]) != "float" or not _is_last(node, values, -1 if values.opset >= 13 else 1):
        return Refusal("its input is not float32, or its axis is not the last")
    return TensorClaim("normalize", {"softmax": 1}, [node.inputs[0]])


def claim_layer_norm(node: Node, values: Values) -> TensorClaim | Refusal:
    """LayerNormalization of float32 with constant scale and bias."""
    constants = [values.constant(name) for name in node.inputs[1:] if name]
    fits = all(c is not None and c.dtype == np.float32 and c.ndim == 1 for c in constants)
    if values.element(node.inputs[0]) != "float" or not _is_last(node, values, -1) or not fits or any(node.outputs[1:]):
        return Refusal("its inputs are not float32, its scale is not constant, or its axis is not the last")
    names = ("scale", "bias")
    arrays = {
        name: np.ascontiguousarray(value) for name, value in zip(names, constants, strict=False) if value is not None
    }
    if len({value.shape for value in arrays.values()}) != 1:
        return Refusal("its scale and bias differ in size")
    return TensorClaim("normalize", {"softmax": 0, "epsilon": node.attr("epsilon", 1e-5), **arrays}, [node.inputs[0]])

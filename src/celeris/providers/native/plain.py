"""Whole-tensor claims of elementwise operators and reductions of any numbers, where no other kernel takes them."""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.graph.types import ELEMENT_NAMES
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.whole import ELEMENTS, Values

_WAYS = (
    "Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or",
    "Xor", "Not", "IsNaN", "Neg", "Abs", "Sqrt", "Cast", "Where",
)  # fmt: skip  # in the order of cpp/arrays/plain.h
_FOLDS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin")


def claim_plain(node: Node, values: Values) -> TensorClaim | Refusal:
    """One operation on each element of one to three tensors."""
    to = ""
    if node.op_type == "Cast":
        to = ELEMENT_NAMES.get(node.attr("to"), "")
        if to not in ELEMENTS:
            return Refusal("no native kernel for this type")
    if len(node.inputs) > 2 and node.op_type != "Where":
        return Refusal("no native kernel for so many inputs")
    if values.opset < 7 and len(node.inputs) > 1:
        return Refusal("no native kernel for shapes aligned by an attribute")
    element = ELEMENTS.index(to) if to else 0
    return TensorClaim("plain", {"way": _WAYS.index(node.op_type), "element": element}, list(node.inputs))


def claim_fold(node: Node, values: Values) -> TensorClaim | Refusal:
    """A sum, a mean or an extreme along axes that an attribute or an input gives, or all."""
    axes = node.attr("axes")
    params = {
        "way": _FOLDS.index(node.op_type),
        "keep": int(node.attr("keepdims", 1)),
        "none": int(node.attr("noop_with_empty_axes", 0)),
        **({} if axes is None else {"axes": np.asarray(axes, np.int64)}),
    }
    return TensorClaim("fold", params, list(node.inputs))

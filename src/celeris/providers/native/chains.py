"""Whole-tensor claims of elementwise operators: links of chains (cpp/tensor/chain.h)."""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Link, Refusal, TensorClaim
from celeris.providers.native.whole import Values

_TWO = {
    "Add": "add",
    "Sum": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "Div": "divide",
    "Max": "maximum",
    "Min": "minimum",
}
_ONE = {
    "Abs": "magnitude", "Neg": "negate", "Exp": "exponential", "Sqrt": "root", "Reciprocal": "reciprocal",
    "Relu": "relu",
    "Sigmoid": "sigmoid", "Tanh": "tanh", "Erf": "erf",
}  # fmt: skip


def claim_links(node: Node, values: Values) -> TensorClaim | Refusal:
    """An elementwise operator on float32."""
    if any(values.element(name) != "float" for name in node.inputs if name):
        return Refusal("its inputs are not float32")
    links = _links(node, values)
    if links is None:
        return Refusal("no native kernel for whole tensors of its attributes or number of inputs")
    read = [side for link in links for side in (link.left, link.right) if isinstance(side, str)]
    return TensorClaim("elementwise", {}, list(dict.fromkeys(read)), links, chained=True)


def claim_cast(node: Node, values: Values) -> TensorClaim | Refusal:
    """Cast of int32 to float32, as the end of a kernel that can give either; by itself it has none."""
    if values.element(node.inputs[0]) != "int32" or values.element(node.outputs[0]) != "float":
        return Refusal("no native kernel for whole tensors of these types")
    return TensorClaim("cast", {}, [node.inputs[0]])


def _links(node: Node, values: Values) -> list[Link] | None:
    name, x = node.op_type, node.inputs[0]
    if name in _TWO:
        return _pair(_TWO[name], node, values)
    if name in _ONE:
        return [Link(_ONE[name], x)]
    if name == "LeakyRelu":
        return [Link("leaky", x, low=node.attr("alpha", 0.01))]
    if name == "HardSigmoid":
        return [Link("hard_sigmoid", x, low=node.attr("alpha", 0.2), high=node.attr("beta", 0.5))]
    if name == "HardSwish":
        return [Link("hard_sigmoid", x, low=1 / 6, high=0.5), Link("multiply", 0, x)]
    if name == "Gelu" and node.attr("approximate", b"none") in (b"none", "none"):
        return [
            Link("multiply", x, 0.5**0.5), Link("erf", 0), Link("add", 1, 1.0), Link("multiply", x, 2),
            Link("multiply", 3, 0.5),
        ]  # fmt: skip
    return _pow(node, values) if name == "Pow" else _clip(node, values) if name == "Clip" else None


def _number(values: Values, name: str, beside: str) -> float | None:
    """A constant's only value, where its axes add none to those of the value beside it."""
    found = values.constant(name)
    if found is None or found.size != 1 or found.dtype != np.float32:
        return None
    shape = values.shape(beside)
    return float(found.reshape(())) if found.ndim <= (0 if shape is None else len(shape)) else None


def _pair(function: str, node: Node, values: Values) -> list[Link] | None:
    if len(node.inputs) != 2:
        return None
    first, second = node.inputs
    left, right = _number(values, first, second), _number(values, second, first)
    if left is not None and right is not None:
        return None
    return [Link(function, first if left is None else left, second if right is None else right)]


def _pow(node: Node, values: Values) -> list[Link] | None:
    return [Link("square", node.inputs[0])] if _number(values, node.inputs[1], node.inputs[0]) == 2 else None


def _clip(node: Node, values: Values) -> list[Link] | None:
    low, high = node.attr("min", -np.inf), node.attr("max", np.inf)
    given = [
        _number(values, name, node.inputs[0]) if name else default
        for name, default in zip(node.inputs[1:], (low, high), strict=False)
    ]
    limits = [*given, *(low, high)[len(given) :]]
    if any(limit is None for limit in limits) or not limits[0] <= limits[1]:
        return None
    return [Link("clip", node.inputs[0], low=limits[0], high=limits[1])]

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


def number(values: Values, name: str) -> float | None:
    """A constant's only value."""
    found = values.constant(name)
    return float(found.reshape(())) if found is not None and found.size == 1 and found.dtype == np.float32 else None


def _pair(function: str, node: Node, values: Values) -> list[Link] | None:
    if len(node.inputs) != 2:
        return None
    left, right = (number(values, name) for name in node.inputs)
    if left is not None and right is not None:
        return None
    first, second = node.inputs
    return [Link(function, first if left is None else left, second if right is None else right)]


def _pow(node: Node, values: Values) -> list[Link] | None:
    exponent = number(values, node.inputs[1])
    function = {2.0: "square", 0.5: "root"}.get(exponent or 0.0)
    return None if function is None else [Link(function, node.inputs[0])]


def _clip(node: Node, values: Values) -> list[Link] | None:
    low, high = node.attr("min", -np.inf), node.attr("max", np.inf)
    given = [
        number(values, name) if name else default for name, default in zip(node.inputs[1:], (low, high), strict=False)
    ]
    limits = [*given, *(low, high)[len(given) :]]
    if any(limit is None for limit in limits) or not limits[0] <= limits[1]:
        return None
    return [Link("clip", node.inputs[0], low=limits[0], high=limits[1])]

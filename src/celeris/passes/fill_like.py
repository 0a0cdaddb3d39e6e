"""fill_like: a constant in the shape of a table of rows is chosen element by element, so that it stays in the rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Model, Node
from celeris.graph.types import Tensor

_ELEMENTS = ("float", "double", "int64", "int32", "bool")


def fill_like(model: Model) -> Iterator[str]:
    """ConstantOfShape(Shape(X)) -> Where(Equal(X, X), c, c): the shape is X's whatever is compared."""
    graph = model.graph
    if model.opsets.get("", 1) < 11:  # Equal of reals
        return
    made = edit.producers(graph)
    for node in list(graph.nodes):
        shape = made.get(node.inputs[0]) if node.op_type == "ConstantOfShape" and not node.domain else None
        if shape is None or shape.op_type != "Shape" or shape.attributes:
            continue
        kind = graph.types.get(shape.inputs[0])
        if not isinstance(kind, Tensor) or kind.element not in _ELEMENTS or not kind.shape:
            continue
        given = node.attr("value")
        value = np.zeros((), np.float32) if given is None else np.asarray(given).reshape(())
        same = edit.fresh_name(graph, f"{node.outputs[0]}_everywhere")
        constant = edit.add_initializer(graph, value, f"{node.outputs[0]}_value")
        edit.replace_node(
            graph,
            node,
            [
                Node("Equal", [shape.inputs[0]] * 2, [same]),
                Node("Where", [same, constant, constant], list(node.outputs), {}, "", node.name),
            ],
        )
        yield f"ConstantOfShape '{node.name}' like '{shape.inputs[0]}'"

"""fill_like: a constant in the shape of a table of rows is chosen element by element, so that it stays in the rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.rows import constants, counted
from celeris.graph.types import Tensor

_ELEMENTS = ("float", "double", "int64", "int32", "bool")
_WIDEST = 1 << 12  # columns: a constant is held for each


def fill_like(model: Model) -> Iterator[str]:
    """ConstantOfShape(Shape(X)) -> Where(Equal(X, X), c, c): the shape is X's whatever is compared.

    ConstantOfShape([rows of X]) and ([rows of X, columns]) the same way, by the first column of X. Before opset 11
    reals are not compared, but asked by IsNaN.
    """
    graph, opset = model.graph, model.opsets.get("", 1)
    made = edit.producers(graph)
    for node in list(graph.nodes):
        if node.op_type != "ConstantOfShape" or node.domain or (found := _like(graph, made, node)) is None:
            continue
        table, columns = found
        given = node.attr("value")
        value = np.zeros((), np.float32) if given is None else np.asarray(given).reshape(())
        same = edit.fresh_name(graph, f"{node.outputs[0]}_everywhere")
        nodes = []
        source = table
        if columns is not None:
            value = np.full((1, *columns), value) if columns else value
            source = edit.fresh_name(graph, f"{table}_first")
            first = edit.add_initializer(graph, np.array([0] if columns else 0), f"{table}_column")
            nodes.append(Node("Gather", [table, first], [source], {"axis": Attribute("INT", 1)}))
        constant = edit.add_initializer(graph, value, f"{node.outputs[0]}_value")
        kind = graph.types.get(table)
        compared = opset >= 11 or not isinstance(kind, Tensor) or kind.element not in ("float", "double")
        nodes += [
            Node("Equal", [source] * 2, [same]) if compared else Node("IsNaN", [source], [same]),
            Node("Where", [same, constant, constant], list(node.outputs), {}, "", node.name),
        ]
        edit.replace_node(graph, node, nodes)
        yield f"ConstantOfShape '{node.name}' like '{table}'"


def _like(graph: Graph, made: dict[str, Node], node: Node) -> tuple[str, tuple[int, ...] | None] | None:
    """The table whose shape the node asks for, or whose rows, with what other sizes."""
    shape = made.get(node.inputs[0])
    columns: tuple[int, ...] | None = None
    table = shape.inputs[0] if shape is not None and shape.op_type == "Shape" and not shape.attributes else None
    if shape is not None and table is None and (rows := counted(graph, made, node.inputs[0])) is not None:
        table, columns = rows, ()
    elif shape is not None and shape.op_type == "Concat" and len(shape.inputs) == 2:
        table, sizes = counted(graph, made, shape.inputs[0]), constants(graph, shape.inputs[1:])
        if sizes is None or len(sizes) != 1 or not 0 < sizes[0] <= _WIDEST:
            return None
        columns = (sizes[0],)
    if table is None:
        return None
    kind = graph.types.get(table)
    if not isinstance(kind, Tensor) or kind.element not in _ELEMENTS or not kind.shape:
        return None
    if columns is not None and (len(kind.shape) != 2 or not isinstance(kind.shape[1], int) or not kind.shape[1]):
        return None
    return table, columns

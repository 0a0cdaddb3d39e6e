"""fold_row_counts: a shape of which only the number of rows is computed is a constant that keeps that number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Model, Node
from celeris.graph.rows import constants, counted, table_of


def fold_row_counts(model: Model) -> Iterator[str]:
    """Reshape(M(X), [N of X, C]) -> Reshape(M(X), [0, C]), where M gives an answer to each of X's rows."""
    graph = model.graph
    made = edit.producers(graph)
    for node in [node for node in graph.nodes if node.op_type == "Reshape" and len(node.inputs) == 2]:
        shape = made.get(node.inputs[1])
        if node.domain or shape is None or (shape.domain, shape.op_type) != ("", "Concat") or node.attr("allowzero", 0):
            continue
        sizes, table = constants(graph, shape.inputs[1:]), counted(graph, made, shape.inputs[0])
        if not sizes or 0 in sizes or table is None:
            continue
        if table_of(graph, made, node.inputs[0]) == table_of(graph, made, table):
            same = edit.add_initializer(graph, np.array([0, *sizes]), f"{node.inputs[1]}_same")
            reshape = Node("Reshape", [node.inputs[0], same], list(node.outputs), {}, "", node.name)
            edit.replace_node(graph, node, [reshape])
            yield f"Reshape '{node.name}' to as many rows"

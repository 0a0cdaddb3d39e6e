"""gather_labels: labels of the nearest points, looked up all in one row and reshaped, are looked up row by row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Attribute, Graph, Model, Node


def gather_labels(model: Model) -> Iterator[str]:
    """Reshape(ArrayFeatureExtractor(table [C], TopK's places [N, k]), [-1, k]) -> Gather(table, places)."""
    graph = model.graph
    made = edit.producers(graph)
    for node in list(graph.nodes):
        found = made.get(node.inputs[0]) if node.op_type == "Reshape" and not node.domain else None
        if found is None or (found.domain, found.op_type) != ("ai.onnx.ml", "ArrayFeatureExtractor"):
            continue
        table, shape = (graph.initializers.get(name) for name in (found.inputs[0], node.inputs[1]))
        if not isinstance(table, np.ndarray) or not isinstance(shape, np.ndarray) or table.size != table.shape[-1]:
            continue
        places = _places(graph, made, found.inputs[1], shape.tolist())
        if places is None or found.outputs[0] in graph.outputs:
            continue
        if len(edit.users(graph).get(found.outputs[0], ())) != 1:
            continue
        flat = edit.add_initializer(graph, table.reshape(-1), f"{found.inputs[0]}_flat")
        axis = {"axis": Attribute("INT", 0)}
        edit.replace_node(graph, node, [Node("Gather", [flat, places], list(node.outputs), axis, "", node.name)])
        edit.remove_node(graph, found)
        yield f"ArrayFeatureExtractor '{found.name}' row by row"


def _places(graph: Graph, made: dict[str, Node], name: str, shape: list[int]) -> str | None:
    """The indices [N, k] behind `name`, if TopK made them (so that none is negative) and the shape is [-1, k]."""
    node = made.get(name)
    while node is not None and not node.domain and node.op_type in ("Flatten", "Identity"):
        if node.op_type == "Flatten" and node.attr("axis", 1) != 1:
            return None
        name = node.inputs[0]
        node = made.get(name)
    if (
        node is None
        or node.domain
        or node.op_type != "TopK"
        or node.outputs[1] != name
        or node.attr("axis", -1) not in (-1, 1)
    ):
        return None
    count = graph.initializers.get(node.inputs[1]) if len(node.inputs) > 1 else node.attr("k")
    known = isinstance(count, np.ndarray | int) and np.asarray(count).reshape(-1).tolist() == shape[1:]
    return name if known and len(shape) == 2 and shape[0] == -1 else None

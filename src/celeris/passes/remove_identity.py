"""remove_identity: a node that gives its input back is passed by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Graph, Model, Node
from celeris.graph.types import ELEMENT_NAMES, Tensor, Type


def remove_identity(model: Model) -> Iterator[str]:
    """Identity, Dropout in inference, Cast to the type at hand, Transpose to the same order, Reshape of lists."""
    graph = model.graph
    made = edit.producers(graph)
    for node in list(graph.nodes):
        if not _gives_input_back(graph, node, made):
            continue
        source, target = node.inputs[0], node.outputs[0]
        if target not in graph.outputs:
            edit.replace_uses(graph, target, source)
        elif not _rename_source(graph, node, source, target):
            continue
        edit.remove_node(graph, node)
        yield f"{node.op_type} '{node.name}'"


def _rename_source(graph: Graph, node: Node, source: str, target: str) -> bool:
    """The node makes a graph output: what made `source` makes it under that name, where that can be."""
    producer = edit.producers(graph).get(source)
    if producer is None or source in graph.outputs or graph.outputs.count(target) != 1:
        return False
    kept = graph.types.get(target)
    edit.replace_uses(graph, target, source)
    node.outputs[0] = edit.fresh_name(graph, target, [target])
    graph.types.pop(target, None)
    at = graph.outputs.index(target)
    graph.outputs[at] = source
    edit.rename(graph, source, target)
    if kept is not None:
        graph.types[target] = kept
    return True


def _gives_input_back(graph: Graph, node: Node, made: dict[str, Node]) -> bool:
    if node.domain or not node.inputs or len(node.outputs) - node.outputs.count("") != 1:
        return False
    found: Type | None = graph.types.get(node.inputs[0])
    match node.op_type:
        case "Identity":
            return True
        case "Dropout":
            return len(node.inputs) < 3 or node.inputs[2] == ""
        case "Cast":
            return isinstance(found, Tensor) and ELEMENT_NAMES.get(node.attr("to")) == found.element
        case "Transpose":
            perm = node.attr("perm")
            return perm is not None and np.array_equal(perm, np.arange(len(perm)))
        case "Reshape":  # from one axis to one axis: there must be as many elements, if all come of one table
            shape = made.get(node.inputs[1]) if len(node.inputs) > 1 else None
            if shape is None or shape.op_type != "Shape" or shape.attributes or len(graph.inputs) != 1:
                return False
            kinds = (found, graph.types.get(shape.inputs[0]))
            return all(isinstance(kind, Tensor) and kind.shape is not None and len(kind.shape) == 1 for kind in kinds)
    return False

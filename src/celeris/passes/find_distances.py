"""find_distances: a Scan that measures every row against every constant point becomes one CDist."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.types import Tensor

_DOMAIN = "com.microsoft"


def find_distances(model: Model) -> Iterator[str]:
    """Scan(X, points) with a body of sum((X - point)^2), as scikit-learn's converter writes it -> CDist, Transpose."""
    graph = model.graph
    for node in list(graph.nodes):
        if node.op_type != "Scan" or node.domain or len(node.inputs) != 2 or len(node.outputs) != 2:
            continue
        body = node.attr("body")
        if not isinstance(body, Graph) or node.attr("num_scan_inputs") != 1 or not _sums_squares(body, graph):
            continue
        if set(node.attributes) - {"body", "num_scan_inputs"} or _read(graph, node.outputs[0]):
            continue
        points = graph.initializers.get(node.inputs[1])
        if not isinstance(points, np.ndarray) or points.ndim != 2 or not _is_matrix(graph, node.inputs[0]):
            continue
        between = edit.fresh_name(graph, f"{node.outputs[1]}_transposed")
        metric = {"metric": Attribute("STRING", b"sqeuclidean")}
        order = {"perm": Attribute("INTS", np.array([1, 0], np.int64))}
        edit.replace_node(
            graph,
            node,
            [
                Node("CDist", list(node.inputs), [between], metric, _DOMAIN, node.name),
                Node("Transpose", [between], [node.outputs[1]], order, "", ""),
            ],
        )
        model.opsets.setdefault(_DOMAIN, 1)
        yield f"Scan '{node.name}' over {len(points)} points"


def _read(graph: Graph, name: str) -> bool:
    return bool(name) and (name in graph.outputs or any(name in edit.reads(node) for node in graph.nodes))


def _is_matrix(graph: Graph, name: str) -> bool:
    found = graph.types.get(name)
    return isinstance(found, Tensor) and found.shape is not None and len(found.shape) == 2


def _sums_squares(body: Graph, outer: Graph) -> bool:
    """Outputs: the state as it came, and for one point the sum over columns of (state - point)^2."""
    made = edit.producers(body)

    def source(name: str) -> str:
        while name in made and made[name].op_type == "Identity":
            name = made[name].inputs[0]
        return name

    if len(body.inputs) != 2 or len(body.outputs) != 2 or source(body.outputs[0]) != body.inputs[0]:
        return False
    total = made.get(source(body.outputs[1]))
    if total is None or total.op_type != "ReduceSumSquare" or total.attr("keepdims", 1) != 0:
        return False
    axes = total.attr("axes")
    if len(total.inputs) > 1:
        axes = body.initializers.get(total.inputs[1], outer.initializers.get(total.inputs[1]))
    if axes is None or np.asarray(axes).reshape(-1).tolist() != [1]:
        return False
    difference = made.get(source(total.inputs[0]))
    if difference is None or difference.op_type != "Sub":
        return False
    return {source(name) for name in difference.inputs} == set(body.inputs)

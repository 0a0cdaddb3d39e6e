"""find_distances: a Scan that measures every row against every constant point becomes one CDist."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.loops import power_summed
from celeris.graph.types import Tensor

_DOMAIN = "com.microsoft"


def find_distances(model: Model) -> Iterator[str]:
    """Scan(X, points) with a body of sum((X - point)^2), as scikit-learn's converter writes it -> CDist, Transpose."""
    graph = model.graph
    for node in list(graph.nodes):
        if power_summed(node, graph.initializers.get) != 2 or _read(graph, node.outputs[0]):
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

"""scatter_in_rows: counts of hashed words, made word by word and then summed, are made row by row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.rows import constants, counted, table_of
from celeris.graph.types import Tensor


def scatter_in_rows(model: Model) -> Iterator[str]:
    """Updates V at I, both [N, K], flattened, scattered over zeros [N K, F], as [N, K, F], summed over K -> [N, F].

    skl2onnx writes a FeatureHasher so.
    """
    graph = model.graph
    if model.opsets.get("", 1) < 18:  # ScatterElements that adds
        return
    made = edit.producers(graph)
    for node in [node for node in graph.nodes if node.op_type == "ReduceSum" and len(node.inputs) == 2]:
        if node.domain or node.attr("keepdims", 1) or constants(graph, node.inputs[1:]) not in ([1], [-2]):
            continue
        cast = made.get(node.inputs[0])
        shaped = made.get(cast.inputs[0]) if cast is not None and cast.op_type == "Cast" else cast
        found = _scattered(graph, made, shaped)
        if found is None:
            continue
        places, updates, zeros = found
        parts = ("first", "zeros", "sums")
        column, cells, sums = (edit.fresh_name(graph, f"{node.outputs[0]}_{part}") for part in parts)
        bounds = [edit.add_initializer(graph, np.array([at]), f"{node.outputs[0]}_{at}") for at in (0, 1)]
        how = {"axis": Attribute("INT", 1), "reduction": Attribute("STRING", b"add")}
        end = ("Identity", {}) if cast is shaped else ("Cast", dict(cast.attributes) if cast is not None else {})
        edit.replace_node(
            graph,
            node,
            [
                Node("Slice", [places, *bounds, bounds[1]], [column]),
                Node("Mul", [column, zeros], [cells]),
                Node("ScatterElements", [cells, places, updates], [sums], how, "", node.name),
                Node(end[0], [sums], list(node.outputs), end[1]),
            ],
        )
        yield f"ScatterElements before '{node.name}' row by row"


def _scattered(graph: Graph, made: dict[str, Node], node: Node | None) -> tuple[str, str, str] | None:
    """Indices [N, K], updates [N, K] and zeros [F] of integers, where the node makes [N, K, F] of them."""
    shape = made.get(node.inputs[1]) if node is not None and node.op_type == "Reshape" else None
    scatter = made.get(node.inputs[0]) if node is not None and shape is not None else None
    if node is None or shape is None or scatter is None or node.attr("allowzero", 0):
        return None
    if shape.op_type != "Concat" or scatter.op_type != "ScatterElements" or scatter.attr("axis", 0) not in (1, -1):
        return None
    cells, *columns = (made.get(name) for name in scatter.inputs)
    if any(each is not None and each.domain for each in (node, shape, scatter, cells, *columns)):
        return None
    if set(scatter.attributes) - {"axis"} or cells is None or cells.op_type != "Mul":
        return None
    zeros = next((name for name in cells.inputs if isinstance(graph.initializers.get(name), np.ndarray)), None)
    sources = [_column(graph, each) for each in columns]
    if zeros is None or None in sources or scatter.inputs[1] not in cells.inputs:
        return None
    places, updates = map(str, sources)
    table, value = counted(graph, made, shape.inputs[0]), np.asarray(graph.initializers[zeros])
    if value.ndim != 1 or value.dtype.kind != "i" or value.any() or table is None or not _alike(graph, places, updates):
        return None
    if constants(graph, shape.inputs[1:]) != [-1, value.size]:
        return None
    same = {table_of(graph, made, name) for name in (places, updates, table)}
    return (places, updates, zeros) if len(same) == 1 else None


def _column(graph: Graph, node: Node | None) -> str | None:
    """What is flattened to one column."""
    if node is None or node.op_type != "Reshape" or constants(graph, node.inputs[1:]) != [-1, 1]:
        return None
    return node.inputs[0]


def _alike(graph: Graph, a: str, b: str) -> bool:
    """Whether both are matrices of integers with as many columns, at least one."""
    first, second = graph.types.get(a), graph.types.get(b)
    if not isinstance(first, Tensor) or first != second or first.element not in ("int64", "int32"):
        return False
    return first.shape is not None and len(first.shape) == 2 and isinstance(first.shape[1], int) and first.shape[1] > 0

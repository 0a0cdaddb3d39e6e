"""fold_row_counts: a shape of which only the number of rows is computed is a constant that keeps that number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Graph, Model, Node
from celeris.graph.types import Tensor


def fold_row_counts(model: Model) -> Iterator[str]:
    """Reshape(M(X), [N of X, C]) -> Reshape(M(X), [0, C]), where the model M gives an answer to each of X's rows."""
    graph = model.graph
    made = edit.producers(graph)
    for node in [node for node in graph.nodes if node.op_type == "Reshape" and len(node.inputs) == 2]:
        shape = made.get(node.inputs[1])
        if shape is None or shape.op_type != "Concat" or node.attr("allowzero", 0):
            continue
        sizes, table = _constants(graph, shape.inputs[1:]), _counted(graph, made, shape.inputs[0])
        if not sizes or 0 in sizes or table is None:
            continue
        if _table(graph, made, node.inputs[0]) == _table(graph, made, table):
            same = edit.add_initializer(graph, np.array([0, *sizes]), f"{node.inputs[1]}_same")
            reshape = Node("Reshape", [node.inputs[0], same], list(node.outputs), {}, "", node.name)
            edit.replace_node(graph, node, [reshape])
            yield f"Reshape '{node.name}' to as many rows"


def _constants(graph: Graph, names: list[str]) -> list[int]:
    """The numbers of constants one behind another; [] where one is none."""
    values = [graph.initializers.get(name) for name in names]
    if not all(isinstance(value, np.ndarray) for value in values):
        return []
    return [int(each) for value in values for each in np.asarray(value).reshape(-1)]


def _counted(graph: Graph, made: dict[str, Node], name: str) -> str | None:
    """The table whose number of rows this is: Gather(Shape(table), [0]) or Slice(Shape(table), [0], [1])."""
    part = made.get(name)
    shape = made.get(part.inputs[0]) if part is not None else None
    if part is None or shape is None or shape.op_type != "Shape" or shape.attributes:
        return None
    wanted = {"Gather": [0], "Slice": [0, 1]}.get(part.op_type)
    given = _constants(graph, part.inputs[1 : 2 if part.op_type == "Gather" else 3])
    return shape.inputs[0] if wanted is not None and given == wanted and not part.attributes.get("axis") else None


def _table(graph: Graph, made: dict[str, Node], name: str) -> str:
    """The value from which only operators lead here that answer to each row."""
    while (maker := made.get(name)) is not None and _by_rows(graph, maker):
        name = maker.inputs[0]
    return name


def _by_rows(graph: Graph, node: Node) -> bool:
    if (node.domain, node.op_type) in _MODELS:
        return True
    table = graph.types.get(node.inputs[0]) if node.inputs else None
    if node.domain or node.op_type not in ("Add", "MatMul") or not isinstance(table, Tensor) or table.shape is None:
        return False
    constant = graph.initializers.get(node.inputs[1])
    if len(table.shape) != 2 or not isinstance(constant, np.ndarray):
        return False
    return constant.ndim == 2 if node.op_type == "MatMul" else constant.ndim < 2 or constant.shape[:-1] == (1,)


_MODELS = {
    *(("", name) for name in ("Cast", "Identity")),
    *(("ai.onnx.ml", name) for name in ("Binarizer", "Imputer", "Normalizer", "Scaler")),
    *(
        ("ai.onnx.ml", f"{kind}{answer}")
        for kind in ("Linear", "SVM", "TreeEnsemble")
        for answer in ("Classifier", "Regressor")
    ),
}

"""Which values have as many rows as which others, by the operators between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from celeris.graph.graph import Graph, Node
from celeris.graph.types import Tensor

_SAME_SHAPE = {("", "Cast"), ("", "Identity"), ("com.microsoft", "MurmurHash3")}
_MODELS = {  # an answer to each row of a matrix; a list would be one row
    *(("ai.onnx.ml", name) for name in ("Binarizer", "Imputer", "Normalizer", "Scaler")),
    *(
        ("ai.onnx.ml", f"{kind}{answer}")
        for kind in ("Linear", "SVM", "TreeEnsemble")
        for answer in ("Classifier", "Regressor")
    ),
}
_ELEMENTWISE = frozenset((
    "Abs", "Add", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Mod", "Mul", "Neg", "Not", "Sub",
    "Where",
))  # fmt: skip


def table_of(graph: Graph, made: Mapping[str, Node], name: str) -> str:
    """The value that `name` was made of row by row; `made`: who makes which value."""
    while (maker := made.get(name)) is not None and (before := _rows_of(graph, made, maker)) is not None:
        name = before
    return name


def counted(graph: Graph, made: Mapping[str, Node], name: str) -> str | None:
    """The table whose number of rows this is: Gather or Slice of its shape, the first of its sizes."""
    part = made.get(name)
    shape = made.get(part.inputs[0]) if part is not None and part.inputs else None
    if part is None or shape is None or part.domain or part.attr("axis", 0) != 0:
        return None
    if (shape.domain, shape.op_type) != ("", "Shape") or shape.attributes:
        return None
    given = constants(graph, part.inputs[1:])
    if part.op_type == "Gather":
        return shape.inputs[0] if given == [0] else None
    if part.op_type != "Slice" or given is None:
        return None
    if len(part.inputs) == 1:  # before opset 10
        given = [*part.attr("starts", ()), *part.attr("ends", ()), *part.attr("axes", ())]
    if len(given) not in (2, 3) or given[0] != 0 or given[2:] not in ([], [0]):
        return None
    rank = _rank(graph, shape.inputs[0])
    return shape.inputs[0] if given[1] == 1 or (given[1] < 0 and rank is not None and rank + given[1] == 1) else None


def constants(graph: Graph, names: list[str]) -> list[int] | None:
    """The numbers of constants one behind another; None where one is none."""
    values = [graph.initializers.get(name) for name in names]
    if not all(isinstance(value, np.ndarray) for value in values):
        return None
    return [int(each) for value in values for each in np.asarray(value).reshape(-1)]


def _rank(graph: Graph, name: str) -> int | None:
    found = graph.types.get(name)
    return len(found.shape) if isinstance(found, Tensor) and found.shape is not None else None


def _rows_of(graph: Graph, made: Mapping[str, Node], node: Node) -> str | None:
    """One of a node's inputs that has its rows."""
    if (node.domain, node.op_type) in _SAME_SHAPE:
        return node.inputs[0]
    if (node.domain, node.op_type) in _MODELS:
        return node.inputs[0] if _rank(graph, node.inputs[0]) == 2 else None
    constant = {name: v for name in node.inputs if isinstance(v := graph.initializers.get(name), np.ndarray)}
    rows = [name for name in node.inputs if name not in constant]
    if node.domain or not rows or any(_rank(graph, name) != 2 for name in rows):
        return None
    if node.op_type == "MatMul":
        return rows[0] if rows == node.inputs[:1] and constant[node.inputs[1]].ndim == 2 else None
    if node.op_type not in _ELEMENTWISE or any(v.ndim > 1 and v.shape[:-1] != (1,) for v in constant.values()):
        return None
    return rows[0] if len({table_of(graph, made, name) for name in rows}) == 1 else None

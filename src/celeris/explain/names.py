"""What the columns of a value inside a graph are called, as far as they are columns of the inputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Graph, Node
from celeris.graph.types import Tensor

# Operators whose k-th column comes from the k-th column of their first input.
_SAME = {
    "Cast", "Identity", "Scaler", "Imputer", "Normalizer", "Binarizer", "Reshape", "Clip", "Sub", "Div", "Add", "Mul",
    "Flatten", "LabelEncoder", "Where", "Abs", "Log", "Exp", "Sqrt",
}  # fmt: skip


def column_names(graph: Graph, value: str, width: int, inputs: Mapping[str, list[str]]) -> list[str]:
    """`width` names; 'feature 3' where the way from the inputs' columns is not plain."""
    found = _names(graph, edit.producers(graph), value, inputs)
    return found if found is not None and len(found) == width else [f"feature {i}" for i in range(width)]


def _names(graph: Graph, made: dict[str, Node], value: str, inputs: Mapping[str, list[str]]) -> list[str] | None:
    if value in inputs:
        return inputs[value]
    node = made.get(value)
    if node is None:
        return None
    parts = [_names(graph, made, name, inputs) for name in node.inputs if name and name not in graph.initializers]
    if node.op_type in ("Concat", "FeatureVectorizer"):
        return None if None in parts else [name for part in parts for name in part or ()]
    if not parts or parts[0] is None:
        return None
    if node.op_type in _SAME:
        return parts[0]
    if node.op_type in ("ArrayFeatureExtractor", "Gather"):
        at = graph.initializers.get(node.inputs[1])
        if isinstance(at, np.ndarray) and at.size and at.min() >= 0 and at.max() < len(parts[0]):
            return [parts[0][i] for i in at.reshape(-1).tolist()]
        return None
    if node.op_type == "OneHotEncoder" and len(parts[0]) == 1:
        return [f"{parts[0][0]}={category}" for category in _categories(node)]
    return None


def _categories(node: Node) -> list[str]:
    for name in ("cats_strings", "cats_int64s"):
        found = node.attr(name)
        if found is not None and len(found):
            return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in found]
    return []


def input_names(graph: Graph, known: Mapping[str, list[str] | None]) -> dict[str, list[str]]:
    """Names of each input's columns: those known, or made of the input's name."""
    names: dict[str, list[str]] = {}
    for name, columns in known.items():
        type_ = graph.types.get(name)
        shape = type_.shape if isinstance(type_, Tensor) else None
        width = shape[1] if shape is not None and len(shape) == 2 else None
        if columns is not None:
            names[name] = columns
        elif width == 1:
            names[name] = [name]
        elif isinstance(width, int):
            names[name] = [f"{name}[{i}]" for i in range(width)]
    return names

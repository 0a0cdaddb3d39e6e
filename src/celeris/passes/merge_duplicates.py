"""merge_duplicates: of nodes that compute the same from the same inputs, the first serves all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Attribute, Model, Node

_NEVER = {
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    "Multinomial",
    "Bernoulli",
    "Dropout",
}


def merge_duplicates(model: Model) -> Iterator[str]:
    """By operator, inputs and attributes. Nodes with subgraphs or large attributes are left alone."""
    graph = model.graph
    if len({(node.op_type, *node.inputs) for node in graph.nodes}) == len(graph.nodes):
        return
    seen: dict[Any, Node] = {}
    for node in list(graph.nodes):
        key = _key(node)
        if key is None:
            continue
        first = seen.setdefault(key, node)
        if first is node or any(name in graph.outputs for name in node.outputs):
            continue
        for old, new in zip(node.outputs, first.outputs, strict=True):
            if old:
                edit.replace_uses(graph, old, new)
        edit.remove_node(graph, node)
        yield f"{node.op_type} '{node.name}' as '{first.name}'"


def _key(node: Node) -> Any:
    if node.op_type in _NEVER:
        return None
    attributes = []
    for name, attribute in sorted(node.attributes.items()):
        value = _hashable(attribute)
        if value is None:
            return None
        attributes.append((name, attribute.kind, value))
    missing = tuple(bool(name) for name in node.outputs)
    return node.domain, node.op_type, node.overload, tuple(node.inputs), tuple(attributes), missing


def _hashable(attribute: Attribute) -> Any:
    value = attribute.value
    if isinstance(value, float):
        return value.hex()  # 0.0 and -0.0 are equal
    if isinstance(value, int | str | bytes):
        return value
    if isinstance(value, np.ndarray) and value.size <= 64 and value.dtype.kind in "iufb":
        return value.dtype.str, value.shape, value.tobytes()
    return None

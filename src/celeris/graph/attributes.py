"""Attributes as operators take them: Python values, references resolved, subgraphs as what is known of their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from celeris.graph.graph import Attribute, Graph, Node
from celeris.graph.strings import Strings
from celeris.graph.types import Type
from celeris.records import Record


def python_value(attribute: Attribute) -> Any:
    """The attribute as operators' functions take it: text as str, INTS as list of int, FLOATS as float32 array."""
    value = attribute.value
    match attribute.kind:
        case "STRING":
            return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        case "INTS":
            return np.asarray(value).tolist()
        case "STRINGS":
            strings = Strings.of(value)
            names = strings.texts()
            return [names[code] for code in strings.codes()[1].tolist()]
    return value


def resolve_references(node: Node, given: dict[str, Attribute]) -> Node:
    """A copy of a function's node with each attribute reference replaced by what the caller gave, or dropped."""
    attributes: dict[str, Attribute] = {}
    for name, attribute in node.attributes.items():
        if attribute.kind == "REF":
            if attribute.value in given:
                attributes[name] = given[attribute.value]
        elif attribute.kind == "GRAPH":
            inner: Graph = attribute.value
            nodes = [resolve_references(n, given) for n in inner.nodes]
            copy = Graph(inner.name, inner.inputs, inner.outputs, nodes, inner.initializers, dict(inner.types))
            attributes[name] = Attribute("GRAPH", copy)
        else:
            attributes[name] = attribute
    return Node(node.op_type, node.inputs, node.outputs, attributes, node.domain, node.name, node.overload)


class BodyTypes(Record):
    """What rules know of a subgraph."""

    input_types: list[Type | None]
    output_types: list[Type | None]


class Attributes(Mapping[str, Any]):
    """A node's attributes as rules take them, each turned into Python when it is asked for."""

    __slots__ = ("_attributes", "_bodies")

    def __init__(self, attributes: dict[str, Attribute], bodies: dict[str, BodyTypes]) -> None:
        self._attributes = attributes
        self._bodies = bodies

    def __getitem__(self, name: str) -> Any:
        attribute = self._attributes[name]
        return self._bodies.get(name) if attribute.kind == "GRAPH" else python_value(attribute)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self._attributes else default

    def __contains__(self, name: object) -> bool:
        return name in self._attributes

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)

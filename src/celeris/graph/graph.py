"""What a model is made of: Model, Graph, Node, Attribute. Plain data; `edit.py` changes it, `check.py` judges it."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from celeris.graph.types import SparseTensor, Type
from celeris.records import Record, field

AttributeKind: TypeAlias = Literal[
    "FLOAT", "INT", "STRING", "TENSOR", "GRAPH", "SPARSE_TENSOR", "TYPE_PROTO",
    "FLOATS", "INTS", "STRINGS", "TENSORS", "GRAPHS", "SPARSE_TENSORS", "TYPE_PROTOS", "REF",
]  # fmt: skip


class Attribute(Record):
    """One attribute of a node.

    `value` by kind: FLOAT float, INT int, STRING bytes, TENSOR ndarray, GRAPH Graph, SPARSE_TENSOR SparseTensor,
    TYPE_PROTO Type; FLOATS ndarray float32 [n], INTS ndarray [n], int64 or, where they are thousands, a narrower type
    that holds them, STRINGS Strings (a sequence of bytes); the other plurals are lists; REF str: the name of the
    attribute of the enclosing function, whose kind is `ref_kind`.
    """

    kind: AttributeKind
    value: Any
    ref_kind: AttributeKind | None = None


class Node(Record):
    """One use of an operator. A missing optional input or output is ''."""

    op_type: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Attribute] = field(default_factory=dict)
    domain: str = ""  # '' is ai.onnx, whatever the file wrote
    name: str = ""
    overload: str = ""
    doc: str = ""

    def attr(self, name: str, default: Any = None) -> Any:
        """The attribute's value, or `default`."""
        found = self.attributes.get(name)
        return default if found is None else found.value


class Graph(Record):
    """Nodes in topological order between named values.

    Values are names. `types` holds what is known of each value (declared or inferred); a subgraph sees the names of
    the graphs around it. `initializers` holds constants; one that is also an input may be overridden by the caller.
    """

    name: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    initializers: dict[str, np.ndarray | SparseTensor] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    doc: str = ""
    denotations: dict[str, list[str]] = field(default_factory=dict)  # input -> denotation per dimension


class Function(Record):
    """A model-local function: a graph with formal attributes and opsets of its own."""

    name: str
    domain: str
    overload: str
    graph: Graph
    attributes: list[str]  # required
    defaults: dict[str, Attribute]  # optional, with their default
    opsets: dict[str, int]


class Model(Record):
    """A whole file."""

    graph: Graph
    ir_version: int
    opsets: dict[str, int]  # domain -> version; 'ai.onnx' is ''
    functions: dict[tuple[str, str, str], Function] = field(default_factory=dict)  # (domain, name, overload)
    producer_name: str = ""
    producer_version: str = ""
    domain: str = ""
    version: int | None = None
    doc: str = ""
    metadata: dict[str, str] = field(default_factory=dict)

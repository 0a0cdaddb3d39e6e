"""A graph made for inputs whose shapes are known: what depends on shapes only becomes constant, branches are decided.

Exporters write `if the last axis is 1: squeeze it` around layers. Behind such a node neither rank nor type is known
until the shapes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from celeris.graph import edit
from celeris.graph.errors import GraphError
from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.infer import Steps
from celeris.graph.types import Tensor, Type
from celeris.interpret import Scope
from celeris.passes.fold_constants import NEVER, evaluate
from celeris.records import replace


def gains(graph: Graph) -> bool:
    """Whether the graph asks for shapes, or branches."""
    return any(node.op_type in ("Shape", "Size", "If") for each in edit.walk(graph) for node in each.nodes)


def specialize(model: Model, types: Mapping[str, Type]) -> Model | None:
    """The model for inputs of these types; None where they do not fit it.

    The types that the model declares are put aside: only what follows from the inputs is believed.
    """
    graph = model.graph
    made = replace(
        graph, nodes=[], initializers={}, types=dict(types), inputs=list(graph.inputs), outputs=list(graph.outputs)
    )
    result = replace(model, graph=made)
    try:
        _Maker(result).add(graph, {})
    except GraphError:
        return None
    return result


class _Maker:
    """Fills a graph with the nodes of another one, in order."""

    def __init__(self, model: Model) -> None:
        self._graph = model.graph
        self._scope = Scope(model.opsets, model.functions)
        self._steps = Steps(model)
        self._inlined = 0

    def add(self, source: Graph, names: dict[str, str]) -> None:
        """The nodes of `source`, whose values are called as `names` says."""
        for name, value in source.initializers.items():
            edit.set_initializer(self._graph, names.get(name, name), value)
        for node in source.nodes:
            self._node(_renamed(node, names))

    def _node(self, node: Node) -> None:
        constants = self._graph.initializers
        flag = constants.get(node.inputs[0]) if (node.op_type, node.domain) == ("If", "") else None
        if isinstance(flag, np.ndarray) and flag.size == 1:
            self._inline(node, node.attributes["then_branch" if flag.reshape(()) else "else_branch"].value)
        elif not self._fold(node):
            self._steps.take(node)
            self._graph.nodes.append(node)

    def _inline(self, node: Node, branch: Graph) -> None:
        """The branch's nodes in place of the If; its values get names of their own, as another branch may have them."""
        self._inlined += 1
        names = {name: f"{name}\0{self._inlined}" for name in edit.defined(branch)}
        self.add(branch, names)
        for made, given in zip(node.outputs, branch.outputs, strict=True):
            if made:
                self._node(Node("Identity", [names.get(given, given)], [made], {}, "", node.name))

    def _fold(self, node: Node) -> bool:
        """Whether the node's results are constant, and were noted."""
        if node.op_type in NEVER:
            return False
        known = {name: v for name in edit.reads(node) if isinstance(v := self._value(node, name), np.ndarray)}
        if len(known) < len(edit.reads(node)):
            return False
        values = evaluate(node, known, self._scope)
        if values is None:
            return False
        for name, value in zip(node.outputs, values, strict=False):
            if name:
                edit.set_initializer(self._graph, name, value)
        return True

    def _value(self, node: Node, name: str) -> Any:
        """The constant, or what stands for one where only its shape counts."""
        found = self._graph.initializers.get(name)
        if found is None and node.op_type in ("Shape", "Size") and not node.domain:
            kind = self._graph.types.get(name)
            shape = kind.shape if isinstance(kind, Tensor) else None
            if shape is not None and all(isinstance(size, int) for size in shape):
                return np.broadcast_to(np.False_, [size for size in shape if isinstance(size, int)])
        return found


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    """A copy with other names, in its subgraphs too, whose own names stay; what was known of their types is dropped."""
    attributes = {
        key: Attribute("GRAPH", _renamed_graph(a.value, names)) if a.kind == "GRAPH" else a
        for key, a in node.attributes.items()
    }
    inputs, outputs = ([names.get(name, name) for name in given] for given in (node.inputs, node.outputs))
    return replace(node, inputs=inputs, outputs=outputs, attributes=attributes)


def _renamed_graph(graph: Graph, names: Mapping[str, str]) -> Graph:
    own = edit.defined(graph)
    names = {old: new for old, new in names.items() if old not in own}
    return replace(
        graph,
        nodes=[_renamed(node, names) for node in graph.nodes],
        outputs=[names.get(name, name) for name in graph.outputs],
        initializers=dict(graph.initializers),
        types={name: graph.types[name] for name in graph.inputs if name in graph.types},
    )

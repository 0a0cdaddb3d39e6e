"""keep_rows: what is done element by element to a flattened table is done to the table, so that its rows stay rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Graph, Model, Node
from celeris.graph.types import Shape, Tensor
from celeris.records import replace

_ELEMENTWISE = {
    "Abs", "Add", "And", "Cast", "Ceil", "Clip", "Div", "Equal", "Exp", "Floor", "Greater", "GreaterOrEqual",
    "Identity", "IsNaN", "Less", "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow",
    "Reciprocal", "Round", "Sigmoid", "Sign", "Sqrt", "Sub", "Tanh", "Where", "Xor",
}  # fmt: skip


def keep_rows(model: Model) -> Iterator[str]:
    """Flatten(X, axis=0), functions of elements, Reshape(., Shape(X)) -> the same functions of X."""
    graph = model.graph
    flat = _Flat(graph)
    for node in [node for node in graph.nodes if node.op_type == "Reshape" and flat.shape_of(node) is not None]:
        if (found := flat.around(node)) is not None:
            _unflatten(graph, *found)
            flat = _Flat(graph)
            yield f"{len(found[0])} nodes between Flatten and Reshape '{node.name}'"


class _Flat:
    """What lies between tables that are flattened and the Reshapes that give them their shape back."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.made = edit.producers(graph)
        self.users = edit.users(graph)

    def around(self, end: Node) -> tuple[list[Node], Shape] | None:
        """The nodes that hang together with this Reshape to a table's shape, and that; None where one may not."""
        table, nodes, waiting = self.table(self.shape_of(end) or ""), {id(end): end}, [end.inputs[0]]
        if len(self.shape(table)) != 2:
            return None
        seen = set(waiting)
        while waiting:
            name = waiting.pop()
            maker = self.made.get(name)
            if name in self.graph.outputs or maker is None:
                return None
            for node in (maker, *self.users.get(name, ())):
                if id(node) in nodes:
                    continue
                values = self.values(node, table)
                if values is None:
                    return None
                nodes[id(node)] = node
                waiting += [each for each in values if each not in seen]
                seen.update(values)
        return list(nodes.values()), self.shape(table)

    def values(self, node: Node, table: str) -> list[str] | None:
        """The flat values that a node reads and makes, or None where it is none that may lie there."""
        if node.domain or edit.reads(node) != set(filter(None, node.inputs)):
            return None
        if node.op_type == "Flatten":
            opened, axis = self.table(node.inputs[0]) == table, node.attr("axis", 1)
            if opened:
                return node.outputs if axis == 0 else None
            return [*node.inputs, *node.outputs] if axis in (0, 1) else None  # [1, all] stays so
        if node.op_type == "Reshape":
            shaped = self.shape_of(node)
            return None if shaped is None or self.table(shaped) != table else node.inputs[:1]
        if node.op_type == "Gather":
            entries = self.graph.initializers.get(node.inputs[0])
            one = isinstance(entries, np.ndarray) and entries.ndim == 1 and node.attr("axis", 0) == 0
            return [node.inputs[1], *node.outputs] if one else None
        if node.op_type not in _ELEMENTWISE:
            return None
        read = [name for name in node.inputs if name and not self.constant(name)]
        return [*read, *node.outputs] if read else None

    def shape_of(self, node: Node) -> str | None:
        """X of Reshape(., Shape(X))."""
        if node.op_type != "Reshape" or node.domain or len(node.inputs) != 2:
            return None
        maker = self.made.get(node.inputs[1])
        return maker.inputs[0] if maker is not None and maker.op_type == "Shape" and not maker.attributes else None

    def table(self, name: str) -> str:
        """The value that `name` was made of element by element, whose shape it has."""
        while (node := self.made.get(name)) is not None and node.op_type in _ELEMENTWISE and not node.domain:
            read = [each for each in node.inputs if each]
            sources = {each for each in read if each not in self.graph.initializers}
            if len(sources) > 1:
                sources = {self.table(each) for each in sources}
            if len(sources) != 1:
                break
            source = sources.pop()
            columns = self.shape(source)[-1:]
            if not all(self.constant(each, columns) for each in read if each in self.graph.initializers):
                break
            name = source
        return name

    def shape(self, name: str) -> Shape:
        """What is known of a value's shape; nothing is the shape of a number."""
        kind = self.graph.types.get(name)
        return kind.shape or () if isinstance(kind, Tensor) else ()

    def constant(self, name: str, columns: Shape = ()) -> bool:
        """Whether it is a constant that a matrix of so many columns can meet without getting larger."""
        value = self.graph.initializers.get(name)
        if not isinstance(value, np.ndarray) or value.ndim > 2:
            return False
        return value.size == 1 or (value.shape[-1:] == columns and value.size == value.shape[-1])


def _unflatten(graph: Graph, nodes: list[Node], shape: Shape) -> None:
    """All values get the table's shape; Flatten and Reshape are names only."""
    for node in nodes:
        for name in node.outputs:
            if isinstance(known := graph.types.get(name), Tensor):
                graph.types[name] = replace(known, shape=shape)
        if node.op_type in ("Flatten", "Reshape"):
            edit.replace_node(graph, node, [Node("Identity", node.inputs[:1], list(node.outputs), {}, "", node.name)])

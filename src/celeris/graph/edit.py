"""The only code that changes a graph, and the questions asked before a change: who makes, who uses, what is free.

A subgraph (the body of If, Loop, Scan, SequenceMap) reads names of the graphs around it; every function here counts
such a capture as a use by the node that holds the subgraph. Nodes are told apart by identity, never by equality.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from celeris.graph.graph import Graph, Node
from celeris.graph.types import SparseTensor, SparseTensorType, Tensor, element_of


def subgraphs(node: Node) -> list[Graph]:
    """The graphs among the node's attributes."""
    found: list[Graph] = []
    for attribute in node.attributes.values():
        if attribute.kind == "GRAPH":
            found.append(attribute.value)
        elif attribute.kind == "GRAPHS":
            found += attribute.value
    return found


def walk(graph: Graph) -> Iterator[Graph]:
    """The graph and every graph nested in it, outer first."""
    waiting = [graph]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += [inner for node in current.nodes if node.attributes for inner in subgraphs(node)]


def defined(graph: Graph) -> set[str]:
    """The names that the graph itself gives a value: inputs, initializers, node outputs."""
    names = {*graph.inputs, *graph.initializers}
    names.update([name for node in graph.nodes for name in node.outputs if name])
    return names


def captures(graph: Graph) -> set[str]:
    """The names that the graph, as a subgraph, reads from the graphs around it."""
    return {name for node in graph.nodes for name in reads(node)}.union(graph.outputs) - defined(graph)


def reads(node: Node) -> set[str]:
    """The names a node reads: its inputs, and what its subgraphs capture."""
    names = set(node.inputs)
    names.discard("")
    if node.attributes:
        for inner in subgraphs(node):
            names |= captures(inner)
    return names


def producers(graph: Graph) -> dict[str, Node]:
    """Value -> the node that makes it. Graph inputs and initializers have none."""
    return {name: node for node in graph.nodes for name in node.outputs if name}


def users(graph: Graph) -> dict[str, list[Node]]:
    """Value -> the nodes that read it, in graph order, each once. Being a graph output is no use by a node."""
    found: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in reads(node):
            found.setdefault(name, []).append(node)
    return found


def names(graph: Graph) -> set[str]:
    """Every value name met in the graph and its subgraphs, captured ones too."""
    found: set[str] = set()
    for each in walk(graph):
        found.update(each.inputs, each.outputs, each.initializers, each.types)
        for node in each.nodes:
            found.update(node.inputs, node.outputs)
    return found - {""}


def fresh_name(graph: Graph, hint: str, taken: Iterable[str] = ()) -> str:
    """A name like `hint` that the graph, its subgraphs and `taken` do not use."""
    used = names(graph).union(taken)
    if hint and hint not in used:
        return hint
    number = 1
    while f"{hint}_{number}" in used:
        number += 1
    return f"{hint}_{number}"


def replace_uses(graph: Graph, old: str, new: str, *, outputs: bool = False) -> int:
    """Every read of `old` reads `new` instead; returns the reads changed.

    Graph outputs are an interface and keep their name unless `outputs` (a subgraph's outputs have no names that
    anyone sees, and follow always). A subgraph that has a value `new` of its own gets that one renamed first.
    """
    changed = _replace_inputs(graph, old, new)
    if outputs and old in graph.outputs:
        changed += graph.outputs.count(old)
        graph.outputs[:] = [new if name == old else name for name in graph.outputs]
    return changed


def _replace_inputs(graph: Graph, old: str, new: str) -> int:
    changed = 0
    for node in graph.nodes:
        if old in node.inputs:
            changed += node.inputs.count(old)
            node.inputs[:] = [new if name == old else name for name in node.inputs]
        for inner in subgraphs(node):
            if old in captures(inner):
                _make_visible(inner, new)
                changed += replace_uses(inner, old, new, outputs=True)
    return changed


def _make_visible(inner: Graph, name: str) -> None:
    """Rename what would hide the outer `name` inside `inner`."""
    if name in defined(inner):
        rename(inner, name, fresh_name(inner, name, [name]))


def rename(graph: Graph, old: str, new: str) -> None:
    """Rename a value where it is made and wherever it is read. `new` must be free."""
    if old == new:
        return
    if new in names(graph):
        raise ValueError(f"rename: expected a free name, got {new!r}; take one from fresh_name")
    for listed in (graph.inputs, *(node.outputs for node in graph.nodes)):
        listed[:] = [new if name == old else name for name in listed]
    replace_uses(graph, old, new, outputs=True)
    if old in graph.initializers:
        graph.initializers = {new if name == old else name: value for name, value in graph.initializers.items()}
    if old in graph.types:
        graph.types[new] = graph.types.pop(old)
    if old in graph.denotations:
        graph.denotations[new] = graph.denotations.pop(old)


def insert(graph: Graph, node: Node, before: Node | None = None) -> Node:
    """Put a node in front of `before`, or at the end; returns it."""
    graph.nodes.insert(len(graph.nodes) if before is None else _position(graph, before), node)
    return node


def _position(graph: Graph, node: Node) -> int:
    for at, each in enumerate(graph.nodes):
        if each is node:
            return at
    raise ValueError(f"expected a node of the graph, got {node.op_type} '{node.name}' that is not in it")


def remove_node(graph: Graph, node: Node) -> None:
    """Take one node out, with the types of its outputs. Its outputs must have no reader left when the pass ends."""
    del graph.nodes[_position(graph, node)]
    _forget_types(graph, node.outputs)


def remove_nodes(graph: Graph, nodes: Iterable[Node]) -> int:
    """Take many nodes out in one sweep; returns how many were there."""
    gone = {id(node): node for node in nodes}
    before = len(graph.nodes)
    removed = [node for node in graph.nodes if id(node) in gone]
    graph.nodes[:] = [node for node in graph.nodes if id(node) not in gone]
    for node in removed:
        _forget_types(graph, node.outputs)
    return before - len(graph.nodes)


def replace_node(graph: Graph, node: Node, new: Iterable[Node]) -> None:
    """Put `new` in the place of `node`; types of outputs that `new` makes again are kept."""
    at = _position(graph, node)
    made = list(new)
    graph.nodes[at : at + 1] = made
    again = {name for each in made for name in each.outputs}
    _forget_types(graph, [name for name in node.outputs if name not in again])


def _forget_types(graph: Graph, gone: Iterable[str]) -> None:
    keep = {*graph.inputs, *graph.outputs}
    for name in gone:
        if name not in keep:
            graph.types.pop(name, None)


def add_initializer(graph: Graph, value: np.ndarray | SparseTensor, hint: str = "constant") -> str:
    """Add a constant under a free name like `hint`, with its type; returns the name."""
    name = fresh_name(graph, hint)
    set_initializer(graph, name, value)
    return name


def set_initializer(graph: Graph, name: str, value: np.ndarray | SparseTensor) -> None:
    """Give the name that constant value and its type, whatever it had before."""
    graph.initializers[name] = value
    if isinstance(value, SparseTensor):
        graph.types[name] = SparseTensorType(element_of(value.values.dtype), value.shape)
    else:
        graph.types[name] = Tensor(element_of(value.dtype), value.shape)


def remove_initializer(graph: Graph, name: str) -> None:
    """Drop a constant; a graph input of that name stays, now required."""
    del graph.initializers[name]
    _forget_types(graph, [name])


def prune(graph: Graph) -> int:
    """Drop what no graph output depends on: nodes, constants, types, in subgraphs too.

    Graph inputs stay, and so do the constants that are their defaults. Returns the nodes and constants dropped.
    """
    used = {name for name in graph.outputs if name}
    kept: list[Node] = []
    dropped = 0
    for node in reversed(graph.nodes):  # whoever reads what a node makes comes after it
        if not used.isdisjoint(node.outputs):
            kept.append(node)
            used.update(node.inputs)
            used.discard("")
            for inner in subgraphs(node) if node.attributes else ():
                dropped += prune(inner)
                used |= captures(inner)
    dropped += len(graph.nodes) - len(kept)
    graph.nodes[:] = kept[::-1]
    used.update(graph.inputs)
    for name in [name for name in graph.initializers if name not in used]:
        del graph.initializers[name]
        dropped += 1
    known = used | defined(graph)
    graph.types = {name: kind for name, kind in graph.types.items() if name in known}
    return dropped


def sort_nodes(graph: Graph) -> bool:
    """Bring the nodes into topological order, moving none without need; False where a cycle forbids it."""
    made_by = {name: at for at, node in enumerate(graph.nodes) for name in node.outputs if name}
    for at, node in enumerate(graph.nodes):
        for name in node.inputs:
            if made_by.get(name, -1) >= at:
                return _sort_nodes(graph, made_by)
        for inner in subgraphs(node) if node.attributes else ():
            for name in captures(inner):
                if made_by.get(name, -1) >= at:
                    return _sort_nodes(graph, made_by)
    return True


def _sort_nodes(graph: Graph, made_by: dict[str, int]) -> bool:
    import heapq  # not above: of hardly any model the nodes are out of order

    needs = [{made_by[name] for name in reads(node) if name in made_by} for node in graph.nodes]
    followers: list[list[int]] = [[] for _ in graph.nodes]
    for at, before in enumerate(needs):
        for each in before:
            followers[each].append(at)
    open_needs = [len(before) for before in needs]
    ready = [at for at, count in enumerate(open_needs) if not count]
    order: list[int] = []
    while ready:
        at = heapq.heappop(ready)
        order.append(at)
        for each in followers[at]:
            open_needs[each] -= 1
            if not open_needs[each]:
                heapq.heappush(ready, each)
    if len(order) == len(graph.nodes):
        graph.nodes[:] = [graph.nodes[at] for at in order]
        return True
    return False

"""Whether a model's wiring is legal, in onnxruntime's words and order. What its nodes mean: check_node.py, infer.py."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.errors import GraphError
from celeris.graph.graph import Function, Graph, Model, Node
from celeris.graph.types import Tensor, element_of
from celeris.ops.schema import NEWEST

__all__ = ["GraphError", "check"]

MAX_EXPANDED_NODES = 1_000_000  # of local functions within local functions: a file of a kilobyte can stand for 2^30
Key = tuple[str, str, str]


def check(model: Model) -> None:
    """Brings the nodes of every graph into topological order; GraphError where the model is not legal.

    A model that names no version of a domain of ONNX gets the newest.
    """
    for domain, newest in NEWEST.items():
        model.opsets.setdefault(domain, newest)
    _check_functions(model)
    model.graph.inputs = [name for name in model.graph.inputs if name]
    found = list(_with_known(model.graph))
    graphs = [graph for graph, _, _ in found]
    for graph in graphs:
        _drop_references(graph)
    for graph, known, outer in found:
        _check_outputs(graph, known, outer)
    _check_inputs(model.graph)
    for graph in graphs:
        _check_names(graph)
    _check_uses(*found[0][:2])
    graphs += [each for function in model.functions.values() for each in edit.walk(function.graph)]
    for graph in graphs:
        if not edit.sort_nodes(graph):
            raise GraphError("FAIL", "This is an invalid model. Error: the graph is not acyclic.")
    _check_initializers(model.graph)


def _with_known(graph: Graph) -> Iterator[tuple[Graph, set[str], set[str]]]:
    """Every graph with the names that it defines, and those that the graphs around it do; outer first."""
    waiting: list[tuple[Graph, set[str]]] = [(graph, set())]
    while waiting:
        current, outer = waiting.pop()
        known = edit.defined(current)
        yield current, known, outer
        inner = [each for node in current.nodes if node.attributes for each in edit.subgraphs(node)]
        if inner:
            visible = outer | known
            waiting += [(each, visible) for each in inner]


def _drop_references(graph: Graph) -> None:
    """A reference to an attribute of an enclosing function means nothing where there is none."""
    for node in graph.nodes:
        if node.attributes:
            for name in [name for name, attribute in node.attributes.items() if attribute.kind == "REF"]:
                del node.attributes[name]


def _check_outputs(graph: Graph, known: set[str], outer: set[str]) -> None:
    for name in graph.outputs:
        if name not in known and name not in outer:
            raise GraphError("FAIL", f"This is an invalid model. Graph output ({name}) does not exist in the graph.")


def _check_inputs(graph: Graph) -> None:
    seen: set[str] = set()
    for name in graph.inputs:
        if name in seen:
            raise GraphError("FAIL", f"Error: Duplicate definition-site for ({name}).")
        seen.add(name)


def _check_names(graph: Graph) -> None:
    """Every value and every node has a name of its own."""
    values = {*graph.inputs, *graph.initializers}
    nodes: set[str] = set()
    for node in graph.nodes:
        if node.name:
            if node.name in nodes:
                raise GraphError(
                    "FAIL", f"This is an invalid model. Error: two nodes with same node name ({node.name})."
                )
            nodes.add(node.name)
        for name in node.outputs:
            if name:
                if name in values:
                    raise GraphError("FAIL", f"This is an invalid model. Error: Duplicate definition of name ({name}).")
                values.add(name)


def _check_uses(graph: Graph, known: set[str]) -> None:
    """Every name that a node of the main graph reads is one that the graph has. Subgraphs: check_node."""
    for node in graph.nodes:
        for name in node.inputs:
            if name and name not in known:
                raise GraphError(
                    "INVALID_ARGUMENT",
                    f"Invalid model. Node input '{name}' is not a graph input, initializer, or output of a previous "
                    "node.",
                )


def _check_initializers(graph: Graph) -> None:
    """Inputs have types, and their defaults are of them."""
    for name in graph.inputs:
        declared = graph.types.get(name)
        value = graph.initializers.get(name)
        if declared is None:
            if value is None:
                raise GraphError(
                    "FAIL", f"This is an invalid model. Model input ({name}) does not have type information."
                )
            if isinstance(value, np.ndarray):
                graph.types[name] = Tensor(element_of(value.dtype), value.shape)
        elif isinstance(value, np.ndarray) and isinstance(declared, Tensor):
            found = Tensor(element_of(value.dtype), value.shape)
            if found.element != declared.element:
                raise GraphError(
                    "FAIL",
                    f"Type Error: Data in initializer '{name}' has element type {found} but usage of initializer in "
                    f"graph expects {declared}",
                )
            _check_shape(name, declared, value.shape)
    for name in graph.outputs:
        value = graph.initializers.get(name)
        if isinstance(value, np.ndarray) and name not in graph.inputs:
            graph.types[name] = Tensor(element_of(value.dtype), value.shape)


def _check_shape(name: str, declared: Tensor, shape: tuple[int, ...]) -> None:
    if declared.shape is None:
        return
    pairs = zip(declared.shape, shape, strict=False)
    if len(declared.shape) != len(shape) or any(isinstance(d, int) and d != n for d, n in pairs):
        expected = ",".join("" if d is None else str(d) for d in declared.shape)
        got = ",".join(map(str, shape))
        raise GraphError("FAIL", f"Type Error: Shape of initializer {name} does not match. {{{expected}}} != {{{got}}}")


# Local functions


def _check_functions(model: Model) -> None:
    """They do not call themselves, define what they return, and stand for no more nodes than can be run."""
    if not model.functions:
        return
    sizes: dict[Key, int] = {}
    for key in model.functions:
        _size(model, key, sizes, [])
    total = sum(sizes.get(_key(node), 1) for graph in edit.walk(model.graph) for node in graph.nodes)
    if total > MAX_EXPANDED_NODES:
        raise GraphError(
            "FAIL", f"local functions: expected at most {MAX_EXPANDED_NODES} nodes after expansion, got {total}"
        )
    for function in model.functions.values():
        for name in (*function.graph.inputs, *function.graph.outputs):
            if not name:
                raise GraphError("FAIL", f"function '{function.name}': expected names for all parameters, got ''")
        _check_body(function)


def _key(node: Node) -> Key:
    return node.domain, node.op_type, node.overload


def _size(model: Model, key: Key, sizes: dict[Key, int], path: list[Key]) -> int:
    """How many nodes a call of the function stands for."""
    if key in path:
        cycle = " -> ".join(f"{domain}:{name}" for domain, name, _ in [*path[path.index(key) :], key])
        raise GraphError(
            "INVALID_GRAPH", f"Model local function definitions must not be recursive. Cycle detected: {cycle}"
        )
    if key not in sizes:
        if len(path) >= 100:
            raise GraphError("FAIL", "local functions: expected at most 100 within one another")
        path.append(key)
        nodes = [node for graph in edit.walk(model.functions[key].graph) for node in graph.nodes]
        calls = [_key(node) for node in nodes if _key(node) in model.functions]
        sizes[key] = len(nodes) + sum(_size(model, each, sizes, path) for each in calls)
        path.pop()
    return sizes[key]


def _check_body(function: Function) -> None:
    known = edit.defined(function.graph)
    for name in function.graph.outputs:
        if name not in known:
            raise GraphError(
                "INVALID_ARGUMENT", f"function '{function.name}': expected a node that makes output '{name}', got none"
            )
    for node in function.graph.nodes:
        for name in node.inputs:
            if name and name not in known:
                raise GraphError(
                    "FAIL",
                    f"function '{function.name}': expected input '{name}' of node '{node.name}' ({node.op_type}) to be "
                    "an input, or made by a node; nobody makes it",
                )

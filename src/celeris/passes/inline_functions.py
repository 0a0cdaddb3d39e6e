"""inline_functions: the nodes of a local function stand in place of each call, so that kernels may take them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from celeris.graph import edit
from celeris.graph.attributes import resolve_references
from celeris.graph.errors import GraphError
from celeris.graph.graph import Attribute, Function, Graph, Model, Node
from celeris.graph.infer import infer
from celeris.records import replace

_MOST = 1 << 16  # nodes: functions that call one another can make any number


def inline_functions(model: Model) -> Iterator[str]:
    """Calls of local functions, those in subgraphs and in other functions too -> the functions' nodes."""
    names = _Names(model.graph)
    count = sum(len(graph.nodes) for graph in edit.walk(model.graph))
    waiting = [model.graph]
    done = False
    while waiting:
        graph = waiting.pop()
        at = 0
        while at < len(graph.nodes):
            node = graph.nodes[at]
            local = model.functions.get((node.domain, node.op_type, node.overload))
            body = None if local is None or count > _MOST else _body(node, local, model, names)
            if body is None:
                waiting += edit.subgraphs(node)
                at += 1
                continue
            count, done = count + len(body), True
            edit.replace_node(graph, node, body)
            yield f"{node.op_type} '{node.name}'"
    if done:
        with suppress(GraphError):  # where a rule knows more now and finds a node wrong, it says so when it runs
            infer(model)


class _Names:
    """Names that no graph of the model uses."""

    def __init__(self, graph: Graph) -> None:
        self._taken = edit.names(graph)
        self._next: dict[str, int] = {}

    def fresh(self, hint: str) -> str:
        """`hint`, or with a number after it."""
        name = hint
        while name in self._taken:
            self._next[hint] = self._next.get(hint, 0) + 1
            name = f"{hint}_{self._next[hint]}"
        self._taken.add(name)
        return name


def _body(node: Node, local: Function, model: Model, names: _Names) -> list[Node] | None:
    """The function's nodes for this call; None where its operators are of other versions, or an output is not made."""
    source = local.graph
    if any(model.opsets.get(domain, version) != version for domain, version in local.opsets.items()):
        return None
    if source.initializers or len(node.inputs) > len(source.inputs) or len(node.outputs) > len(source.outputs):
        return None
    renamed = dict.fromkeys(source.inputs, "")
    renamed.update(zip(source.inputs, node.inputs, strict=False))
    made = edit.defined(source) - set(source.inputs)
    passed: list[Node] = []
    for formal, name in zip(source.outputs, node.outputs, strict=False):
        if name and formal in made and formal not in renamed:
            renamed[formal] = name
        elif name:
            passed.append(Node("Identity", [formal], [name], {}, "", node.name))
    renamed.update({name: names.fresh(name) for name in sorted(made - renamed.keys())})
    if any(not renamed.get(end.inputs[0]) for end in passed):
        return None
    given = {**local.defaults, **node.attributes}
    for end in passed:
        end.inputs[:] = [renamed[end.inputs[0]]]
    model.opsets.update({domain: local.opsets[domain] for domain in local.opsets.keys() - model.opsets.keys()})
    return [*(_renamed(resolve_references(each, given), renamed, names) for each in source.nodes), *passed]


def _renamed(node: Node, names: dict[str, str], fresh: _Names) -> Node:
    """A copy with other names; what its subgraphs make has fresh ones, as what they read might be called so."""
    inputs, outputs = ([names.get(name, name) for name in given] for given in (node.inputs, node.outputs))
    attributes = {
        key: Attribute("GRAPH", _renamed_graph(a.value, names, fresh)) if a.kind == "GRAPH" else a
        for key, a in node.attributes.items()
    }
    return replace(node, inputs=inputs, outputs=outputs, attributes=attributes)


def _renamed_graph(graph: Graph, outer: dict[str, str], fresh: _Names) -> Graph:
    names = {**outer, **{name: fresh.fresh(name) for name in sorted(edit.defined(graph))}}
    return replace(
        graph,
        inputs=[names[name] for name in graph.inputs],
        outputs=[names.get(name, name) for name in graph.outputs],
        nodes=[_renamed(node, names, fresh) for node in graph.nodes],
        initializers={names[name]: value for name, value in graph.initializers.items()},
        types={names[name]: kind for name, kind in graph.types.items() if name in names},
    )

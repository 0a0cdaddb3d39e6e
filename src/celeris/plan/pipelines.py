"""Cuts a graph into steps: maximal row pipelines, and single nodes on whole tensors between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Graph, Node
from celeris.graph.types import Tensor
from celeris.interpret import Interpreter, Scope, bind
from celeris.plan.plan import CallStep, PipelineStep, Plan, Step, TensorStep, ZipMapStep
from celeris.providers import native
from celeris.providers.base import REGISTERS, Claim, Context, Refusal, Rows, TensorClaim
from celeris.providers.native import whole
from celeris.records import replace

if TYPE_CHECKING:
    from celeris.plan.groups import Group


def rows_of(graph: Graph, name: str) -> Rows | None:
    """The value as rows [N, *tail], if its type says so. A size that no input's rows have is another N."""
    found = graph.types.get(name)
    if not isinstance(found, Tensor) or found.element not in REGISTERS or not found.shape:
        return None
    count, *tail = found.shape
    if isinstance(count, str) and count in _row_symbols(graph):
        count = None
    sizes = tuple([d for d in tail if isinstance(d, int)])
    rows = Rows(found.element, sizes, count)
    return rows if len(sizes) == len(tail) and rows.narrow else None


def _row_symbols(graph: Graph) -> set[int | str | None]:
    types = [graph.types.get(name) for name in graph.inputs]
    return {t.shape[0] for t in types if isinstance(t, Tensor) and t.shape}


def cut(graph: Graph, scope: Scope, *, use_native: bool = True) -> Plan:
    """Steps for the graph's nodes, which are in topological order; all by the reference tier without `use_native`."""
    left: dict[int, str] = {}  # nodes that no kernel may take, and why
    if not use_native:
        left = dict.fromkeys(range(len(graph.nodes)), "native kernels are switched off")
    while True:
        plan = _cut(graph, scope, left)
        inner = {
            name
            for step in plan.steps
            if isinstance(step, PipelineStep)
            for name in step.inputs
            if set(step.rows[name].tail[: step.rows[name].axis]) - {1}
        }
        if not inner:
            return plan
        # A pipeline gives tensors whose columns come before their rows, but takes none.
        reason = "its rows lie along an inner axis, and another pipeline reads it"
        left.update({at: reason for at, node in enumerate(graph.nodes) if inner.intersection(node.outputs)})


def _cut(graph: Graph, scope: Scope, left: dict[int, str]) -> Plan:
    plan = Plan(list(graph.inputs), list(graph.outputs), dict(graph.initializers), [])
    rows = {name: r for name in graph.inputs if (r := rows_of(graph, name)) is not None}
    context = Context(rows, plan.constants, scope.opsets)
    claims: dict[int, Claim] = {}
    values = whole.Values(graph, scope.opsets.get("", 1))
    network = len(left) < len(graph.nodes) and whole.is_network(graph)
    claimed = _tensor_claims(graph, values, left, network)
    groups = _groups(graph, claimed)
    tensors = {at: claimed[at] for each in groups.values() for at in each.members}
    texts = {chain.members[0]: chain for chain in native.text_chains(graph) if not left.keys() & set(chain.members)}
    together: dict[int, Claim] = {}  # nodes that are claimed with others
    counts: dict[int, int | str | None] = {}  # how many rows claimed nodes have, where that is fixed
    for at, node in enumerate(graph.nodes):
        answer: Claim | Refusal
        keys = _keys(node)
        if at in texts:
            claimed_texts = texts[at].claim(context)
            if isinstance(claimed_texts, Refusal):
                left = {**left, texts[at].vectorizer: claimed_texts.reason}
            else:
                together.update(claimed_texts)
        if at in together:
            answer = together[at]
        elif at in tensors:
            answer = Refusal("")
        elif keys is not None:
            answer = Refusal("makes Python objects")
        elif network and tensors and any(len(_shape(graph, name)) > 2 for name in (*node.inputs, *node.outputs)):
            answer = Refusal("no native kernel for whole tensors")
        else:
            answer = Refusal(left[at]) if at in left else native.claim(node, context)
        if isinstance(answer, Refusal) and at not in left and at not in tensors:
            plainly = whole.claim_plainly(node, values)
            if plainly is not None:
                groups.update(_groups(graph, {at: plainly}))
                tensors[at] = plainly
        if isinstance(answer, Claim):
            claims[at] = answer
            counts[at] = count = rows[next(filter(rows.__contains__, node.inputs))].fixed
            rows.update(answer.rows if count is None else {n: replace(r, fixed=count) for n, r in answer.rows.items()})
            plan.reasons.append((node, "native", answer.note))
        else:
            for name in node.outputs:
                if name and (found := rows_of(graph, name)) is not None:
                    rows[name] = found
            tier = "native" if at in tensors else "zipmap" if keys else "NumPy"
            plan.reasons.append(
                (node, tier, f"whole tensors: {tensors[at].kernel}" if at in tensors else answer.reason)
            )
    _schedule(graph, claims, counts, groups, rows, scope, plan)
    if len(left) < len(graph.nodes):
        for step in plan.steps:
            if isinstance(step, CallStep) and not step.bodies:
                from celeris.plan.moves import shortcut

                step.function = shortcut(graph, step.node, step.function)
    return plan


def _tensor_claims(graph: Graph, values: whole.Values, left: dict[int, str], network: bool) -> dict[int, TensorClaim]:
    """The nodes that whole-tensor kernels take: those of networks, and few others."""
    if len(left) == len(graph.nodes):
        return {}
    answers = {at: whole.claim(n, values) for at, n in enumerate(graph.nodes) if network or whole.is_wide(n, values)}
    return {at: answer for at, answer in answers.items() if isinstance(answer, TensorClaim)}


def _groups(graph: Graph, claims: dict[int, TensorClaim]) -> dict[int, Group]:
    if not claims:
        return {}
    from celeris.plan.groups import group

    return group(graph, claims)


def _shape(graph: Graph, name: str) -> tuple[Any, ...]:
    found = graph.types.get(name)
    return found.shape or () if isinstance(found, Tensor) else ()


def _schedule(
    graph: Graph,
    claims: dict[int, Claim],
    counts: dict[int, int | str | None],
    groups: dict[int, Group],
    rows: dict[str, Rows],
    scope: Scope,
    plan: Plan,
) -> None:
    """Takes all claimed nodes that are ready as one pipeline, then the others that are ready, and so on.

    A pipeline's nodes have the same number of rows: a shape's arithmetic is not mixed with the table's.
    """
    joined = {at for each in groups.values() for at in each.members}
    waiting = [at for at in range(len(graph.nodes)) if at not in joined or at in groups]
    calls = {at: bind(node, scope) for at, node in enumerate(graph.nodes) if at not in claims and at not in joined}
    tensors = {at: _tensor(graph, each, plan.constants, scope) for at, each in groups.items()}
    made = {*graph.inputs, *plan.constants, ""}

    def ready(at: int) -> bool:
        return made.issuperset((calls.get(at) or tensors.get(at) or graph.nodes[at]).inputs)

    while waiting:
        members: list[int] = []
        left: list[int] = []
        count: int | str | None = None
        for at in waiting:
            if at in claims and ready(at) and (not members or counts[at] == count):
                count = counts[at]
                members.append(at)
                made.update(graph.nodes[at].outputs)
            else:
                left.append(at)
        if members:
            later = [node for at in left for node in (groups[at].members if at in groups else [at])]
            chosen = [(graph.nodes[at], claims[at]) for at in members]
            plan.steps.append(_pipeline(graph, chosen, later, rows, scope, plan))
        waiting, taken = [], False
        for at in left:
            if at not in claims and ready(at):
                plan.steps.append(tensors[at] if at in tensors else _call(graph, graph.nodes[at], calls[at]))
                made.update(graph.nodes[at].outputs)
                taken = True
            else:
                waiting.append(at)
        if waiting and not members and not taken:
            names = ", ".join(repr(graph.nodes[at].name or graph.nodes[at].op_type) for at in waiting[:5])
            raise ValueError(f"graph: expected nodes in topological order, got {names} whose inputs nobody makes")


def _keys(node: Node) -> list[Any] | None:
    """The class labels of a ZipMap."""
    if (node.domain, node.op_type) != ("ai.onnx.ml", "ZipMap"):
        return None
    names = node.attr("classlabels_strings")
    if names is not None and len(names):
        return [n.decode("utf-8", "surrogateescape") if isinstance(n, bytes) else n for n in names]
    numbers = node.attr("classlabels_int64s")
    return [] if numbers is None else np.asarray(numbers).tolist()


def _call(graph: Graph, node: Node, bound: Any) -> Step:
    keys = _keys(node)
    if keys is not None:
        order = sorted(range(len(keys)), key=lambda i: keys[i])
        ordered = [keys[i] for i in order]
        return ZipMapStep(node, bound.inputs, bound.outputs, ordered, order, bound.function)
    return CallStep(node, bound.inputs, bound.outputs, bound.function, bound.bodies)


def _pipeline(
    graph: Graph, members: list[tuple[Node, Claim]], later: list[int], rows: dict[str, Rows], scope: Scope, plan: Plan
) -> PipelineStep:
    nodes = [node for node, _ in members]
    inside = {name for node in nodes for name in node.outputs if name}
    read_later = set(graph.outputs)
    for at in later:
        read_later |= edit.reads(graph.nodes[at])
    inputs = list(dict.fromkeys(
        name for node in nodes for name in node.inputs if name and name not in inside and name in rows
    ))  # fmt: skip
    outputs = [name for node in nodes for name in node.outputs if name in read_later]
    aliases: dict[str, str] = {}
    found: dict[str, Rows] = {name: rows[name] for name in inputs}
    for _, claim in members:
        found.update(claim.rows)
        aliases.update(claim.aliases)
    kernels = [call for _, claim in members for call in claim.kernels]
    counts = [len(claim.kernels) for _, claim in members]
    if len(kernels) > 1:
        from celeris.plan.joins import join

        kernels, counts = join(kernels, counts, aliases, outputs, found)
    fallback = _fallback(nodes, inputs, outputs, plan.constants, scope)
    return PipelineStep(nodes, kernels, counts, found, aliases, inputs, outputs, fallback)


def _tensor(graph: Graph, each: Group, constants: dict[str, Any], scope: Scope) -> TensorStep:
    from celeris.plan.groups import described

    params, inputs = described(graph, each)
    nodes = [graph.nodes[at] for at in each.members]
    outputs = list(nodes[-1].outputs)
    given = list(dict.fromkeys(name for name in inputs if name))
    if len(nodes) == 1 and inputs == nodes[0].inputs:
        from celeris.plan.moves import shortcut

        function = shortcut(graph, nodes[0], bind(nodes[0], scope).function)
        return TensorStep(nodes, each.claim.kernel, params, inputs, outputs, function)
    fallback = _fallback(nodes, given, [name for name in outputs if name], constants, scope)
    if given != inputs:  # a kernel may read a value twice, and leave inputs out
        fallback = _by_place(fallback, [inputs.index(name) for name in given])
    return TensorStep(nodes, each.claim.kernel, params, inputs, outputs, fallback)


def _by_place(function: Callable[..., tuple[Any, ...]], places: list[int]) -> Callable[..., tuple[Any, ...]]:
    return lambda *values: function(*(values[at] for at in places))


def _fallback(
    nodes: list[Node], inputs: list[str], outputs: list[str], constants: dict[str, Any], scope: Scope
) -> Callable[..., tuple[Any, ...]]:
    made: list[Interpreter] = []

    def fallback(*values: Any) -> tuple[Any, ...]:
        if not made:
            made.append(Interpreter(nodes, inputs, outputs, constants, scope))
        return tuple(made[0](values))

    return fallback

"""Runs the passes: timed, switched off by name, checked, stopped after so many rewrites."""

from __future__ import annotations

import os
from collections.abc import Collection
from itertools import islice
from time import perf_counter_ns

from celeris.graph import edit
from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.passes import PASSES
from celeris.records import Record, field, replace


class Ran(Record):
    """What one pass did: its rewrites, a line each, and the time it took."""

    name: str
    rewrites: list[str]
    nanoseconds: int


class Log(Record):
    """What all passes did."""

    records: list[Ran] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{r.name}: {len(r.rewrites)} rewrites, {r.nanoseconds / 1e3:.0f} us" for r in self.records]
        return "\n".join(lines)


def optimize(
    model: Model,
    *,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    stop_after: int | None = None,
    log: Log | None = None,
) -> Model:
    """A copy of the model after the passes (those named in `only`, or all, but for those in `without`).

    `stop_after` (or CELERIS_STOP_AFTER) ends after so many rewrites: halve it to find the one that changes a result.
    With CELERIS_CHECK_PASSES set, every graph is checked after each pass.
    """
    if stop_after is None and "CELERIS_STOP_AFTER" in os.environ:
        stop_after = int(os.environ["CELERIS_STOP_AFTER"])
    checked = "CELERIS_CHECK_PASSES" in os.environ
    result = replace(model, graph=copy_graph(model.graph), functions=dict(model.functions))
    left = stop_after
    operators = {node.op_type for node in result.graph.nodes}
    for entry in PASSES:
        if (only is not None and entry.name not in only) or (without and entry.is_among(without)):
            continue
        start = perf_counter_ns()
        rewrites = list(islice(entry.run(result), left)) if entry.concerns(result, operators) else []
        if rewrites:
            operators = {node.op_type for node in result.graph.nodes}
            left = None if left is None else left - len(rewrites)
        if log is not None:
            log.records.append(Ran(entry.name, rewrites, perf_counter_ns() - start))
        if checked:
            verify(result.graph, entry.name)
    return result


def copy_graph(graph: Graph) -> Graph:
    """A copy whose nodes and lists can be edited; arrays are shared."""
    nodes = [
        replace(
            node,
            inputs=list(node.inputs),
            outputs=list(node.outputs),
            attributes={
                name: Attribute("GRAPH", copy_graph(a.value)) if a.kind == "GRAPH" else a
                for name, a in node.attributes.items()
            }
            if node.attributes
            else {},
        )
        for node in graph.nodes
    ]
    return replace(
        graph,
        inputs=list(graph.inputs),
        outputs=list(graph.outputs),
        nodes=nodes,
        initializers=dict(graph.initializers),
        types=dict(graph.types),
    )


def verify(graph: Graph, after: str) -> None:
    """Every value is made once, before it is read: AssertionError naming the pass that broke it."""
    made = {*graph.inputs, *graph.initializers, ""}
    for node in graph.nodes:
        missing = edit.reads(node) - made
        assert not missing, f"{after}: node {_name(node)} reads {sorted(missing)} before they are made"
        again = made.intersection(node.outputs) - {""}
        assert not again, f"{after}: node {_name(node)} makes {sorted(again)} again"
        made.update(node.outputs)
    assert made.issuperset(graph.outputs), f"{after}: nobody makes {sorted(set(graph.outputs) - made)}"


def _name(node: Node) -> str:
    return f"{node.op_type} '{node.name}'"

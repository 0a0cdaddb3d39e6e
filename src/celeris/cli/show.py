"""Show what a model is and how Celeris runs it.

Inputs, outputs, metadata, graph, plan, as text; the graph as it runs as a drawing (--svg), and all of it as one page
(--html); with --why, who took each node and why not natively.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from celeris import pages
from celeris.cli.drawing import draw
from celeris.cli.table import table
from celeris.cli.writing import whole_file
from celeris.graph.graph import Graph, Model
from celeris.plan.bodies import Programs
from celeris.plan.plan import CallStep, PipelineStep, Plan, TensorStep
from celeris.session import InferenceSession

if TYPE_CHECKING:
    from celeris.plan.compile import Program

_INTERFACE = ("", "name", "type", "shape (?: any size)")
_LONGEST = 100  # letters of an entry of the file in a terminal; the page has all
_WHY = ("operator", "node", "runs as", "why")
_SHOWN_NODES = 200  # of a graph, before the rest is counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL [--why] [--svg FILE] [--html FILE]."""
    parser.epilog = "example: celeris show model.onnx --html model.html"
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("--why", action="store_true", help="who runs each node, and why not natively")
    parser.add_argument("--svg", metavar="FILE", help="draw the graph as it runs")
    parser.add_argument("--html", metavar="FILE", help="write all of it as one page that needs nothing else")


def run(arguments: argparse.Namespace) -> None:
    """Prints the sections, one after another, or writes what is asked for."""
    session = InferenceSession(arguments.model)
    program = session._sess._program
    if arguments.svg is not None or arguments.html is not None:
        _write(arguments, session, program)
        return
    print("\n\n".join(filter(None, [
        _aligned(_facts(session, program.model)),
        table(_INTERFACE, _interface(session)),
        _graph(program.model),
        _plan(program),
        table(_WHY, _reasons(program.plan)) if arguments.why else "",
    ])))  # fmt: skip


def _write(arguments: argparse.Namespace, session: InferenceSession, program: Program) -> None:
    drawing = draw(program.optimized.graph, program.plan)
    files = [(arguments.svg, drawing)]
    if arguments.html is not None:
        steps = [(str(number), kind, what) for number, (kind, what) in enumerate(_steps(program.plan), 1)]
        graph = program.model.graph
        sections: list[tuple[str, Sequence[str], Sequence[Sequence[str]]]] = [
            ("Inputs and outputs", _INTERFACE, _interface(session)),
            ("Plan", ("step", "runs as", "what"), steps),
            ("Nodes, and why they run so", _WHY, _reasons(program.plan)),
            ("The file", ("entry", "value"), _facts(session, program.model)),
        ]
        below = f"{_size(graph)}; {_steps_said(program)}, numbered in the boxes; point at a box for its values"
        tables = [f"<h2>{heading}</h2>{pages.table(columns, rows)}" for heading, columns, rows in sections]
        name = Path(arguments.model).name
        page = pages.page(name, escape(name), [pages.below(below), pages.picture(drawing), *tables])
        files.append((arguments.html, page))
    for path, text in files:
        if path is not None:
            with whole_file(path) as file:
                file.write(text.encode())


def _facts(session: InferenceSession, model: Model) -> list[tuple[str, str]]:
    meta = session.get_modelmeta()
    rows = [
        ("producer", f"{meta.producer_name} {model.producer_version}".strip()),
        ("graph", meta.graph_name),
        ("description", meta.description),
        ("IR version", str(model.ir_version)),
        ("opsets", ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in model.opsets.items())),
        *meta.custom_metadata_map.items(),
    ]
    return [(name, value) for name, value in rows if value]


def _interface(session: InferenceSession) -> list[tuple[str, ...]]:
    return [
        (kind, node.name, node.type, "[" + ", ".join("?" if d is None else str(d) for d in node.shape) + "]")
        for kind, nodes in (("input", session.get_inputs()), ("output", session.get_outputs()))
        for node in nodes
    ]


def _size(graph: Graph) -> str:
    constants = sum(getattr(value, "size", 0) for value in graph.initializers.values())
    return f"{_count(graph.nodes, 'node')}, {constants:,} numbers in constants"


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} letters)"


def _aligned(facts: Sequence[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in facts), default=0)
    return "\n".join(f"{name:{width}}  {_short(value)}" for name, value in facts)


def _graph(model: Model) -> str:
    nodes = model.graph.nodes
    lines = [
        f"  {', '.join(filter(None, n.outputs))} = {n.domain and n.domain + '.'}{n.op_type}({', '.join(n.inputs)})"
        for n in nodes[:_SHOWN_NODES]
    ]
    if len(nodes) > _SHOWN_NODES:
        lines.append(f"  ... and {len(nodes) - _SHOWN_NODES} more")
    return "\n".join([f"graph: {_size(model.graph)}", *lines])


def _steps(plan: Plan) -> Iterator[tuple[str, str]]:
    """Of each step: how it runs, and what."""
    for step in plan.steps:
        if isinstance(step, PipelineStep):
            kernels = " > ".join(call.kernel for call in step.kernels) or "(names only)"
            yield f"row pipeline of {_count(step.nodes, 'node')}", kernels
        elif isinstance(step, TensorStep):
            yield "whole tensors, native", f"{step.kernel}: " + " > ".join(node.op_type for node in step.nodes)
        elif isinstance(step, CallStep):
            yield "whole tensors, NumPy", step.node.op_type
        else:
            yield "list of dicts", "ZipMap"


def _plan(program: Program) -> str:
    return "\n".join([f"plan: {_steps_said(program)}", *_numbered(program.plan, "  ")])


def _steps_said(program: Program) -> str:
    steps = _count(program.plan.steps, "step")
    return (
        f"{steps} for tables of any width; each width that comes gets kernels of its own"
        if program.follows_widths
        else steps
    )


def _numbered(plan: Plan, margin: str) -> Iterator[str]:
    """A line a step, those of subgraphs below the node that holds them."""
    for number, (step, (kind, what)) in enumerate(zip(plan.steps, _steps(plan), strict=True), 1):
        yield f"{margin}{number}. {kind}: {what}"
        for name, body in step.bodies.items() if isinstance(step, CallStep) else ():
            for inner in body.run.plans[:1] if isinstance(body.run, Programs) else ():
                yield f"{margin}   {name}: {_count(inner.steps, 'step')}"
                yield from _numbered(inner, margin + "     ")


def _reasons(plan: Plan) -> list[tuple[str, ...]]:
    return [(node.op_type, node.name, tier, note) for node, tier, note in plan.reasons]

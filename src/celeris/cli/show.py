"""Show what a model is and how Celeris runs it.

Inputs, outputs, metadata, graph, plan; with --why, who took each node and why not natively.
"""

from __future__ import annotations

import argparse

from celeris.cli.table import table
from celeris.graph.graph import Model
from celeris.plan.plan import CallStep, PipelineStep, Plan
from celeris.session import InferenceSession

_SHOWN_NODES = 200  # of a graph, before the rest is counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL [--why]."""
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("--why", action="store_true", help="who runs each node, and why not natively")


def run(arguments: argparse.Namespace) -> None:
    """Prints the sections, one after another."""
    session = InferenceSession(arguments.model)
    program = session._sess._program
    print("\n\n".join(filter(None, [
        _head(session, program.model),
        _interface(session),
        _graph(program.model),
        _plan(program.plan),
        _why(program.plan) if arguments.why else "",
    ])))  # fmt: skip


def _head(session: InferenceSession, model: Model) -> str:
    meta = session.get_modelmeta()
    rows = [
        ("producer", f"{meta.producer_name} {model.producer_version}".strip()),
        ("graph", meta.graph_name),
        ("description", meta.description),
        ("IR version", str(model.ir_version)),
        ("opsets", ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in model.opsets.items())),
        *meta.custom_metadata_map.items(),
    ]
    return "\n".join(f"{name:12}  {value}" for name, value in rows if value)


def _interface(session: InferenceSession) -> str:
    rows = [
        (kind, node.name, node.type, "[" + ", ".join("?" if d is None else str(d) for d in node.shape) + "]")
        for kind, nodes in (("input", session.get_inputs()), ("output", session.get_outputs()))
        for node in nodes
    ]
    return table(["", "name", "type", "shape"], rows)


def _graph(model: Model) -> str:
    nodes = model.graph.nodes
    lines = [
        f"  {', '.join(filter(None, n.outputs))} = {n.domain and n.domain + '.'}{n.op_type}({', '.join(n.inputs)})"
        for n in nodes[:_SHOWN_NODES]
    ]
    if len(nodes) > _SHOWN_NODES:
        lines.append(f"  ... and {len(nodes) - _SHOWN_NODES} more")
    constants = sum(getattr(v, "size", 0) for v in model.graph.initializers.values())
    return "\n".join([f"graph: {len(nodes)} nodes, {constants} numbers in constants", *lines])


def _plan(plan: Plan) -> str:
    lines = []
    for number, step in enumerate(plan.steps, 1):
        if isinstance(step, PipelineStep):
            kernels = " > ".join(call.kernel for call in step.kernels) or "(names only)"
            lines.append(f"  {number}. row pipeline of {len(step.nodes)} nodes: {kernels}")
        elif isinstance(step, CallStep):
            lines.append(f"  {number}. whole tensors, NumPy: {step.node.op_type}")
        else:
            lines.append(f"  {number}. list of dicts: ZipMap")
    return "\n".join([f"plan: {len(plan.steps)} steps", *lines])


def _why(plan: Plan) -> str:
    rows = [(node.op_type, node.name, tier, note) for node, tier, note in plan.reasons]
    return table(["operator", "node", "runs as", "why"], rows)

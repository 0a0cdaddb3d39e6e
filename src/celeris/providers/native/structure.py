"""Claims of operators that move or rename columns."""

from __future__ import annotations

from celeris.graph.graph import Node
from celeris.providers.base import Claim, Context, Refusal


def claim_identity(node: Node, context: Context) -> Claim | Refusal:
    """Y = X."""
    rows = context.rows(node.inputs[0])
    if rows is None:
        return Refusal("its input is a constant")
    return Claim([], {node.outputs[0]: rows}, {node.outputs[0]: node.inputs[0]})

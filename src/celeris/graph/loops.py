"""What a Scan over points does, where it only measures how far rows are from each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Graph, Node


def power_summed(scan: Node, constant: Callable[[str], Any]) -> float | None:
    """q where Scan(X, points) gives X again and, for each point, the sum over columns of |X - point|^q; else None.

    `constant` is what is known of values around the Scan. Scikit-learn's converter writes distances so.
    """
    body = scan.attr("body")
    if scan.op_type != "Scan" or scan.domain or len(scan.inputs) != 2 or len(scan.outputs) != 2:
        return None
    if set(scan.attributes) != {"body", "num_scan_inputs"} or scan.attr("num_scan_inputs") != 1:
        return None
    if not isinstance(body, Graph) or len(body.inputs) != 2 or len(body.outputs) != 2:
        return None
    if any(node.domain for node in body.nodes):
        return None
    made = edit.producers(body)

    def source(name: str) -> str:
        while name in made and made[name].op_type == "Identity":
            name = made[name].inputs[0]
        return name

    def number(name: str) -> np.ndarray | None:
        own = name in made or name in body.inputs or name in body.initializers
        found = body.initializers.get(name) if own else constant(name)
        return found if isinstance(found, np.ndarray) and found.size == 1 else None

    if source(body.outputs[0]) != body.inputs[0]:
        return None
    total = made.get(source(body.outputs[1]))
    if total is None or total.attr("keepdims", 1) != 0:
        return None
    axes = number(total.inputs[1]) if len(total.inputs) > 1 else total.attr("axes")
    if axes is None or np.asarray(axes).reshape(-1).tolist() != [1]:
        return None
    power, inside = 2.0 if total.op_type == "ReduceSumSquare" else 1.0, made.get(source(total.inputs[0]))
    if total.op_type == "ReduceSum":
        if inside is not None and inside.op_type == "Pow":
            exponent = number(inside.inputs[1])
            power, inside = float("nan") if exponent is None else float(exponent.item()), made.get(inside.inputs[0])
        if inside is None or inside.op_type != "Abs":
            return None
        inside = made.get(inside.inputs[0])
    elif total.op_type not in ("ReduceSumSquare", "ReduceL1"):
        return None
    if inside is None or inside.op_type != "Sub" or {source(name) for name in inside.inputs} != set(body.inputs):
        return None
    return power if 0 < power < np.inf else None

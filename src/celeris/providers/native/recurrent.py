"""Whole-tensor claims of recurrent layers."""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.whole import Values

_USUAL = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh")}
_GATES = {"LSTM": 4, "GRU": 3}


def claim_recurrent(node: Node, values: Values) -> TensorClaim | Refusal:
    """LSTM and GRU of float32: constant weights, the usual functions, no peepholes, clipping or lengths."""
    inputs = [*node.inputs, *[""] * (8 - len(node.inputs))]
    weights = [values.constant(name) for name in inputs[1:3]]
    if values.element(inputs[0]) != "float" or inputs[4] or inputs[7]:
        return Refusal("its input is not float32, or it has lengths or peepholes")
    if any(w is None or w.dtype != np.float32 or w.ndim != 3 for w in weights):
        return Refusal("its weights are no constants of float32")
    if not _is_usual(node):
        return Refusal("no native kernel for its attributes")
    w, r = (np.ascontiguousarray(v) for v in weights if v is not None)
    gates, (directions, rows, size) = _GATES[node.op_type], r.shape
    bias = values.constant(inputs[3]) if inputs[3] else np.zeros((directions, 2 * rows), np.float32)
    known = node.attr("direction", b"forward") in (b"forward", "forward", b"reverse", "reverse") or directions == 2
    if (
        not known
        or rows != gates * size
        or w.shape[:2] != r.shape[:2]
        or bias is None
        or bias.shape != (directions, 2 * rows)
    ):
        return Refusal("its weights do not fit one another")
    params = {
        "gates": gates,
        "hidden": size,
        "inputs": w.shape[2],
        "directions": directions,
        "reset_after": int(node.attr("linear_before_reset", 0)),
        "backward": int(node.attr("direction", b"forward") in (b"reverse", "reverse")),
        "w": w,
        "r": r,
        "bias": np.ascontiguousarray(bias, np.float32),
    }
    states = inputs[5:7] if node.op_type == "LSTM" else inputs[5:6]
    return TensorClaim("recurrent", params, [inputs[0], *states])


def _is_usual(node: Node) -> bool:
    names = node.attr("activations")
    direction = node.attr("direction", b"forward")
    ways = 2 if direction in (b"bidirectional", "bidirectional") else 1
    usual = _USUAL[node.op_type] * ways
    if names is not None and len(names):
        given = [n.decode().lower() if isinstance(n, bytes) else str(n).lower() for n in names]
        if given != list(usual):
            return False
    return node.attr("clip") is None and not node.attr("layout", 0) and not node.attr("input_forget", 0)

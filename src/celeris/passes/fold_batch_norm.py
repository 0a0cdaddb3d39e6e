"""fold_batch_norm: the normalisation after a convolution goes into its weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Graph, Model, Node
from celeris.records import replace


def fold_batch_norm(model: Model) -> Iterator[str]:
    """Conv(x, W, B), BatchNormalization -> Conv(x, W s, (B - mean) s + bias), s = scale / sqrt(variance + epsilon)."""
    graph = model.graph
    made = edit.producers(graph)
    users = edit.users(graph)
    for node in list(graph.nodes):
        if (
            node.op_type != "BatchNormalization"
            or node.domain
            or any(node.outputs[1:])
            or node.attr("training_mode", 0)
        ):
            continue
        conv = made.get(node.inputs[0])
        if conv is None or conv.op_type != "Conv" or conv.domain or conv.outputs[0] in graph.outputs:
            continue
        if users[conv.outputs[0]] != [node]:
            continue
        folded = _folded(graph, conv, node)
        if folded is None:
            continue
        names = [edit.add_initializer(graph, value, f"{conv.inputs[1]}_folded") for value in folded]
        edit.replace_node(graph, node, [replace(conv, inputs=[conv.inputs[0], *names], outputs=node.outputs[:1])])
        edit.remove_node(graph, conv)
        yield f"BatchNormalization '{node.name}' into Conv '{conv.name}'"


def _folded(graph: Graph, conv: Node, node: Node) -> tuple[np.ndarray, np.ndarray] | None:
    """The new weights and bias, rounded once from float64; None where something is no constant, or is not finite."""
    names = [conv.inputs[1], *node.inputs[1:5], *(name for name in conv.inputs[2:3] if name)]
    values = [graph.initializers.get(name) for name in names if name not in graph.inputs]
    found = [v for v in values if isinstance(v, np.ndarray) and v.dtype == np.float32]
    if len(found) != len(names) or any(v.shape != found[0].shape[:1] for v in found[1:]):
        return None
    weights, scale, bias, mean, variance, *own = (v.astype(np.float64) for v in found)
    if (variance < 0).any():
        return None
    factor = scale / np.sqrt(variance + node.attr("epsilon", 1e-5))
    wide = weights * factor.reshape(-1, *[1] * (weights.ndim - 1))
    shift = ((own[0] if own else 0.0) - mean) * factor + bias
    result = wide.astype(np.float32), shift.astype(np.float32)
    return result if all(np.isfinite(v).all() for v in result) else None

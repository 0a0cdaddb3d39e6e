"""fold_constants: a node whose inputs are all constant becomes constants."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Model, Node
from celeris.graph.types import SparseTensor
from celeris.interpret import NodeError, Scope, bind

# Their results differ from call to call, or are no tensors.
NEVER = {
    "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli", "Dropout",
    "SequenceEmpty", "SequenceConstruct", "Optional",
}  # fmt: skip
_LARGEST = 1 << 22  # elements: a larger result is computed when asked for, not kept


def fold_constants(model: Model) -> Iterator[str]:
    """Replaces nodes on constants by initializers. A node that fails stays, to fail when it is run."""
    graph = model.graph
    scope = Scope(model.opsets, model.functions)
    constants = {n: v for n, v in graph.initializers.items() if n not in graph.inputs and isinstance(v, np.ndarray)}
    for node in list(graph.nodes):
        if node.inputs and node.inputs[0] not in constants and node.inputs[0]:
            continue  # nearly all nodes: `reads` takes longer
        if node.op_type in NEVER or not edit.reads(node) <= constants.keys():
            continue
        values = evaluate(node, constants, scope)
        if values is None:
            continue
        edit.remove_node(graph, node)
        for name, value in zip(node.outputs, values, strict=False):
            if name:
                constants[name] = value
                edit.set_initializer(graph, name, value)
        yield f"{node.op_type} '{node.name}' on constants"


def evaluate(node: Node, constants: dict[str, np.ndarray], scope: Scope) -> list[np.ndarray] | None:
    try:
        bound = bind(node, scope)
        values = bound.function(*[constants.get(name) for name in bound.inputs])
    except NodeError:
        return None
    if len(values) < len(node.outputs) or any(isinstance(v, SparseTensor) for v in values):
        return None
    arrays = [v for v in values if isinstance(v, np.ndarray) and v.size <= _LARGEST]
    return arrays if len(arrays) == len(values) else None

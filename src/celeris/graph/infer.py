"""What is known of each value's type and shape, found node by node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from celeris import ops
from celeris.graph.graph import Model, Node
from celeris.graph.types import Tensor, Type
from celeris.ops.table import Dims, Facts


def infer(model: Model, *, overrides: Mapping[str, int] | None = None) -> None:
    """Fills `graph.types` of the model's main graph. `overrides`: sizes of symbolic dimensions."""
    graph = model.graph
    for name, kind in list(graph.types.items()):
        if overrides and isinstance(kind, Tensor) and kind.shape is not None:
            shape = tuple(overrides.get(d, d) if isinstance(d, str) else d for d in kind.shape)
            graph.types[name] = replace(kind, shape=shape)
    contents: dict[str, Dims | None] = {}
    for node in graph.nodes:
        _infer_node(model, node, contents)


def _infer_node(model: Model, node: Node, contents: dict[str, Dims | None]) -> None:
    from celeris.interpret import python_value

    graph = model.graph
    op = ops.find(node.domain, node.op_type, model.opsets.get(node.domain, 1))
    if op is None or op.infer is None:
        return
    values = [graph.initializers.get(n) if n not in graph.inputs else None for n in node.inputs]
    facts = Facts(
        [_type_of(model, name) for name in node.inputs],
        [v if isinstance(v, np.ndarray) else None for v in values],
        {name: python_value(a) for name, a in node.attributes.items() if a.kind not in ("GRAPH", "GRAPHS")},
        len(node.outputs),
        model.opsets.get(node.domain, 1),
        [contents.get(name) for name in node.inputs],
    )
    for name, kind in zip(node.outputs, op.infer(facts), strict=False):
        if name and kind is not None and name not in graph.types:
            graph.types[name] = kind
    if op.propagate is not None:
        contents.update({n: c for n, c in zip(node.outputs, op.propagate(facts) or (), strict=False) if n})


def _type_of(model: Model, name: str) -> Type | None:
    value = model.graph.initializers.get(name)
    if isinstance(value, np.ndarray) and name not in model.graph.types:
        from celeris.graph.types import element_of

        return Tensor(element_of(value.dtype), value.shape)
    return model.graph.types.get(name)

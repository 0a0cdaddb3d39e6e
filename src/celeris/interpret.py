"""Runs nodes by the reference tier: node by node, each by its operator's NumPy function.

What no kernel claims runs this way inside a plan; so do subgraphs, local functions and constant folding.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from celeris import ops
from celeris.graph import edit
from celeris.graph.attributes import python_value, resolve_references
from celeris.graph.graph import Function, Graph, Node
from celeris.graph.types import SparseTensor, Type
from celeris.records import Record, field

_NEWEST = 1 << 30

Value = Any  # ndarray, list (sequence), dict (map), list of dict, SparseTensor, None (absent optional)


class NodeError(Exception):
    """A node failed: which one, and why."""

    def __init__(self, name: str, op_type: str, text: str) -> None:
        super().__init__(f"{op_type} node '{name}': {text}")
        self.name = name
        self.op_type = op_type
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return NodeError, (self.name, self.op_type, self.text)


class Scope(Record):
    """What names of operators mean in a model or a function: opset versions, and local functions.

    `body` makes what runs a subgraph, where it is not to be interpreted.
    """

    opsets: dict[str, int]
    functions: dict[tuple[str, str, str], Function] = field(default_factory=dict)
    body: Callable[[Graph, Scope], Body] | None = None


class BoundNode(Record):
    """A node ready to run: `function(*values)` takes the values of `inputs` ('' gives None), returns all outputs."""

    inputs: list[str]
    outputs: list[str]
    function: Callable[..., tuple[Value, ...]]
    bodies: dict[str, Body] = field(default_factory=dict)  # by attribute


@cache
def _wants_count(function: Callable[..., Any]) -> bool:
    return "_outputs" in inspect.signature(function).parameters


def bind(node: Node, scope: Scope) -> BoundNode:
    """Find what the node's operator means and tie its attributes. NodeError where there is no such operator."""
    local = scope.functions.get((node.domain, node.op_type, node.overload))
    if local is not None:
        return _bind_function(node, local, scope)
    op = ops.find(node.domain, node.op_type, scope.opsets.get(node.domain, 1))
    if op is None:
        raise NodeError(node.name, node.op_type, f"{node.domain or 'ai.onnx'} has no such operator")
    bodies: dict[str, Body] = {}
    captured: list[str] = []
    for name, attribute in node.attributes.items():
        if attribute.kind == "GRAPH":
            bodies[name] = body = (scope.body or interpreted)(attribute.value, scope)
            captured += [c for c in body.captured if c not in captured]
    run = op.function
    count, arity = len(node.outputs), len(node.inputs)
    attributes: dict[str, Any] | None = None  # read when the node first runs: those of a forest are many

    def function(*values: Value) -> tuple[Value, ...]:
        nonlocal attributes
        if attributes is None:
            read = {name: python_value(a) for name, a in node.attributes.items() if name not in bodies}
            attributes = read | {"_outputs": count} if _wants_count(run) else read
        call = attributes
        if bodies:
            outer = dict(zip(captured, values[arity:], strict=True))
            call = attributes | {name: body.closed(outer) for name, body in bodies.items()}
        try:
            result = run(*values[:arity], **call)
        except NodeError:
            raise
        except Exception as error:
            from celeris.node_errors import explained

            newest = ops.find(node.domain, node.op_type, _NEWEST) or op  # whose docstring has the whole rule
            text = explained(node.op_type, newest.function, error, values[:arity])
            raise NodeError(node.name, node.op_type, text) from error
        if count == 1 and isinstance(result, np.ndarray):
            return (result,)
        results = result if isinstance(result, tuple) else (result,)
        if len(results) < count:
            text = f"expected at most {len(results)} outputs of these inputs, got a node with {count}"
            raise NodeError(node.name, node.op_type, text)
        return tuple(np.asarray(r) if isinstance(r, np.generic) else r for r in results[:count])

    return BoundNode(list(node.inputs) + captured, list(node.outputs), function, bodies)


def _bind_function(node: Node, local: Function, scope: Scope) -> BoundNode:
    """A call of a local function: its graph, with the caller's attributes in place of references."""
    given = {**local.defaults, **node.attributes}
    nodes = [resolve_references(n, given) for n in local.graph.nodes]
    inner = Scope({**scope.opsets, **local.opsets}, scope.functions)
    run = Interpreter(nodes, local.graph.inputs, local.graph.outputs, {}, inner)
    formal, count = len(local.graph.inputs), len(node.outputs)

    def function(*values: Value) -> tuple[Value, ...]:
        return tuple(run([*values, *[None] * (formal - len(values))])[:count])

    return BoundNode(list(node.inputs), list(node.outputs), function)


def _fixed(value: Value) -> Value:
    """A value that many runs share: whoever gives it to a caller has to copy it."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value


class Interpreter:
    """Runs nodes in order; called with the values of `inputs`, it returns those of `outputs`."""

    def __init__(
        self,
        nodes: Sequence[Node],
        inputs: Sequence[str],
        outputs: Sequence[str],
        constants: dict[str, np.ndarray | SparseTensor],
        scope: Scope,
    ) -> None:
        self._inputs = list(inputs)
        self._outputs = list(outputs)
        self._constants: dict[str, Any] = dict(constants)
        self._nodes: list[BoundNode] = []
        for node in nodes:
            bound = bind(node, scope)
            if node.op_type == "Constant" and not node.domain and bound.outputs[0]:
                self._constants[bound.outputs[0]] = _fixed(bound.function()[0])
            else:
                self._nodes.append(bound)

    def __call__(self, values: Sequence[Value], outer: dict[str, Value] | None = None) -> list[Value]:
        known: dict[str, Value] = {"": None, **(outer or {}), **self._constants}
        known.update(zip(self._inputs, values, strict=False))
        for node in self._nodes:
            results = node.function(*[known.get(name) for name in node.inputs])
            if len(results) == 1:
                known[node.outputs[0]] = results[0]
            else:
                known.update(zip(node.outputs, results, strict=False))
        return [known[name] for name in self._outputs]


class Body(Record):
    """A subgraph attribute: a callable once the values it captures are known.

    `run(inputs, captured)` takes the values of its inputs and those that it captures, by name.
    """

    graph: Graph
    captured: list[str]
    run: Callable[[Sequence[Value], dict[str, Value]], list[Value]]

    def closed(self, outer: dict[str, Value]) -> ClosedBody:
        """The body as operators call it."""
        return ClosedBody(self, outer)


def interpreted(graph: Graph, scope: Scope) -> Body:
    """A body that runs node by node."""
    run = Interpreter(graph.nodes, graph.inputs, graph.outputs, graph.initializers, scope)
    return Body(graph, sorted(edit.captures(graph)), run)


class ClosedBody:
    """`body(*inputs) -> list of outputs`; its types are those that inference found."""

    __slots__ = ("_body", "_captured", "_outer")

    def __init__(self, body: Body, outer: dict[str, Value]) -> None:
        self._body, self._outer = body, outer
        self._captured: dict[str, Value] | None = None  # of `outer`, once it is called: of two branches one is

    def __call__(self, *values: Value) -> list[Value]:
        if self._captured is None:
            self._captured = {name: self._outer[name] for name in self._body.captured}
        return self._body.run(values, self._captured)

    @property
    def input_types(self) -> list[Type | None]:
        return [self._body.graph.types.get(name) for name in self._body.graph.inputs]

    @property
    def output_types(self) -> list[Type | None]:
        return [self._body.graph.types.get(name) for name in self._body.graph.outputs]

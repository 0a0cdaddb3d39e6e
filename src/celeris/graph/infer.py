"""What is known of each value's type and shape, found node by node; nodes are checked as they are met.

The rules themselves stand beside the operators in ops/. Here they are fed, and what they say is held to the schema and
to the model's own declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from celeris.graph.attributes import Attributes, BodyTypes, resolve_references
from celeris.graph.bind_types import Bound, bind, made
from celeris.graph.check_node import Vocabulary, described, fault
from celeris.graph.errors import GraphError
from celeris.graph.graph import Function, Graph, Model, Node
from celeris.graph.merge import merged
from celeris.graph.types import SparseTensor, SparseTensorType, Tensor, Type, element_of
from celeris.ops.schema import Schema
from celeris.ops.table import Dims, Facts, Op
from celeris.records import Record, replace

_LONGEST = 1024  # elements of a tensor of dimensions: joined to itself again and again it would grow without end


def infer(model: Model, *, overrides: Mapping[str, int] | None = None, threads: int = 1) -> None:
    """Fills `types` of the model's graph and its subgraphs. `overrides`: sizes of the inputs' symbolic dimensions.

    Rules may use so many threads. GraphError where a node is not legal, or its operator cannot be run.
    """
    graph = model.graph
    if overrides:
        for name in graph.inputs:
            kind = graph.types.get(name)
            if isinstance(kind, Tensor) and kind.shape is not None:
                shape = tuple(overrides.get(d, d) if isinstance(d, str) else d for d in kind.shape)
                graph.types[name] = replace(kind, shape=shape)
    sweep = _Sweep(threads=threads)
    sweep.graph(graph, Vocabulary(model.opsets, model.functions), Known(graph, None))
    if sweep.unrunnable is not None:
        raise sweep.unrunnable


class Steps:
    """Inference node by node, for who changes the graph on the way. The nodes are legal already."""

    def __init__(self, model: Model) -> None:
        self._words = Vocabulary(model.opsets, model.functions)
        self._known = Known(model.graph, None)
        self._sweep = _Sweep(_inside=1)

    def take(self, node: Node) -> None:
        """Fills in the types of what the node makes; GraphError where its rule finds it wrong."""
        self._sweep.node(node, self._words, self._known)


class Known:
    """What is known of the values that nodes of one graph may read: its own, and those of the graphs around it."""

    __slots__ = ("constants", "contents", "fixed", "made", "outer", "shown", "types")

    def __init__(self, graph: Graph, outer: Known | None) -> None:
        self.outer = outer
        self.types = graph.types
        self.constants: dict[str, np.ndarray | SparseTensor] = graph.initializers
        self.fixed = set(graph.inputs)  # initializers that are inputs too: the caller may feed others
        self.made: dict[str, np.ndarray] = {}  # by nodes: Constant
        self.contents: dict[str, Dims | None] = {}
        self.shown: dict[str, str] = {}  # inside a function: its parameter -> the caller's name

    def type(self, name: str) -> Type | None:
        """The value's type."""
        if not name:
            return None
        scope: Known | None = self
        while scope is not None:
            found = scope.types.get(name)
            if found is not None:
                return found
            constant = scope.constants.get(name)
            if constant is not None:
                return _type_of(constant)
            scope = scope.outer
        return None

    def constant(self, name: str) -> np.ndarray | None:
        """The value where it is a constant tensor that nobody can override."""
        scope: Known | None = self
        while scope is not None:
            found: np.ndarray | SparseTensor | None = scope.made.get(name)
            if found is None:
                found = scope.constants.get(name)
            if found is not None:
                return found if isinstance(found, np.ndarray) and name not in scope.fixed else None
            if name in scope.types:
                return None
            scope = scope.outer
        return None

    def content(self, name: str) -> Dims | None:
        """The elements of a small integer tensor, as dimensions."""
        scope: Known | None = self
        while scope is not None:
            if name in scope.contents:
                return scope.contents[name]
            scope = scope.outer
        return None

    def visible(self) -> set[str]:
        """The names that a subgraph of a node may read."""
        names: set[str] = set()
        scope: Known | None = self
        while scope is not None:
            names.update(scope.types, scope.constants, scope.fixed)
            scope = scope.outer
        return names


def _type_of(value: np.ndarray | SparseTensor) -> Type:
    if isinstance(value, SparseTensor):
        return SparseTensorType(element_of(value.values.dtype), tuple(value.shape))
    return Tensor(element_of(value.dtype), value.shape)


class _Sweep(Record):
    """One pass over the nodes of a model."""

    unrunnable: GraphError | None = None
    threads: int = 1
    _inside: int = 0  # depth of subgraphs: their nodes were checked with the node that holds them

    def graph(self, graph: Graph, words: Vocabulary, known: Known) -> None:
        for node in graph.nodes:
            self.node(node, words, known)

    def node(self, node: Node, words: Vocabulary, known: Known) -> None:
        if not self._inside:
            wrong = fault(node, words, known.visible)
            if wrong is not None:
                raise _illegal(node, wrong, known)
        types = [known.type(name) for name in node.inputs]
        local = words.function(node) if words.functions else None
        if local is not None:
            self.note(node, None, {}, self.call(node, local, words, known, types), known)
            return
        schema, op = words.schema(node), words.op(node)
        if schema is None and op is None:
            raise GraphError("FAIL", f"Fatal error: {node.domain}:{node.op_type}(-1) is not a registered function/op")
        bound = bind(node, schema, types) if schema is not None else {}
        found: list[Type | None] = []
        if op is None:
            self.missing(node, schema)
        else:
            found = self.rules(node, op, words, known, types)
        self.note(node, schema, bound, found, known)

    def missing(self, node: Node, schema: Schema | None) -> None:
        if self.unrunnable is None and schema is not None:
            self.unrunnable = GraphError(
                "NOT_IMPLEMENTED",
                f"Could not find an implementation for {node.op_type}({schema.since}) node with name '{node.name}'",
            )

    def rules(self, node: Node, op: Op, words: Vocabulary, known: Known, types: list[Type | None]) -> list[Type | None]:
        """What the operator's rules say of its outputs."""
        bodies: dict[str, BodyTypes] = {}
        facts = Facts(
            types,
            [known.constant(name) if name else None for name in node.inputs],
            Attributes(node.attributes, bodies),
            len(node.outputs),
            words.opsets.get(node.domain, 1),
            [known.content(name) if name else None for name in node.inputs],
            {name: attribute.value for name, attribute in node.attributes.items()},
            self.threads,
        )
        if node.attributes:
            self.bodies(node, op, facts, bodies, words, known)
        if op.verify is not None:
            wrong = _verdict(op.verify, facts)
            if wrong is not None:
                raise GraphError("FAIL", f"Node ({node.name}) Op ({node.op_type}) {wrong}")
        if op.propagate is not None:
            for name, held in zip(node.outputs, _asked(node, op.propagate, facts), strict=False):
                known.contents[name] = held if held is None or len(held) <= _LONGEST else None
        if node.op_type == "Constant" and not node.domain:
            _note_constant(node, op, facts, known)
        return _asked(node, op.infer, facts) if op.infer is not None else []

    def bodies(
        self, node: Node, op: Op, facts: Facts, bodies: dict[str, BodyTypes], words: Vocabulary, known: Known
    ) -> None:
        """Infers the types inside the node's subgraphs."""
        fed: dict[str, list[Type | None]] | None = None
        for name, attribute in node.attributes.items():
            if attribute.kind != "GRAPH":
                continue
            if fed is None:
                fed = dict(_asked(node, op.feeds, facts)) if op.feeds is not None else {}
            self._inside += 1
            try:
                bodies[name] = self.body(attribute.value, fed.get(name), words, known)
            except GraphError as problem:
                raise GraphError(
                    problem.code if problem.code == "NOT_IMPLEMENTED" else "FAIL",
                    f"Node ({node.name}) Op ({node.op_type}) [TypeInferenceError] Graph attribute inferencing failed: "
                    f"{problem.text}",
                ) from problem
            self._inside -= 1

    def body(self, graph: Graph, fed: list[Type | None] | None, words: Vocabulary, known: Known) -> BodyTypes:
        if fed is not None and len(fed) != len(graph.inputs):
            required = sum(name not in graph.initializers for name in graph.inputs)
            if len(fed) != required:
                raise GraphError(
                    "FAIL",
                    f"Size mismatch validating subgraph inputs. Got {len(fed)} inputs but subgraph has "
                    f"{len(graph.inputs)} inputs and requires {required} inputs. Either provide all subgraph inputs, "
                    "or just the required inputs.",
                )
        for name, found in zip(graph.inputs, fed or (), strict=False):
            declared = graph.types.get(name)
            if found is not None:
                graph.types[name] = found if declared is None else merged(declared, found)
        inner = Known(graph, known)
        self.graph(graph, words, inner)
        return BodyTypes([inner.type(n) for n in graph.inputs], [inner.type(n) for n in graph.outputs])

    def call(
        self, node: Node, local: Function, words: Vocabulary, known: Known, types: list[Type | None]
    ) -> list[Type | None]:
        """The types of a call of a local function, through its body."""
        if len(node.inputs) > len(local.graph.inputs) or len(node.outputs) > len(local.graph.outputs):
            raise GraphError(
                "FAIL",
                f"Node ({node.name}) Op ({node.op_type}): Number of actual parameters cannot exceed number of formal "
                "parameters",
            )
        given = {**local.defaults, **node.attributes}
        inner = Known(Graph(inputs=list(local.graph.inputs)), None)
        for formal, found, name in zip(local.graph.inputs, types, node.inputs, strict=False):
            inner.shown[formal] = known.shown.get(name, name)
            if found is not None:
                inner.types[formal] = found
            constant = known.constant(name)
            if constant is not None:
                inner.made[formal] = constant
                inner.fixed.discard(formal)
            inner.contents[formal] = known.content(name)
        for formal, name in zip(local.graph.outputs, node.outputs, strict=False):
            inner.shown.setdefault(formal, known.shown.get(name, name))
            if name in known.types:
                inner.types.setdefault(formal, known.types[name])
        scope = Vocabulary({**words.opsets, **local.opsets}, words.functions)
        depth, self._inside = self._inside, 0
        for each in local.graph.nodes:
            self.node(resolve_references(each, given), scope, inner)
        self._inside = depth
        for formal, name in zip(local.graph.outputs, node.outputs, strict=False):
            known.contents[name] = inner.content(formal)
        return [inner.type(name) for name in local.graph.outputs]

    def note(self, node: Node, schema: Schema | None, bound: Bound, found: list[Type | None], known: Known) -> None:
        """Writes down the outputs' types: what the rule says, else the schema, beside what the model declares."""
        for at, name in enumerate(node.outputs):
            if not name:
                continue
            inferred = found[at] if at < len(found) else None
            declared = known.types.get(name)
            if inferred is None and schema is not None and declared is None:
                inferred = made(schema, at, bound)
            if inferred is None:
                continue
            if declared is None:
                known.types[name] = inferred
            elif str(declared) != str(inferred):
                raise GraphError(
                    "FAIL",
                    f"Type Error: Type ({declared}) of output arg ({name}) of node ({node.name}) does not match "
                    f"expected type ({inferred}).",
                )
            else:
                known.types[name] = merged(declared, inferred)


def _asked(node: Node, rule: Any, facts: Facts) -> Any:
    """What a rule answers; nothing where it cannot cope. GraphError where it finds the node wrong.

    A complaint opens with the operator's name, as all of ops/ words them.
    """
    try:
        return rule(facts) or ()
    except Exception as problem:
        if isinstance(problem, ValueError) and str(problem).startswith(node.op_type):
            raise GraphError(
                "FAIL", f"Node ({node.name}) Op ({node.op_type}) [ShapeInferenceError] {problem}"
            ) from problem
        return ()


def _verdict(rule: Any, facts: Facts) -> str | None:
    try:
        wrong: str | None = rule(facts)
    except Exception as problem:  # what cannot be verified cannot be trusted
        return f"cannot be verified: {type(problem).__name__}: {problem}"
    return wrong


def _note_constant(node: Node, op: Op, facts: Facts, known: Known) -> None:
    try:
        value = op.function(**dict(facts.attributes))
    except Exception:  # the run will say what is wrong with it
        return
    if isinstance(value, np.ndarray) and node.outputs:
        known.made[node.outputs[0]] = value


def _illegal(node: Node, wrong: str, known: Known) -> GraphError:
    text = described(_renamed(node, known.shown), lambda name: known.type(_original(known.shown, name)))
    return GraphError("INVALID_GRAPH", f"This is an invalid model. In Node, {text}, Error {wrong}")


def _renamed(node: Node, shown: dict[str, str]) -> Node:
    if not shown:
        return node
    inputs, outputs = ([shown.get(name, name) for name in names] for names in (node.inputs, node.outputs))
    return replace(node, inputs=inputs, outputs=outputs)


def _original(shown: dict[str, str], name: str) -> str:
    return next((formal for formal, actual in shown.items() if actual == name), name)

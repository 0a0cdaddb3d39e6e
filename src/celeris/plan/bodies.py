"""Subgraphs (the branches of If, the bodies of Loop, Scan and SequenceMap) as programs of their own.

A body becomes a model whose inputs are its own and what it captures; captured constants are its constants. Its program
is made when it is first run: of two branches often only one ever is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from celeris import _core
from celeris.blas import bounded
from celeris.graph import edit
from celeris.graph.graph import Graph, Model
from celeris.graph.types import Tensor, element_of
from celeris.interpret import Body, Scope, Value, interpreted
from celeris.plan.plan import Plan
from celeris.plan.specialize import gains, specialize
from celeris.records import Record, replace

# What the run in this thread calls after each of its steps; those of bodies call it, too.
TRACE: ContextVar[Callable[..., None] | None] = ContextVar("TRACE", default=None)

_MOST_SHAPES = 8  # programs of one branch
_MOST_BYTES = 1 << 25  # of constants that all of them hold


class Built(Record):
    """A program and the plan that it was made of."""

    plan: Plan
    core: _core.Program


class Bodies(Record):
    """Makes the bodies of one model's nodes: `build` compiles them, for so many threads.

    `by_shape`: whether a branch may have programs for shapes that it meets.
    """

    model: Model
    build: Callable[[Model], Built]
    threads: int | None
    by_shape: bool

    def body(self, graph: Graph, scope: Scope) -> Body:
        """The body as a program; interpreted where the caller may leave inputs out."""
        if not set(graph.inputs).isdisjoint(graph.initializers):
            body = interpreted(graph, Scope(scope.opsets, scope.functions))
            body.run = bounded(body.run, self.threads) if self.threads else body.run
            return body
        captured = sorted(edit.captures(graph) - self.model.graph.initializers.keys())
        return Body(graph, captured, Programs(self, graph, captured))

    def standalone(self, graph: Graph, captured: list[str]) -> Model:
        """The body as a model of its own."""
        outer, names = self.model.graph, edit.captures(graph)
        constants = {name: value for name, value in outer.initializers.items() if name in names}
        types = {name: outer.types[name] for name in captured if name in outer.types}
        made = replace(
            graph,
            inputs=[*graph.inputs, *captured],
            initializers={**constants, **graph.initializers},
            types={**types, **graph.types},
        )
        return replace(self.model, graph=made)


class Programs:
    """The programs of one body: one for all inputs, and, where that gains, one for each of the shapes met first.

    Which of them runs depends on the shapes alone, so that the same inputs have the same results in every call.
    """

    def __init__(self, bodies: Bodies, graph: Graph, captured: list[str]) -> None:
        self._bodies, self._graph, self._captured = bodies, graph, captured
        self._threads = bodies.threads or _core.available_processors()
        self._general: Built | None = None
        self._special: dict[Any, Built] = {}
        self._left: int | None = None  # how many shapes may still get a program; None: not asked yet
        self._lock = threading.Lock()

    def __call__(self, values: Sequence[Value], outer: dict[str, Value]) -> list[Value]:
        feeds = [*values, *outer.values()]
        built = None if self._left == 0 and not self._special else self._made_for(feeds)
        if built is None:
            built = self._general or self._generalize()
        return built.core.run(feeds, None, self._threads, TRACE.get())

    @property
    def plans(self) -> list[Plan]:
        """Of the programs made for shapes, or where there are none the general one's."""
        return [built.plan for built in self._special.values() or [self._general or self._generalize()]]

    def _made_for(self, feeds: list[Value]) -> Built | None:
        """The program for these shapes; None where the general one has to do."""
        try:
            shapes = tuple([(value.dtype.num, value.shape) for value in feeds])
        except AttributeError:  # no array
            return None
        found = self._special.get(shapes)
        return self._specialize(shapes, feeds) if found is None and self._left != 0 else found

    def _specialize(self, shapes: Any, feeds: list[Value]) -> Built | None:
        with self._lock:
            if shapes in self._special:
                return self._special[shapes]
            if self._left is None:
                self._left = self._room()
            if self._left == 0:
                return None
            model = self._bodies.standalone(self._graph, self._captured)
            types = {
                name: Tensor(element_of(value.dtype), value.shape)
                for name, value in zip(model.graph.inputs, feeds, strict=True)
            }
            special = specialize(model, types)
            if special is None:
                self._left = 0
                return None
            self._left -= 1
            self._special[shapes] = self._bodies.build(special)
            return self._special[shapes]

    def _room(self) -> int:
        """How many shapes may have a program: none of a loop's body, whose state may change its shape at each step."""
        if not self._bodies.by_shape or self._graph.inputs or not gains(self._graph):
            return 0
        model = self._bodies.standalone(self._graph, self._captured)
        return min(_MOST_SHAPES, _MOST_BYTES // max(held_bytes(model.graph), 1))

    def _generalize(self) -> Built:
        with self._lock:
            if self._general is None:
                self._general = self._bodies.build(self._bodies.standalone(self._graph, self._captured))
            return self._general


def held_bytes(graph: Graph) -> int:
    """Of a graph's constants, those of Constant nodes and of subgraphs with them."""
    values = [
        value
        for each in edit.walk(graph)
        for value in (*each.initializers.values(), *(a.value for node in each.nodes for a in node.attributes.values()))
    ]
    return sum(int(getattr(value, "nbytes", 0)) for value in values)

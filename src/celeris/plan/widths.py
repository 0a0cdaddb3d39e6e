"""Programs for tables of widths that a model leaves open: `FloatTensorType([None, None])`, as many converters write.

Row pipelines are made for known columns. Where the file does not say how many there are, the first call tells: the
model is compiled once more for what came, and the engine takes that program wherever such inputs come again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from celeris import _core
from celeris.graph.errors import GraphError
from celeris.graph.graph import Graph, Model
from celeris.graph.types import Tensor, Type
from celeris.plan.bodies import held_bytes
from celeris.plan.plan import CallStep, Plan, TensorStep
from celeris.plan.specialize import specialize
from celeris.providers.native.whole import is_network
from celeris.records import replace

_MOST_BYTES = 1 << 25  # of constants that all programs but the first hold

Shape = tuple[int, ...]


def gains(plan: Plan, graph: Graph) -> bool:
    """Whether a program for known widths may run in rows what this plan of the graph does not."""
    return _left(plan) > 0 and not is_network(graph)


class Widths:
    """Makes the programs, each when inputs of its shapes first come. It must not hold on to the one that asks it."""

    def __init__(
        self, model: Model, plan: Plan, make: Callable[[Model], Plan], build: Callable[[Plan], _core.Program]
    ) -> None:
        self._model = replace(model, graph=replace(model.graph, inputs=list(plan.inputs)))
        self._least = _left(plan)
        self._make, self._build = make, build
        self._made: dict[Sequence[Shape | None], _core.Program | None] = {}
        self._lock = threading.Lock()

    def __call__(self, *shapes: Shape | None) -> _core.Program | None:
        """The program for inputs of these shapes (None: no array); None where it gains nothing over the general one."""
        with self._lock:
            if shapes not in self._made:
                self._made[shapes] = self._program(shapes)
            return self._made[shapes]

    def _program(self, shapes: Sequence[Shape | None]) -> _core.Program | None:
        count = sum(made is not None for made in self._made.values())
        if count and count * held_bytes(self._model.graph) > _MOST_BYTES:
            return None
        graph = self._model.graph
        types = {name: _told(graph.types.get(name), shape) for name, shape in zip(graph.inputs, shapes, strict=True)}
        special = specialize(self._model, {name: type_ for name, type_ in types.items() if type_ is not None})
        if special is None:
            return None
        try:
            plan = self._make(special)
            return self._build(plan) if _left(plan) < self._least else None
        except (GraphError, ValueError):  # what is wrong with these inputs is said by the general program
            return None


def _told(type_: Type | None, shape: Shape | None) -> Type | None:
    """The type with the columns that came; its rows stay what they were."""
    if shape is None or not isinstance(type_, Tensor) or not shape:
        return type_
    rows = type_.shape[0] if type_.shape else None
    return replace(type_, shape=(rows, *shape[1:]))


def _left(plan: Plan) -> int:
    """How many steps are on whole tensors, by NumPy or by kernels that find out what they are given in each call."""
    return sum(isinstance(step, CallStep | TensorStep) for step in plan.steps)

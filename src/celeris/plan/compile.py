"""From a model to a program that the engine runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from celeris import _core
from celeris.graph.graph import Graph, Model, Node
from celeris.graph.types import Tensor, Type, dtype_of
from celeris.interpret import Body, Scope
from celeris.passes.run import optimize
from celeris.plan.pipelines import cut
from celeris.plan.plan import CallStep, PipelineStep, Plan, Step, TensorStep, ZipMapStep
from celeris.providers.base import source
from celeris.records import Record, replace

if TYPE_CHECKING:
    from celeris.plan.bodies import Built

_WORTH_TRIMMING = 1 << 23  # bytes
_TYPE_NUMBERS = {element: dtype_of(element).num for element in ("float", "double", "int64", "int32", "bool", "string")}
_NATIVE = frozenset((*_TYPE_NUMBERS, "uint8", "float16", "int8"))  # element types that the native run checks

# Operators whose functions multiply matrices by BLAS. (Bodies are bounded node by node.)
_PRODUCTS = frozenset(
    (
        "AffineGrid", "Attention", "CausalConvWithState", "Conv", "ConvInteger", "ConvTranspose", "DeformConv", "Det",
        "Einsum", "GRU", "Gemm", "LSTM", "LinearAttention", "LinearClassifier", "LinearRegressor", "MatMul",
        "MatMulInteger", "QLinearConv", "QLinearMatMul", "RNN", "SVMClassifier", "SVMRegressor",
    )
)  # fmt: skip


class Way(Record, frozen=True):
    """How a model is compiled, and so are the bodies in it. They hold on to it: it must not hold on to a program."""

    passes: bool
    disabled: tuple[str, ...]
    threads: int | None

    def optimize(self, model: Model) -> Model:
        """The model after the passes."""
        return optimize(model, only=None if self.passes else (), without=self.disabled)

    def cut(self, model: Model) -> Plan:
        """The plan of an optimized model."""

        def body(graph: Graph, scope: Scope) -> Body:
            from celeris.plan.bodies import Bodies

            return Bodies(model, self.body, self.threads, by_shape=self.passes).body(graph, scope)

        scope = Scope(model.opsets, model.functions, body)
        plan = cut(model.graph, scope, use_native="native" not in self.disabled)
        if self.threads is not None:
            _bound(plan, self.threads)
        return plan

    def plan(self, model: Model) -> Plan:
        """The plan of a model."""
        return self.cut(self.optimize(model))

    def body(self, model: Model) -> Built:
        """The program of a body. What it gives may be what it was given: whoever shows it to a caller copies it."""
        from celeris.plan.bodies import Built

        plan = self.plan(model)
        return Built(plan, build(plan, owned=False))


class Program:
    """A model ready to run.

    `inputs` and `outputs` are (name, type) as the caller sees them; `overridable` are initializers that the caller
    may feed in place of the model's own. `plan` is for inputs of any width; `follows_widths`: those that come may get
    programs of their own.
    """

    def __init__(
        self, model: Model, *, passes: bool = True, disabled: Sequence[str] = (), threads: int | None = None
    ) -> None:
        graph = model.graph
        self.model = model
        self.overridable = [(name, graph.types[name]) for name in graph.inputs if name in graph.initializers]
        self.inputs = [(name, graph.types[name]) for name in graph.inputs if name not in graph.initializers]
        self.outputs: list[tuple[str, Type | None]] = [(name, graph.types.get(name)) for name in graph.outputs]
        self.places = {name: at for at, (name, _) in enumerate(self.outputs)}
        self._way = Way(passes, tuple(disabled), threads)
        self.optimized = self._way.optimize(model)
        fed = self.optimized
        if self.overridable:
            fed = replace(fed, graph=replace(fed.graph, inputs=[name for name, _ in self.inputs]))
        self.plan = self._way.cut(fed)
        self.core = build(self.plan, threads=threads or 1)
        open_ = "native" not in disabled and any(is_open(type_) for _, type_ in self.inputs)
        self.follows_widths = open_ and self._follow_widths()
        _pack(model.graph.nodes)
        self._overridden: dict[tuple[str, ...], Program] = {}

    def _follow_widths(self) -> bool:
        """Whether programs are made for the numbers of columns that come, this one being for all others."""
        from celeris.plan.widths import Widths, gains

        way = self._way
        if gains(self.plan, self.optimized.graph):
            self.core.widths(Widths(self.model, self.plan, way.plan, partial(build, threads=way.threads or 1)))
            return True
        return False

    def execute(
        self,
        feeds: dict[str, Any],
        output_names: Sequence[str] | None = None,
        *,
        threads: int = 0,
        trace: Callable[..., None] | None = None,
    ) -> list[Any]:
        """The values of `output_names` (all for None), from the inputs by name. NodeError where a node fails."""
        extra = [name for name, _ in self.overridable if name in feeds]
        if extra:
            return self._override(tuple(extra)).execute(feeds, output_names, threads=threads, trace=trace)
        wanted = None if output_names is None else [self.places[name] for name in output_names]
        values = [feeds.get(name) for name, _ in self.inputs]
        threads = threads or _core.available_processors()
        if trace is None:
            return self.core.run(values, wanted, threads, None)
        from celeris.plan.bodies import TRACE

        mark = TRACE.set(trace)
        try:
            return self.core.run(values, wanted, threads, trace)
        finally:
            TRACE.reset(mark)

    def _override(self, names: tuple[str, ...]) -> Program:
        """The program in which these initializers are ordinary inputs."""
        if names not in self._overridden:
            graph = self.model.graph
            kept = {name: value for name, value in graph.initializers.items() if name not in names}
            model = replace(self.model, graph=replace(graph, initializers=kept))
            way = self._way
            self._overridden[names] = Program(model, passes=way.passes, disabled=way.disabled, threads=way.threads)
        return self._overridden[names]


def is_open(type_: Type | None) -> bool:
    """Whether it is left open how many columns an input has."""
    return isinstance(type_, Tensor) and (not type_.shape or not all(isinstance(d, int) for d in type_.shape[1:]))


def compile_model(
    model: Model, *, passes: bool = True, disabled: Sequence[str] = (), threads: int | None = None
) -> Program:
    """A program for a checked model with inferred types.

    `passes` False: the graph as it is in the file. `disabled`: passes not to run; "native" stands for all kernels.
    `threads`: the most that NumPy may use for a product of matrices; None: as many as it does of its own accord.
    """
    return Program(model, passes=passes, disabled=disabled, threads=threads)


def _bound(plan: Plan, threads: int) -> None:
    """What multiplies matrices in NumPy does it on so many threads."""
    for step in plan.steps:
        if isinstance(step, CallStep) and _may_multiply(step.node):
            from celeris.blas import bounded

            step.function = bounded(step.function, threads)
        elif isinstance(step, PipelineStep) and any(map(_may_multiply, step.nodes)):
            step.fallback = _bounded_fallback(step.fallback, threads)


def _bounded_fallback(function: Callable[..., Any], threads: int) -> Callable[..., Any]:
    """The function with its bound, which is found when it runs: most fallbacks never do."""

    def fallback(*values: Any) -> Any:
        from celeris.blas import bounded

        return bounded(function, threads)(*values)

    return fallback


def _may_multiply(node: Node) -> bool:
    """Whether the reference tier may use BLAS for it: operators of ONNX that never do are spared what a bound costs."""
    return node.domain not in ("", "ai.onnx.ml") or node.op_type in _PRODUCTS


def _pack(nodes: Sequence[Node]) -> None:
    """Attributes of forests take few bytes from now on: kernels hold them in their own way, and little asks again."""
    freed = 0
    for node in nodes:
        if node.op_type.startswith("TreeEnsemble") and node.domain == "ai.onnx.ml":
            from celeris.ops.trees import packed

            for attribute in node.attributes.values():
                freed += getattr(attribute.value, "nbytes", 0)
                attribute.value = packed(attribute.value)
    if freed > _WORTH_TRIMMING:
        _core.trim_memory()


def build(plan: Plan, *, owned: bool = True, threads: int = 1) -> _core.Program:
    """The plan as the engine holds it: names become slots. The plan loses its kernels' parameters.

    `owned`: no result shares memory with the inputs, the constants or another result. `threads`: that make the kernels.
    """
    borrowed = {*plan.inputs, *plan.constants} if owned else set()
    outputs = [f"\0out {name}" if name in borrowed else name for name in plan.outputs]
    wired = [name for step in plan.steps for names in (step.inputs, step.outputs) for name in names]
    names = dict.fromkeys(filter(None, (*plan.inputs, *plan.constants, *wired, *outputs)))
    slots = {name: at for at, name in enumerate(names)} | {"": -1}
    slot = slots.__getitem__
    core = _core.Program(len(names), [slot(name) for name in plan.inputs], [slot(name) for name in outputs], threads)
    for name, value in plan.constants.items():
        core.constant(slot(name), value)
    release = _releases(plan)
    for step, gone in zip(plan.steps, release, strict=True):
        _add(core, step, slot, [slot(name) for name in gone], set(plan.outputs) if owned else set())
    for name, out in dict(zip(plan.outputs, outputs, strict=True)).items():
        if name in borrowed:
            node = Node("Identity", [name], [name])
            copy = CallStep(node, [name], [name], lambda value: (_owned(value, (value,)),))
            core.call(copy.function, [slot(name)], [slot(out)], [], copy)
    core.finish()
    return core


def _releases(plan: Plan) -> list[list[str]]:
    """For each step, the values that are not read after it."""
    kept = {*plan.outputs, *plan.constants, *plan.inputs, ""}
    last = {name: at for at, step in enumerate(plan.steps) for name in (*step.inputs, *step.outputs)}
    release: list[list[str]] = [[] for _ in plan.steps]
    for name, at in last.items():
        if name not in kept:
            release[at].append(name)
    return release


def _add(core: _core.Program, step: Step, slot: Callable[[str], int], release: list[int], outputs: set[str]) -> None:
    if isinstance(step, ZipMapStep):
        core.zipmap(slot(step.inputs[0]), slot(step.outputs[0]), step.keys, step.columns, step.fallback, release, step)
    elif isinstance(step, TensorStep):
        places = [slot(n) for n in step.inputs], [slot(n) for n in step.outputs]
        core.tensor(step.kernel, step.params, step.fallback, *places, release, step)
    elif isinstance(step, CallStep):
        function = _owning(step.function) if outputs.intersection(step.outputs) else step.function
        core.call(function, [slot(n) for n in step.inputs], [slot(n) for n in step.outputs], release, step)
    else:
        _add_pipeline(core, step, slot, release)


def _add_pipeline(core: _core.Program, step: PipelineStep, slot: Callable[[str], int], release: list[int]) -> None:
    read = {name: source(step.aliases, name) for name in step.aliases}  # under another name
    called = [name for call in step.kernels for names in (call.inputs, call.outputs) for name in names]
    wired = dict.fromkeys((*step.inputs, *[read.get(name, name) for name in called]))
    registers = {name: at for at, name in enumerate(wired)}
    places = registers | {name: registers[at] for name, at in read.items() if at in registers}

    def port(name: str) -> tuple[int, int, list[int], int]:
        rows = step.rows[name]
        return slot(name), _TYPE_NUMBERS[rows.element], list(rows.tail), rows.axis

    kernels = [
        (call.kernel, call.params, [places[name] for name in call.inputs], [registers[name] for name in call.outputs])
        for call in step.kernels
    ]
    core.pipeline(
        [(step.rows[name].element, step.rows[name].width) for name in wired],
        [registers[name] for name in step.inputs],
        kernels,
        [places[name] for name in step.outputs],
        [port(name) for name in step.inputs],
        [port(name) for name in step.outputs],
        step.fallback,
        release,
        step,
    )
    for call in step.kernels:
        call.params.clear()  # the kernel has what it needs, and they may be large


def _owning(function: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """The function, its results independent of its arguments and of one another's memory."""

    def owning(*values: Any) -> tuple[Any, ...]:
        return tuple(_owned(result, values) for result in function(*values))

    return owning


def _owned(value: Any, arguments: tuple[Any, ...]) -> Any:
    if isinstance(value, np.ndarray):
        mine = value.flags.owndata and value.flags.c_contiguous and value.flags.writeable
        if mine and not any(value is argument for argument in arguments):
            return value
        return np.array(value, order="C", copy=True, subok=False)
    if isinstance(value, list):
        return [_owned(v, ()) if isinstance(v, np.ndarray) else v for v in value]
    return value


def input_ports(inputs: list[tuple[str, Type]]) -> list[tuple[str, int, tuple[int, ...] | None]]:
    """What the native run checks of each input: (name, NumPy type number or -1, dims with -1 for any, or None)."""
    ports: list[tuple[str, int, tuple[int, ...] | None]] = []
    for name, type_ in inputs:
        if not isinstance(type_, Tensor) or type_.element not in _NATIVE:
            ports.append((name, -1, None))
            continue
        shape = None if not type_.shape else tuple(d if isinstance(d, int) else -1 for d in type_.shape)
        ports.append((name, dtype_of(type_.element).num, shape))
    return ports

"""One model, loaded and ready to run: what `InferenceSession` holds as `_sess`, public as the state module's class.

Every way of running ends in `LoadedModel.execute`; the ways differ in what they accept and in how they word a refusal.
Most runs are native and come by none of them: what they alone need is imported there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from celeris import _core
from celeris.enums import GraphOptimizationLevel
from celeris.environment import CPU, has_global_thread_pool, log
from celeris.errors import InvalidArgument, advised, error, from_graph, from_node, from_reader
from celeris.graph.check import GraphError, check
from celeris.graph.infer import infer
from celeris.graph.types import Optional, Tensor, Type
from celeris.interpret import NodeError
from celeris.metadata import AssignedNode, AssignedSubgraph, ModelMetadata, NodeArg
from celeris.options import RunOptions, SessionOptions
from celeris.plan.compile import compile_model
from celeris.provider_names import in_use
from celeris.reader import ReadError, read

if TYPE_CHECKING:
    from celeris.devices import Device, OrtEpDevice, OrtMemoryInfo
    from celeris.feeds import Fed
    from celeris.graph.graph import Model
    from celeris.ortvalue import OrtValueVector
    from celeris.plan.plan import Step
    from celeris.profiling import Profile
    from celeris.values import Value


# Operators of ai.onnx.ml whose shapes onnxruntime does not infer; TreeEnsembleRegressor's from version 3 on.
_UNRULED = {
    "FeatureVectorizer", "Imputer", "LinearRegressor", "Normalizer", "SVMClassifier", "SVMRegressor", "Scaler",
    "TreeEnsembleRegressor",
}  # fmt: skip


class Terminated(Exception):
    """RunOptions.terminate became true during a run."""

    def __init__(self) -> None:
        super().__init__("Exiting due to terminate flag being set to true.")


class LoadedModel:
    """A model and the program made of it. Immutable once `initialize_session` has returned."""

    def __init__(self, options: SessionOptions, source: str | bytes, is_path: bool, read_config: bool = False) -> None:
        if not isinstance(options, SessionOptions):
            raise TypeError(f"sess_options: expected a SessionOptions, got {type(options).__name__}")
        if has_global_thread_pool() == options.use_per_session_threads:
            raise RuntimeError(
                "use_per_session_threads must be false when using a global thread pool"
                if has_global_thread_pool()
                else "When the session is not configured to use per session threadpools, the env must be created "
                "with the the CreateEnvWithGlobalThreadPools API."
            )
        if options.load_cancelled:
            raise error("MODEL_LOAD_CANCELED", "Model loading was canceled by the caller")
        self.session_options = options.copied()
        self._path = os.fspath(source) if is_path and not isinstance(source, bytes) else None
        self._profile: Profile | None = None
        if options.enable_profiling:
            from celeris.profiling import Profile

            self._profile = Profile(options.profile_file_prefix)
        self._providers: list[str] = []
        self._provider_options: dict[str, dict[str, str]] = {}
        self.threads = max(int(options.intra_op_num_threads), 0) or _core.available_processors()
        start = time.time_ns()
        self._model = self._load(source)
        self._note("model_loading_uri" if self._path else "model_loading_array", start)

    def _load(self, source: str | bytes) -> Model:
        options = self.session_options
        overrides = options._overrides
        try:
            model = read(source, threads=self.threads)
            if options.changes_models:
                from celeris.given import replace_initializers, sizes_by_name

                replace_initializers(model, options)
                overrides = {**sizes_by_name(model, options._size_of_denotation), **overrides}
            check(model)
            self._declared = {name: model.graph.types.get(name) for name in model.graph.outputs}
            infer(model, overrides=overrides, threads=self.threads)
        except ReadError as problem:
            raise from_reader(problem.kind, problem.text, self._path) from problem
        except GraphError as problem:
            raise from_graph(problem.code, problem.text, self._path) from problem
        return model

    def initialize_session(
        self, providers: Sequence[str], provider_options: Sequence[Mapping[str, str]], disabled: set[str]
    ) -> None:
        """Makes the program; RuntimeError for a provider that nobody knows."""
        self._providers = in_use(providers)
        self._provider_options = {name: {} for name in sorted(self._providers, reverse=True)}
        if not all(isinstance(name, str) for name in disabled):
            raise TypeError(f"disabled_optimizers: expected names of type str, got {sorted(map(repr, disabled))}")
        start = time.time_ns()
        passes = self.session_options.graph_optimization_level != GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._program = compile_model(self._model, passes=passes, disabled=sorted(disabled), threads=self.threads)
        except ValueError as problem:  # parameters that no kernel accepts: the model's fault, not a provider's
            raise error("FAIL", str(problem)) from problem
        except GraphError as problem:
            raise from_graph(problem.code, problem.text, self._path) from problem
        steps = self._program.plan.steps
        self._stops = len(steps) > 1 or any(getattr(step, "bodies", None) for step in steps)  # a run may, between steps
        # Asked for once: finding out how many processors there are takes longer than a small model.
        self._inputs: dict[str, Type] = dict(self._program.inputs)
        self._known: dict[str, Type] = {**self._inputs, **dict(self._program.overridable)}
        self._outputs: dict[str, Type | None] = dict(self._program.outputs)
        self._save_optimized()
        self._note("session_initialization", start)

    def _save_optimized(self) -> None:
        path = self.session_options.optimized_model_filepath
        if not path:
            return
        from celeris.writer import write

        try:
            with open(path, "wb") as file:
                file.write(write(self._program.optimized))
        except OSError as problem:
            raise InvalidArgument(f"SystemError : {problem.errno}") from problem

    # What it tells of itself.

    @property
    def inputs_meta(self) -> list[NodeArg]:
        return [NodeArg.of(name, type_) for name, type_ in self._program.inputs]

    @property
    def outputs_meta(self) -> list[NodeArg]:
        return [NodeArg.of(name, self._shown(name, type_)) for name, type_ in self._program.outputs]

    def _shown(self, name: str, known: Type | None) -> Type | None:
        """The output's type as onnxruntime shows it: as declared, where it has no rule to find a contradiction by."""
        declared = self._declared.get(name)
        if not isinstance(declared, Tensor) or not isinstance(known, Tensor) or not declared.shape:
            return known
        if known.shape == declared.shape or (
            known.shape is not None
            and all(b is not None or a is None for a, b in zip(declared.shape, known.shape, strict=True))
        ):
            return known
        maker = next((node for node in self._model.graph.nodes if name in node.outputs), None)
        ruled = maker is None or maker.domain != "ai.onnx.ml" or maker.op_type not in _UNRULED
        if maker is not None and maker.op_type == "TreeEnsembleRegressor":
            ruled = self._model.opsets.get("ai.onnx.ml", 1) >= 3
        return known if ruled else declared

    @property
    def overridable_initializers(self) -> list[NodeArg]:
        return [NodeArg.of(name, type_) for name, type_ in self._program.overridable]

    @property
    def model_meta(self) -> ModelMetadata:
        return ModelMetadata.of(self._model)

    @property
    def input_meminfos(self) -> list[OrtMemoryInfo]:
        from celeris.devices import cpu_memory_info

        return [cpu_memory_info() for _ in self._inputs]

    @property
    def output_meminfos(self) -> list[OrtMemoryInfo]:
        from celeris.devices import cpu_memory_info

        return [cpu_memory_info() for _ in self._outputs]

    @property
    def input_epdevices(self) -> list[OrtEpDevice]:
        from celeris.devices import get_ep_devices

        return [get_ep_devices()[0] for _ in self._inputs]

    @property
    def get_profiling_start_time_ns(self) -> int:
        return self._profile.start_ns if self._profile else 0

    def get_providers(self) -> list[str]:
        return list(self._providers)

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return {name: dict(options) for name, options in self._provider_options.items()}

    def get_provider_graph_assignment_info(self) -> list[AssignedSubgraph]:
        """The nodes of the CPU provider, where recording was asked for."""
        key = "session.record_ep_graph_assignment_info"
        if self.session_options.entry(key) != "1":
            raise error(
                "FAIL",
                f"Session configuration entry '{key}' must be set to \"1\" to retrieve EP graph assignment "
                "information.",
            )
        nodes = self._program.optimized.graph.nodes
        return [AssignedSubgraph(CPU, [AssignedNode(node.name, node.domain, node.op_type) for node in nodes])]

    def get_tuning_results(self) -> list[dict[str, Any]]:
        return []

    def set_tuning_results(self, results: list[dict[str, Any]], error_on_invalid: bool = False) -> None:
        """Accepted: the CPU has nothing to tune."""

    def set_ep_dynamic_options(self, options: Mapping[str, str]) -> None:
        """Accepted: the CPU has no options."""
        if not isinstance(options, dict):
            raise TypeError(f"set_ep_dynamic_options: expected a dict, got {type(options).__name__}")
        if not options:
            raise RuntimeError("No options were provided")

    def release_captured_graph(self, graph_annotation_id: int) -> None:
        """Nothing: graphs are captured on GPUs only."""

    def is_webgpu_graph_capture_enabled(self) -> bool:
        return False

    def create_ortvalue_from_shape_and_type(self, shape: Sequence[int], kind: Any, device: Device) -> Value:
        from celeris.values import Value

        return Value.ortvalue_from_shape_and_type(shape, kind, device)

    def create_ortvalue_from_shape_and_onnx_type(self, shape: Sequence[int], kind: int, device: Device) -> Value:
        from celeris.values import Value

        return Value.ortvalue_from_shape_and_onnx_type(shape, kind, device)

    def end_profiling(self) -> str:
        """Writes the profile and gives its file name; '' where there is none, or it was written before."""
        return self._profile.end() if self._profile else ""

    def __del__(self) -> None:
        if getattr(self, "_profile", None):
            self.end_profiling()

    def _note(self, event: str, start_ns: int) -> None:
        if self._profile:
            self._profile.session(event, start_ns, time.time_ns())

    # Runs.

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, Any], run_options: RunOptions | None = None
    ) -> list[Any]:
        """The wanted outputs as Python values."""
        from celeris.values import to_python

        names, fed = self.prepare(output_names, input_feed, run_options)
        return [to_python(value) for value in self.execute(names, fed, run_options)]

    def prepare(
        self, output_names: Any, input_feed: Mapping[str, Any], run_options: RunOptions | None
    ) -> tuple[list[str], dict[str, Fed]]:
        """Names as str, objects converted; nothing compared with the model yet."""
        from celeris import feeds as feeding

        if run_options is not None and not isinstance(run_options, RunOptions):
            raise TypeError(f"run_options: expected a RunOptions, got {type(run_options).__name__}")
        names = feeding.names_of(output_names)
        feed = feeding.feed_of(input_feed)
        return names, {name: feeding.convert(name, given, self._known.get(name)) for name, given in feed.items()}

    def run_with_ort_values(
        self, feed: Mapping[str, Value], output_names: Sequence[str], run_options: RunOptions | None = None
    ) -> OrtValueVector:
        """The wanted outputs as values of the state module's class."""
        from celeris import feeds as feeding
        from celeris.ortvalue import OrtValueVector

        names = feeding.names_of(output_names)
        fed = {name: feeding.of_value(value) for name, value in feed.items()}
        return OrtValueVector(self.values_of(names, self.execute(names, fed, run_options)))

    def run_with_ortvaluevector(
        self,
        run_options: RunOptions,
        feed_names: Sequence[str],
        feeds: Sequence[Value],
        fetch_names: Sequence[str],
        fetches: OrtValueVector,
        fetch_devices: Sequence[Device],
    ) -> None:
        """Fills `fetches` with the wanted outputs."""
        if not isinstance(run_options, RunOptions):
            raise TypeError(f"run_options: expected a RunOptions, got {type(run_options).__name__}")
        feed = dict(zip(feed_names, feeds, strict=True))
        fetches._values[:] = self.run_with_ort_values(feed, fetch_names, run_options)

    def run_with_iobinding(self, binding: Any, run_options: RunOptions | None = None) -> None:
        """Runs a binding; every failure is a RuntimeError, as it is there."""
        binding.run(run_options)

    def run_async(
        self,
        output_names: Any,
        input_feed: Mapping[str, Any],
        callback: Callable[[list[Any], Any, str], None],
        user_data: Any,
        run_options: RunOptions | None = None,
    ) -> None:
        """Runs on another thread and calls `callback(results, user_data, problem)` there."""
        from celeris.asynchronous import submit
        from celeris.values import to_python

        if not callable(callback):
            raise TypeError(f"callback: expected a function, got {type(callback).__name__}")
        names, fed = self.prepare(output_names, input_feed, run_options)
        if self.session_options.intra_op_num_threads == 1:
            raise error("INVALID_ARGUMENT", "intra op thread pool must have at least one thread for RunAsync")
        submit(lambda: [to_python(value) for value in self.execute(names, fed, run_options)], callback, user_data)

    def values_of(self, names: Sequence[str], values: Sequence[Any]) -> list[Value]:
        """Results of `execute` with their types."""
        from celeris.values import Value

        return [Value.of(value, self._outputs[name]) for name, value in zip(names, values, strict=True)]

    def execute(self, names: Sequence[str], fed: Mapping[str, Fed], run_options: RunOptions | None) -> list[Any]:
        """Checks names and types against the model, then runs it. The engine's values, in the order of `names`."""
        self._check(names, fed)
        start = time.time_ns()
        values = {name: item.value for name, item in fed.items() if item.type is not None}
        try:
            self._require(values)
            if run_options is not None and run_options.terminate:
                raise Terminated
            result = self._program.execute(values, names, threads=self.threads, trace=self._trace(run_options))
        except Terminated as problem:
            raise error("FAIL", str(problem)) from None
        except NodeError as problem:
            failure = from_node(problem.name, problem.op_type, problem.text)
            self._log_failure(failure, run_options)
            raise failure from problem
        self._note("SequentialExecutor::Execute", start)
        self._note("model_run", start)
        return result

    @property
    def observed(self) -> bool:
        """Whether runs are profiled, so that none may take the native way past `execute`."""
        return self._profile is not None

    def watched(self, run_options: RunOptions | None) -> bool:
        """Whether the steps of a run are timed, or may have to stop between them."""
        if self.observed:
            return True
        return run_options is not None and (run_options.terminate or self._stops)

    def _check(self, names: Sequence[str], fed: Mapping[str, Fed]) -> None:
        from celeris import feeds as feeding

        for name, item in fed.items():
            if name not in self._known and item.type is not None:
                problem = error("INVALID_ARGUMENT", f"Invalid input name: {name}")
                raise advised(problem, f"the model's inputs are {', '.join(map(repr, self._known))}")
        for name, item in fed.items():
            if name in self._known:
                feeding.check(name, item, self._known[name])
        for name in names:
            if name not in self._outputs:
                problem = error("INVALID_ARGUMENT", f"Invalid output name:{name}")
                raise advised(problem, f"the model's outputs are {', '.join(map(repr, self._outputs))}")

    def _trace(self, run_options: RunOptions | None) -> Callable[..., None] | None:
        profile = self._profile
        if not self.watched(run_options):
            return None

        from celeris.profiling import Sizes

        constants = self._program.optimized.graph.initializers if profile is not None else {}

        def trace(
            step: Step, _: int, duration_ns: int, spent: list[int], inputs: list[Any], outputs: list[Any]
        ) -> None:
            if profile is not None:
                sizes = Sizes(step, inputs, outputs, constants)
                profile.step(step, time.time_ns() - duration_ns, duration_ns, spent, sizes)
            if run_options is not None and run_options.terminate:
                raise Terminated

        return trace

    def _require(self, values: Mapping[str, Any]) -> None:
        """NodeError for the first node that lacks an input which the caller left out, or fed as None."""
        absent = {
            name for name, type_ in self._inputs.items() if name not in values and not isinstance(type_, Optional)
        }
        if absent:
            for node in self._model.graph.nodes:
                for name in node.inputs:
                    if name in absent:
                        raise NodeError(node.name, node.op_type, f"Missing Input: {name}")

    def _log_failure(self, failure: Exception, run_options: RunOptions | None) -> None:
        options = self.session_options
        level = options.log_severity_level
        if run_options is not None and run_options.log_severity_level >= 0:
            level = run_options.log_severity_level
        log(3, str(failure).split(" : ", 3)[-1], logid=options.logid, level=level, origin="run")


LoadedModel.__name__ = LoadedModel.__qualname__ = "InferenceSession"
LoadedModel.__module__ = "celeris.capi.onnxruntime_pybind11_state"

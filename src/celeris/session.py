"""InferenceSession, onnxruntime's face: arguments, fallbacks, pickling. `loading.LoadedModel` does the work.

`run` is native (`_core.SessionBase`) where the call is as it should be; every other call takes `_run_checked`, which
knows each rule and message of onnxruntime's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from celeris import _core
from celeris.environment import CPU, get_available_providers
from celeris.errors import advised
from celeris.graph.types import NUMPY_TYPES, Map, Optional, SparseTensorType, Tensor, Type
from celeris.graph.types import Sequence as SequenceType
from celeris.loading import LoadedModel
from celeris.metadata import AssignedSubgraph, ModelMetadata, NodeArg
from celeris.options import RunOptions, SessionOptions, get_default_session_options
from celeris.plan.compile import input_ports
from celeris.provider_names import Wanted, check_and_normalize_provider_args

if TYPE_CHECKING:
    from celeris.binding import IOBinding
    from celeris.devices import OrtEpDevice, OrtMemoryInfo
    from celeris.ortvalue import OrtValue, OrtValueVector

# What is made anew from the model when a session is unpickled or its providers change.
_DERIVED = (
    "_sess", "_inputs_meta", "_outputs_meta", "_overridable_initializers", "_model_meta", "_provider_options",
    "_profiling_start_time_ns",
)  # fmt: skip


class Session(_core.SessionBase):
    """What every session can do."""

    _sess: LoadedModel
    _sess_options: SessionOptions
    _inputs_meta: list[NodeArg]
    _outputs_meta: list[NodeArg]
    _overridable_initializers: list[NodeArg]
    _model_meta: ModelMetadata
    _providers: list[str]
    _provider_options: dict[str, dict[str, str]]
    _profiling_start_time_ns: int

    def __init__(self, enable_fallback: bool = True) -> None:
        self._enable_fallback = enable_fallback

    def get_session_options(self) -> SessionOptions:
        """The options in use: a copy of those the session was made with."""
        return self._sess_options

    def get_inputs(self) -> list[NodeArg]:
        """What must be fed, in the model's order."""
        return self._inputs_meta

    def get_outputs(self) -> list[NodeArg]:
        """What a run returns, in the model's order."""
        return self._outputs_meta

    def get_overridable_initializers(self) -> list[NodeArg]:
        """Inputs that have a value in the model and may be fed."""
        return self._overridable_initializers

    def get_modelmeta(self) -> ModelMetadata:
        """What the file says of itself."""
        return self._model_meta

    def get_input_memory_infos(self) -> list[OrtMemoryInfo]:
        """Where each input lies: CPU memory."""
        return self._sess.input_meminfos

    def get_output_memory_infos(self) -> list[OrtMemoryInfo]:
        """Where each output lies: CPU memory."""
        return self._sess.output_meminfos

    def get_input_epdevices(self) -> list[OrtEpDevice]:
        """The device of each input: the CPU."""
        return self._sess.input_epdevices

    def get_providers(self) -> list[str]:
        """The providers in use."""
        return self._providers

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """Their options; the CPU has none."""
        return self._provider_options

    def get_provider_graph_assignment_info(self) -> list[AssignedSubgraph]:
        """The nodes by provider; needs the configuration entry session.record_ep_graph_assignment_info."""
        return self._sess.get_provider_graph_assignment_info()

    def disable_fallback(self) -> None:
        """A failing provider raises."""
        self._enable_fallback = False

    def enable_fallback(self) -> None:
        """A failing provider is replaced by the CPU."""
        self._enable_fallback = True

    def _run_checked(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: RunOptions | None = None
    ) -> list[Any]:
        """`run` with every check, in onnxruntime's order and words."""
        from celeris import feeds as feeding
        from celeris.values import to_python

        if isinstance(run_options, RunOptions) and not self._sess.watched(run_options):  # not tried natively yet
            result = self._run_native(output_names, input_feed)
            if result is not None:
                return result
        feeding.missing(self._sess._program.inputs, list(input_feed.keys()))
        names, fed = self._sess.prepare(self._names(output_names), input_feed, run_options)
        if not self._sess.watched(run_options):
            result = self._run_native(names, {name: item.value for name, item in fed.items()})
            if result is not None:
                return result
        return [to_python(value) for value in self._sess.execute(names, fed, run_options)]

    def _names(self, output_names: Any) -> Any:
        return output_names if output_names else [each.name for each in self._outputs_meta]

    def run_async(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        callback: Callable[[list[Any], Any, str], None],
        user_data: Any,
        run_options: RunOptions | None = None,
    ) -> None:
        """`run` on another thread, which then calls `callback(results, user_data, problem)`; '' for no problem."""
        from celeris import feeds as feeding

        feeding.missing(self._sess._program.inputs, list(input_feed.keys()))
        self._sess.run_async(self._names(output_names), input_feed, callback, user_data, run_options)

    def run_with_ort_values(
        self,
        output_names: Sequence[str] | None,
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]:
        """`run` from OrtValues to OrtValues."""
        from celeris import feeds as feeding
        from celeris.ortvalue import OrtValue

        feeding.missing(self._sess._program.inputs, list(input_dict_ort_values.keys()))
        feed = {name: value._get_c_value() for name, value in input_dict_ort_values.items()}
        return [OrtValue(v) for v in self._sess.run_with_ort_values(feed, self._names(output_names), run_options)]

    def run_with_ortvaluevector(
        self,
        run_options: RunOptions,
        feed_names: Sequence[str],
        feeds: OrtValueVector,
        fetch_names: Sequence[str],
        fetches: OrtValueVector,
        fetch_devices: Sequence[Any],
    ) -> None:
        """`run` from a vector of values into another."""
        self._sess.run_with_ortvaluevector(run_options, feed_names, list(feeds), fetch_names, fetches, fetch_devices)

    def io_binding(self) -> IOBinding:
        """A new IOBinding of this session."""
        from celeris.binding import IOBinding

        return IOBinding(self)

    def run_with_iobinding(self, iobinding: IOBinding, run_options: RunOptions | None = None) -> None:
        """Runs on what is bound; failures are RuntimeErrors."""
        if iobinding._session is not self._sess:
            raise ValueError("IOBinding must be used with the session that created it.")
        self._sess.run_with_iobinding(iobinding._iobinding, run_options)

    def create_ortvalue_from_shape_and_type(
        self, shape: Sequence[int], element_type: Any, device_type: str, device_id: int = 0, vendor_id: int = -1
    ) -> OrtValue:
        """An uninitialised tensor."""
        from celeris.devices import OrtDevice
        from celeris.ortvalue import OrtValue

        device = OrtDevice.make(device_type, device_id, vendor_id)._get_c_device()
        if isinstance(element_type, int):
            return OrtValue(self._sess.create_ortvalue_from_shape_and_onnx_type(shape, element_type, device))
        return OrtValue(self._sess.create_ortvalue_from_shape_and_type(shape, element_type, device))

    def end_profiling(self) -> str:
        """Writes the profile and gives its file name; '' where profiling is off or has ended."""
        return self._sess.end_profiling()

    def get_profiling_start_time_ns(self) -> int:
        """When profiling began, in nanoseconds of the clock on the wall; 0 where it is off."""
        return self._sess.get_profiling_start_time_ns

    def get_tuning_results(self) -> list[dict[str, Any]]:
        """None: the CPU has nothing to tune."""
        return self._sess.get_tuning_results()

    def set_tuning_results(self, results: list[dict[str, Any]], *, error_on_invalid: bool = False) -> None:
        """Accepted, without effect."""
        self._sess.set_tuning_results(results, error_on_invalid)

    def set_ep_dynamic_options(self, options: Mapping[str, str]) -> None:
        """Accepted, without effect."""
        self._sess.set_ep_dynamic_options(options)

    def release_captured_graph(self, graph_annotation_id: int = 0) -> None:
        """Nothing: graphs are captured on GPUs only."""
        self._sess.release_captured_graph(graph_annotation_id)


class InferenceSession(Session):
    """A model ready to run: `InferenceSession('model.onnx').run(None, {'X': x})`.

    Runs may come from several threads at once, in forked processes too; a session can be pickled and copied.

    Args:
        path_or_bytes: The model file, or its bytes.
        sess_options: A SessionOptions; the session keeps a copy.
        providers: Names, or pairs of a name and a dict of options. Whatever they are, the CPU runs the model: others
            are warned of, as in onnxruntime's CPU package.
        provider_options: A dict for each of the providers.
        kwargs: `disabled_optimizers`, a list of passes not to run ("native" for all kernels); `enable_fallback=0`.

    Raises:
        NoSuchFile: There is no such file.
        InvalidProtobuf: It is no ONNX model.
        InvalidGraph: It is not a legal graph, or has an operator that ONNX does not know.
        Fail: It is a model that cannot be taken: a newer IR version, external data that are not there, ...
    """

    def __init__(
        self,
        path_or_bytes: str | bytes | os.PathLike[str],
        sess_options: SessionOptions | None = None,
        providers: Wanted | None = None,
        provider_options: Sequence[dict[Any, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(enable_fallback=int(kwargs.get("enable_fallback", 1)) == 1)
        self._model_path: str | None = None
        self._model_bytes: bytes | None = None
        if isinstance(path_or_bytes, bytes):
            self._model_bytes = path_or_bytes
        elif isinstance(path_or_bytes, (str, os.PathLike)):
            self._model_path = os.fspath(path_or_bytes)
        else:
            problem = TypeError(f"Unable to load from type '{type(path_or_bytes)}'")
            raise advised(problem, "give a path, or the bytes of the file, as file.read() gives them")
        self._sess_options_initial = sess_options
        self._fallback_providers = [CPU]
        self._disabled_optimizers = kwargs.get("disabled_optimizers")
        try:
            self._create_inference_session(providers, provider_options, self._disabled_optimizers)
        except (ValueError, RuntimeError) as problem:
            if not self._enable_fallback:
                raise
            self._fall_back(problem, providers)

    def _fall_back(self, problem: Exception, providers: Any) -> None:
        """Tells what went wrong and takes the CPU, once."""
        print("*************** EP Error ***************")
        print(f"EP Error {problem} when using {providers}")
        print(f"Falling back to {self._fallback_providers} and retrying.")
        print("****************************************")
        try:
            self._create_inference_session(self._fallback_providers, None)
        except Exception as failure:
            raise failure from problem
        self.disable_fallback()

    def _create_inference_session(
        self,
        providers: Wanted | None,
        provider_options: Sequence[dict[Any, Any]] | None,
        disabled_optimizers: Any = None,
    ) -> None:
        """Loads the model and makes it ready; the session stays as it was if that fails."""
        names, options = check_and_normalize_provider_args(providers, provider_options, get_available_providers())
        chosen = self._sess_options_initial or get_default_session_options()
        if self._model_bytes is not None:
            loaded = LoadedModel(chosen, self._model_bytes, False)
        else:
            loaded = LoadedModel(chosen, self._model_path or "", True)
        loaded.initialize_session(names, options, set(disabled_optimizers or ()))
        self._take(loaded)

    def _take(self, loaded: LoadedModel) -> None:
        """Makes `loaded` the session's model, and `run` native where a call can be judged natively."""
        self._sess, self._sess_options = loaded, loaded.session_options
        self._inputs_meta, self._outputs_meta = loaded.inputs_meta, loaded.outputs_meta
        self._overridable_initializers, self._model_meta = loaded.overridable_initializers, loaded.model_meta
        self._providers, self._provider_options = loaded.get_providers(), loaded.get_provider_options()
        self._profiling_start_time_ns = loaded.get_profiling_start_time_ns
        self._disconnect()
        program = loaded._program
        if not loaded.observed and all(_plain(type_) for _, type_ in program.outputs):
            names = [name for name, _ in program.outputs]
            self._connect(program.core, input_ports(program.inputs), names, loaded.threads)

    def set_providers(
        self, providers: Wanted | None = None, provider_options: Sequence[dict[Any, Any]] | None = None
    ) -> None:
        """Loads the model again for these providers; a session that cannot be made leaves this one as it was."""
        self._create_inference_session(providers, provider_options)

    def __getstate__(self) -> dict[str, Any]:
        """The model's bytes, the options and the caller's own attributes."""
        state = {name: value for name, value in vars(self).items() if name not in _DERIVED}
        if self._model_bytes is None:
            from celeris.writer import write

            state["_model_bytes"] = write(self._sess._model)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        path = state["_model_path"]
        self.__dict__.update(state, _model_path=None)
        self._create_inference_session(self._providers, None, self._disabled_optimizers)
        if path is not None:
            self._model_path, self._model_bytes = path, state["_model_bytes"]


def _plain(type_: Type | None) -> bool:
    """Whether values of the type are given to the caller as the engine makes them."""
    if isinstance(type_, Tensor):
        return type_.element == "string" or type_.element in NUMPY_TYPES
    if isinstance(type_, (SequenceType, Optional)):
        return _plain(type_.element)
    return isinstance(type_, Map) and not isinstance(type_, SparseTensorType)

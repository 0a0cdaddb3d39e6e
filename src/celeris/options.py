"""SessionOptions and RunOptions: what a session and a run can be told, checked at assignment as onnxruntime does."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from celeris.enums import Enum, ExecutionMode, ExecutionOrder, GraphOptimizationLevel
from celeris.errors import error

_MODULE = "celeris.capi.onnxruntime_pybind11_state"
_LONGEST_KEY = 1024
_INT32 = range(-(2**31), 2**31)


def _integer(name: str, value: Any) -> int:
    if isinstance(value, (str, bytes, float)) or not hasattr(value, "__int__"):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    number = int(value)
    if number not in _INT32:
        raise TypeError(f"{name}: expected an integer of 32 bits, got {value!r}")
    return number


def _truth(name: str, value: Any) -> bool:
    if value is not None and not hasattr(value, "__bool__"):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a str, got {value!r}")
    return str(value)


def _member(cls: type[Enum]) -> Callable[[str, Any], Enum]:
    def check(name: str, value: Any) -> Enum:
        if not isinstance(value, cls):
            raise TypeError(f"{name}: expected a {cls.__name__}, got {value!r}; use {cls.__name__}.<member>")
        return value

    return check


class _Field:
    """An attribute with a default and a check, kept in the instance's `_values`."""

    def __init__(self, default: Any, check: Callable[[str, Any], Any], doc: str) -> None:
        self.default, self.check, self.__doc__ = default, check, doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else instance._values.get(self.name, self.default)

    def __set__(self, instance: Any, value: Any) -> None:
        instance._values[self.name] = self.check(self.name, value)


class _Options:
    """Fields and configuration entries; attributes that are not fields do not exist."""

    __slots__ = ("_entries", "_values")

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._entries: dict[str, str] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            object.__setattr__(self, name, value)
        except AttributeError as problem:
            import difflib

            near = difflib.get_close_matches(name, [n for n in dir(type(self)) if not n.startswith("_")], 1)
            if hasattr(type(self), name) or not near:
                raise
            raise AttributeError(f"{problem}; did you mean '{near[0]}'?") from None

    def _add_entry(self, key: str, value: str) -> None:
        key, value = _text("key", key), _text("value", value)
        if not key or len(key) > _LONGEST_KEY:
            raise RuntimeError(f"Config key is empty or longer than maximum length {_LONGEST_KEY}")
        self._entries[key] = value

    def _get_entry(self, key: str) -> str:
        if _text("key", key) not in self._entries:
            raise RuntimeError(f"{type(self).__name__} does not have configuration with key: {key}")
        return self._entries[key]


class SessionOptions(_Options):
    """How a session is made: threads, rewrites of the graph, logging, profiling, configuration entries."""

    __slots__ = ("_external", "_files", "_initializers", "_overrides", "_providers", "_size_of_denotation")

    intra_op_num_threads = _Field(0, _integer, "Threads inside operators; 0: as many as the process may use.")
    inter_op_num_threads = _Field(0, _integer, "Threads across operators; accepted, Celeris has one pool.")
    graph_optimization_level = _Field(
        GraphOptimizationLevel.ORT_ENABLE_ALL,
        _member(GraphOptimizationLevel),
        "How much the graph is rewritten; ORT_DISABLE_ALL: not at all. Results are equal.",
    )
    execution_mode = _Field(ExecutionMode.ORT_SEQUENTIAL, _member(ExecutionMode), "Accepted; Celeris decides itself.")
    execution_order = _Field(ExecutionOrder.DEFAULT, _member(ExecutionOrder), "Accepted; Celeris decides itself.")
    log_severity_level = _Field(-1, _integer, "Least severity logged, 0 to 4; -1: the default logger's.")
    log_verbosity_level = _Field(0, _integer, "Accepted; Celeris has no debug log.")
    logid = _Field("", _text, "A name shown in the session's log lines.")
    enable_cpu_mem_arena = _Field(True, _truth, "Accepted; Celeris has no growing arena.")
    enable_mem_pattern = _Field(True, _truth, "Accepted; memory is planned always.")
    enable_mem_reuse = _Field(True, _truth, "Accepted; memory is reused always.")
    enable_profiling = _Field(False, _truth, "Write a JSON profile of the session's runs.")
    profile_file_prefix = _Field("onnxruntime_profile_", _text, "How the profile's file name begins.")
    optimized_model_filepath = _Field("", _text, "Where to write the rewritten model, as ONNX; '': nowhere.")
    use_per_session_threads = _Field(True, _truth, "False: the global pool, after set_global_thread_pool_sizes.")
    use_deterministic_compute = _Field(False, _truth, "Accepted; Celeris is deterministic always.")

    def __init__(self) -> None:
        super().__init__()
        self._initializers: dict[str, Any] = {}
        self._external: dict[str, Any] = {}
        self._files: dict[str, bytes] = {}
        self._overrides: dict[str, int] = {}
        self._size_of_denotation: dict[str, int] = {}
        self._providers: list[tuple[str, dict[str, str]]] = []

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Sets a configuration entry; keys that Celeris does not know are kept and have no effect."""
        self._add_entry(key, value)

    def get_session_config_entry(self, key: str) -> str:
        """The entry's value; RuntimeError where there is none."""
        return self._get_entry(key)

    def add_free_dimension_override_by_name(self, name: str, size: int) -> None:
        """Fixes the symbolic dimension `name` to `size`; names that the model does not have are ignored."""
        self._overrides[_text("name", name)] = operator.index(size)

    def add_free_dimension_override_by_denotation(self, denotation: str, size: int) -> None:
        """Fixes the dimensions with that denotation to `size`."""
        self._size_of_denotation[_text("denotation", denotation)] = operator.index(size)

    def add_initializer(self, name: str, value: Any) -> None:
        """Replaces the model's initializer `name` by the tensor of an OrtValue, which is kept alive."""
        self._initializers[_text("name", name)] = _array_of(value)

    def add_external_initializers(self, names: list[str], values: list[Any]) -> None:
        """Gives the model's initializers whose data lie in other files."""
        if len(names) != len(values):
            raise RuntimeError(f"Expecting names and values to have same length, got {len(names)} and {len(values)}")
        for name, value in zip(names, values, strict=True):
            self._external[_text("name", name)] = _array_of(value)

    def add_external_initializers_from_files_in_memory(
        self, names: Sequence[str], buffers: Sequence[Any], sizes: Sequence[int]
    ) -> None:
        """Gives the contents of the files that the model's initializers point to."""
        if not len(names) == len(buffers) == len(sizes):
            raise RuntimeError("Expecting names, buffers and lengths to have the same length")
        for name, buffer, size in zip(names, buffers, sizes, strict=True):
            self._files[_text("name", name)] = bytes(memoryview(buffer)[: operator.index(size)])

    def register_custom_ops_library(self, path: str) -> None:
        """Refuses: Celeris has no interface for compiled operators of onnxruntime."""
        path = _text("path", path)
        if not os.path.exists(path):
            raise error(
                "FAIL",
                f"Failed to load library {path} with error: {path}: cannot open shared object file: "
                "No such file or directory",
            )
        raise error(
            "FAIL", f"Failed to load library {path} with error: Celeris has no interface for custom operator libraries"
        )

    def add_provider(self, name: str, options: Mapping[str, str]) -> None:
        """Accepts the CPU provider; any other is not built in."""
        if _text("name", name) != "CPUExecutionProvider":
            raise error("FAIL", f"Failed to find provider {name}: Celeris runs on the CPU only")
        self._providers.append((name, dict(options)))

    def add_provider_for_devices(self, devices: Sequence[Any], options: Mapping[str, str]) -> None:
        """Accepts devices of get_ep_devices()."""
        if not devices:
            raise error("INVALID_ARGUMENT", "Must specify at least one EP device")
        self._providers.append((devices[0].ep_name, dict(options)))

    def has_providers(self) -> bool:
        """Whether providers were added here."""
        return bool(self._providers)

    def set_provider_selection_policy(self, policy: Any) -> None:
        """Accepted: there is one device to choose."""

    def set_provider_selection_policy_delegate(self, delegate: Callable[..., Any]) -> None:
        """Accepted: there is one device to choose."""

    def set_load_cancellation_flag(self, flag: bool) -> None:
        """True: a session made with these options raises ModelLoadCanceled."""
        self._values["load_cancelled"] = _truth("flag", flag)

    def set_ep_context_data_read_func(self, read_func: Callable[..., Any], max_data_size: int) -> None:
        """Accepted: no provider has context data."""

    def clear_ep_context_data_read_func(self) -> None:
        """Accepted: no provider has context data."""

    @property
    def load_cancelled(self) -> bool:
        """Whether loading is cancelled."""
        return bool(self._values.get("load_cancelled", False))

    @property
    def changes_models(self) -> bool:
        """Whether a model gets tensors or sizes from these options (but for sizes by name)."""
        return bool(self._initializers or self._external or self._size_of_denotation)

    def entry(self, key: str, default: str = "") -> str:
        """A configuration entry, or `default`."""
        return self._entries.get(key, default)

    def copied(self) -> SessionOptions:
        """A copy that later changes do not reach; tensors are shared."""
        other = SessionOptions.__new__(SessionOptions)
        for slot in _SLOTS:
            object.__setattr__(other, slot, getattr(self, slot).copy())
        return other


_SLOTS = (*_Options.__slots__, *SessionOptions.__slots__)


class RunOptions(_Options):
    """How one run is made."""

    __slots__ = ("_adapters",)

    log_severity_level = _Field(-1, _integer, "Least severity logged, 0 to 4; -1: the session's.")
    log_verbosity_level = _Field(0, _integer, "Accepted; Celeris has no debug log.")
    logid = _Field("", _text, "A name shown in the run's log lines.")
    terminate = _Field(False, _truth, "True: runs with these options stop with Fail.")
    only_execute_path_to_fetches = _Field(False, _truth, "Accepted; only what the outputs need is run always.")

    def __init__(self) -> None:
        super().__init__()
        self._adapters: list[Any] = []

    def add_run_config_entry(self, key: str, value: str) -> None:
        """Sets a configuration entry."""
        self._add_entry(key, value)

    def get_run_config_entry(self, key: str) -> str:
        """The entry's value; RuntimeError where there is none."""
        return self._get_entry(key)

    def add_active_adapter(self, adapter: Any) -> None:
        """Feeds the adapter's parameters to the run as inputs."""
        self._adapters.append(adapter)


def _array_of(value: Any) -> np.ndarray:
    """The tensor of an OrtValue, of either class."""
    held = getattr(value, "_ortvalue", value)
    array = getattr(held, "_value", None)
    if not isinstance(array, np.ndarray):
        raise TypeError(f"initializer: expected an OrtValue with a tensor, got {type(value).__name__}")
    return array


def get_default_session_options() -> SessionOptions:
    """Options as they are when none are given."""
    return SessionOptions()


for _cls in (SessionOptions, RunOptions):
    _cls.__module__ = _MODULE

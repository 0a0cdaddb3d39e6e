"""SessionOptions and RunOptions: defaults, what is accepted, what is refused, entries; the process-wide switches."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import onnxruntime
import pytest

import celeris
from celeris.options import SessionOptions
from tests.peers import same

FIELDS = [
    name for name in dir(onnxruntime.SessionOptions()) if not callable(getattr(onnxruntime.SessionOptions(), name))
]
FIELDS = [name for name in FIELDS if not name.startswith("_")]
RUN_FIELDS = ["log_severity_level", "log_verbosity_level", "logid", "terminate", "only_execute_path_to_fetches"]
GIVEN: dict[str, Any] = {
    "0": 0, "-3": -3, "True": True, "numpy": np.int32(4), "5": 5, "1.5": 1.5, "None": None, "text": "a", "bytes": b"a",
    "list": [], "large": 10**12, "numpy bool": np.bool_(True),
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_defaults(field: str) -> None:
    same(lambda o: getattr(o.SessionOptions(), field))


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("field", FIELDS)
def test_assignment(field: str, given: str) -> None:
    def case(o: Any) -> Any:
        options = o.SessionOptions()
        setattr(options, field, GIVEN[given])
        return getattr(options, field)

    same(case)


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("field", RUN_FIELDS)
def test_run_options(field: str, given: str) -> None:
    def case(o: Any) -> Any:
        options = o.RunOptions()
        before = getattr(options, field)
        setattr(options, field, GIVEN[given])
        return [before, getattr(options, field)]

    same(case)


def entry(key: Any, value: Any) -> Any:
    def case(o: Any) -> Any:
        options = o.SessionOptions()
        options.add_session_config_entry(key, value)
        return options.get_session_config_entry(key)

    return case


def run_entry(o: Any) -> Any:
    options = o.RunOptions()
    options.add_run_config_entry("a", "b")
    return options.get_run_config_entry("a")


CASES: dict[str, Any] = {
    "entry": entry("a", "b"),
    "long value": entry("a", "b" * 5000),
    "empty key": entry("", "b"),
    "long key": entry("a" * 1025, "b"),
    "longest key": entry("a" * 1024, "b"),
    "number": entry("a", 1),
    "run entry": run_entry,
    "no such entry": lambda o: o.SessionOptions().get_session_config_entry("zz"),
    "no such run entry": lambda o: o.RunOptions().get_run_config_entry("zz"),
    "unknown field": lambda o: setattr(o.SessionOptions(), "foo", 1),
    "unknown run field": lambda o: setattr(o.RunOptions(), "foo", 1),
    "argument": lambda o: o.SessionOptions(1),
    "level": lambda o: setattr(o.SessionOptions(), "graph_optimization_level", o.ExecutionMode.ORT_PARALLEL),
    "providers": lambda o: o.SessionOptions().has_providers(),
    "override": lambda o: o.SessionOptions().add_free_dimension_override_by_name("N", 3),
    "override by float": lambda o: o.SessionOptions().add_free_dimension_override_by_name("N", 3.5),
    "no such library": lambda o: o.SessionOptions().register_custom_ops_library("/no/such/library.so"),
    "severity": lambda o: o.set_default_logger_severity(4),
    "bad severity": lambda o: o.set_default_logger_severity(7),
    "severity as text": lambda o: o.set_default_logger_severity("x"),
    "verbosity": lambda o: o.set_default_logger_verbosity(0),
    "seed": lambda o: o.set_seed(3),
    "telemetry": lambda o: [o.enable_telemetry_events(), o.disable_telemetry_events()],
    "version": lambda o: o.get_version_string(),
    "device": lambda o: o.get_device(),
    "available": lambda o: o.get_available_providers(),
    "all": lambda o: o.get_all_providers(),
    "collective": lambda o: o.has_collective_ops(),
    "preload": lambda o: o.preload_dlls(),
    "package": lambda o: [o.package_name, o.version, o.cuda_version, o.import_capi_exception],
    "validation": lambda o: o.onnxruntime_validation.get_package_name_and_version_info(),
    "default options": lambda o: type(o.capi.onnxruntime_pybind11_state.get_default_session_options()).__name__,
}


@pytest.mark.parametrize("name", CASES)
def test_as_onnxruntime(name: str) -> None:
    same(CASES[name], text=name not in ("unknown field", "unknown run field"))


def test_every_name_of_the_options_is_there() -> None:
    for cls in ("SessionOptions", "RunOptions"):
        theirs = {name for name in dir(getattr(onnxruntime, cls)) if not name.startswith("_")}
        assert theirs <= set(dir(getattr(celeris, cls)))


def test_copies_keep_everything() -> None:
    options = SessionOptions()
    options.intra_op_num_threads = 3
    options.add_session_config_entry("a", "b")
    options.add_free_dimension_override_by_name("N", 4)
    options.add_initializer("w", celeris.OrtValue.ortvalue_from_numpy(np.ones(2, np.float32)))
    for made in (copy.deepcopy(options), pickle.loads(pickle.dumps(options)), options.copied()):
        assert made.intra_op_num_threads == 3
        assert made.get_session_config_entry("a") == "b"
        assert made._overrides == {"N": 4}
        assert made._initializers["w"].tolist() == [1, 1]
        made.intra_op_num_threads = 5
        made.add_session_config_entry("a", "c")
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("a") == "b"


def test_an_initializer_must_be_a_tensor() -> None:
    with pytest.raises(TypeError, match="expected an OrtValue with a tensor, got ndarray"):
        SessionOptions().add_initializer("w", np.ones(2))

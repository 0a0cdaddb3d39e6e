"""InferenceSession: how it is made, what it tells of the model, what its options do; held to onnxruntime."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper as h

import celeris
from tests import api_models as models
from tests.peers import same

CPU = ["CPUExecutionProvider"]
SOURCES: dict[str, Any] = {
    "bytearray": lambda data: bytearray(data), "memoryview": lambda data: memoryview(data), "None": lambda data: None,
    "proto": lambda data: onnx.load_from_string(data), "int": lambda data: 3, "list": lambda data: [data],
}  # fmt: skip


@pytest.mark.parametrize("kind", SOURCES)
def test_what_a_model_is_loaded_from(kind: str) -> None:
    same(lambda o: o.InferenceSession(SOURCES[kind](models.add())))


@pytest.mark.parametrize("as_path", [str, Path])
def test_paths(as_path: Any, tmp_path: Path) -> None:
    path = tmp_path / "add.onnx"
    path.write_bytes(models.add())

    def case(o: Any) -> Any:
        session = o.InferenceSession(as_path(path), providers=CPU)
        return [session._model_path, session._model_bytes, session.run(None, {"a": ONES, "b": ONES})]

    same(case)


ONES = np.ones(2, np.float32)
PROVIDERS: dict[str, Any] = {
    "none": None, "empty": [], "CPU": CPU, "tuple": tuple(CPU), "with options": [("CPUExecutionProvider", {"a": "1"})],
    "CUDA": ["CUDAExecutionProvider", "CPUExecutionProvider"], "only CUDA": ["CUDAExecutionProvider"],
    "unknown": ["FooExecutionProvider"], "twice": CPU * 2, "a text": "CPUExecutionProvider", "Azure and CPU": [
        "AzureExecutionProvider", "CPUExecutionProvider"], "a set": set(CPU), "pairs as lists": [["CPUExecutionProvider", {}]],
}  # fmt: skip


@pytest.mark.parametrize("given", PROVIDERS)
def test_providers(given: str) -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add(), providers=PROVIDERS[given])
        return [session.get_providers(), session.get_provider_options()]

    same(case)


@pytest.mark.parametrize("given", ["unknown", "a set"])
def test_without_fallback_a_wrong_provider_raises(given: str) -> None:
    same(lambda o: o.InferenceSession(models.add(), providers=PROVIDERS[given], enable_fallback=0))


@pytest.mark.parametrize("options", [[{}], [{"a": 1}], [{}, {}], {}, [{"arena": "1"}], [3]])
def test_provider_options(options: Any) -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add(), providers=CPU, provider_options=options)
        return [session.get_providers(), session.get_provider_options()]

    same(case)


def test_set_providers() -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add(), providers=CPU)
        session.set_providers(CPU)
        return [session.get_providers(), session.run(None, {"a": ONES, "b": ONES})]

    same(case)


def test_set_providers_to_an_unknown_one() -> None:
    same(lambda o: o.InferenceSession(models.add(), providers=CPU).set_providers(["Foo"]))


def test_a_session_survives_an_unknown_provider() -> None:
    """onnxruntime's is unusable afterwards."""
    session = celeris.InferenceSession(models.add())
    with pytest.warns(UserWarning, match="'Foo'"), pytest.raises(RuntimeError, match="Unknown Provider Type: Foo"):
        session.set_providers(["Foo"])
    assert session.run(None, {"a": ONES, "b": ONES})[0].tolist() == [2, 2]


@pytest.mark.parametrize("given", [3, "a", {}])
def test_wrong_session_options(given: Any) -> None:
    same(lambda o: o.InferenceSession(models.add(), given))


def test_unknown_keywords_are_ignored() -> None:
    same(lambda o: o.InferenceSession(models.add(), zz=3).get_providers())


def test_metadata() -> None:
    data = onnx.load_from_string(models.add())
    data.producer_name, data.domain, data.model_version, data.doc_string = "maker", "a.b", 7, "what it is"
    data.graph.doc_string = "its graph"
    h.set_model_props(data, {"classes": "a,b", "Ü": "ü"})

    def case(o: Any) -> Any:
        meta = o.InferenceSession(data.SerializeToString()).get_modelmeta()
        return [
            meta.producer_name, meta.graph_name, meta.domain, meta.description, meta.graph_description, meta.version,
            dict(sorted(meta.custom_metadata_map.items())),
        ]  # fmt: skip

    assert same(case)[5] == 7


@pytest.mark.parametrize("version", [None, 0, -1, 2**62])
def test_model_version(version: int | None) -> None:
    data = onnx.load_from_string(models.add())
    data.ClearField("model_version")
    if version is not None:
        data.model_version = version
    same(lambda o: o.InferenceSession(data.SerializeToString()).get_modelmeta().version)


@pytest.mark.parametrize("shape", [None, [], [2], ["N", 3], [None, 0], [-1, ""], ["batch", "batch"]])
@pytest.mark.parametrize("element", [T.FLOAT, T.STRING, T.BFLOAT16, T.FLOAT8E4M3FN, T.BOOL, T.UINT64])
def test_inputs_and_outputs(shape: Any, element: int) -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.identity(element, shape))
        nodes = [*session.get_inputs(), *session.get_outputs()]
        return [[n.name, n.type, n.shape, str(n)] for n in nodes]

    same(case)


def test_shapes_are_lists_of_the_caller() -> None:
    node = celeris.InferenceSession(models.add()).get_inputs()[0]
    node.shape.append(5)
    assert node.shape == [2]


@pytest.mark.parametrize("name", ["sequence", "dictionary", "optional"])
def test_other_types(name: str) -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(getattr(models, name)())
        return [str(n) for n in (*session.get_inputs(), *session.get_outputs())]

    same(case)


def test_options_in_use_are_a_copy() -> None:
    def case(o: Any) -> Any:
        options = o.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        session = o.InferenceSession(models.add(), options)
        options.log_severity_level = 4
        return [session.get_session_options().log_severity_level, session.get_session_options().intra_op_num_threads]

    same(case)


def overridable() -> bytes:
    """x + w with w an input, too, so that the caller may feed it."""
    w = onnx.numpy_helper.from_array(np.array([10, 20], np.float32), "w")
    return models.model(
        [h.make_node("Add", ["x", "w"], ["y"])],
        [models.tensor("x", T.FLOAT, [2]), models.tensor("w", T.FLOAT, [2])],
        [models.tensor("y", T.FLOAT, [2])],
        initializer=[w],
    )


@pytest.mark.parametrize("feed", [{"x": ONES}, {"x": ONES, "w": ONES}, {"w": ONES}])
def test_overridable_initializers(feed: dict[str, np.ndarray]) -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(overridable())
        return [[str(n) for n in session.get_overridable_initializers()], session.run(None, feed)]

    same(case)


@pytest.mark.parametrize("level", ["ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"])
def test_optimized_model(level: str, tmp_path: Path) -> None:
    """What is saved loads in onnxruntime, too, and answers the same."""
    path = str(tmp_path / f"{level}.onnx")
    options = celeris.SessionOptions()
    options.graph_optimization_level = getattr(celeris.GraphOptimizationLevel, level)
    options.optimized_model_filepath = path
    data = models.model(
        [
            h.make_node("Identity", ["a"], ["i"]),
            h.make_node("Add", ["i", "c"], ["s"]),
            h.make_node("Neg", ["s"], ["y"]),
        ],
        [models.tensor("a", T.FLOAT, ["N", 2])],
        [models.tensor("y", T.FLOAT, ["N", 2])],
        initializer=[onnx.numpy_helper.from_array(ONES, "c")],
    )
    session = celeris.InferenceSession(data, options)
    count = len(onnx.load(path).graph.node)
    assert count == (3 if level == "ORT_DISABLE_ALL" else 2)
    feed = {"a": np.array([[1, 2], [3, 4]], np.float32)}
    for module in (celeris, onnxruntime):
        np.testing.assert_array_equal(module.InferenceSession(path).run(None, feed)[0], session.run(None, feed)[0])


def test_optimized_model_that_cannot_be_written() -> None:
    def case(o: Any) -> Any:
        options = o.SessionOptions()
        options.optimized_model_filepath = "/no/such/folder/m.onnx"
        return o.InferenceSession(models.add(), options)

    same(case)


@pytest.mark.parametrize("given", [None, [], ["ConstantFolding"], {"zz"}, ("EliminateIdentity",), "abc", [3]])
def test_disabled_optimizers(given: Any) -> None:
    same(lambda o: o.InferenceSession(models.add(), disabled_optimizers=given).run(None, {"a": ONES, "b": ONES}))


@pytest.mark.parametrize("overrides", [{"N": 4}, {"zz": 3}, {"N": 4, "M": 2}])
def test_free_dimensions_by_name(overrides: dict[str, int]) -> None:
    def case(o: Any) -> Any:
        options = o.SessionOptions()
        for name, size in overrides.items():
            options.add_free_dimension_override_by_name(name, size)
        session = o.InferenceSession(models.identity(T.FLOAT, ["N", "M"]), options)
        shapes = [n.shape for n in (*session.get_inputs(), *session.get_outputs())]
        return [shapes, session.run(None, {"x": np.zeros((3, 2), np.float32)})]

    same(case)


def test_subclasses() -> None:
    """As insightface and others do."""

    def case(o: Any) -> Any:
        class Picky(o.InferenceSession):  # type: ignore[misc, name-defined]
            def __init__(self, data: bytes) -> None:
                super().__init__(data, providers=CPU)
                self.note = "mine"

            def run(self, names: Any, feed: Any, options: Any = None) -> Any:
                return [self.note, *super().run(names, feed, options)]

        return Picky(models.add()).run(None, {"a": ONES, "b": ONES})

    assert same(case)[0] == "mine"


def test_small_questions() -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add())
        session.disable_fallback()
        session.enable_fallback()
        return [
            session.end_profiling(), session.get_profiling_start_time_ns(), session.get_tuning_results(),
            isinstance(session, o.InferenceSession), session._providers, type(session._sess).__name__,
        ]  # fmt: skip

    same(case)


@pytest.mark.parametrize(
    "name",
    [
        "get_available_providers", "get_all_providers", "get_device", "get_version_string", "has_collective_ops",
        "disable_telemetry_events", "enable_telemetry_events", "preload_dlls",
    ],
)  # fmt: skip
def test_module_functions(name: str) -> None:
    same(lambda o: getattr(o, name)())


def test_every_public_name_of_onnxruntime_is_there() -> None:
    """Its modules aside: which of them are there depends on what was imported before. (`capi` always is.)"""
    modules = {name for name, value in vars(onnxruntime).items() if isinstance(value, ModuleType)} - {"capi"}
    theirs = {name for name in dir(onnxruntime) if not name.startswith("_")} - modules
    assert sorted(theirs - set(dir(celeris))) == []
    assert [name for name in theirs if not hasattr(celeris, name)] == []


def test_nothing_is_written_and_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        session = celeris.InferenceSession(models.add())
        session.run(None, {"a": ONES, "b": ONES})
        del session
    finally:
        os.chdir(before)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("given", [3, 1.5, object])
def test_providers_that_are_no_list(given: Any) -> None:
    same(lambda o: o.InferenceSession(models.add(), providers=given))
    same(lambda o: o.InferenceSession(models.add(), providers=CPU).set_providers(given))


@pytest.mark.parametrize("given", [3, None, {}, np.ones(1)], ids=str)
def test_dynamic_options(given: Any) -> None:
    same(lambda o: o.InferenceSession(models.add(), providers=CPU).set_ep_dynamic_options(given))

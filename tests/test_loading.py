"""Files and bytes that are no model, limits of versions, external data, limits of the face; held to onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

import celeris
from tests import api_models as models
from tests.models import zoo
from tests.peers import same

BROKEN: dict[str, bytes] = {
    "nothing": b"", "text": b"hello, this is no model", "zeros": bytes(100), "half": models.add()[: len(models.add()) // 2],
    "one byte less": models.add()[:-1], "one byte more": models.add() + b"\xff", "pickle": b"\x80\x04\x95\x00",
    "only a version": onnx.ModelProto(ir_version=8).SerializeToString(),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_bytes(name: str, tmp_path: Path) -> None:
    """The class and text of onnxruntime; then, of damaged bytes, where and what."""
    path = tmp_path / "m.onnx"
    path.write_bytes(BROKEN[name])
    for source in (BROKEN[name], str(path)):
        with pytest.raises(Exception) as theirs:
            onnxruntime.InferenceSession(source)
        with pytest.raises(getattr(celeris.capi.onnxruntime_pybind11_state, theirs.type.__name__)) as ours:
            celeris.InferenceSession(source)
        assert str(ours.value).startswith(str(theirs.value))


@pytest.mark.parametrize("path", ["none.onnx", "/none/none.onnx", ".", "/", "a\0b"])
def test_paths_to_nothing(path: str) -> None:
    same(lambda o: o.InferenceSession(path), text="\0" not in path)


def test_every_truncation_of_a_model_is_refused_or_runs() -> None:
    """Never a crash, never another kind of exception."""
    data = zoo.classifier("logistic", 3).onnx
    state = celeris.capi.onnxruntime_pybind11_state
    for end in range(0, len(data), 7):
        try:
            celeris.InferenceSession(data[:end])
        except (state.InvalidProtobuf, state.InvalidArgument, state.Fail, state.InvalidGraph, state.NotImplemented):
            continue


def with_external(folder: Path, location: str, *, write: bool = True) -> bytes:
    """x + w, with w in a file beside the model."""
    tensor = T(name="w", data_type=T.FLOAT, dims=[2], data_location=T.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    if write:
        (folder / location).write_bytes(np.array([10, 20], np.float32).tobytes())
    return models.model(
        [h.make_node("Add", ["x", "w"], ["y"])],
        [models.tensor("x", T.FLOAT, [2])],
        [models.tensor("y", T.FLOAT, [2])],
        initializer=[tensor],
    )


def test_external_data(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(with_external(tmp_path, "w.bin"))
    feed = {"x": np.ones(2, np.float32)}
    same(lambda o: o.InferenceSession(str(tmp_path / "m.onnx")).run(None, feed))


@pytest.mark.parametrize("location", ["none.bin", "../w.bin", "/etc/passwd", "a/../../w.bin"])
def test_external_data_elsewhere(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(8))
    (folder / "m.onnx").write_bytes(with_external(folder, location, write=False))
    state = celeris.capi.onnxruntime_pybind11_state
    with pytest.raises(state.Fail, match="External data path validation failed for initializer: w"):
        celeris.InferenceSession(str(folder / "m.onnx"))


def test_external_data_through_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(8))
    (folder / "w.bin").symlink_to(tmp_path / "secret")
    (folder / "m.onnx").write_bytes(with_external(folder, "w.bin", write=False))
    with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail):
        celeris.InferenceSession(str(folder / "m.onnx"))


@pytest.mark.parametrize("ir", [3, 7, 8, 10, 13])
def test_ir_versions(ir: int) -> None:
    feed = {"a": np.ones(2, np.float32), "b": np.ones(2, np.float32)}
    same(lambda o: o.InferenceSession(models.model(*_ADD, ir=ir)).run(None, feed))


_ADD: Any = (
    [h.make_node("Add", ["a", "b"], ["y"])],
    [models.tensor("a", T.FLOAT, [2]), models.tensor("b", T.FLOAT, [2])],
    [models.tensor("y", T.FLOAT, [2])],
)


@pytest.mark.parametrize("opset", [7, 13, 17, 21, 24, 26])
def test_opsets(opset: int) -> None:
    feed = {"a": np.ones(2, np.float32), "b": np.ones(2, np.float32)}
    same(lambda o: o.InferenceSession(models.model(*_ADD, opsets={"": opset})).run(None, feed))


@pytest.mark.parametrize("opset", [27, 28])
def test_opsets_that_onnxruntime_does_not_take(opset: int) -> None:
    feed = {"a": np.ones(2, np.float32), "b": np.ones(2, np.float32)}
    session = celeris.InferenceSession(models.model(*_ADD, opsets={"": opset}))
    assert session.run(None, feed)[0].tolist() == [2, 2]


def test_an_opset_that_nobody_knows() -> None:
    with pytest.raises(
        celeris.capi.onnxruntime_pybind11_state.Fail, match="Current official support for domain ai.onnx"
    ):
        celeris.InferenceSession(models.model(*_ADD, opsets={"": 99}))


@pytest.mark.parametrize("version", [99, 15])
def test_an_ir_version_that_nobody_knows(version: int) -> None:
    with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail, match="Unsupported model IR version"):
        celeris.InferenceSession(models.model(*_ADD, ir=version))


def test_add_initializer() -> None:
    array = np.array([5, 6], np.float32)

    def case(o: Any) -> Any:
        options, value = o.SessionOptions(), o.OrtValue.ortvalue_from_numpy(array)
        options.add_initializer("w", value)
        w = numpy_helper.from_array(np.zeros(2, np.float32), "w")
        data = models.model(
            [h.make_node("Add", ["x", "w"], ["y"])],
            [models.tensor("x", T.FLOAT, [2])],
            [models.tensor("y", T.FLOAT, [2])],
            initializer=[w],
        )
        return o.InferenceSession(data, options).run(None, {"x": array})

    same(case)

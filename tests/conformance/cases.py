"""ONNX's own backend test as the onnx wheel holds it: models with inputs and the outputs expected of them.

Kinds: node (one operator or its function's expansion), simple, pytorch-converted, pytorch-operator, light (whole vision
networks with made-up weights). Cases of the training domain are left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

_DATA = Path(onnx.__file__).parent / "backend/test/data"
_FOLDERS = ("simple", "pytorch-converted", "pytorch-operator")


@dataclass(frozen=True, slots=True)
class Case:
    """A model, and pairs of inputs and expected outputs in the model's order; loaded when asked for."""

    name: str
    kind: str
    rtol: float
    atol: float
    source: Any  # a TestCase of the onnx package

    @property
    def drawn(self) -> bool:
        """The outputs are drawn at random: ONNX's come from NumPy's generator, and cannot be compared but in kind."""
        return self.name.startswith("test_bernoulli")

    def model(self) -> onnx.ModelProto:
        """The model."""
        if self.source.model is not None:
            return self.source.model
        light = self.kind == "light"
        return onnx.load(_light_path(self.source) if light else Path(self.source.model_dir, "model.onnx"))

    def data_sets(self, model: onnx.ModelProto) -> Iterator[tuple[list[Any], list[Any]]]:
        """Inputs and expected outputs."""
        if self.source.data_sets is not None:
            for inputs, outputs in self.source.data_sets:
                yield [_array(x) for x in inputs], [_array(y) for y in outputs]
        elif self.kind == "light":
            yield _light_data(self.source, model)
        else:
            for folder in sorted(Path(self.source.model_dir).glob("test_data_set*")):
                yield _load(folder, "input", model.graph.input), _load(folder, "output", model.graph.output)


def _array(value: Any) -> Any:
    value = numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
    return np.asarray(value) if isinstance(value, np.generic) else value


def _light_path(source: Any) -> Path:
    return _DATA / "light" / Path(source.url).name


def _light_data(source: Any, model: onnx.ModelProto) -> tuple[list[Any], list[Any]]:
    path = _light_path(source)
    inits = {tensor.name for tensor in model.graph.initializer}
    inputs = [
        Runner.generate_dummy_data(x, seed=0, name=source.model_name, random=False)
        for x in model.graph.input
        if x.name not in inits
    ]
    outputs = []
    for i in range(len(model.graph.output)):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((path.parent / f"{path.stem}_output_{i}.pb").read_bytes())
        outputs.append(numpy_helper.to_array(tensor))
    return inputs, outputs


def _load(folder: Path, what: str, values: Any) -> list[Any]:
    return [
        _parse((folder / f"{what}_{i}.pb").read_bytes(), value.type)
        for i, value in enumerate(values)
        if (folder / f"{what}_{i}.pb").exists()
    ]


def _parse(content: bytes, declared: onnx.TypeProto) -> Any:
    if declared.HasField("sequence_type"):
        sequence = onnx.SequenceProto()
        sequence.ParseFromString(content)
        return numpy_helper.to_list(sequence)
    if declared.HasField("optional_type"):
        optional = onnx.OptionalProto()
        optional.ParseFromString(content)
        return numpy_helper.to_optional(optional)
    tensor = onnx.TensorProto()
    tensor.ParseFromString(content)
    return numpy_helper.to_array(tensor)


@cache
def all_cases() -> dict[str, Case]:
    """Every case by its name, in the order of their names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = {kind: load_model_tests(kind=kind) for kind in ("node", *_FOLDERS)}
        loaded["light"] = load_model_tests(kind="real")
    found = {
        source.name: Case(source.name, kind, source.rtol, source.atol, source)
        for kind, sources in loaded.items()
        for source in sources
        if not _trains(source)
    }
    return dict(sorted(found.items()))


def _trains(source: Any) -> bool:
    """Cases of the training domain; the two of the simple kind are known by name, as reading every file is slow."""
    if source.model is None:
        return "gradient" in str(source.name)
    return any("training" in opset.domain for opset in source.model.opset_import)


def compare(expected: Any, got: Any, rtol: float, atol: float, drawn: bool = False) -> None:
    """As ONNX's runner compares: shapes and dtypes exactly, numbers (unless drawn) within the tolerance."""
    if isinstance(expected, list | tuple):
        assert isinstance(got, list | tuple), f"expected a sequence, got {type(got).__name__}"
        assert len(expected) == len(got), f"expected {len(expected)} elements, got {len(got)}"
        for e, g in zip(expected, got, strict=True):
            compare(e, g, rtol, atol, drawn)
        return
    if expected is None:
        assert got is None, "expected nothing"
        return
    expected, got = np.asarray(expected), np.asarray(got)
    assert got.shape == expected.shape, f"expected shape {expected.shape}, got {got.shape}"
    if expected.dtype.kind in "OUT":
        np.testing.assert_array_equal(got, expected)
        return
    assert got.dtype == expected.dtype, f"expected {expected.dtype}, got {got.dtype}"
    if drawn:
        return
    if got.dtype.name == "bfloat16":
        rtol = max(rtol, 2**-6)  # two units in its last place, as ONNX's runner allows
    if got.dtype.isbuiltin == 2:
        expected, got = expected.astype(np.float32), got.astype(np.float32)
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol)

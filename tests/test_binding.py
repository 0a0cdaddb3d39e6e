"""OrtValue and IOBinding, held to onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto as T

import celeris
from tests import api_models as models
from tests.peers import same

ONES = np.ones(2, np.float32)
ARRAYS: dict[str, Any] = {
    "float": ONES, "int": np.arange(3), "matrix": np.ones((2, 3)), "scalar": np.array(3.0, np.float32),
    "empty": np.zeros((0, 2), np.float32), "bool": np.array([True]), "half": np.ones(2, np.float16),
    "Fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "strided": np.arange(6.0)[::2], "text": np.array(["a"]),
    "objects": np.array(["a"], object), "list": [1.0, 2.0], "number": 3.0, "None": None, "complex": np.array([1j]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_from_numpy(name: str) -> None:
    def case(o: Any) -> Any:
        value = o.OrtValue.ortvalue_from_numpy(ARRAYS[name])
        return [
            value.shape(), value.data_type(), value.element_type(), value.device_name(), value.has_value(),
            value.is_tensor(), value.is_sparse_tensor(), value.is_tensor_sequence(), value.tensor_size_in_bytes(),
            value.numpy(),
        ]  # fmt: skip

    same(case)


@pytest.mark.parametrize("device", ["cpu", "CPU", "cuda", "zz", "npu"])
def test_devices(device: str) -> None:
    same(lambda o: o.OrtValue.ortvalue_from_numpy(ONES, device).device_name())


def test_memory_is_shared() -> None:
    def case(o: Any) -> Any:
        array = np.zeros(3, np.float32)
        value = o.OrtValue.ortvalue_from_numpy(array)
        array[0] = 5
        value.numpy()[1] = 6
        return [array, value.numpy(), value.data_ptr() == array.ctypes.data]

    same(case)


@pytest.mark.parametrize("element", [np.float32, "float64", np.dtype(np.int64), 1, 7, 10, 16, np.str_, "zz"])
@pytest.mark.parametrize("shape", [[2, 3], (1,), [0]])
def test_from_shape_and_type(shape: Any, element: Any) -> None:
    def case(o: Any) -> Any:
        value = o.OrtValue.ortvalue_from_shape_and_type(shape, element)
        return [value.shape(), value.data_type(), value.tensor_size_in_bytes()]

    same(case)


@pytest.mark.parametrize("given", [np.full(2, 7, np.float32), np.ones(3, np.float32)], ids=["fits", "longer"])
def test_update_inplace(given: np.ndarray) -> None:
    def case(o: Any) -> Any:
        value = o.OrtValue.ortvalue_from_numpy(np.zeros(2, np.float32))
        value.update_inplace(given)
        return value.numpy()

    same(case)


def test_protocols() -> None:
    def case(o: Any) -> Any:
        value = o.OrtValue.ortvalue_from_numpy(ONES)
        return [np.asarray(value), value.__dlpack_device__(), np.from_dlpack(value)]

    same(case)


def test_a_sequence_has_no_numpy() -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.sequence())
        value = session.run_with_ort_values(None, {"s": session.run_with_ort_values(["y"], {})[0]})
        return value[0].numpy()

    same(case)


BINDINGS: dict[str, Any] = {
    "by name": lambda o, b: (b.bind_cpu_input("a", ONES), b.bind_cpu_input("b", ONES), b.bind_output("y")),
    "values": lambda o, b: (
        b.bind_ortvalue_input("a", o.OrtValue.ortvalue_from_numpy(ONES)), b.bind_cpu_input("b", ONES), b.bind_output("y")
    ),
    "with a buffer": lambda o, b: (
        b.bind_cpu_input("a", ONES),
        b.bind_input("b", "cpu", 0, np.float32, (2,), ONES.ctypes.data),
        b.bind_output("y"),
    ),
    "unknown input": lambda o, b: b.bind_cpu_input("q", ONES),
    "text": lambda o, b: (b.bind_cpu_input("a", np.array(["a"])), b.bind_cpu_input("b", ONES), b.bind_output("y")),
    "double": lambda o, b: (b.bind_cpu_input("a", ONES.astype(float)), b.bind_cpu_input("b", ONES), b.bind_output("y")),
    "shape": lambda o, b: (
        b.bind_cpu_input("a", np.ones(3, np.float32)), b.bind_cpu_input("b", ONES), b.bind_output("y")
    ),
    "missing": lambda o, b: (b.bind_cpu_input("a", ONES), b.bind_output("y")),
    "buffer without type": lambda o, b: b.bind_output("y", "cpu", 0, None, None, 5),
}  # fmt: skip


@pytest.mark.parametrize("name", BINDINGS)
def test_bindings(name: str) -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add())
        binding = session.io_binding()
        BINDINGS[name](o, binding)
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return [[v.numpy() for v in binding.get_outputs()], binding.copy_outputs_to_cpu()]

    same(case)


def test_outputs_into_own_memory() -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add())
        binding, out = session.io_binding(), np.zeros(2, np.float32)
        binding.bind_cpu_input("a", ONES)
        binding.bind_cpu_input("b", ONES)
        binding.bind_output("y", "cpu", 0, np.float32, (2,), out.ctypes.data)
        session.run_with_iobinding(binding)
        return out

    assert same(case)[3] == "[2.0, 2.0]"


def test_bound_inputs_are_read_at_the_run() -> None:
    def case(o: Any) -> Any:
        session, x = o.InferenceSession(models.add()), np.zeros(2, np.float32)
        binding = o.IOBinding(session)
        binding.bind_cpu_input("a", x)
        binding.bind_cpu_input("b", ONES)
        binding.bind_output("y")
        x[:] = 5
        session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()

    same(case)


def test_clearing() -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add())
        binding = session.io_binding()
        binding.bind_cpu_input("a", ONES)
        binding.clear_binding_inputs()
        binding.bind_output("y")
        binding.clear_binding_outputs()
        session.run_with_iobinding(binding)

    same(case)


def test_copying_before_a_run_gives_nothing() -> None:
    """onnxruntime's process dies of it."""
    binding = celeris.InferenceSession(models.identity(T.FLOAT, [2])).io_binding()
    binding.bind_output("y")
    with pytest.raises(RuntimeError):
        binding.copy_outputs_to_cpu()


def test_a_bound_run_sees_what_is_bound_anew() -> None:
    """The second run of a binding skips the checks of the first; whatever is bound between them is checked again."""

    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add(), providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        binding.bind_output("y")
        answers: list[Any] = []
        good, wrong, long = np.array([1, 2], np.float32), np.array([1, 2], np.float64), np.ones(3, np.float32)
        for a, b in ((good, good), (good, good * 2), (wrong, good), (good, good), (long, good), (good * 3, good)):
            binding.bind_cpu_input("a", a)
            binding.bind_cpu_input("b", b)
            try:
                session.run_with_iobinding(binding)
            except RuntimeError as problem:
                answers.append(str(problem).split(":")[-1].strip()[:20])
            else:
                answers.append([array.tolist() for array in binding.copy_outputs_to_cpu()])
        binding.clear_binding_inputs()
        try:
            session.run_with_iobinding(binding)
        except RuntimeError:
            answers.append("cleared")
        return answers

    same(case)


def test_a_bound_array_that_changes_is_read_again() -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add(), providers=["CPUExecutionProvider"])
        binding, a = session.io_binding(), np.array([1, 2], np.float32)
        binding.bind_cpu_input("a", a)
        binding.bind_cpu_input("b", a)
        binding.bind_output("y")
        found = []
        for _ in range(4):
            session.run_with_iobinding(binding)
            found.append(binding.get_outputs()[0].numpy().tolist())
            a += 1
        return found

    same(case)


@pytest.mark.parametrize("name", [None, 3, ["a"]], ids=str)
def test_names_are_texts(name: Any) -> None:
    same(lambda o: o.InferenceSession(models.add(), providers=["CPUExecutionProvider"]).io_binding().bind_output(name))
    same(
        lambda o: (
            o.InferenceSession(models.add(), providers=["CPUExecutionProvider"]).io_binding().bind_cpu_input(name, ONES)
        )
    )

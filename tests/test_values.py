"""OrtValue, OrtValueVector, SparseTensor, devices: made, read, changed as onnxruntime's are."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import onnxruntime
import pytest

import celeris
from tests.peers import plain, same

FLOATS = np.arange(6, dtype=np.float32).reshape(2, 3)
READ = [
    "shape", "data_type", "element_type", "device_name", "tensor_size_in_bytes", "has_value", "is_tensor",
    "is_sparse_tensor", "is_tensor_sequence", "numpy", "__dlpack_device__", "as_sparse_tensor",
]  # fmt: skip


def tensor(o: Any, array: Any = FLOATS) -> Any:
    return o.OrtValue.ortvalue_from_numpy(array.copy())


def cpu(o: Any) -> Any:
    return o.OrtDevice.make("cpu", 0)


def coo(o: Any, values: Any = (1, 2, 3), indices: Any = (0, 4, 8)) -> Any:
    numbers, places = np.array(values, np.float32), np.array(indices, np.int64)
    return o.SparseTensor.sparse_coo_from_numpy(np.array([3, 3], np.int64), numbers, places, cpu(o))


def csr(o: Any, outer: Any = (0, 1, 2, 3)) -> Any:
    numbers, inner = np.array([1, 2, 3], np.float32), np.array([0, 1, 2], np.int64)
    return o.SparseTensor.sparse_csr_from_numpy([3, 3], numbers, inner, np.array(outer, np.int64), cpu(o))


@pytest.mark.parametrize("method", READ)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"])
def test_a_tensor_tells_of_itself(method: str, dtype: str) -> None:
    same(lambda o: getattr(tensor(o, np.arange(6).astype(dtype).reshape(2, 3)), method)())


@pytest.mark.parametrize("method", [*READ, "data_ptr"])
def test_a_sparse_value_tells_of_itself(method: str) -> None:
    same(lambda o: getattr(o.OrtValue.ort_value_from_sparse_tensor(coo(o)), method)())


NOT_TENSORS: dict[str, Any] = {
    "text": np.array(["a"]), "objects": np.array([object()]), "list": [1.0], "float": 1.0, "scalar": np.float32(1),
    "None": None, "complex": np.array([1j]), "time": np.array([1], "datetime64[s]"), "long double": np.longdouble([1]),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_TENSORS)
def test_what_is_no_tensor(name: str) -> None:
    same(lambda o: o.OrtValue.ortvalue_from_numpy(NOT_TENSORS[name]))


@pytest.mark.parametrize("device", ["cuda", "CPU", "gpu", "dml", "npu", "cann", ""])
def test_other_devices(device: str) -> None:
    same(lambda o: o.OrtValue.ortvalue_from_numpy(FLOATS, device))


@pytest.mark.parametrize("name", ["cpu", "cuda", "cann", "dml", "webgpu", "gpu", "npu", "foo"])
def test_devices_have_numbers(name: str) -> None:
    def case(o: Any) -> Any:
        device = o.OrtDevice.make(name, 1)
        numbers = [device.device_id(), device.device_type(), device.device_vendor_id(), device.device_mem_type()]
        return numbers

    same(case)


KINDS: list[Any] = [
    np.float32, "float32", np.dtype("int64"), 1, 16, 8, 17, str, object, "foo", 0, 99, float, int, bool, complex, None,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_empty_tensors(kind: Any) -> None:
    def case(o: Any) -> Any:
        made = o.OrtValue.ortvalue_from_shape_and_type([2, 3], kind)
        return [made.shape(), made.data_type(), made.element_type(), made.tensor_size_in_bytes()]

    same(case)


@pytest.mark.parametrize("shape", [[], [0], (2,), [-1], ["a"], 2, [2.0]], ids=str)
def test_shapes(shape: Any) -> None:
    same(lambda o: o.OrtValue.ortvalue_from_shape_and_type(shape, np.float32).shape(), text=shape != [-1])


@pytest.mark.parametrize(("dtype", "number"), [("u2", 16), ("u1", 16), ("u1", 17), ("u1", 99), ("f4", 6), ("f8", 11)])
def test_reinterpreted(dtype: str, number: int) -> None:
    def case(o: Any) -> Any:
        made = o.OrtValue.ortvalue_from_numpy_with_onnx_type(np.ones(2, dtype), number)
        return [made.data_type(), made.element_type(), made.tensor_size_in_bytes(), made.shape()]

    same(case)
    same(lambda o: o.OrtValue.ortvalue_from_numpy_with_onnx_type(np.ones(2, dtype), number).numpy())


def shared(o: Any) -> Any:
    array = FLOATS.copy()
    made = o.OrtValue.ortvalue_from_numpy(array)
    array[0, 0] = 7
    made.numpy()[1, 2] = 8
    return [made.numpy(), array, made.data_ptr() == array.ctypes.data]


def copied(o: Any) -> Any:
    array = FLOATS.copy().T
    made = o.OrtValue.ortvalue_from_numpy(array)
    array[0, 0] = 7
    return made.numpy()


def update(source: Any) -> Any:
    def case(o: Any) -> Any:
        made = tensor(o)
        made.update_inplace(tensor(o, source) if isinstance(source, np.ndarray) and source.ndim == 1 else source)
        return made.numpy()

    return case


def alive(o: Any) -> Any:
    made = o.OrtValue.ortvalue_from_numpy(np.full(1000, 3.0))
    gc.collect()
    return float(made.numpy().sum())


def vector(o: Any) -> Any:
    made = o.capi.onnxruntime_pybind11_state.OrtValueVector()
    made.reserve(4)
    made.push_back(tensor(o)._ortvalue)
    made.push_back(tensor(o, np.array([True]))._ortvalue)
    made.shrink_to_fit()
    assert len(made.to_dlpacks(None)) == 2
    return [len(made), list(made), made[1], made.element_type_at(0), made.bool_tensor_indices()]


def state(o: Any) -> Any:
    return o.capi.onnxruntime_pybind11_state


CASES: dict[str, Any] = {
    "memory is shared": shared,
    "strided arrays are copied": copied,
    "the array is kept alive": alive,
    "vector": vector,
    "vector index": lambda o: state(o).OrtValueVector()[-1],
    "update from array": update(np.ones((2, 3), np.float32)),
    "update from value": update(np.ones(6, np.float32)),
    "update from strided": update(np.ones((3, 2), np.float32).T),
    "update of another size": update(np.ones((1, 3), np.float32)),
    "update from list": update([1.0]),
    "array": lambda o: [np.asarray(tensor(o)), np.array(tensor(o)), np.asarray(tensor(o), np.float64)],
    "array of another type uncopied": lambda o: tensor(o).__array__(np.float64, copy=False),
    "dlpack": lambda o: np.from_dlpack(tensor(o)).tolist(),
    "dlpack from array": lambda o: o.OrtValue.from_dlpack(np.arange(3)).data_type(),
    "dlpack from nothing": lambda o: o.OrtValue.from_dlpack(5),
    "dlpack uint8": lambda o: state(o).is_dlpack_uint8_tensor(np.ones(1, np.uint8).__dlpack__()),
    "dlpack bool": lambda o: state(o).OrtValue.from_dlpack(np.ones(1, np.uint8).__dlpack__(), True).data_type(),
    "no constructor": lambda o: state(o).OrtValue(),
    "wrapper of nothing": lambda o: o.OrtValue(1),
    "device of nothing": lambda o: o.OrtDevice(1),
    "sparse of nothing": lambda o: o.SparseTensor(1),
    "copy tensors": lambda o: o.copy_tensors([tensor(o)], [tensor(o)]),
    "coo": lambda o: [coo(o).values(), coo(o).format(), coo(o).dense_shape(), coo(o).data_type(), coo(o).device_name()],
    "coo indices": lambda o: coo(o).as_coo_view().indices(),
    "coo pairs": lambda o: coo(o, indices=[[0, 0], [1, 1], [2, 2]]).as_coo_view().indices(),
    "coo is not csr": lambda o: coo(o).as_csrc_view(),
    "coo is not blocks": lambda o: coo(o).as_blocksparse_view(),
    "coo of wrong size": lambda o: coo(o, indices=(0, 4)),
    "csr": lambda o: [csr(o).format(), csr(o).as_csrc_view().inner(), csr(o).as_csrc_view().outer()],
    "csr is not coo": lambda o: csr(o).as_coo_view(),
    "to cuda": lambda o: coo(o).to_cuda(cpu(o)),
    "sparse through a value": lambda o: o.OrtValue.ort_value_from_sparse_tensor(coo(o)).as_sparse_tensor().values(),
    "memory info": lambda o: [
        getattr(o.OrtMemoryInfo("Cpu", o.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, o.OrtMemType.DEFAULT), name)
        for name in ("name", "device_id", "mem_type", "allocator_type", "device_mem_type", "device_vendor_id")
    ],
    "memory of nothing": lambda o: o.OrtMemoryInfo("Foo", o.OrtAllocatorType(0), 0, o.OrtMemType(0)),
    "arena": lambda o: [o.OrtArenaCfg(8, 0, 4, 2).max_mem, o.OrtArenaCfg({"max_mem": 3}).max_mem],
    "arena of nothing": lambda o: o.OrtArenaCfg({"foo": 1}),
    "ep device": lambda o: [
        [d.ep_name, d.ep_vendor, d.ep_metadata, d.ep_options, d.device.type, d.device.metadata]
        for d in o.get_ep_devices()
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_as_onnxruntime(name: str) -> None:
    same(CASES[name], text=name != "csr rows")


def test_csr_needs_rows_and_one() -> None:
    for module in (onnxruntime, celeris):
        with pytest.raises(RuntimeError, match=r"Outer index count must be rows \+ 1"):
            csr(module, (0, 1, 2))


def test_update_refuses_another_dtype() -> None:
    """onnxruntime copies the bits; Celeris does not take numbers for others."""
    with pytest.raises(RuntimeError, match="expected an array of float32, got int32; convert it first"):
        tensor(celeris).update_inplace(np.ones((2, 3), np.int32))


def test_bool_through_dlpack() -> None:
    """onnxruntime refuses it (`Unsupported code 6`)."""
    assert celeris.OrtValue.from_dlpack(np.array([True])).data_type() == "tensor(bool)"


def test_big_endian_is_converted() -> None:
    """onnxruntime takes the bytes as they are."""
    assert plain(celeris.OrtValue.ortvalue_from_numpy(np.ones(2, ">f4")).numpy()) == plain(np.ones(2, np.float32))


def test_sparse_indices_outside_the_shape() -> None:
    with pytest.raises(ValueError, match="expected indices inside the dense shape"):
        coo(celeris, indices=[[0, 0], [1, 1], [2, 3]])._tensor.to_graph()


def test_csr_becomes_coo() -> None:
    tensor = csr(celeris)._tensor.to_graph()
    assert tensor.indices.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert coo(celeris)._tensor.to_graph().indices.tolist() == tensor.indices.tolist()

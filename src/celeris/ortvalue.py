"""OrtValue, the wrapper of `values.Value` that callers hold, and OrtValueVector."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from celeris.devices import OrtDevice, OrtMemoryInfo
from celeris.sparse import SparseTensor
from celeris.values import Capsule, Value


class OrtValueVector:
    """A list of values."""

    def __init__(self, values: Iterable[Value] = ()) -> None:
        self._values = list(values)

    def push_back(self, value: Value | Any) -> None:
        self._values.append(value if isinstance(value, Value) else Value.from_dlpack(value))

    def push_back_batch(self, tensors: list[Any], _pointers: Any, types: list[Any], shapes: Any, _devices: Any) -> None:
        """Adds tensors; only those that share memory through DLPack can be taken."""
        for tensor in tensors:
            self.push_back(tensor)

    def reserve(self, count: int) -> None:
        operator.index(count)

    def shrink_to_fit(self) -> None:
        """Nothing: a list has no spare room worth the name."""

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, at: int) -> Value:
        if operator.index(at) < 0:
            raise TypeError(f"OrtValueVector: expected an index from 0, got {at}")
        return self._values[at]

    def __iter__(self) -> Iterator[Value]:
        return iter(self._values)

    def element_type_at(self, at: int) -> int:
        return self[at].element_type()

    def bool_tensor_indices(self) -> list[int]:
        return [i for i, value in enumerate(self._values) if value.is_tensor() and value._value.dtype == np.bool_]

    def dlpack_at(self, at: int) -> Any:
        return self[at].to_dlpack()

    def to_dlpacks(self, function: Callable[[Any], Any] | None = None) -> list[Any]:
        capsules = [value.to_dlpack() for value in self._values]
        return capsules if function is None else [function(capsule) for capsule in capsules]


OrtValueVector.__module__ = "celeris.capi.onnxruntime_pybind11_state"


class OrtValue:
    """A tensor, sequence, map or sparse tensor that runs read and write without conversion."""

    def __init__(self, ortvalue: Value, numpy_obj: np.ndarray | None = None, session: Any = None) -> None:
        if not isinstance(ortvalue, Value):
            raise ValueError(
                "`Provided ortvalue` needs to be of type `onnxruntime.capi.onnxruntime_pybind11_state.OrtValue`"
            )
        self._ortvalue, self._numpy_obj, self._session = ortvalue, numpy_obj, session

    def _get_c_value(self) -> Value:
        return self._ortvalue

    @classmethod
    def ortvalue_from_numpy(
        cls, numpy_obj: np.ndarray, /, device_type: str = "cpu", device_id: int = 0, vendor_id: int = -1
    ) -> OrtValue:
        """A tensor that shares the array's memory where the array is C-contiguous, else a copy."""
        device = OrtDevice.make(device_type, device_id, vendor_id)._get_c_device()
        return cls(Value.ortvalue_from_numpy(numpy_obj, device), numpy_obj)

    @classmethod
    def ortvalue_from_numpy_with_onnx_type(cls, data: np.ndarray, /, onnx_element_type: int) -> OrtValue:
        """The array's bits as an element type that NumPy has not: bfloat16 over uint16, float8 over uint8."""
        return cls(Value.ortvalue_from_numpy_with_onnx_type(data, onnx_element_type), data)

    @classmethod
    def ortvalue_from_shape_and_type(
        cls,
        shape: Sequence[int],
        element_type: Any,
        device_type: str = "cpu",
        device_id: int = 0,
        vendor_id: int = -1,
        memory_info: OrtMemoryInfo | None = None,
    ) -> OrtValue:
        """An uninitialised tensor; `element_type` is a NumPy type or an ONNX number."""
        device = OrtDevice.make("cpu" if memory_info else device_type, device_id, vendor_id)._get_c_device()
        if isinstance(element_type, int):
            return cls(Value.ortvalue_from_shape_and_onnx_type(shape, element_type, device))
        return cls(Value.ortvalue_from_shape_and_type(shape, element_type, device))

    @classmethod
    def ort_value_from_sparse_tensor(cls, sparse_tensor: SparseTensor) -> OrtValue:
        """A value that holds the sparse tensor."""
        return cls(Value.ort_value_from_sparse_tensor(sparse_tensor._get_c_tensor()))

    @classmethod
    def from_dlpack(cls, data: Any, /) -> OrtValue:
        """A tensor that shares memory with an object that has `__dlpack__`."""
        return cls(Value.from_dlpack(data), data)

    def as_sparse_tensor(self) -> SparseTensor:
        """The sparse tensor in it."""
        return SparseTensor(self._ortvalue.as_sparse_tensor())

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._ortvalue.data_ptr()

    def device_name(self) -> str:
        """'cpu'."""
        return self._ortvalue.device_name().lower()

    def shape(self) -> list[int]:
        """The tensor's shape."""
        return self._ortvalue.shape()

    def data_type(self) -> str:
        """Such as 'tensor(float)'."""
        return self._ortvalue.data_type()

    def element_type(self) -> int:
        """The tensor's element type as an ONNX number."""
        return self._ortvalue.element_type()

    def tensor_size_in_bytes(self) -> int:
        """The tensor's bytes."""
        return self._ortvalue.tensor_size_in_bytes()

    def has_value(self) -> bool:
        """False for an absent optional."""
        return self._ortvalue.has_value()

    def is_tensor(self) -> bool:
        """Whether it is a dense tensor."""
        return self._ortvalue.is_tensor()

    def is_sparse_tensor(self) -> bool:
        """Whether it is a sparse tensor."""
        return self._ortvalue.is_sparse_tensor()

    def is_tensor_sequence(self) -> bool:
        """Whether it is a sequence of tensors."""
        return self._ortvalue.is_tensor_sequence()

    def numpy(self) -> np.ndarray:
        """The tensor as an array that shares its memory."""
        return self._ortvalue.numpy()

    def update_inplace(self, data: Any) -> None:
        """Copies an array or another OrtValue into this tensor's memory."""
        self._ortvalue.update_inplace(data._ortvalue if isinstance(data, OrtValue) else data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, *, stream: Any = None) -> Any:
        return self._ortvalue.__dlpack__(stream)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._ortvalue.__dlpack_device__()

    @property
    def _is_webgpu_buffer(self) -> bool:
        return False


def copy_tensors(src: Sequence[OrtValue], dst: Sequence[OrtValue], stream: Any = None) -> None:
    """Refuses, as onnxruntime does from CPU to CPU; `update_inplace` copies."""
    raise RuntimeError("Data transfer implementation between source and destination device was not found.")


def is_dlpack_uint8_tensor(capsule: Any) -> bool:
    """Whether a DLPack capsule holds uint8."""
    return bool(np.from_dlpack(Capsule(capsule)).dtype == np.uint8)

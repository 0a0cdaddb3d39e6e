"""A value with its type, outside any run, and how values of callers and of the engine turn into one another.

`ortvalue.py` holds the wrapper that callers see.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from celeris.devices import Device, OrtMemoryInfo, require_cpu
from celeris.errors import advised
from celeris.graph.types import (
    ELEMENT_NAMES,
    ELEMENT_NUMBERS,
    NUMPY_TYPES,
    Map,
    Optional,
    SparseTensorType,
    Tensor,
    Type,
    dtype_of,
    element_of,
)
from celeris.graph.types import Sequence as SequenceType
from celeris.graph.types import SparseTensor as GraphSparse
from celeris.sparse import SparseValue

_STATE = "celeris.capi.onnxruntime_pybind11_state"
_ONLY_TENSORS = "Only OrtValues that are Tensors are currently supported"
_NOT_NUMPY = "Creation of OrtValues is currently only supported from non-string numpy arrays"


def element_of_numpy(dtype: np.dtype) -> str:
    """The element type of an array that a caller gives; RuntimeError in onnxruntime's words where there is none."""
    if dtype.kind in "OUSV" and dtype.num < 32:  # NumPy's own; types of other packages have numbers from 256
        return "string"
    if dtype.num < 256:
        try:
            element = element_of(dtype)
        except TypeError:
            element = ""
        if element in NUMPY_TYPES:
            return element
    problem = RuntimeError(f"Numpy_type {dtype.num} can't be converted to MLDataType.")
    raise advised(problem, f"an array of {dtype} has no type in ONNX: convert it as in training")


def native(array: np.ndarray) -> np.ndarray:
    """The array as the engine reads it: C-contiguous, aligned, of the machine's byte order; copied only if it must."""
    flags = array.flags
    if type(array) is np.ndarray and flags.c_contiguous and flags.aligned and array.dtype.isnative:
        return array
    dtype = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
    return np.require(array, dtype, ["C", "A"]).view(np.ndarray)


def to_numpy(array: np.ndarray) -> np.ndarray:
    """A tensor as callers see it: float8 as its raw bits; RuntimeError for types that NumPy has not."""
    element = element_of(array.dtype)
    if element in NUMPY_TYPES or element == "string":
        return array
    if element.startswith("float8"):
        return array.view(np.uint8)
    raise RuntimeError(f"No corresponding Numpy type for Tensor Type. {element}")


def to_python(value: Any) -> Any:
    """A value of the engine as `run` returns it."""
    if isinstance(value, np.ndarray):
        return to_numpy(value)
    if isinstance(value, GraphSparse):
        return SparseValue.of_graph(value)
    if isinstance(value, list):
        return [to_python(item) for item in value]
    return value


class Value:
    """A value and its type: ndarray, list, dict, list of dict, SparseValue, or None for an absent optional."""

    __slots__ = ("_type", "_value")
    _value: Any
    _type: Type | None

    def __init__(self, *_: Any) -> None:
        raise TypeError(f"{_STATE}.OrtValue: No constructor defined!")

    @classmethod
    def of(cls, value: Any, type_: Type | None) -> Value:
        """A value of the engine, whose declared type is `type_`."""
        made = cls.__new__(cls)
        if isinstance(value, np.ndarray):
            type_ = Tensor(element_of(value.dtype))
        elif isinstance(value, GraphSparse):
            value = SparseValue.of_graph(value)
        made._value, made._type = value, type_
        return made

    @staticmethod
    def ortvalue_from_numpy(array: Any, device: Device) -> Value:
        if not isinstance(array, np.ndarray) or array.dtype.kind in "OUSVMm":
            raise RuntimeError(_NOT_NUMPY)
        element_of_numpy(array.dtype)
        require_cpu(device)
        return Value.of(native(array), None)

    @staticmethod
    def ortvalue_from_numpy_with_onnx_type(array: np.ndarray, number: int) -> Value:
        if not isinstance(array, np.ndarray):
            raise TypeError(f"data: expected a numpy array, got {type(array).__name__}")
        dtype = _dtype_of_number(number, "Not a valid ONNX Tensor data type: {}")
        if dtype.itemsize != array.dtype.itemsize or dtype.kind == "O":
            raise RuntimeError(
                f"Items size in the incoming array: {array.dtype.itemsize} specified by onnxtype: {dtype.itemsize}"
            )
        return Value.of(native(array).view(dtype), None)

    @staticmethod
    def ortvalue_from_shape_and_type(shape: Sequence[int], element_type: Any, device: Device) -> Value:
        require_cpu(device)
        try:
            dtype = np.dtype(element_type)
        except TypeError as error:
            raise RuntimeError("Not a valid numpy type") from error
        if dtype.kind in "OUSVMm":
            raise RuntimeError(_NOT_NUMPY)
        return _empty(shape, dtype_of(element_of_numpy(dtype)))

    @staticmethod
    def ortvalue_from_shape_and_onnx_type(shape: Sequence[int], element_type: int, device: Device) -> Value:
        require_cpu(device)
        dtype = _dtype_of_number(element_type, "tensor type {} is not supported")
        if dtype.kind == "O":
            raise RuntimeError(_NOT_NUMPY)
        return _empty(shape, dtype)

    @staticmethod
    def ortvalue_from_shape_and_type_for_memory_info(shape: Sequence[int], kind: Any, memory: OrtMemoryInfo) -> Value:
        return Value.ortvalue_from_shape_and_type(shape, kind, Device(0, 0, 0))

    @staticmethod
    def ortvalue_from_shape_and_onnx_type_for_memory_info(
        shape: Sequence[int], kind: int, memory: OrtMemoryInfo
    ) -> Value:
        return Value.ortvalue_from_shape_and_onnx_type(shape, kind, Device(0, 0, 0))

    @staticmethod
    def ort_value_from_sparse_tensor(tensor: SparseValue) -> Value:
        return Value.of(tensor, SparseTensorType(element_of(tensor.values().dtype)))

    @staticmethod
    def from_dlpack(data: Any, is_bool_tensor: bool = False) -> Value:
        if not hasattr(data, "__dlpack__"):
            if type(data).__name__ != "PyCapsule":
                raise TypeError("from_dlpack expected a valid DLPack capsule named 'dltensor'")
            data = Capsule(data)
        array = np.from_dlpack(data)
        return Value.of(native(array.view(np.bool_) if is_bool_tensor else array), None)

    def _tensor(self, refusal: str = _ONLY_TENSORS) -> np.ndarray:
        if not isinstance(self._value, np.ndarray):
            raise RuntimeError(refusal)
        return self._value

    def as_sparse_tensor(self) -> SparseValue:
        if not isinstance(self._value, SparseValue):
            raise RuntimeError("This OrtValue does not contain SparseTensor. Check data_type() value.")
        return self._value

    def data_ptr(self) -> int:
        return int(self._tensor().__array_interface__["data"][0])

    def device_name(self) -> str:
        if isinstance(self._value, SparseValue):
            return self._value.device_name()
        self._tensor("Only OrtValues that are Tensors/SparseTensors are currently supported")
        return "Cpu"

    def shape(self) -> list[int]:
        if isinstance(self._value, SparseValue):
            return self._value.dense_shape()
        return list(self._tensor("Only OrtValues that are Tensors/SparseTensors are currently supported").shape)

    def data_type(self) -> str:
        if isinstance(self._value, SparseValue):
            return self._value.data_type()
        return str(self._type)

    def element_type(self) -> int:
        if isinstance(self._value, SparseValue):
            return ELEMENT_NUMBERS[element_of(self._value.values().dtype)]
        dtype = self._tensor("Only OrtValues that are Tensors/SparseTensors are currently supported").dtype
        return ELEMENT_NUMBERS[element_of(dtype)]

    def tensor_size_in_bytes(self) -> int:
        return int(self._tensor().nbytes)

    def has_value(self) -> bool:
        return self._value is not None

    def is_tensor(self) -> bool:
        return isinstance(self._value, np.ndarray)

    def is_sparse_tensor(self) -> bool:
        return isinstance(self._value, SparseValue)

    def is_tensor_sequence(self) -> bool:
        type_ = self._type.element if isinstance(self._type, Optional) else self._type
        return isinstance(type_, SequenceType) and not isinstance(type_.element, Map)

    def numpy(self) -> np.ndarray:
        return to_numpy(self._tensor("Only OrtValues that are Tensors are convertible to Numpy objects"))

    def update_inplace(self, source: Any) -> None:
        """Copies an array's or a value's numbers into this tensor; size and dtype must be equal."""
        target = self._tensor()
        given = source._tensor() if isinstance(source, Value) else source
        if not isinstance(given, np.ndarray):
            raise TypeError("data must be a numpy.ndarray or an OrtValue.")
        if given.size != target.size:
            raise RuntimeError("The input size of numpy arrays does not match the size of the OrtValue.")
        if given.dtype != target.dtype:
            raise RuntimeError(
                f"OrtValue.update_inplace: expected an array of {target.dtype}, got {given.dtype}; convert it first"
            )
        target.reshape(-1)[...] = given.reshape(-1)

    def to_dlpack(self) -> Any:
        return self._tensor().__dlpack__()

    def __dlpack__(self, stream: Any = None) -> Any:
        return self.to_dlpack()

    def __dlpack_device__(self) -> tuple[int, int]:
        self._tensor("Only tensor type OrtValues are supported")
        return (1, 0)

    def _is_webgpu_buffer(self) -> bool:
        return False


Value.__name__ = Value.__qualname__ = "OrtValue"
Value.__module__ = _STATE


class Capsule:
    """A bare DLPack capsule in the form that NumPy reads."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def _dtype_of_number(number: int, refusal: str) -> np.dtype:
    number = operator.index(number)
    if number not in ELEMENT_NAMES:
        raise RuntimeError(refusal.format(number))
    return dtype_of(ELEMENT_NAMES[number])


def _empty(shape: Sequence[int], dtype: np.dtype) -> Value:
    sizes = [operator.index(size) for size in shape]
    if any(size < 0 for size in sizes):
        raise RuntimeError(f"[ONNXRuntimeError] : 1 : FAIL : Tensor shape.Size() must be >= 0, got {sizes}")
    return Value.of(np.empty(sizes, dtype), None)

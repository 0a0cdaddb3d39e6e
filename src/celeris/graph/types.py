"""The types of values: tensors, sequences, optionals, maps, sparse tensors; element types and their NumPy dtypes.

`str(type)` is the spelling that onnxruntime shows, such as ``tensor(float)`` or ``seq(map(int64,tensor(float)))``.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TypeAlias

import numpy as np

from celeris.records import Record

Dim: TypeAlias = int | str | None  # a size, a symbolic name, or unknown
Shape: TypeAlias = tuple[Dim, ...]

# onnx.TensorProto.DataType -> (name, NumPy or ml_dtypes dtype). Source: onnx.proto, IR 14.
_ELEMENTS: dict[int, tuple[str, str]] = {
    1: ("float", "float32"),
    2: ("uint8", "uint8"),
    3: ("int8", "int8"),
    4: ("uint16", "uint16"),
    5: ("int16", "int16"),
    6: ("int32", "int32"),
    7: ("int64", "int64"),
    8: ("string", "object"),
    9: ("bool", "bool"),
    10: ("float16", "float16"),
    11: ("double", "float64"),
    12: ("uint32", "uint32"),
    13: ("uint64", "uint64"),
    14: ("complex64", "complex64"),
    15: ("complex128", "complex128"),
    16: ("bfloat16", "ml:bfloat16"),
    17: ("float8e4m3fn", "ml:float8_e4m3fn"),
    18: ("float8e4m3fnuz", "ml:float8_e4m3fnuz"),
    19: ("float8e5m2", "ml:float8_e5m2"),
    20: ("float8e5m2fnuz", "ml:float8_e5m2fnuz"),
    21: ("uint4", "ml:uint4"),
    22: ("int4", "ml:int4"),
    23: ("float4e2m1", "ml:float4_e2m1fn"),
    24: ("float8e8m0", "ml:float8_e8m0fnu"),
    25: ("uint2", "ml:uint2"),
    26: ("int2", "ml:int2"),
    27: ("float6e2m3", "ml:float6_e2m3fn"),
    28: ("float6e3m2", "ml:float6_e3m2fn"),
}
ELEMENT_NAMES: dict[int, str] = {number: name for number, (name, _) in _ELEMENTS.items()}
ELEMENT_NUMBERS: dict[str, int] = {name: number for number, name in ELEMENT_NAMES.items()}
_SPELLINGS: dict[str, str] = dict(_ELEMENTS.values())
# Numeric types that NumPy has itself; the others are kept as ml_dtypes arrays and shown as raw bits or not at all.
NUMPY_TYPES = frozenset(
    ["float", "uint8", "int8", "uint16", "int16", "int32", "int64", "bool", "float16", "double", "uint32", "uint64"]
)  # fmt: skip


@cache
def dtype_of(element: str) -> np.dtype:
    """The NumPy dtype that holds `element` ('float' -> float32, 'string' -> object, 'int4' -> ml_dtypes.int4)."""
    spelling = _SPELLINGS[element]
    if spelling.startswith("ml:"):
        return np.dtype(getattr(importlib.import_module("ml_dtypes"), spelling[3:]))
    return np.dtype(spelling)


@cache
def element_of(dtype: np.dtype) -> str:
    """The element type that `dtype` holds; TypeError where ONNX has none (datetime64, float128, ...)."""
    if dtype.kind in "OUST":
        return "string"
    for element, spelling in _SPELLINGS.items():
        if spelling.removeprefix("ml:") == dtype.name:
            return element
    raise TypeError(f"expected a dtype that ONNX has, got {dtype}")


class Tensor(Record, frozen=True):
    """A dense tensor. `shape` None: even the rank is unknown."""

    element: str
    shape: Shape | None = None

    def __str__(self) -> str:
        return f"tensor({self.element})"


class SparseTensor(Record):
    """The value of a sparse tensor (COO): values [nnz], indices [nnz, rank] int64, dense shape."""

    values: np.ndarray
    indices: np.ndarray
    shape: tuple[int, ...]


class SparseTensorType(Record, frozen=True):
    """A sparse tensor (COO), of the dense shape `shape`."""

    element: str
    shape: Shape | None = None

    def __str__(self) -> str:
        return f"sparse_tensor({self.element})"


class Sequence(Record, frozen=True):
    """A list of values of one type."""

    element: Type

    def __str__(self) -> str:
        return f"seq({self.element})"


class Optional(Record, frozen=True):
    """A value of a type, or nothing."""

    element: Type

    def __str__(self) -> str:
        return f"optional({self.element})"


class Map(Record, frozen=True):
    """A dictionary; `key` is an integer element type or 'string'."""

    key: str
    value: Type

    def __str__(self) -> str:
        return f"map({self.key},{self.value})"


Type: TypeAlias = Tensor | SparseTensorType | Sequence | Optional | Map

"""TensorProto and SparseTensorProto -> arrays: raw bytes, typed fields, packed 4- and 2-bit elements, external data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, SparseTensor, dtype_of
from celeris.reader.errors import ReadError
from celeris.reader.limits import MAX_RANK, MAX_SPARSE_ELEMENTS
from celeris.reader.schema import EXTERNAL
from celeris.reader.wire import Message

External: TypeAlias = Callable[[list[Message], int, str], np.ndarray]  # external.Folder.read

# Elements narrower than a byte: bits, and whether they are signed.
_PACKED = {
    "uint4": (4, False),
    "int4": (4, True),
    "float4e2m1": (4, False),
    "float6e2m3": (6, False),
    "float6e3m2": (6, False),
    "uint2": (2, False),
    "int2": (2, True),
}
# Which typed field holds an element type; int32_data holds all that are not here.
_FIELDS = {
    "float": "float_data",
    "complex64": "float_data",
    "double": "double_data",
    "complex128": "double_data",
    "int64": "int64_data",
    "uint32": "uint64_data",
    "uint64": "uint64_data",
    "string": "string_data",
}
# Typed fields whose numbers are the bits of an element.
_BITS = {1: np.uint8, 2: np.uint16}


def element_name(number: int, where: str) -> str:
    """The element type of that number in TensorProto.DataType."""
    if number in ELEMENT_NAMES:
        return ELEMENT_NAMES[number]
    if number == 0:
        raise ReadError("type", f"This is an invalid model. {where} does not have type information.")
    raise ReadError("type", f"This is an invalid model. {where} does not have valid data type ({number}).")


def read_tensor(proto: Message, where: str, external: External, copy: bool) -> np.ndarray:
    """The tensor as a read-only array. `copy`: it must not stay a view of the file. `where` names it in errors."""
    element = element_name(proto.get("data_type", 0), where)
    try:
        dtype_of(element)
    except ModuleNotFoundError as error:
        raise ReadError(
            "type", f"{where}: expected package ml_dtypes for element type {element}, got none; pip install ml_dtypes"
        ) from error
    shape = _shape(proto, where)
    if "segment" in proto:
        raise ReadError("value", f"{where}: expected the whole tensor, got a segment of one; save it in one piece")
    count = math.prod(shape)
    if proto.get("data_location", 0) == EXTERNAL:
        if element == "string":
            raise ReadError("external", f"{where}: expected strings in the model file, got external data")
        size = _raw_size(element, count)
        array = _from_raw(external(proto.get("external_data", []), size, proto.get("name", "")), element, count)
    elif "raw_data" in proto and element != "string":
        raw = proto["raw_data"]
        _check_size(where, len(raw), _raw_size(element, count))
        array = _from_raw(np.array(raw) if copy else np.asarray(raw), element, count)
    else:
        array = _from_fields(proto.get(_FIELDS.get(element, "int32_data"), ()), element, count, where)
    try:
        array = array.reshape(shape)
    except ValueError as error:
        raise ReadError("size", f"{where}: expected a shape that memory can hold, got {list(shape)}") from error
    array.flags.writeable = False
    return array


def _shape(proto: Message, where: str) -> tuple[int, ...]:
    dims = proto.get("dims")
    if dims is None:
        return ()
    if len(dims) > MAX_RANK:
        raise ReadError("size", f"{where}: expected at most {MAX_RANK} dimensions, got {len(dims)}")
    shape = tuple(dims.tolist())
    if min(shape, default=0) < 0:
        raise ReadError("size", f"{where}: expected dimensions of 0 or more, got {list(shape)}")
    return shape


def _raw_size(element: str, count: int) -> int:
    if element in _PACKED:
        return (count * _PACKED[element][0] + 7) // 8
    return count * dtype_of(element).itemsize


def _check_size(where: str, got: int, expected: int) -> None:
    if got != expected:
        raise ReadError(
            "size",
            f"{where}: raw_data size ({got} bytes) does not match expected size from shape and data type "
            f"({expected} bytes)",
        )


def _from_raw(data: np.ndarray, element: str, count: int) -> np.ndarray:
    """uint8 data of the right size -> elements, [count]."""
    if element in _PACKED:
        return unpack(data, element, count)
    if element == "bool":
        return np.asarray(data != 0)  # a byte other than 0 and 1 would be no NumPy bool
    found = data.view(dtype_of(element))
    return found if found.flags.aligned else found.copy()


def unpack(data: np.ndarray, element: str, count: int) -> np.ndarray:
    """uint8 data of elements narrower than a byte, the first in the lowest bits -> `count` elements."""
    bits, signed = _PACKED[element]
    if bits == 6:  # three bytes hold four
        groups = np.zeros((-(-len(data) // 3), 4), np.uint8)
        groups[:, :3] = np.pad(data, (0, -len(data) % 3)).reshape(-1, 3)
        words = groups.view("<u4")
        shifts = np.arange(0, 24, 6, dtype=np.uint32)
    else:
        words = data[:, None]
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
    flat = ((words >> shifts) & words.dtype.type((1 << bits) - 1)).reshape(-1)[:count].astype(np.uint8, copy=False)
    return _as_elements(flat, element, bits, signed)


def _as_elements(codes: np.ndarray, element: str, bits: int, signed: bool) -> np.ndarray:
    """One code of few bits in each uint8 -> elements."""
    if element.startswith("float"):
        return codes.view(dtype_of(element))
    if signed:
        top = np.uint8(8 - bits)
        codes = (codes << top).view(np.int8) >> np.int8(8 - bits)
    return codes.astype(dtype_of(element))


def pack(array: np.ndarray, element: str) -> bytes:
    """Elements narrower than a byte -> bytes, as unpack reads them."""
    bits, signed = _PACKED[element]
    flat = array.reshape(-1)
    codes = flat if element.startswith("float") else flat.astype(np.int8 if signed else np.uint8)
    codes = codes.view(np.uint8) & np.uint8((1 << bits) - 1)
    each = 4 if bits == 6 else 8 // bits
    grid = np.zeros((-(-len(codes) // each), each), np.uint32)
    grid.reshape(-1)[: len(codes)] = codes
    words = np.bitwise_or.reduce(grid << np.arange(0, each * bits, bits, dtype=np.uint32), axis=1)
    found: bytes = words.astype("<u4").view(np.uint8).reshape(-1, 4)[:, : each * bits // 8].tobytes()
    return found[: (len(codes) * bits + 7) // 8]


def is_packed(element: str) -> bool:
    """Whether elements of this type are narrower than a byte in a file."""
    return element in _PACKED


def _from_fields(values: Any, element: str, count: int, where: str) -> np.ndarray:
    """A typed field's values -> elements, [count]."""
    packed = element in _PACKED and _PACKED[element][0] < 6  # six bits come one to a number
    expected = _raw_size(element, count) if packed else count
    if element.startswith("complex"):
        expected *= 2
    if len(values) != expected:
        raise ReadError(
            "size",
            f"{where}: data field count ({len(values)}) does not match expected count from shape ({expected})",
        )
    dtype = dtype_of(element)
    if not expected:
        return np.empty(0, dtype)
    if element == "string":
        return _strings(values, where)
    if packed:
        return unpack(values.astype(np.uint8), element, count)
    if element in _PACKED:
        return _as_elements(values.astype(np.uint8) & np.uint8(0x3F), element, *_PACKED[element])
    if element.startswith("complex"):
        return np.asarray(values.view(dtype))
    if element == "float16" or dtype.isbuiltin != 1:
        return np.asarray(values.astype(_BITS[dtype.itemsize]).view(dtype))
    return np.asarray(values.astype(dtype, copy=False))


def _strings(values: Any, where: str) -> np.ndarray:
    unique, codes = values.codes()
    table = np.empty(len(unique), object)
    for at, text in enumerate(unique):
        try:
            table[at] = text.decode()
        except UnicodeDecodeError as error:
            raise ReadError("value", f"{where}: expected strings in UTF-8, got {text[:40]!r}") from error
    return np.asarray(table[codes])


def read_sparse(proto: Message, where: str, external: External, copy: bool) -> SparseTensor:
    """A COO tensor; linear indices become [nnz, rank]. Indices lie within the shape."""
    if "values" not in proto:
        raise ReadError("value", f"{where}: expected a sparse tensor with values, got none")
    values = read_tensor(proto["values"], where, external, copy)
    shape = _shape(proto, where)
    if math.prod(shape) > MAX_SPARSE_ELEMENTS:
        raise ReadError("size", f"{where}: expected at most {MAX_SPARSE_ELEMENTS} elements, got shape {list(shape)}")
    if "indices" in proto:
        indices = read_tensor(proto["indices"], f"{where} indices", external, copy)
    else:
        indices = np.empty(0, np.int64)
    if (
        values.ndim != 1
        or indices.dtype != np.int64
        or indices.shape not in {(len(values),), (len(values), len(shape))}
    ):
        raise ReadError(
            "value",
            f"{where}: expected values [nnz] and int64 indices [nnz] or [nnz, {len(shape)}], got values "
            f"{list(values.shape)} and {indices.dtype} indices {list(indices.shape)}",
        )
    limits = shape if indices.ndim == 2 else math.prod(shape)
    if indices.size and bool(np.any((indices < 0) | (indices >= np.array(limits)))):
        raise ReadError("value", f"{where}: expected indices within the shape {list(shape)}, got one outside")
    if indices.ndim == 1:
        indices = np.stack(np.unravel_index(indices, shape), axis=1) if shape else np.zeros((len(values), 0), np.int64)
        indices = np.ascontiguousarray(indices, np.int64).reshape(len(values), len(shape))
        indices.flags.writeable = False
    return SparseTensor(values, indices, shape)

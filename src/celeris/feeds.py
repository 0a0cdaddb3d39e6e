"""From what callers feed to what the engine takes: conversion of every kind of object, then the checks of types.

The classes and texts of the errors are onnxruntime's, and so is the order: every object is converted before any name,
dtype, rank or dimension is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from celeris.errors import advised, error
from celeris.graph.types import NUMPY_TYPES, Map, Optional, SparseTensorType, Tensor, Type, dtype_of, element_of
from celeris.graph.types import Sequence as SequenceType
from celeris.graph.types import SparseTensor as GraphSparse
from celeris.ortvalue import OrtValue
from celeris.sparse import SparseValue
from celeris.values import Value, element_of_numpy, native

_FIX = "Please fix either the inputs/outputs or the model."
# Kinds of values as onnxruntime numbers them in its messages.
_NON_TENSOR, _TENSOR, _SEQUENCE, _SPARSE, _OPTIONAL = 1, 2, 3, 4, 5


class Fed:
    """A converted object: the engine's value, and its type as the caller gave it (None: an absent optional)."""

    __slots__ = ("type", "value")

    def __init__(self, value: Any, type_: Type | None) -> None:
        self.value, self.type = value, type_


def convert(name: str, given: Any, declared: Type | None) -> Fed:
    """The object `given` for the input `name`; `declared` is None where the model has no such input."""
    if given is None:
        return Fed(None, None)
    if isinstance(given, OrtValue):
        return of_value(given._ortvalue)
    if isinstance(given, np.ndarray):
        return Fed(*_from_array(given))
    if isinstance(given, list):
        return _from_list(name, given, declared)
    if isinstance(given, dict):
        return _from_dict(name, given)
    if isinstance(given, SparseValue):
        return of_value(Value.of(given, SparseTensorType(element_of(given.values().dtype))))
    refused = RuntimeError(f"Unable to handle object of type {type(given)}")
    if isinstance(given, memoryview) and given.ndim != 1:  # its iterator fails
        raise refused
    try:
        items = iter(given)
    except TypeError:
        raise refused from None
    return _from_iterable(name, list(items))


def of_value(held: Value) -> Fed:
    """The value of an OrtValue."""
    value = held._value
    if isinstance(value, SparseValue):
        try:
            return Fed(value.to_graph(), SparseTensorType(element_of(value.values().dtype)))
        except ValueError as problem:
            raise error("INVALID_ARGUMENT", str(problem)) from problem
    return Fed(value, None if value is None else held._type)


def _from_array(given: np.ndarray) -> tuple[np.ndarray, Type]:
    element = element_of_numpy(given.dtype)
    if element == "string":
        return _strings(given), Tensor(element)
    array = native(given)
    return array, Tensor(element)


def _strings(given: np.ndarray) -> np.ndarray:
    """An object array of str: bytes are UTF-8, `S` ends at the first NUL, `V` keeps NULs, other objects by str()."""
    if given.dtype.kind == "V":
        raw = np.ascontiguousarray(given).view(f"V{given.dtype.itemsize}").reshape(-1)
        items = [bytes(item).decode() for item in raw.tolist()]
    elif given.dtype.kind == "S":
        items = [item.split(b"\0")[0].decode() for item in given.reshape(-1).tolist()]
    elif given.dtype.kind == "U":
        items = given.reshape(-1).tolist()
    else:
        items = [item if type(item) is str else str(item) for item in np.asarray(given).reshape(-1)]
    try:
        "".join(items).encode()
    except UnicodeEncodeError:
        for item in items:
            item.encode()  # raises again, with the position in its string
    result = np.empty(len(items), object)
    result[:] = items
    return result.reshape(given.shape)


def _from_list(name: str, given: list[Any], declared: Type | None) -> Fed:
    if declared is None:
        raise RuntimeError(f"Failed to find input with name: {name} in the model input def list")
    inner = declared.element if isinstance(declared, Optional) else declared
    if isinstance(inner, SequenceType):
        if isinstance(inner.element, Map):
            return _from_iterable(name, given) if given else Fed([], inner)
        return _sequence(given, inner)
    if not isinstance(inner, Tensor):
        raise RuntimeError(f"Input must be a list of dictionaries or a single numpy array for input '{name}'.")
    if inner.element not in NUMPY_TYPES and inner.element != "string":
        raise RuntimeError(f"No corresponding Numpy type for Tensor Type. {inner.element}")
    try:
        array = np.array(given, dtype_of(inner.element))
    except (TypeError, ValueError, OverflowError) as problem:
        advice = f"input '{name}': expected rows of one length, of values that are {inner.element}"
        raise advised(RuntimeError("Could not create tensor from given input list"), advice) from problem
    return Fed(_strings(array) if inner.element == "string" else array, Tensor(inner.element))


def _sequence(given: list[Any], declared: SequenceType) -> Fed:
    items = []
    for item in given:
        if not isinstance(item, np.ndarray):
            raise RuntimeError("CreateSequenceOfTensors: Input is not a tensor")
        array, type_ = _from_array(item)
        if isinstance(declared.element, Tensor) and type_ != Tensor(declared.element.element):
            raise RuntimeError(
                "TensorSeq: tensor to be added has a different data type. "
                f"Actual: ({type_}) , expected: ({declared.element})"
            )
        items.append(array)
    return Fed(items, declared)


def _from_dict(name: str, given: Mapping[Any, Any]) -> Fed:
    if not given:
        raise RuntimeError("Size of dictionary is empty, unable to run the prediction.")
    texts = isinstance(next(iter(given)), str)
    c_type = "string" if texts else "int64_t"
    result: dict[Any, float] = {}
    for key, value in given.items():
        if not isinstance(key, str if texts else (int, np.integer)):
            raise RuntimeError(
                f"Unexpected key type  {type(key)}, it cannot be linked to C type {c_type} for input '{name}'."
            )
        if not isinstance(value, (int, float, np.number)) or isinstance(value, np.complexfloating):
            raise RuntimeError(
                f"Unexpected value type  {type(value)}, it cannot be linked to C type {c_type} for input '{name}'."
            )
        result[key if texts else int(key)] = float(np.float32(value))
    return Fed(result, Map("string" if texts else "int64", Tensor("float")))


def _from_iterable(name: str, given: list[Any]) -> Fed:
    if not given:
        raise RuntimeError(f"Input '{name}' must not be empty.")
    if isinstance(given[0], np.ndarray):
        raise RuntimeError(f"Iterable of {type(given[0])} should be given as array for input '{name}'.")
    if not all(isinstance(item, dict) for item in given):
        problem = RuntimeError(f"Input must be a list of dictionaries or a single numpy array for input '{name}'.")
        raise advised(problem, f"input '{name}': write x.to_numpy(), or use celeris.load(path).predict(x) for tables")
    maps = [_from_dict(name, item) for item in given]
    if any(each.type != maps[0].type for each in maps):
        raise RuntimeError(f"Input must be a list of dictionaries with keys of one type for input '{name}'.")
    return Fed([each.value for each in maps], SequenceType(maps[0].type or Tensor("float")))


def check(name: str, fed: Fed, declared: Type) -> None:
    """InvalidArgument where the type, rank or dimensions are not the declared ones."""
    if fed.type is None:
        return  # an absent optional; the node that misses a value says so
    inner = declared.element if isinstance(declared, Optional) else declared
    if isinstance(fed.value, np.ndarray):
        _check_tensor(name, fed.value, declared, inner)
    elif isinstance(fed.value, GraphSparse):
        if not isinstance(inner, SparseTensorType) or not isinstance(fed.type, SparseTensorType):
            raise _wrong_kind(name, declared, "a sparse tensor")
        if inner.element != fed.type.element:
            raise _wrong_type(f"({fed.type})", f"({inner})")
    elif isinstance(fed.type, SequenceType) and not isinstance(fed.type.element, Map):
        if not isinstance(inner, SequenceType) or isinstance(inner.element, Map):
            raise _wrong_kind(name, declared, "a tensor sequence")
        if str(inner) != str(fed.type):
            raise _wrong_type(f"({fed.type})", f"({inner})")
    elif str(inner) != str(fed.type):
        raise _wrong_type(f"(({fed.type}))", f"(({declared}))")


def _check_tensor(name: str, value: np.ndarray, declared: Type, inner: Type) -> None:
    if not isinstance(inner, Tensor):
        raise _wrong_kind(name, declared, "a tensor")
    element = element_of(value.dtype)
    if element != inner.element:
        raise advised(_wrong_type(f"(tensor({element}))", f"(tensor({inner.element}))"), _cast(name, element, inner))
    if not inner.shape:
        return  # a declared scalar too: onnxruntime does not check its rank
    if value.ndim != len(inner.shape):
        text = f"Invalid rank for input: {name} Got: {value.ndim} Expected: {len(inner.shape)} {_FIX}"
        one_row = "; one row is x.reshape(1, -1)" if value.ndim == 1 and len(inner.shape) == 2 else ""
        raise advised(error("INVALID_ARGUMENT", text), f"input '{name}': expected shape {_dims(inner)}, got "
                      f"{list(value.shape)}{one_row}")  # fmt: skip
    wrong = [
        f"\n index: {axis} Got: {size} Expected: {expected}"
        for axis, (size, expected) in enumerate(zip(value.shape, inner.shape, strict=True))
        if isinstance(expected, int) and size != expected
    ]
    if wrong:
        text = f"Got invalid dimensions for input: {name} for the following indices{''.join(wrong)}\n {_FIX}"
        advice = f"input '{name}': expected shape {_dims(inner)}, got {list(value.shape)}; give those of training"
        raise advised(error("INVALID_ARGUMENT", text), advice)


def _cast(name: str, element: str, declared: Tensor) -> str:
    if "string" in (element, declared.element):
        return f"input '{name}': encode it as in training"
    dtype = dtype_of(declared.element)
    return f"input '{name}': write x.astype(numpy.{dtype}), or let celeris.load cast: load(path).predict(x)"


def _dims(declared: Tensor) -> str:
    return "[" + ", ".join("N" if dim is None else str(dim) for dim in declared.shape or ()) + "]"


def _wrong_type(actual: str, expected: str) -> Exception:
    return error("INVALID_ARGUMENT", f"Unexpected input data type. Actual: {actual} , expected: {expected}")


def _wrong_kind(name: str, declared: Type, received: str) -> Exception:
    number = _NON_TENSOR
    if isinstance(declared, Tensor):
        number = _TENSOR
    elif isinstance(declared, Optional):
        number = _OPTIONAL
    elif isinstance(declared, SparseTensorType):
        number = _SPARSE
    elif isinstance(declared, SequenceType) and not isinstance(declared.element, Map):
        number = _SEQUENCE
    return error(
        "INVALID_ARGUMENT", f"input with name: '{name}' expected to be of type: {number} but received {received}"
    )


def names_of(output_names: Any) -> list[str]:
    """Output names as a list of str; TypeError for anything else, a bare str too."""
    if isinstance(output_names, (str, bytes, dict)):
        raise TypeError(f"output_names: expected a list of str, got {output_names!r}; write a list")
    names = [_name(item, "output_names") for item in output_names]
    return names


def feed_of(input_feed: Mapping[str, Any]) -> dict[str, Any]:
    """The feed as a dict with str keys."""
    return {_name(key, "input_feed"): value for key, value in input_feed.items()}


def _name(item: Any, where: str) -> str:
    if isinstance(item, bytes):
        return item.decode()
    if not isinstance(item, str):
        raise TypeError(f"{where}: expected names of type str, got {item!r}")
    return str(item)


def missing(required: Sequence[tuple[str, Type]], keys: list[Any]) -> None:
    """ValueError where an input that must be fed is not among `keys`."""
    absent = [name for name, type_ in required if name not in keys and not isinstance(type_, Optional)]
    if absent:
        problem = ValueError(f"Required inputs ({absent}) are missing from input feed ({keys}).")
        raise advised(problem, f"the model's inputs are {', '.join(repr(name) for name, _ in required)}")

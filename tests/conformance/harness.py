"""Runs a conformance case by Celeris on a tier, or by onnxruntime, through the same calls."""

from __future__ import annotations

import ctypes
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnxruntime

import celeris
from tests.conformance.cases import Case, compare

TIERS = ("native", "plain", "reference")  # optimised; passes off; the reference tier alone
_EXOTIC = ("bfloat", "float8", "float4", "float6", "int4", "int2)")
_NARROW = {"uint4": 4, "int4": 4, "float4e2m1": 4, "uint2": 2, "int2": 2}


class Refused(Exception):
    """No session could be made of the model."""


def session(model: bytes, tier: str) -> tuple[ModuleType, Any]:
    """A session of the case's model on a tier of Celeris, or by 'onnxruntime'."""
    module: Any = onnxruntime if tier == "onnxruntime" else celeris
    options = module.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if tier == "plain":
        options.graph_optimization_level = module.GraphOptimizationLevel.ORT_DISABLE_ALL
    off = {"disabled_optimizers": ["native"]} if tier == "reference" else {}
    return module, module.InferenceSession(model, options, providers=["CPUExecutionProvider"], **off)


def run_case(case: Case, tier: str) -> None:
    """Raises AssertionError where an output is not as expected, and whatever the session raises."""
    proto = case.model()
    try:
        module, made = session(proto.SerializeToString(), tier)
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    inits = {tensor.name for tensor in proto.graph.initializer}
    names = [value.name for value in proto.graph.input if value.name not in inits or case.kind != "light"]
    for inputs, expected in case.data_sets(proto):
        feeds = {name: value for name, value in zip(names, inputs, strict=False) if value is not None}
        compare(expected, _run(module, made, feeds)[: len(expected)], case.rtol, case.atol, case.drawn)


def _run(module: Any, made: Any, feeds: dict[str, Any]) -> list[Any]:
    """By `run`, or by OrtValues where a type is none of NumPy's own."""
    exotic = any(isinstance(v, np.ndarray) and v.dtype.isbuiltin == 2 for v in feeds.values())
    exotic = exotic or any(_is_exotic(output.type) for output in made.get_outputs())
    if not exotic:
        return list(made.run(None, feeds))
    values = {name: _ortvalue(module, value) for name, value in feeds.items()}
    return [_array(value) for value in made.run_with_ort_values(None, values)]


def _is_exotic(declared: str) -> bool:
    return declared.startswith("tensor(") and any(word in declared for word in _EXOTIC)


def _ortvalue(module: Any, value: Any) -> Any:
    value = np.asarray(value)
    if value.dtype.isbuiltin != 2:
        return module.OrtValue.ortvalue_from_numpy(value)
    number = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
    bits = value.view(np.uint16 if value.dtype.itemsize == 2 else np.uint8)
    return module.OrtValue.ortvalue_from_numpy_with_onnx_type(np.require(bits, requirements="C"), number)


def _array(value: Any) -> np.ndarray:
    """The elements of an OrtValue of any numeric type, read from its memory: `numpy()` has no types but NumPy's."""
    element = value.data_type()[len("tensor(") : -1]
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(value.element_type()))
    if dtype.isbuiltin != 2:
        return np.asarray(value.numpy())
    shape, size = tuple(value.shape()), value.tensor_size_in_bytes()
    raw = np.frombuffer(ctypes.string_at(value.data_ptr(), size), np.uint8) if size else np.empty(0, np.uint8)
    bits, count = _NARROW.get(element, 8), int(np.prod(shape))
    if size < count * dtype.itemsize or bits < 8:
        per_byte = 8 // bits if size < count else 1
        raw = np.stack([raw >> (bits * i) for i in range(per_byte)], axis=1).reshape(-1)[:count] & (2**bits - 1)
    return raw.astype(np.uint8).view(dtype).reshape(shape)


assert ml_dtypes.bfloat16  # the dtypes that onnx gives are ml_dtypes'

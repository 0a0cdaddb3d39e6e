"""TypeHelper: names of ONNX types as NumPy and PyTorch types. PyTorch is imported when a method needs it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

_NUMPY: dict[str, Any] = {
    "tensor(int64)": np.longlong,
    "tensor(int32)": np.intc,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(bool)": bool,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
}
_TORCH: dict[str, str] = {
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(bfloat16)": "bfloat16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
}


class TypeHelper:
    """Conversions between names of types."""

    @staticmethod
    def get_input_type(ort_session: Any, name: str) -> str:
        """The type of the session's input `name`; ValueError where there is none."""
        return _type_of(ort_session.get_inputs(), name, "input")

    @staticmethod
    def get_output_type(ort_session: Any, name: str) -> str:
        """The type of the session's output `name`; ValueError where there is none."""
        return _type_of(ort_session.get_outputs(), name, "output")

    @staticmethod
    def ort_type_to_numpy_type(ort_type: str) -> Any:
        """'tensor(float)' -> numpy.float32; ValueError for others."""
        if ort_type not in _NUMPY:
            raise ValueError(f"{ort_type} is not found in map")
        return _NUMPY[ort_type]

    @staticmethod
    def ort_type_to_torch_type(ort_type: str) -> Any:
        """'tensor(float)' -> torch.float32; ValueError for others."""
        if ort_type not in _TORCH:
            raise ValueError(f"{ort_type} is not found in map")
        return _torch(_TORCH[ort_type])

    @staticmethod
    def numpy_type_to_torch_type(numpy_type: Any) -> Any:
        """numpy.float32 -> torch.float32."""
        return _torch(np.dtype(numpy_type).name)

    @staticmethod
    def torch_type_to_numpy_type(torch_type: Any) -> Any:
        """torch.float32 -> numpy.float32."""
        return np.dtype(str(torch_type).removeprefix("torch.")).type

    @staticmethod
    def get_io_numpy_type_map(ort_session: Any) -> dict[str, Any]:
        """The NumPy type of every input and output."""
        every = [*ort_session.get_inputs(), *ort_session.get_outputs()]
        return {each.name: TypeHelper.ort_type_to_numpy_type(each.type) for each in every}


def _type_of(every: list[Any], name: str, kind: str) -> str:
    for each in every:
        if each.name == name:
            return str(each.type)
    raise ValueError(f"{kind} name {name} not found")


def _torch(name: str) -> Any:
    return getattr(import_module("torch"), name)

"""A stand-in, so that packages which import onnxruntime.quantization can be imported. Celeris does not quantize.

Make the quantized model with onnxruntime's own tool (in another environment); Celeris runs what comes out.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from celeris.refusals import refuse

_WHY = "make the model with onnxruntime's own quantization tool; Celeris runs what comes out"


class QuantType(Enum):
    """Integer types of quantized values."""

    QInt8 = 0
    QUInt8 = 1
    QFLOAT8E4M3FN = 2
    QInt16 = 3
    QUInt16 = 4
    QInt4 = 5
    QUInt4 = 6


class QuantFormat(Enum):
    """Whether a quantized model has quantized operators, or QuantizeLinear and DequantizeLinear around plain ones."""

    QOperator = 0
    QDQ = 1


class QuantizationMode(Enum):
    """Integer arithmetic, or the QLinear operators."""

    IntegerOps = 0
    QLinearOps = 1


class CalibrationMethod(Enum):
    """How ranges are found."""

    MinMax = 0
    Entropy = 1
    Percentile = 2
    Distribution = 3


class CalibrationDataReader:
    """What feeds a calibration; to be subclassed."""

    def get_next(self) -> dict[str, Any] | None:
        """The next feed, or None."""
        raise NotImplementedError("get_next: to be written in a subclass")

    def __iter__(self) -> CalibrationDataReader:
        return self

    def __next__(self) -> dict[str, Any]:
        found = self.get_next()
        if found is None:
            raise StopIteration
        return found


def __getattr__(name: str) -> Any:
    """Any other public name of onnxruntime.quantization: a function that says, when called, that it is not here."""
    if name.startswith("_") or name not in _REFUSED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def refused(*args: Any, **kwargs: Any) -> None:
        refuse(f"onnxruntime.quantization.{name}", _WHY)

    refused.__name__ = name
    return refused


_REFUSED = frozenset(
    (
        "quantize", "quantize_dynamic", "quantize_static", "quant_pre_process", "create_calibrator", "CalibraterBase",
        "MinMaxCalibrater", "DynamicQuantConfig", "StaticQuantConfig", "get_qdq_config", "shape_inference",
        "ONNXQuantizer", "QDQQuantizer", "write_calibration_table",
    )
)  # fmt: skip

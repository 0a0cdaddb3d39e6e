"""The modules below `onnxruntime.capi`, under Celeris' name: the same class objects as at the top level."""

from celeris.capi import onnxruntime_inference_collection, onnxruntime_pybind11_state, onnxruntime_validation

__all__ = ["onnxruntime_inference_collection", "onnxruntime_pybind11_state", "onnxruntime_validation"]

"""Whole-tensor claims of quantised operators, 8 bits a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.convolution import window_params
from celeris.providers.native.whole import Values

INTEGERS, FLOATS, BYTES = range(3)  # what cpp/tensor/conv_integer.h gives
_DOWN, _UP, _FITTING, _SUM = range(4)  # the ways of cpp/tensor/quantize.h
_TYPES = {"uint8": np.dtype(np.uint8), "int8": np.dtype(np.int8)}


def _conv_params(node: Node, weights: np.ndarray, zero: np.ndarray | None) -> dict[str, Any] | None:
    """What both quantised convolutions have in common; None where something does not fit."""
    group = int(node.attr("group", 1))
    window = window_params(node, weights.shape[2:]) if 3 <= weights.ndim <= 4 else None
    given = node.attr("kernel_shape")
    if window is None or group < 1 or len(weights) % group or weights.dtype not in _TYPES.values():
        return None
    if given is not None and len(given) and tuple(given) != weights.shape[2:]:
        return None
    wide = weights.astype(np.int32)
    if zero is not None:
        if zero.size not in (1, len(weights)):
            return None
        wide -= zero.astype(np.int32).reshape(-1, *[1] * (weights.ndim - 1))
    return {
        **window,
        "group": group,
        "outputs": len(weights),
        "channels": weights.shape[1],
        "weights": np.ascontiguousarray(wide),
        "bias": np.zeros(len(weights), np.int32),
        "factor": np.ones(len(weights), np.float32),
        "x_zero": 0,
        "y_zero": 0,
        "signed_result": 0,
        "gives": INTEGERS,
    }


def claim_conv_integer(node: Node, values: Values) -> TensorClaim | Refusal:
    """ConvInteger with constant weights."""
    inputs = [*node.inputs, "", ""]
    weights, zero = values.constant(inputs[1]), values.constant(inputs[3])
    if weights is None or (inputs[3] and zero is None):
        return Refusal("its weights are not constant")
    params = _conv_params(node, weights, zero)
    if params is None:
        return Refusal("no native kernel for its attributes")
    return TensorClaim("conv_integer", params, [inputs[0], inputs[2]], chained=True)


def claim_qlinear_conv(node: Node, values: Values) -> TensorClaim | Refusal:
    """QLinearConv in which all but x is constant."""
    constants = [values.constant(name) for name in node.inputs[1:]]
    if any(value is None for value in constants):
        return Refusal("its weights, scales or zero points are not constant")
    x_scale, x_zero, weights, w_scale, w_zero, y_scale, y_zero, *bias = (np.asarray(value) for value in constants)
    params = _conv_params(node, weights, w_zero)
    one = all(value.size == 1 for value in (x_scale, x_zero, y_scale, y_zero))
    if params is None or not one or w_scale.size not in (1, len(weights)) or y_zero.dtype not in _TYPES.values():
        return Refusal("no native kernel for its attributes")
    factor = x_scale.reshape(()) * w_scale.reshape(-1) / y_scale.reshape(())
    params |= {
        "factor": np.ascontiguousarray(np.broadcast_to(factor, len(weights)), np.float32),
        "x_zero": int(x_zero.reshape(())),
        "y_zero": int(y_zero.reshape(())),
        "signed_result": int(y_zero.dtype == np.int8),
        "gives": BYTES,
    }
    if bias:
        params["bias"] = np.ascontiguousarray(bias[0], np.int32)
    return TensorClaim("conv_integer", params, [node.inputs[0], ""])


def _scales(values: Values, names: list[str], kind: np.dtype) -> tuple[np.ndarray, np.ndarray] | None:
    """Scales and zero points of up to three operands from their names, two by two; None where one is no constant."""
    scales, zeros = np.ones(3, np.float32), np.zeros(3, np.int32)
    for i in range(0, len(names), 2):
        scale, zero = values.constant(names[i]), values.constant(names[i + 1])
        if scale is None or scale.size != 1 or scale.dtype != np.float32 or scale.reshape(())[()] <= 0:
            return None
        if zero is None or zero.size != 1 or zero.dtype != kind:
            return None
        scales[i // 2], zeros[i // 2] = scale.reshape(()), zero.reshape(())
    return scales, zeros


def _quantize(way: int, kind: np.dtype, found: tuple[np.ndarray, np.ndarray], inputs: list[str]) -> TensorClaim:
    params = {"way": way, "signed_result": int(kind == np.int8), "scales": found[0], "zeros": found[1]}
    return TensorClaim("quantize", params, inputs)


def claim_quantize(node: Node, values: Values) -> TensorClaim | Refusal:
    """QuantizeLinear and DequantizeLinear between float32 and 8 bits with one constant scale and zero point."""
    inputs = [*node.inputs, ""]
    down = node.op_type == "QuantizeLinear"
    zero = values.constant(inputs[2])
    real = values.element(inputs[0] if down else node.outputs[0])
    if zero is None or zero.dtype not in _TYPES.values() or real != "float" or node.attr("precision", 0):
        return Refusal("its zero point is no constant of 8 bits, or its values are not float32")
    found = _scales(values, inputs[1:3], zero.dtype)
    if found is None:
        return Refusal("its scale is no constant single value")
    if down:  # the result's stand last
        found = found[0][::-1].copy(), found[1][::-1].copy()
    return _quantize(_DOWN if down else _UP, zero.dtype, found, [inputs[0]])


def claim_dynamic_quantize(node: Node, values: Values) -> TensorClaim | Refusal:
    """DynamicQuantizeLinear."""
    if len(node.outputs) != 3:
        return Refusal("one of its outputs is left out")
    plain = np.ones(3, np.float32), np.zeros(3, np.int32)
    return _quantize(_FITTING, np.dtype(np.uint8), plain, [node.inputs[0]])


def claim_qlinear_add(node: Node, values: Values) -> TensorClaim | Refusal:
    """QLinearAdd of two tensors of one shape with constant scales and zero points."""
    inputs = [*node.inputs, ""]
    zero = values.constant(inputs[7])
    if zero is None or zero.dtype not in _TYPES.values():
        return Refusal("its zero point is no constant of 8 bits")
    found = _scales(values, [*inputs[1:3], *inputs[4:6], *inputs[6:8]], zero.dtype)
    if found is None:
        return Refusal("its scales and zero points are no constant single values")
    return _quantize(_SUM, zero.dtype, found, [inputs[0], inputs[3]])

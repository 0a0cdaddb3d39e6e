"""Whole-tensor claims of quantised operators, 8 bits a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.convolution import window_params
from celeris.providers.native.whole import Values

INTEGERS, FLOATS, BYTES = range(3)  # what cpp/tensor/conv_integer.h and product_integer.h give
_DOWN, _UP, _FITTING, _SUM, _PRODUCT = range(5)  # the ways of cpp/tensor/quantize.h
_TYPES = {"uint8": np.dtype(np.uint8), "int8": np.dtype(np.int8)}


def _conv_params(node: Node, weights: np.ndarray, zero: np.ndarray | None) -> dict[str, Any] | None:
    """What both quantised convolutions have in common; None where something does not fit."""
    group = int(node.attr("group", 1))
    window = window_params(node, weights.shape[2:]) if 3 <= weights.ndim <= 4 else None
    if window is None or group < 1 or len(weights) % group or weights.dtype not in _TYPES.values():
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


def claim_qlinear_pair(node: Node, values: Values) -> TensorClaim | Refusal:
    """QLinearAdd and QLinearMul with constant scales and zero points; one operand may have the last axes only."""
    inputs = [*node.inputs, ""]
    zero = values.constant(inputs[7])
    if zero is None or zero.dtype not in _TYPES.values():
        return Refusal("its zero point is no constant of 8 bits")
    found = _scales(values, [*inputs[1:3], *inputs[4:6], *inputs[6:8]], zero.dtype)
    if found is None:
        return Refusal("its scales and zero points are no constant single values")
    way = _SUM if node.op_type == "QLinearAdd" else _PRODUCT
    return _quantize(way, zero.dtype, found, [inputs[0], inputs[3]])


def _product(
    values: Values, a: tuple[str, str, str], b: tuple[str, str], gives: int, *, turn_b: bool = False, **params: Any
) -> TensorClaim | Refusal:
    """A product from the names of A, its zero point and its scale, of B and its zero point."""
    weights, zeros = values.constant(b[0]), [values.constant(name) for name in (a[1], b[1])]
    if values.element(b[0]) not in _TYPES or (b[1] and zeros[1] is None and weights is not None):
        return Refusal("B is not of 8 bits, or its zero point is not constant")
    found: dict[str, Any] = {
        "gives": gives, "turn_b": int(turn_b), "fitting": 0, "signed_result": 0, "a_zero": 0, "b_zero": 0, "y_zero": 0,
        "factor": np.ones(1), **params,
    }  # fmt: skip
    inputs = [*a, *b]
    if zeros[0] is not None and zeros[0].size == 1:
        found["a_zero"], inputs[1] = int(zeros[0].reshape(())), ""
    if weights is None:
        return TensorClaim("product_integer", found, inputs, chained=gives != BYTES)
    zero = np.zeros(1, np.int32) if zeros[1] is None else zeros[1].astype(np.int32)
    wide = weights.astype(np.int32)
    wide = wide.T if turn_b and weights.ndim == 2 else wide
    if weights.ndim != 2 or zero.shape not in ((), (1,), wide.shape[1:]):
        return Refusal("B is no matrix, or its zero points are not one a column")
    params = {"weights": np.ascontiguousarray(wide - zero), "depth": wide.shape[0], "columns": wide.shape[1]}
    return TensorClaim("product_integer", found | params, [*inputs[:3], "", ""], chained=gives != BYTES)


def _factor(*scales: np.ndarray | None) -> np.ndarray | None:
    """The product of constant scales of which the last may be one a column; None where they are not so."""
    known = [scale for scale in scales if scale is not None and scale.dtype == np.float32]
    if len(known) < len(scales) or any(s.size != 1 for s in known[:-1]) or known[-1].ndim > 1:
        return None
    product = np.ones(1)
    for scale in known:
        product = product * scale.astype(np.float64).reshape(-1)
    return product


def _bias(values: Values, name: str) -> np.ndarray | None:
    """A constant of one value a column in float64; None where it is none."""
    found = values.constant(name)
    if found is None or found.ndim not in (1, 2) or found.size != found.shape[-1]:
        return None
    return found.reshape(-1).astype(np.float64)


def claim_matmul_integer(node: Node, values: Values) -> TensorClaim | Refusal:
    """MatMulInteger with one zero point for A."""
    a, b, a_zero, b_zero = [*node.inputs, "", ""][:4]
    return _product(values, (a, a_zero, ""), (b, b_zero), INTEGERS)


def claim_qlinear_matmul(node: Node, values: Values) -> TensorClaim | Refusal:
    """QLinearMatMul with constant scales; those of B may be one a column."""
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = node.inputs
    return _requantized(values, (a, a_scale, a_zero), (b, b_scale, b_zero), (y_scale, y_zero))


def _requantized(
    values: Values,
    a: tuple[str, str, str],
    b: tuple[str, str, str],
    y: tuple[str, str],
    alpha: float = 1.0,
    **params: Any,
) -> TensorClaim | Refusal:
    """A product given in 8 bits; of each value the name, its scale, its zero point."""
    factor = _factor(*map(values.constant, (a[1], b[1])))
    y_scale, y_zero = map(values.constant, y)
    if factor is None or y_scale is None or y_scale.size != 1 or y_zero is None or y_zero.size != 1:
        return Refusal("its scales or the result's zero point are no constants")
    if y_zero.dtype not in _TYPES.values() or y_scale.dtype != np.float32:
        return Refusal("its result is not of 8 bits")
    return _product(
        values, (a[0], a[2], ""), (b[0], b[2]), BYTES, factor=alpha * factor / y_scale.astype(np.float64).reshape(()),
        y_zero=int(y_zero.reshape(())), signed_result=int(y_zero.dtype == np.int8), **params,
    )  # fmt: skip


def claim_qgemm(node: Node, values: Values) -> TensorClaim | Refusal:
    """QGemm with constant scales, C a constant for each column."""
    a, a_scale, a_zero, b, b_scale, b_zero, c, y_scale, y_zero = [*node.inputs, "", "", ""][:9]
    alpha, bias = float(node.attr("alpha", 1)), _bias(values, c)
    if node.attr("transA", 0) or (c and bias is None):
        return Refusal("its A is transposed, or its C is not a constant for each column")
    params: dict[str, Any] = {"turn_b": bool(node.attr("transB", 0))}
    if y_scale:
        if bias is not None:
            params["bias"] = bias
        return _requantized(values, (a, a_scale, a_zero), (b, b_scale, b_zero), (y_scale, y_zero), alpha, **params)
    factor = _factor(values.constant(a_scale), values.constant(b_scale))
    if factor is None:
        return Refusal("its scales are no constants")
    if bias is not None:
        params["bias"] = bias * factor * alpha
    return _product(values, (a, a_zero, ""), (b, b_zero), FLOATS, factor=factor * alpha, **params)


def claim_matmul_to_float(node: Node, values: Values) -> TensorClaim | Refusal:
    """MatMulIntegerToFloat with constant scales of B."""
    a, b, a_scale, b_scale, a_zero, b_zero, bias = [*node.inputs, "", "", ""][:7]
    return _to_float(values, (a, a_zero, a_scale), (b, b_zero), b_scale, bias)


def claim_dynamic_matmul(node: Node, values: Values) -> TensorClaim | Refusal:
    """DynamicQuantizeMatMul with constant scales of B."""
    a, b, b_scale, b_zero, bias = [*node.inputs, "", ""][:5]
    return _to_float(values, (a, "", ""), (b, b_zero), b_scale, bias, fitting=1)


def _to_float(
    values: Values, a: tuple[str, str, str], b: tuple[str, str], b_scale: str, bias: str, **params: Any
) -> TensorClaim | Refusal:
    factor, added = _factor(values.constant(b_scale)), _bias(values, bias)
    if factor is None or (bias and added is None) or (a[2] and values.element(a[2]) != "float"):
        return Refusal("B's scale or the bias is no constant for each column")
    if added is not None:
        params["bias"] = added
    return _product(values, a, b, FLOATS, factor=factor, **params)

"""Whole-tensor claims of pooling and of means."""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.convolution import window_params
from celeris.providers.native.whole import Values


def claim_pool(node: Node, values: Values) -> TensorClaim | Refusal:
    """MaxPool without indices and AveragePool, of float32 over one or two axes."""
    if values.element(node.inputs[0]) != "float" or any(node.outputs[1:]):
        return Refusal("its input is not float32, or it gives places, too")
    average = node.op_type == "AveragePool"
    ceil = int(node.attr("ceil_mode", 0))
    window = window_params(node, tuple(int(k) for k in node.attr("kernel_shape")))
    if window is None or "depth" in window or (average and ceil):
        return Refusal("no native kernel for its attributes")
    params = {
        **window,
        "ceil_mode": ceil,
        "average": int(average),
        "count_include_pad": int(node.attr("count_include_pad", 0)),
    }
    return TensorClaim("pool", params, [node.inputs[0]])


def claim_mean(node: Node, values: Values) -> TensorClaim | Refusal:
    """GlobalAveragePool, and ReduceMean over the last axes, of float32."""
    x = node.inputs[0]
    if values.element(x) != "float":
        return Refusal("its input is not float32")
    if node.op_type == "GlobalAveragePool":
        return TensorClaim("mean", {"axes": -1, "keep": 1}, [x])
    shape = values.shape(x)
    axes = node.attr("axes")
    if axes is None and len(node.inputs) > 1:
        axes = values.constant(node.inputs[1])
    if shape is None or axes is None or not len(axes):
        return Refusal("its axes are not known")
    rank = len(shape)
    places = sorted({int(axis) % rank for axis in np.asarray(axes).reshape(-1)})
    if places != list(range(rank - len(places), rank)):
        return Refusal("its axes are not the last ones")
    return TensorClaim("mean", {"axes": len(places), "keep": int(node.attr("keepdims", 1))}, [x])

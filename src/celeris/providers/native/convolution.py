"""Whole-tensor claims of convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.whole import Values

_WIDEST = 1 << 15  # beyond that products of sizes could overflow, and a model is hostile


def window_params(node: Node, kernel: tuple[int, ...]) -> dict[str, Any] | None:
    """The parameters of cpp/tensor/window.h for one or two spatial axes; None where the attributes do not fit."""
    rank = len(kernel)
    strides, dilations = (_sizes(node, name, rank, 1) for name in ("strides", "dilations"))
    pads = _sizes(node, "pads", 2 * rank, 0)
    if rank not in (1, 2) or strides is None or dilations is None or pads is None:
        return None
    if min(*kernel, *strides, *dilations) < 1 or min(pads) < 0 or max(*kernel, *strides, *dilations, *pads) > _WIDEST:
        return None
    if rank == 1:
        kernel, strides, dilations, pads = (1, *kernel), [1, *strides], [1, *dilations], [0, pads[0], 0, pads[1]]
    automatic = node.attr("auto_pad") or b"NOTSET"
    return {
        "kernel": np.array(kernel, np.int64),
        "strides": np.array(strides, np.int64),
        "dilations": np.array(dilations, np.int64),
        "pads": np.array(pads, np.int64),
        "auto_pad": automatic.decode() if isinstance(automatic, bytes) else automatic,
    }


def _sizes(node: Node, name: str, count: int, default: int) -> list[int] | None:
    given = node.attr(name)
    found = [default] * count if given is None or not len(given) else [int(v) for v in given]
    return found if len(found) == count else None


def claim_conv(node: Node, values: Values) -> TensorClaim | Refusal:
    """Conv of float32 over one or two spatial axes, with constant weights."""
    weights = values.constant(node.inputs[1])
    if weights is None or weights.dtype != np.float32 or not 3 <= weights.ndim <= 4 or not weights.size:
        return Refusal("its weights are no constant float32 tensor of three or four axes")
    bias = (
        values.constant(node.inputs[2])
        if len(node.inputs) > 2 and node.inputs[2]
        else np.zeros(len(weights), np.float32)
    )
    group = int(node.attr("group", 1))
    window = window_params(node, weights.shape[2:])
    if bias is None or bias.shape != (len(weights),) or window is None or group < 1 or len(weights) % group:
        return Refusal("its bias is not constant, or its attributes do not fit")
    given = node.attr("kernel_shape")
    if given is not None and len(given) and tuple(given) != weights.shape[2:]:
        return Refusal("its kernel_shape is not that of its weights")
    params = {
        **window,
        "group": group,
        "outputs": len(weights),
        "channels": weights.shape[1],
        "weights": np.ascontiguousarray(weights),
        "bias": np.ascontiguousarray(bias, np.float32),
    }
    return TensorClaim("conv", params, [node.inputs[0]], chained=True)

"""Whole-tensor claims of convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.graph import Node
from celeris.ops.windows import same_padding
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.whole import Values

_WIDEST = 1 << 15  # beyond that products of sizes could overflow, and a model is hostile
_MOSTLY_GAPS = 16
_UNFIT = Refusal("its attributes do not fit, or no kernel knows them")


def window_params(node: Node, kernel: tuple[int, ...]) -> dict[str, Any] | None:
    """The parameters of cpp/tensor/window.h, and "depth" of conv.h, for one to three spatial axes; None: unfit."""
    rank = len(kernel)
    strides, dilations = (_sizes(node, name, rank, 1) for name in ("strides", "dilations"))
    pads = _sizes(node, "pads", 2 * rank, 0)
    given = node.attr("kernel_shape")
    if given is not None and len(given) and tuple(given) != kernel:
        return None
    if rank not in (1, 2, 3) or strides is None or dilations is None or pads is None:
        return None
    if min(*kernel, *strides, *dilations) < 1 or min(pads) < 0 or max(*kernel, *strides, *dilations, *pads) > _WIDEST:
        return None
    automatic = node.attr("auto_pad") or b"NOTSET"
    automatic = automatic.decode() if isinstance(automatic, bytes) else automatic
    if automatic != "NOTSET":
        pads = [0] * (2 * rank)
    if rank == 1:
        kernel, strides, dilations, pads = (1, *kernel), [1, *strides], [1, *dilations], [0, pads[0], 0, pads[1]]
    params: dict[str, Any] = {"axes": rank, "auto_pad": automatic}
    if rank == 3:
        if automatic not in ("NOTSET", "VALID"):
            return None
        depth = [kernel[0], strides[0], dilations[0], pads[0], pads[3]]
        params["depth"] = np.array(depth, np.int64)
        kernel, strides, dilations, pads = kernel[1:], strides[1:], dilations[1:], [*pads[1:3], *pads[4:]]
    return params | {
        "kernel": np.array(kernel, np.int64),
        "strides": np.array(strides, np.int64),
        "dilations": np.array(dilations, np.int64),
        "pads": np.array(pads, np.int64),
    }


def _sizes(node: Node, name: str, count: int, default: int) -> list[int] | None:
    given = node.attr(name)
    found = [default] * count if given is None or not len(given) else [int(v) for v in given]
    return found if len(found) == count else None


def claim_conv(node: Node, values: Values) -> TensorClaim | Refusal:
    """Conv of float32 over one to three spatial axes, with constant weights or with weights of known sizes."""
    inputs = [*node.inputs, ""][:3]
    weights, bias = values.constant(inputs[1]), values.constant(inputs[2])
    shape = values.shape(inputs[1]) if weights is None else weights.shape
    sizes = tuple(size for size in shape or () if isinstance(size, int) and size > 0)
    if values.element(inputs[1]) != "float" or not 3 <= len(sizes) <= 5 or len(sizes) != len(shape or ()):
        return Refusal("its weights are no float32 tensor of three to five axes of known sizes")
    window, group = window_params(node, sizes[2:]), int(node.attr("group", 1))
    if window is None or group < 1 or sizes[0] % group:
        return _UNFIT
    depth = int(window["depth"][0]) if "depth" in window else 1
    params = {**window, "group": group, "outputs": sizes[0], "channels": sizes[1] * depth}
    if weights is None or (inputs[2] and bias is None):
        return TensorClaim("conv", params, inputs, chained=True)
    if bias is not None and bias.shape != sizes[:1]:
        return Refusal("its bias is not one value a channel")
    params["weights"] = np.ascontiguousarray(weights)
    if bias is not None:
        params["bias"] = np.ascontiguousarray(bias, np.float32)
    return TensorClaim("conv", params, inputs[:1], chained=True)


def claim_transposed(node: Node, values: Values) -> TensorClaim | Refusal:
    """ConvTranspose of float32 over one or two spatial axes, with constant weights.

    With steps of s it is a convolution without steps that makes s outputs (a phase each) of every position, from a
    kernel of ceil(k / s) places: y[j s + phase - pad] = sum_t x[j - t] w[phase + t s]. Weights with gaps between them
    are a larger kernel with zeros.
    """
    weights = values.constant(node.inputs[1])
    bias = values.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    if weights is None or weights.dtype != np.float32 or not 3 <= weights.ndim <= 4 or not weights.size:
        return Refusal("its weights are no constant float32 tensor of three or four axes")
    window, group = window_params(node, weights.shape[2:]), int(node.attr("group", 1))
    added = _sizes(node, "output_padding", weights.ndim - 2, 0)
    if window is None or added is None or min(added) < 0 or group < 1 or len(weights) % group:
        return _UNFIT
    outputs = group * weights.shape[1]
    if len(node.inputs) > 2 and (bias is None or bias.shape != (outputs,)):
        return Refusal("its bias is no constant of one value a channel")
    up, gaps = window["strides"], window["dilations"]
    kernel = (window["kernel"] - 1) * gaps + 1
    whole = kernel + ([0, *added] if weights.ndim == 3 else added)
    cut = _transposed_pads(node, weights.ndim - 2, window, whole - up, values)
    if cut is None or np.abs(cut).max() > _WIDEST:
        return Refusal("its output_shape asks for an input of known sizes")
    before, more = cut[0], whole - cut[0] - cut[1]
    places = -(-kernel // up)
    if (places * up).prod() > _MOSTLY_GAPS * window["kernel"].prod():
        return Refusal("its strides or dilations leave more gaps than a convolution is worth")
    wide = np.zeros((*weights.shape[:2], *(places * up)), np.float32)
    wide[:, :, : kernel[0] : gaps[0], : kernel[1] : gaps[1]] = weights.reshape(*weights.shape[:2], *window["kernel"])
    # [group, C, M, T, s, T, s] -> [group, M, s, s, C, T, T], the places from the last to the first
    split = wide.reshape(group, -1, weights.shape[1], places[0], up[0], places[1], up[1])
    turned = split.transpose(0, 2, 4, 6, 1, 3, 5)[..., ::-1, ::-1]
    phases = int(up.prod())
    behind = np.maximum((more + before - 1) // up, 0)
    params = {
        **window,
        "auto_pad": "NOTSET",
        "strides": np.ones(2, np.int64),
        "dilations": np.ones(2, np.int64),
        "kernel": places,
        "pads": np.concatenate([places - 1, behind]),
        "up": up,
        "crop": before,
        "more": more,
        "group": group,
        "outputs": outputs * phases,
        "channels": len(weights) // group,
        "weights": np.ascontiguousarray(turned),
    }
    if bias is not None:
        params["bias"] = np.repeat(bias.astype(np.float32), phases)
    return TensorClaim("conv", params, [node.inputs[0]])


def _transposed_pads(
    node: Node, rank: int, window: dict[str, Any], over: np.ndarray, values: Values
) -> tuple[np.ndarray, np.ndarray] | None:
    """What ConvTranspose cuts off before and after each of two axes (below 0: adds); None: not known.

    `over` is how far the whole output of n positions goes beyond n steps.
    """
    automatic, wanted = window["auto_pad"], node.attr("output_shape")
    if wanted is not None and len(wanted):
        sizes = [size for size in (values.shape(node.inputs[0]) or ())[2:] if isinstance(size, int)]
        if len(sizes) != rank or len(wanted) < rank:
            return None
        one = [1] * (2 - rank)
        over = over + np.array(one + sizes) * window["strides"] - (one + [int(n) for n in wanted][-rank:])
    elif not automatic.startswith("SAME"):
        return window["pads"][:2], window["pads"][2:]
    before = np.array([same_padding(int(cut), automatic)[0] for cut in over])
    return before, over - before

"""Whole-tensor claims of operators that pick or move elements, or make tensors of sizes: of any graph.

What their indices are only a call tells. One that is out of range is left to the reference tier, which says so.
"""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.graph.types import element_of
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.whole import ELEMENTS, Values

_TAKE = ("Gather", "GatherElements", "GatherND", "Compress", "")  # in the order of cpp/arrays/take.h
_PUT = ("ScatterElements", "ScatterND")
_FIND = ("NonZero", "TopK", "")
_LAY = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Transpose", "Slice")
_MADE = ("Shape", "Size", "Range", "ConstantOfShape")
_END = 1 << 40  # beyond any axis


def claim_take(node: Node, values: Values) -> TensorClaim | Refusal:
    """Elements or slices by indices, or by a condition."""
    way, axis = _TAKE.index(node.op_type), node.attr("axis", None if node.op_type == "Compress" else 0)
    if axis is None:
        way += 1
    if node.op_type == "GatherND":
        axis = node.attr("batch_dims", 0)
    return TensorClaim("take", {"way": way, "axis": int(axis or 0)}, list(node.inputs))


def claim_put(node: Node, values: Values) -> TensorClaim | Refusal:
    """Scatter* without a reduction."""
    if node.attr("reduction", b"none") not in (b"none", "none"):
        return Refusal("no native kernel for its reduction")
    return TensorClaim("put", {"way": _PUT.index(node.op_type), "axis": int(node.attr("axis", 0))}, list(node.inputs))


def claim_find(node: Node, values: Values) -> TensorClaim | Refusal:
    """NonZero, and TopK whose K is an input."""
    way = _FIND.index(node.op_type)
    if way == 1:
        if len(node.inputs) != 2 or not all((*node.outputs, "")[:2]):
            return Refusal("its K is an attribute, or an output is left out")
        way += not int(node.attr("largest", 1))
    return TensorClaim("find", {"way": way, "axis": int(node.attr("axis", -1))}, list(node.inputs))


def claim_made(node: Node, values: Values) -> TensorClaim | Refusal:
    """Shape, Size, Range of whole numbers, ConstantOfShape."""
    value = node.attr("value")
    value = np.zeros(1, np.float32) if value is None else value
    if value.size != 1 or element_of(value.dtype) not in ELEMENTS:
        return Refusal("no native kernel for its value")
    params = {
        "way": _MADE.index(node.op_type),
        "start": int(node.attr("start", 0)),
        "end": int(node.attr("end", _END)),
        "element": ELEMENTS.index(element_of(value.dtype)),
        "value": int.from_bytes(value.tobytes(), "little", signed=True),
    }
    return TensorClaim("made", params, list(node.inputs))


def claim_join(node: Node, values: Values) -> TensorClaim | Refusal:
    """Concat of tensors whose sizes are not known before they come."""
    if all(_known(values, name) for name in node.inputs):
        return Refusal("its sizes are known")
    return TensorClaim("join", {"axis": int(node.attr("axis", 1))}, list(node.inputs))


def claim_lay(node: Node, values: Values) -> TensorClaim | Refusal:
    """Another shape or order of a tensor whose sizes are not known before it comes."""
    if _known(values, node.inputs[0]):
        return Refusal("its sizes are known")
    if len(node.inputs) == 1 and node.op_type in ("Reshape", "Slice"):
        return Refusal("its arguments are attributes")
    axes = [int(node.attr("axis", 1))] if node.op_type == "Flatten" else node.attr("axes", node.attr("perm"))
    params = {
        "way": _LAY.index(node.op_type),
        "zeros": int(node.attr("allowzero", 0)),
        **({} if axes is None else {"axes": np.asarray(axes, np.int64)}),
    }
    return TensorClaim("lay", params, list(node.inputs))


def _known(values: Values, name: str) -> bool:
    """Whether all sizes are: then the plan finds a shorter way (plan/moves.py)."""
    shape = values.shape(name)
    return shape is not None and all(isinstance(size, int) for size in shape)

"""Claims of operators over the columns of a row: reductions, extremes, orders, softmax, running sums."""

from __future__ import annotations

import math

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows
from celeris.providers.native.structure import columns_of, integers_of

_REAL = ("float", "double")
# Operator -> element types; the kernel knows it by the name without "Reduce".
REDUCTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("ReduceL1", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"), (*_REAL, "int64", "int32")
    ),
    **dict.fromkeys(("ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean"), _REAL),
}


def _groups(rows: Rows, places: set[int], keep: bool, element: str) -> tuple[np.ndarray, Rows]:
    """The columns each output column reduces, [outputs, each], and what the output is."""
    kept = [at for at in range(len(rows.tail)) if at not in places]
    table = np.transpose(columns_of(rows), [*kept, *sorted(places)])
    groups = math.prod(rows.tail[at] for at in kept)
    tail = tuple(1 if at in places else rows.tail[at] for at in range(len(rows.tail)) if keep or at not in places)
    axis = rows.axis if keep else rows.axis - sum(at < rows.axis for at in places)
    return np.ascontiguousarray(table.reshape(groups, -1 if groups else 0), np.int64), Rows(element, tail, axis=axis)


def claim_reduction(node: Node, context: Context) -> Claim | Refusal:
    """One number of each row, or of each group of its columns."""
    rows = context.rows(node.inputs[0])
    axes = integers_of(node, context, 1, "axes")
    if rows is None or rows.element not in REDUCTIONS[node.op_type]:
        return Refusal(f"no kernel for {rows.element}" if rows else "its input is a constant")
    if not isinstance(axes, list) or not axes:
        return Refusal("expected constant axes" if isinstance(axes, Refusal) else "it reduces the rows too")
    places = {rows.place(axis) for axis in axes}
    if None in places:
        return Refusal("it reduces the rows too")
    keep = bool(node.attr("keepdims", 1))
    groups, out = _groups(rows, {at for at in places if at is not None}, keep, rows.element)
    if not groups.size:
        return Refusal("it has no columns")
    params = {"op": node.op_type.removeprefix("Reduce"), "columns": groups}
    return Claim([KernelCall("reduce", params, [node.inputs[0]], [node.outputs[0]])], {node.outputs[0]: out})


def claim_arg_extreme(node: Node, context: Context) -> Claim | Refusal:
    """Where the greatest (or least) column stands."""
    rows = context.rows(node.inputs[0])
    if rows is None or rows.element not in (*_REAL, "int64", "int32"):
        return Refusal("expected rows of numbers")
    place = rows.place(int(node.attr("axis", 0)))
    if place is None:
        return Refusal("it looks along the rows")
    groups, out = _groups(rows, {place}, bool(node.attr("keepdims", 1)), "int64")
    if not groups.size:
        return Refusal("it has no columns")
    params = {
        "greatest": int(node.op_type == "ArgMax"),
        "last": int(node.attr("select_last_index", 0)),
        "columns": groups,
    }
    return Claim([KernelCall("arg_extreme", params, [node.inputs[0]], [node.outputs[0]])], {node.outputs[0]: out})


def claim_top_k(node: Node, context: Context) -> Claim | Refusal:
    """The k greatest (or least) columns."""
    rows = context.rows(node.inputs[0])
    count = integers_of(node, context, 1, "k")
    if rows is None or len(rows.tail) != 1 or rows.element not in (*_REAL, "int64", "int32"):
        return Refusal("expected rows of numbers, of one dimension")
    if not isinstance(count, list) or not 0 < count[0] <= rows.width:
        return Refusal("expected a constant k of at most the columns")
    if rows.place(int(node.attr("axis", -1))) is None:
        return Refusal("it orders the rows")
    values, places = (name or context.fresh("unused") for name in (*node.outputs, "")[:2])
    tail = (count[0],)
    call = KernelCall("top_k", {"largest": int(node.attr("largest", 1))}, [node.inputs[0]], [values, places])
    return Claim([call], {values: Rows(rows.element, tail), places: Rows("int64", tail)})


def claim_softmax(node: Node, context: Context) -> Claim | Refusal:
    """e^x by the row's sum of them, or the logarithm of that."""
    rows = context.rows(node.inputs[0])
    if rows is None or rows.element not in _REAL or len(rows.tail) != 1 or not rows.width:
        return Refusal("expected rows of reals, of one dimension")
    axis = int(node.attr("axis", -1 if context.opset("") >= 13 else 1))
    if rows.place(axis) is None:
        return Refusal("it goes along the rows")
    source, out = node.inputs[0], node.outputs[0]
    kind = "SOFTMAX" if node.op_type == "Softmax" else "LOG_SOFTMAX"
    return Claim([KernelCall("post_transform", {"kind": kind}, [source], [out])], {out: rows})


def claim_cumulative_sum(node: Node, context: Context) -> Claim | Refusal:
    """Running sums over the columns."""
    rows, axis = context.rows(node.inputs[0]), context.constant(node.inputs[1])
    if rows is None or axis is None or len(rows.tail) != 1 or rows.element not in (*_REAL, "int64", "int32"):
        return Refusal("expected rows of numbers, of one dimension, and a constant axis")
    if axis.size != 1 or rows.place(int(axis.reshape(()))) is None:
        return Refusal("it goes along the rows")
    params = {"exclusive": int(node.attr("exclusive", 0)), "reverse": int(node.attr("reverse", 0))}
    return Claim([KernelCall("cumulative_sum", params, [node.inputs[0]], [node.outputs[0]])], {node.outputs[0]: rows})

"""Claims of the distances of rows to constant points."""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.graph.loops import power_summed
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows
from celeris.providers.native.linear import text


def claim_cdist(node: Node, context: Context) -> Claim | Refusal:
    """|x - p|^2 of each constant point p, or its root."""
    rows, points = context.rows(node.inputs[0]), context.constant(node.inputs[1])
    if rows is None or points is None or rows.element not in ("float", "double") or len(rows.tail) != 1:
        return Refusal("expected rows of reals and constant points")
    kind = text(node, "metric", "sqeuclidean")
    if kind not in ("sqeuclidean", "euclidean") or points.ndim != 2 or points.shape[1] != rows.width:
        return Refusal(f"no kernel for {kind} to points of shape {list(points.shape)}")
    wide = np.ascontiguousarray(points, np.float64)
    params = {"kind": kind, "points": wide, "weights": -2 * wide, "bias": np.square(wide).sum(axis=1)}
    out = Rows(rows.element, (len(points),))
    return Claim([KernelCall("distances", params, [node.inputs[0]], [node.outputs[0]])], {node.outputs[0]: out})


def claim_scan(node: Node, context: Context) -> Claim | Refusal:
    """The sum of |x - p|^q for each constant point p: such sums before rows, and the rows as they came."""
    power = power_summed(node, context.constant)
    if power is None:
        return Refusal("no native kernel")
    rows, points = context.rows(node.inputs[0]), context.constant(node.inputs[1])
    if rows is None or points is None or rows.element not in ("float", "double") or len(rows.tail) != 1:
        return Refusal("expected rows of reals and constant points")
    if points.ndim != 2 or points.shape[1] != rows.width or not points.size:
        return Refusal(f"no kernel for points of shape {list(points.shape)}")
    params = {"power": power, "points": np.ascontiguousarray(points, np.float64)}
    state, sums = node.outputs
    return Claim(
        [KernelCall("powers", params, [node.inputs[0]], [sums])],
        {sums: Rows(rows.element, (len(points),), axis=1), **({state: rows} if state else {})},
        {state: node.inputs[0]} if state else {},
    )

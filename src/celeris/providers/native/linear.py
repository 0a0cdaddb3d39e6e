"""Claims of linear models, and of what classifiers share: post-transforms and labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.attributes import python_value
from celeris.graph.graph import Node
from celeris.ops.ml_linear import AS_SHARES
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows

_LARGE, _MANY = 1024, 32  # coefficients; outputs, for which tiles of rows are faster than lanes (`bench.products`)


def sums_in_float32(outputs: int, inputs: int) -> bool:
    """Whether `gemm` sums products of float32 in float32, in lanes: double would take longer than onnxruntime does."""
    return outputs > 4 and inputs >= 64 and outputs * inputs >= _LARGE


def text(node: Node, name: str, default: str) -> str:
    """A STRING attribute."""
    found = node.attributes.get(name)
    return default if found is None else str(python_value(found))


def labels_of(node: Node, integers: str, strings: str) -> tuple[str, list[str] | np.ndarray] | None:
    """The class labels and their element type, or None where the node has none."""
    names = node.attr(strings)
    if names is not None and len(names):
        return "string", [n.decode("utf-8", "surrogateescape") if isinstance(n, bytes) else n for n in names]
    numbers = node.attr(integers)
    if numbers is not None and len(numbers):
        return "int64", np.ascontiguousarray(numbers, np.int64)
    return None


def _weights(node: Node, outputs: int) -> tuple[np.ndarray, np.ndarray] | Refusal:
    coefficients = np.ascontiguousarray(node.attr("coefficients"), np.float32)
    intercepts = np.ascontiguousarray(node.attr("intercepts", ()), np.float32)
    if outputs < 1 or coefficients.size % outputs or intercepts.size not in (0, outputs):
        return Refusal(f"expected coefficients and intercepts for {outputs} outputs")
    return coefficients, intercepts if intercepts.size else np.zeros(outputs, np.float32)


def _gemm(
    context: Context, source: str, weights: tuple[np.ndarray, np.ndarray], out: str, found: dict[str, Rows]
) -> list[KernelCall]:
    """The kernel call, after a cast where the input is of integers; `found` learns of registers of another type."""
    rows, outputs = context.rows(source), len(weights[1])
    params: dict[str, Any] = {"weights": weights[0], "bias": weights[1]}
    if rows is not None and rows.element == "float":
        if outputs > _MANY and outputs * rows.width >= _LARGE:
            found[out] = Rows("float", (outputs,))
            return [KernelCall("gemm_narrow", {**params, "once": 1}, [source], [out])]
        if sums_in_float32(outputs, rows.width):
            found[out], params["single"] = Rows("float", (outputs,)), 1
    if rows is None or rows.element in ("float", "double"):
        return [KernelCall("gemm", params, [source], [out])]
    wide = context.fresh("wide")
    found[wide] = Rows("double", rows.tail)
    return [KernelCall("cast", {}, [source], [wide]), KernelCall("gemm", params, [wide], [out])]


def claim_linear_classifier(node: Node, context: Context) -> Claim | Refusal:
    """gemm, label, post-transform; a single score becomes two columns as onnxruntime makes them."""
    rows = context.rows(node.inputs[0])
    labels = labels_of(node, "classlabels_ints", "classlabels_strings")
    if rows is None or rows.element == "string" or len(rows.tail) != 1:
        return Refusal("expected rows of numbers")
    if labels is None:
        return Refusal("it has no class labels")
    element, table = labels
    scores = len(node.attr("intercepts", ())) or 1
    weights = _weights(node, scores)
    if isinstance(weights, Refusal):
        return weights
    if weights[0].size != scores * rows.width:
        return Refusal(f"{weights[0].size} coefficients for {scores} x {rows.width} features")
    if scores == 1 and len(table) == 2:
        return _claim_single_score(node, context, weights, (element, table))
    if len(table) != scores:
        return Refusal(f"{scores} score columns for {len(table)} classes")
    label, probabilities = node.outputs[0], node.outputs[1] if len(node.outputs) > 1 else ""
    transform = text(node, "post_transform", "NONE")
    raw = context.fresh("scores") if transform != "NONE" or not probabilities else probabilities
    found = {raw: Rows("double" if raw != probabilities else "float", (scores,)), label: Rows(element, ())}
    calls = [
        *_gemm(context, node.inputs[0], weights, raw, found),
        KernelCall("argmax_label", {"labels": table}, [raw], [label]),
    ]
    if probabilities and raw != probabilities:
        found[probabilities] = Rows("float", (scores,))
        calls.append(KernelCall("post_transform", {"kind": transform}, [raw], [probabilities]))
    return Claim(calls, found)


def _claim_single_score(
    node: Node,
    context: Context,
    weights: tuple[np.ndarray, np.ndarray],
    labels: tuple[str, list[str] | np.ndarray],
) -> Claim:
    """The score s of the second class: columns 1 - s and s, or -s and s where a post_transform takes them."""
    transform = text(node, "post_transform", "NONE")
    none = transform in AS_SHARES
    label, probabilities = node.outputs[0], node.outputs[1] if len(node.outputs) > 1 else ""
    score, other, both = context.fresh("score"), context.fresh("other"), context.fresh("both")
    found = {score: Rows("double", (1,)), label: Rows(labels[0], ())}
    calls = [
        *_gemm(context, node.inputs[0], weights, score, found),
        KernelCall("threshold_label", {"labels": labels[1], "threshold": 0.0}, [score], [label]),
    ]
    if probabilities:
        first = np.zeros(1, np.int64)
        calls.append(
            KernelCall("binary", {"op": "Sub", "a_values": np.ones(1), "b_columns": first}, [score], [other])
            if none
            else KernelCall("unary", {"op": "Neg"}, [score], [other])
        )
        order = {"inputs": np.array([0, 1]), "columns": np.zeros(2, np.int64)}
        calls.append(KernelCall("select_columns", order, [other, score], [both]))
        last = KernelCall("cast", {}, [both], [probabilities])
        calls.append(last if none else KernelCall("post_transform", {"kind": transform}, [both], [probabilities]))
        pair = Rows("double", (2,))
        found.update({other: Rows("double", (1,)), both: pair, probabilities: Rows("float", (2,))})
    return Claim(calls, found)


def claim_linear_regressor(node: Node, context: Context) -> Claim | Refusal:
    """gemm."""
    rows = context.rows(node.inputs[0])
    targets = int(node.attr("targets", 1))
    if rows is None or rows.element == "string" or len(rows.tail) != 1:
        return Refusal("expected rows of numbers")
    weights = _weights(node, targets)
    if isinstance(weights, Refusal):
        return weights
    if weights[0].size != targets * rows.width:
        return Refusal(f"{weights[0].size} coefficients for {targets} x {rows.width} features")
    transform = text(node, "post_transform", "NONE")
    if targets == 1 and transform != "PROBIT":
        transform = "NONE"  # as in the reference tier
    out = node.outputs[0]
    raw = out if transform == "NONE" else context.fresh("scores")
    found = {out: Rows("float", (targets,))}
    calls = _gemm(context, node.inputs[0], weights, raw, found)
    if raw != out:
        found.setdefault(raw, Rows("double", (targets,)))
        calls.append(KernelCall("post_transform", {"kind": transform}, [raw], [out]))
    return Claim(calls, found)

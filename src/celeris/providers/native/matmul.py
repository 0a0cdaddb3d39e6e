"""Claims of products of rows with a constant matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows
from celeris.providers.native.elementwise import operand

_DTYPES = {"float": np.float32, "double": np.float64}


# From here on the arithmetic outweighs the way of the rows (bench.converters, `mlp` in bench.throughput): products of
# float32 are summed in float32, those of double are fused with their sums.
_INPUTS, _OUTPUTS = 16, 5


def _product(node: Node, rows: Rows, weights: np.ndarray, bias: np.ndarray, tail: tuple[int, ...]) -> Claim:
    """rows [K] times weights [K, M] plus bias [M]."""
    inputs, outputs = weights.shape
    many = inputs >= _INPUTS and outputs >= _OUTPUTS
    narrow = many and rows.element == "float" and weights.dtype == bias.dtype == np.float32
    params: dict[str, Any] = {"weights": np.ascontiguousarray(weights.T), "bias": np.ascontiguousarray(bias)}
    if many and not narrow:
        params["fused"] = 1
    call = KernelCall("gemm_narrow" if narrow else "gemm", params, [node.inputs[0]], [node.outputs[0]])
    return Claim([call], {node.outputs[0]: Rows(rows.element, tail)}, note="sums in float32" if narrow else "")


def _table(node: Node, context: Context) -> tuple[Rows, np.ndarray] | Refusal:
    rows, weights = context.rows(node.inputs[0]), context.constant(node.inputs[1])
    if rows is None or weights is None:
        return Refusal("expected rows times a constant")
    if rows.element not in _DTYPES or len(rows.tail) != 1 or weights.dtype != _DTYPES[rows.element]:
        return Refusal("expected rows of reals, of one dimension")
    return rows, weights


def claim_matmul(node: Node, context: Context) -> Claim | Refusal:
    """[N, K] by [K, M] or [K]."""
    found = _table(node, context)
    if isinstance(found, Refusal):
        return found
    rows, weights = found
    if weights.ndim not in (1, 2) or weights.shape[0] != rows.width:
        return Refusal(f"no kernel for a constant of shape {list(weights.shape)}")
    matrix = weights.reshape(rows.width, -1)
    return _product(node, rows, matrix, np.zeros(matrix.shape[1], weights.dtype), weights.shape[1:])


def claim_gemm(node: Node, context: Context) -> Claim | Refusal:
    """alpha A B + beta C."""
    found = _table(node, context)
    if isinstance(found, Refusal):
        return found
    rows, weights = found
    matrix = weights.T if node.attr("transB", 0) else weights
    if node.attr("transA", 0) or matrix.ndim != 2 or matrix.shape[0] != rows.width:
        return Refusal("expected the rows of A times a matrix")
    if len(node.inputs) > 2 and context.rows(node.inputs[2]):
        return _gemm_and_rows(node, context, rows, matrix)
    bias = context.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else np.zeros((), weights.dtype)
    if bias is None or bias.ndim > 2 or (bias.ndim == 2 and bias.shape[0] != 1):
        return Refusal("expected a constant C for all rows alike")
    alpha, beta = float(node.attr("alpha", 1.0)), float(node.attr("beta", 1.0))
    if alpha != 1:
        matrix = matrix.astype(np.float64) * alpha
    if beta != 1:
        bias = bias.astype(np.float64) * beta
    try:
        bias = np.broadcast_to(bias.reshape(bias.shape[-1:]), (matrix.shape[1],))
    except ValueError:
        return Refusal("expected a C as wide as the product")
    return _product(node, rows, matrix, bias, (matrix.shape[1],))


def _gemm_and_rows(node: Node, context: Context, rows: Rows, matrix: np.ndarray) -> Claim | Refusal:
    """alpha A B + C where C depends on the rows too."""
    other = context.rows(node.inputs[2])
    if float(node.attr("beta", 1.0)) != 1 or other is None or len(other.tail) != 1 or other.axis:
        return Refusal("expected rows of one dimension as C, and a beta of 1")
    if other.element != rows.element or other.width not in (1, matrix.shape[1]):
        return Refusal("expected a C as wide as the product")
    out = Rows(rows.element, (matrix.shape[1],))
    raw = context.fresh("product")
    weights = matrix.astype(np.float64) * float(node.attr("alpha", 1.0))
    params = {"weights": np.ascontiguousarray(weights.T), "bias": np.zeros(out.width)}
    c, read = operand(context, node.inputs[2], "b", out)
    add = {"op": "Add", "a_columns": np.arange(out.width, dtype=np.int64), **c}
    calls = [
        KernelCall("gemm", params, [node.inputs[0]], [raw]),
        KernelCall("binary", add, [raw, *read], [node.outputs[0]]),
    ]
    return Claim(calls, {raw: out, node.outputs[0]: out})

"""Whole-tensor claims of matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Refusal, TensorClaim
from celeris.providers.native.whole import Values


def _claim(
    left: str, right: str, values: Values, *, turn_a: int = 0, turn_b: int = 0, alpha: float = 1.0
) -> TensorClaim | Refusal:
    if values.element(left) != "float" or values.element(right) != "float":
        return Refusal("its inputs are not float32")
    params: dict[str, Any] = {"turn_a": turn_a, "turn_b": turn_b, "alpha": alpha}
    weights = values.constant(right)
    if weights is None or weights.ndim != 2:
        return TensorClaim("product", params, [left, right], chained=True)
    depth, columns = weights.shape[::-1] if turn_b else weights.shape
    params |= {"weights": np.ascontiguousarray(weights), "depth": depth, "columns": columns}
    return TensorClaim("product", params, [left], chained=True)


def claim_matmul(node: Node, values: Values) -> TensorClaim | Refusal:
    """MatMul of float32; the kernel looks at ranks and sizes."""
    return _claim(node.inputs[0], node.inputs[1], values)


def claim_gemm(node: Node, values: Values) -> TensorClaim | Refusal:
    """Gemm of float32; the kernel looks at sizes."""
    turn_a, turn_b = int(node.attr("transA", 0)), int(node.attr("transB", 0))
    found = _claim(
        node.inputs[0], node.inputs[1], values, turn_a=turn_a, turn_b=turn_b, alpha=float(node.attr("alpha", 1))
    )
    if isinstance(found, Refusal) or len(node.inputs) < 3 or not node.inputs[2]:
        return found
    bias, beta = values.constant(node.inputs[2]), float(node.attr("beta", 1))
    columns = found.params.get("columns")
    if bias is not None and columns is not None and bias.shape in ((columns,), (1, columns)):
        found.params["bias"] = (bias.reshape(-1) * np.float32(beta)).astype(np.float32)
    elif values.element(node.inputs[2]) == "float":
        found.params["beta"] = beta
        found.inputs.append(node.inputs[2])
    else:
        return Refusal("its C is not float32")
    return found

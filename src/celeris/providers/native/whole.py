"""Which node runs natively on whole tensors: networks, whose values are no tables of rows. The table of rules.

A graph is a network where one of its operators mixes what lies along inner axes (a convolution, a recurrent layer, a
product of more than two axes, ...). All other graphs are left to row pipelines, whose results do not depend on anything
but the row; what these refuse runs here where kernels take tensors of any type and shape.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TypeAlias

import numpy as np

from celeris.graph.graph import Graph, Node
from celeris.graph.types import Shape, Tensor, element_of
from celeris.providers.base import Refusal, TensorClaim


class Values:
    """What a rule may ask of values: constants, types."""

    def __init__(self, graph: Graph, opset: int = 13) -> None:
        self._graph = graph
        self.opset = opset

    def constant(self, name: str) -> np.ndarray | None:
        """The value where it is a constant tensor, else None."""
        found = self._graph.initializers.get(name)
        return found if isinstance(found, np.ndarray) and name not in self._graph.inputs else None

    def element(self, name: str) -> str | None:
        """The element type where it is known."""
        value = self._graph.initializers.get(name)
        found = self._graph.types.get(name)
        if isinstance(value, np.ndarray):
            return element_of(value.dtype)
        return found.element if isinstance(found, Tensor) else None

    def shape(self, name: str) -> Shape | None:
        """The dimensions, where their number is known."""
        found = self._graph.types.get(name)
        return found.shape if isinstance(found, Tensor) else None


ELEMENTS = ("float", "double", "int64", "int32", "uint8", "int8", "bool")  # in the order of cpp/tensor/tensor.h

TensorRule: TypeAlias = Callable[[Node, Values], TensorClaim | Refusal]

# Rule (its module beside this one, and its function) -> the operators it takes.
TENSOR_CLAIMS: dict[tuple[str, str], str] = {
    ("", "convolution.claim_conv"): "Conv",
    ("", "convolution.claim_transposed"): "ConvTranspose",
    ("", "pooling.claim_pool"): "AveragePool MaxPool",
    ("", "pooling.claim_mean"): "GlobalAveragePool ReduceMean",
    ("", "norms.claim_softmax"): "Softmax",
    ("", "norms.claim_layer_norm"): "LayerNormalization",
    ("", "recurrent.claim_recurrent"): "GRU LSTM",
    ("", "chains.claim_cast"): "Cast",
    ("", "product.claim_matmul"): "MatMul",
    ("", "quantized.claim_conv_integer"): "ConvInteger",
    ("", "quantized.claim_dynamic_quantize"): "DynamicQuantizeLinear",
    ("", "quantized.claim_qlinear_conv"): "QLinearConv",
    ("", "quantized.claim_quantize"): "DequantizeLinear QuantizeLinear",
    ("", "quantized.claim_matmul_integer"): "MatMulInteger",
    ("", "quantized.claim_qlinear_matmul"): "QLinearMatMul",
    ("com.microsoft", "quantized.claim_qlinear_pair"): "QLinearAdd QLinearMul",
    ("com.microsoft", "quantized.claim_qgemm"): "QGemm",
    ("com.microsoft", "quantized.claim_matmul_to_float"): "MatMulIntegerToFloat",
    ("com.microsoft", "quantized.claim_dynamic_matmul"): "DynamicQuantizeMatMul",
    ("", "product.claim_gemm"): "Gemm",
    ("", "chains.claim_links"): """Abs Add Clip Div Erf Exp Gelu HardSigmoid HardSwish LeakyRelu Max Min Mul Neg Pow
        Reciprocal Relu Sigmoid Sqrt Sub Sum Tanh""",
}
# The same of any graph, for what nothing else takes: what picks or moves elements, tells sizes, or is plain arithmetic.
PLAIN_CLAIMS: dict[tuple[str, str], str] = {
    ("", "plain.claim_fold"): "ReduceMax ReduceMean ReduceMin ReduceSum",
    ("", "plain.claim_plain"): """Abs Add And Cast Div Equal Greater GreaterOrEqual IsNaN Less LessOrEqual Max Min Mul
        Neg Not Or Sqrt Sub Where Xor""",
    ("", "places.claim_find"): "NonZero TopK",
    ("", "places.claim_join"): "Concat",
    ("", "places.claim_lay"): "Expand Flatten Reshape Slice Squeeze Transpose Unsqueeze",
    ("", "places.claim_made"): "ConstantOfShape Range Shape Size",
    ("", "places.claim_put"): "ScatterElements ScatterND",
    ("", "places.claim_take"): "Compress Gather GatherElements GatherND",
}


def _homes(claims: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    return {(domain, name): rule for (domain, rule), names in claims.items() for name in names.split()}


_HOME, _PLAIN_HOME = _homes(TENSOR_CLAIMS), _homes(PLAIN_CLAIMS)

_NETWORK = {
    "Conv", "ConvInteger", "ConvTranspose", "QLinearConv", "LSTM", "GRU", "RNN", "LayerNormalization",
    "BatchNormalization", "InstanceNormalization", "Attention", "MaxPool", "AveragePool", "GlobalAveragePool",
    "DynamicQuantizeLinear", "DynamicQuantizeMatMul", "MatMulInteger", "MatMulIntegerToFloat", "QGemm", "QLinearMatMul",
}  # fmt: skip
_PRODUCTS = ("MatMul", "Gemm")
_NETWORK_OR_PRODUCT = _NETWORK.union(_PRODUCTS)
_WIDE = 64


def is_network(graph: Graph) -> bool:
    """Whether the graph's values are better seen as whole tensors than as rows."""
    if _NETWORK_OR_PRODUCT.isdisjoint([node.op_type for node in graph.nodes]):
        return False
    values = Values(graph)
    tables = any(node.domain == "ai.onnx.ml" for node in graph.nodes)
    return any(
        (node.op_type in _NETWORK and not _scales_columns(node, values))
        or (node.op_type in _PRODUCTS and _mixes(node, values, tables))
        for node in graph.nodes
    )


def is_wide(node: Node, values: Values) -> bool:
    """Whether it is made along rows, not along columns, though the graph is of tables: a softmax of many columns."""
    shape = values.shape(node.inputs[0]) if node.op_type == "Softmax" and not node.domain else None
    return shape is not None and len(shape) > 1 and isinstance(shape[-1], int) and shape[-1] >= _WIDE


def _scales_columns(node: Node, values: Values) -> bool:
    """Whether it is a batch normalisation of a table, whose channels are columns."""
    return node.op_type == "BatchNormalization" and len(values.shape(node.inputs[0]) or ()) == 2


def _mixes(node: Node, values: Values, tables: bool) -> bool:
    """Whether a product has more than two axes, or multiplies by what is computed and no row of a table."""
    if node.op_type == "MatMul" and len(values.shape(node.inputs[0]) or ()) > 2:
        return True
    return not tables and values.constant(node.inputs[1]) is None and values.element(node.inputs[1]) == "float"


@cache
def _rule(home: str) -> TensorRule:
    module, _, function = home.partition(".")
    rule: TensorRule = getattr(import_module(f"celeris.providers.native.{module}"), function)
    return rule


def claim(node: Node, values: Values) -> TensorClaim | Refusal:
    """How a network's node runs natively on whole tensors, or why it does not."""
    home = _HOME.get((node.domain, node.op_type))
    return Refusal("no native kernel for whole tensors") if home is None else _rule(home)(node, values)


def claim_plainly(node: Node, values: Values) -> TensorClaim | None:
    """How a node of any graph does, which neither that nor a row pipeline takes; None where it does not."""
    home = _PLAIN_HOME.get((node.domain, node.op_type))
    if home is None or any(values.element(name) not in (None, *ELEMENTS) for name in node.inputs if name):
        return None
    answer = _rule(home)(node, values)
    return answer if isinstance(answer, TensorClaim) else None


def has_rule(domain: str, name: str) -> bool:
    """Whether an operator may run on whole tensors at all."""
    return (domain, name) in _HOME or (domain, name) in _PLAIN_HOME

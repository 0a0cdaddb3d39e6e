"""The native provider: which node which kernels take. This page is the table of claims, one rule an operator."""

from __future__ import annotations

from celeris.graph.graph import Node
from celeris.providers.base import Claim, ClaimRule, Context, Refusal
from celeris.providers.native import features, linear, structure

CLAIMS: dict[tuple[str, str], ClaimRule] = {
    ("ai.onnx.ml", "LinearClassifier"): linear.claim_linear_classifier,
    ("ai.onnx.ml", "LinearRegressor"): linear.claim_linear_regressor,
    ("ai.onnx.ml", "Scaler"): features.claim_scaler,
    ("ai.onnx.ml", "Normalizer"): features.claim_normalizer,
    ("ai.onnx.ml", "Imputer"): features.claim_imputer,
    ("ai.onnx.ml", "Binarizer"): features.claim_binarizer,
    ("ai.onnx.ml", "LabelEncoder"): features.claim_label_encoder,
    ("ai.onnx.ml", "OneHotEncoder"): features.claim_one_hot_encoder,
    ("", "Identity"): structure.claim_identity,
}


def claim(node: Node, context: Context) -> Claim | Refusal:
    """How the node runs natively, or why it does not."""
    rule = CLAIMS.get((node.domain, node.op_type))
    if rule is None:
        return Refusal("no native kernel")
    for name in node.inputs:
        if name and context.rows(name) is None and context.constant(name) is None:
            return Refusal(f"input '{name}' is not a table of rows with known columns")
    if not any(context.rows(name) for name in node.inputs if name):
        return Refusal("no input depends on the rows")
    return rule(node, context)

"""The native provider: which node which kernels take. This page is the table of claims, one rule an operator."""

from __future__ import annotations

from celeris.graph.graph import Node
from celeris.providers.base import Claim, ClaimRule, Context, Refusal
from celeris.providers.native import (
    columns,
    distance,
    elementwise,
    features,
    linear,
    matmul,
    reduce,
    structure,
    svm,
    trees,
)

CLAIMS: dict[tuple[str, str], ClaimRule] = {
    ("ai.onnx.ml", "LinearClassifier"): linear.claim_linear_classifier,
    ("ai.onnx.ml", "LinearRegressor"): linear.claim_linear_regressor,
    ("ai.onnx.ml", "TreeEnsemble"): trees.claim_ensemble,
    ("ai.onnx.ml", "TreeEnsembleClassifier"): trees.claim_classifier,
    ("ai.onnx.ml", "TreeEnsembleRegressor"): trees.claim_regressor,
    ("ai.onnx.ml", "Scaler"): features.claim_scaler,
    ("ai.onnx.ml", "Normalizer"): features.claim_normalizer,
    ("ai.onnx.ml", "Imputer"): features.claim_imputer,
    ("ai.onnx.ml", "Binarizer"): features.claim_binarizer,
    ("ai.onnx.ml", "LabelEncoder"): features.claim_label_encoder,
    ("ai.onnx.ml", "OneHotEncoder"): features.claim_one_hot_encoder,
    ("ai.onnx.ml", "ArrayFeatureExtractor"): columns.claim_array_feature_extractor,
    ("ai.onnx.ml", "FeatureVectorizer"): columns.claim_feature_vectorizer,
    ("ai.onnx.ml", "SVMClassifier"): svm.claim_svm_classifier,
    ("ai.onnx.ml", "SVMRegressor"): svm.claim_svm_regressor,
    ("com.microsoft", "CDist"): distance.claim_cdist,
    ("", "Identity"): structure.claim_identity,
    ("", "Cast"): elementwise.claim_cast,
    ("", "ArgMax"): reduce.claim_arg_extreme,
    ("", "ArgMin"): reduce.claim_arg_extreme,
    ("", "CumSum"): reduce.claim_cumulative_sum,
    ("", "LogSoftmax"): reduce.claim_softmax,
    ("", "LpNormalization"): features.claim_lp_normalization,
    ("", "Softmax"): reduce.claim_softmax,
    ("", "TopK"): reduce.claim_top_k,
    ("", "Gemm"): matmul.claim_gemm,
    ("", "MatMul"): matmul.claim_matmul,
    ("", "Clip"): elementwise.claim_clip,
    ("", "Where"): elementwise.claim_where,
    ("", "Concat"): columns.claim_concat,
    ("", "Expand"): columns.claim_expand,
    ("", "Flatten"): structure.claim_flatten,
    ("", "Gather"): columns.claim_gather,
    ("", "Reshape"): structure.claim_reshape,
    ("", "Slice"): columns.claim_slice,
    ("", "Split"): columns.claim_split,
    ("", "Squeeze"): structure.claim_squeeze,
    ("", "Tile"): columns.claim_tile,
    ("", "Transpose"): structure.claim_transpose,
    ("", "Unsqueeze"): structure.claim_unsqueeze,
    **{("", name): elementwise.claim_unary for name in elementwise.UNARY},
    **{("", name): elementwise.claim_binary for name in elementwise.BINARY},
    **{("", name): reduce.claim_reduction for name in reduce.REDUCTIONS},
}


# Operators whose rules know rows along any axis; all others are asked only about [N, ...].
_ANY_AXIS = {
    "ArrayFeatureExtractor", "Cast", "Concat", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split",
    "Squeeze", "Tile", "Transpose", "Unsqueeze", "Where", *elementwise.UNARY, *elementwise.BINARY, *reduce.REDUCTIONS,
}  # fmt: skip


def claim(node: Node, context: Context) -> Claim | Refusal:
    """How the node runs natively, or why it does not."""
    rule = CLAIMS.get((node.domain, node.op_type))
    if rule is None:
        return Refusal("no native kernel")
    counts = set()
    for name in node.inputs:
        rows = context.rows(name) if name else None
        if rows is not None:
            counts.add(rows.fixed)
            if rows.axis and node.op_type not in _ANY_AXIS:
                return Refusal(f"input '{name}' has its rows along axis {rows.axis}")
        elif name and context.constant(name) is None:
            return Refusal(f"input '{name}' is not a table of rows with known columns")
    if not counts:
        return Refusal("no input depends on the rows")
    if len(counts) > 1:
        return Refusal("its inputs differ in their number of rows")
    return rule(node, context)

"""The native provider: which node which kernels take. This page is the table of claims.

A rule's module is imported when one of its operators is first met; a test holds the table to the modules.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from celeris.graph.graph import Graph, Node
from celeris.providers.base import WIDEST, Claim, ClaimRule, Context, Refusal

if TYPE_CHECKING:
    from celeris.providers.native.ngrams import Chain

# Domain -> rule (its module below this one, and its function) -> the operators it takes.
CLAIMS: dict[str, dict[str, str]] = {
    "ai.onnx.ml": {
        "linear.claim_linear_classifier": "LinearClassifier",
        "linear.claim_linear_regressor": "LinearRegressor",
        "trees.claim_ensemble": "TreeEnsemble",
        "trees.claim_classifier": "TreeEnsembleClassifier",
        "trees.claim_regressor": "TreeEnsembleRegressor",
        "features.claim_scaler": "Scaler",
        "features.claim_normalizer": "Normalizer",
        "features.claim_imputer": "Imputer",
        "features.claim_binarizer": "Binarizer",
        "features.claim_label_encoder": "LabelEncoder",
        "features.claim_one_hot_encoder": "OneHotEncoder",
        "columns.claim_array_feature_extractor": "ArrayFeatureExtractor",
        "columns.claim_feature_vectorizer": "FeatureVectorizer",
        "svm.claim_svm_classifier": "SVMClassifier",
        "svm.claim_svm_regressor": "SVMRegressor",
    },
    "com.microsoft": {
        "distance.claim_cdist": "CDist",
        "features.claim_hash": "MurmurHash3",
    },
    "": {
        "structure.claim_identity": "Identity",
        "distance.claim_scan": "Scan",
        "elementwise.claim_cast": "Cast",
        "reduce.claim_arg_extreme": "ArgMax ArgMin",
        "reduce.claim_cumulative_sum": "CumSum",
        "reduce.claim_softmax": "LogSoftmax Softmax",
        "features.claim_lp_normalization": "LpNormalization",
        "reduce.claim_top_k": "TopK",
        "ngrams.claim_vectorizer": "TfIdfVectorizer",
        "matmul.claim_gemm": "Gemm",
        "matmul.claim_matmul": "MatMul",
        "elementwise.claim_clip": "Clip",
        "elementwise.claim_where": "Where",
        "columns.claim_concat": "Concat",
        "columns.claim_expand": "Expand",
        "structure.claim_flatten": "Flatten",
        "columns.claim_gather": "Gather",
        "columns.claim_gather_elements": "GatherElements",
        "structure.claim_reshape": "Reshape",
        "columns.claim_scatter_elements": "ScatterElements",
        "columns.claim_slice": "Slice",
        "columns.claim_split": "Split",
        "structure.claim_squeeze": "Squeeze",
        "columns.claim_tile": "Tile",
        "structure.claim_transpose": "Transpose",
        "structure.claim_unsqueeze": "Unsqueeze",
        "elementwise.claim_unary": """Abs Neg Relu Sign Ceil Exp Floor IsNaN Log Reciprocal Round Sigmoid
            Softplus Sqrt Tanh Not""",
        "elementwise.claim_activation": """Celu Elu Erf Gelu HardSigmoid HardSwish LeakyRelu Mish PRelu Selu
            Softsign ThresholdedRelu""",
        "elementwise.claim_batch_normalization": "BatchNormalization",
        "elementwise.claim_binary": """Add Sub Mul Div Max Min Sum Less LessOrEqual Greater GreaterOrEqual And Or
            Xor Equal Mod Pow""",
        "reduce.claim_reduction": """ReduceL1 ReduceMax ReduceMin ReduceProd ReduceSum ReduceSumSquare ReduceL2
            ReduceLogSum ReduceLogSumExp ReduceMean""",
    },
}
_HOME: dict[tuple[str, str], str] = {
    (domain, name): rule for domain, rules in CLAIMS.items() for rule, names in rules.items() for name in names.split()
}

# Operators whose rules know rows along any axis; all others are asked only about [N, ...].
_ANY_AXIS = {
    "ArrayFeatureExtractor", "Cast", "Concat", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split",
    "Squeeze", "Tile", "Transpose", "Unsqueeze", "Where",
}  # fmt: skip
for _rule in ("elementwise.claim_unary", "elementwise.claim_binary", "reduce.claim_reduction"):
    _ANY_AXIS.update(CLAIMS[""][_rule].split())


@cache
def rule_of(domain: str, name: str) -> ClaimRule | None:
    """The operator's rule, its module imported when it is first asked for; None where there is none."""
    home = _HOME.get((domain, name))
    if home is None:
        return None
    module, _, function = home.partition(".")
    rule: ClaimRule = getattr(import_module(f"celeris.providers.native.{module}"), function)
    return rule


def claim(node: Node, context: Context) -> Claim | Refusal:
    """How the node runs natively, or why it does not."""
    rule = rule_of(node.domain, node.op_type)
    if rule is None:
        return Refusal("no native kernel")
    counts: set[int | str | None] = set()
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
    answer = rule(node, context)
    if isinstance(answer, Claim) and not all(rows.narrow for rows in answer.rows.values()):
        return Refusal(f"its rows would have more than {WIDEST} columns")
    return answer


def text_chains(graph: Graph) -> list[Chain]:
    """Nodes that are claimed together or not at all, each chain in order: from texts to counts of n-grams."""
    if "TfIdfVectorizer" not in [node.op_type for node in graph.nodes]:
        return []
    from celeris.providers.native import ngrams

    return ngrams.chains(graph)

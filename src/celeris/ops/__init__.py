"""The reference tier: what every operator means, in NumPy. This page is the table of families.

A family is imported when one of its operators is first looked up; a test holds each row to what its file defines.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module

from celeris.ops.table import DOMAIN_ALIASES, Op, OpTable

_ONNX: dict[str, str] = {
    "activation": """Celu Elu Gelu HardSigmoid HardSwish LeakyRelu Mish PRelu Relu Selu Shrink Sigmoid Softplus
        Softsign SwiGLU Swish ThresholdedRelu""",
    "arithmetic": """Abs Add Ceil Clip Div Erf Exp Floor Log Max Mean Min Mod Mul Neg Pow Reciprocal Round Sign Sqrt
        Sub Sum""",
    "logic": """And BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Equal Greater GreaterOrEqual IsInf IsNaN
        Less LessOrEqual Not Or Where Xor""",
    "trigonometry": "Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan Tanh",
    "cast": "BitCast Cast CastLike",
    "tensor": "Concat Constant ConstantOfShape EyeLike Identity Pad Range Split Tile Trilu",
    "reshape": "Expand Flatten Reshape Shape Size Squeeze Transpose Unsqueeze",
    "reduce": """ArgMax ArgMin CumProd CumSum ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
        ReduceMin ReduceProd ReduceSum ReduceSumSquare""",
    "ranking": "Hardmax LogSoftmax Softmax TopK",
    "matmul": "Det Einsum Gemm MatMul",
    "index": "Compress Gather GatherElements GatherND NonZero OneHot ReverseSequence Slice Unique",
    "scatter": "Scatter ScatterElements ScatterND TensorScatter",
    "conv": "CausalConvWithState Col2Im Conv ConvInteger ConvTranspose QLinearConv",
    "blocks": "DeformConv DepthToSpace SpaceToDepth",
    "pool": "AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool MaxUnpool",
    "regions": "MaxRoiPool NonMaxSuppression RoiAlign",
    "norm": """BatchNormalization Dropout GroupNormalization InstanceNormalization LRN LayerNormalization
        LpNormalization MeanVarianceNormalization RMSNormalization""",
    "norm_fused": "SimplifiedLayerNormalization",
    "loss": "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
    "attention": "Attention RotaryEmbedding",
    "linear_attention": "LinearAttention",
    "rnn": "GRU LSTM RNN",
    "resize": "CenterCropPad Resize Upsample",
    "grids": "AffineGrid GridSample",
    "quantize": "DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearMatMul QuantizeLinear",
    "sequence": """ConcatFromSequence Optional OptionalGetElement OptionalHasElement SequenceAt SequenceConstruct
        SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence""",
    "control": "If Loop Scan",
    "signal": "BlackmanWindow DFT HammingWindow HannWindow MelWeightMatrix STFT",
    "text": "RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer",
    "image": "ImageDecoder",
    "random": "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike",
}
_ML: dict[str, str] = {
    "ml_linear": "LinearClassifier LinearRegressor",
    "ml_features": """ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer
        LabelEncoder Normalizer OneHotEncoder Scaler ZipMap""",
    "ml_svm": "SVMClassifier SVMRegressor",
    "ml_trees": "TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor",
}

_MICROSOFT: dict[str, str] = {
    "contrib_activation": "BiasGelu FastGelu FusedConv Gelu QuickGelu ScaledSiLU",
    "contrib_attention": "Attention MultiHeadAttention QAttention",
    "contrib_decoding": "BifurcationDetector DecoderMaskedMultiHeadAttention DynamicTimeWarping",
    "contrib_diffusion": "BiasAdd BiasSplitGelu GemmFastGelu GroupNorm NhwcConv SkipGroupNorm",
    "contrib_experts": "MoE QMoE",
    "contrib_grouped_attention": "GroupQueryAttention RotaryEmbedding",
    "contrib_matrix": "CDist FusedGemm FusedMatMul Inverse MatMulInteger16 TransposeMatMul",
    "contrib_norm": """EmbedLayerNormalization QEmbedLayerNormalization SkipLayerNormalization
        SkipSimplifiedLayerNormalization""",
    "contrib_padding": "GatedRelativePositionBias RelativePositionBias RemovePadding RestorePadding",
    "contrib_quantized": """DequantizeLinear NhwcMaxPool QLinearAdd QLinearAveragePool QLinearConcat
        QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearSigmoid QLinearSoftmax QLinearWhere
        QuantizeLinear""",
    "contrib_quantized_gather": "GatherBlockQuantized",
    "contrib_quantized_matmul": """DynamicQuantizeMatMul MatMulBnb4 MatMulIntegerToFloat MatMulNBits QGemm
        QLinearConv""",
    "contrib_recurrent": "CausalConvWithState GatedRMSNorm LinearAttention LinearAttentionGate",
    "contrib_rnn": "DynamicQuantizeLSTM",
    "contrib_sparse_attention": "MRotaryEmbedding SparseAttention",
    "contrib_tensor": """ExpandDims GatherND GridSample NGramRepeatBlock Pad Range SampleOp Trilu UnfoldTensor
        Unique""",
    "contrib_text": "MurmurHash3 Tokenizer",
    "contrib_vision": "ConvTransposeWithDynamicPads CropAndResize MaxpoolWithMask",
}

_PREVIEW: dict[str, str] = {"flex_attention": "FlexAttention"}

FAMILIES: dict[str, dict[str, str]] = {
    "": _ONNX,
    "ai.onnx.ml": _ML,
    "ai.onnx.preview": _PREVIEW,
    "com.microsoft": _MICROSOFT,
}
_HOME: dict[tuple[str, str], str] = {
    (domain, name): family
    for domain, families in FAMILIES.items()
    for family, names in families.items()
    for name in names.split()
}


@cache
def _family(name: str) -> OpTable:
    return OpTable(import_module(f"celeris.ops.{name}").OPS)


@lru_cache(1 << 12)
def find(domain: str, name: str, opset: int) -> Op | None:
    """The operator's definition at `opset`, or None where there is none."""
    domain = DOMAIN_ALIASES.get(domain, domain)
    home = _HOME.get((domain, name))
    return None if home is None else _family(home).find(domain, name, opset)

"""Scalers, encoders, decompositions, selection, imputers, text: what changes rows for the next step."""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx.sklapi import CastRegressor, CastTransformer, ReplaceTransformer
from sklearn import decomposition, feature_extraction, feature_selection, impute, preprocessing, random_projection
from sklearn.feature_extraction import text
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from tests.converters.case import PREDICT, TRANSFORM, Case, cases_of

_TEXT: dict[str, Any] = {"feed": "vector", "types": ("string",)}
_SEPARATORS = {"separators": [" ", "[.]", "\\?", ",", ";", ":", "!"]}


def _bins(how: str, strategy: str) -> preprocessing.KBinsDiscretizer:
    method = {"quantile_method": "averaged_inverted_cdf"} if strategy == "quantile" else {}
    return preprocessing.KBinsDiscretizer(4, encode=how, strategy=strategy, subsample=None, random_state=0, **method)


_PLAIN = [
    preprocessing.StandardScaler(),
    preprocessing.StandardScaler(with_mean=False),
    preprocessing.StandardScaler(with_std=False),
    preprocessing.MinMaxScaler(),
    preprocessing.MinMaxScaler((-1, 2), clip=True),
    preprocessing.MaxAbsScaler(),
    preprocessing.RobustScaler(),
    preprocessing.RobustScaler(with_centering=False, quantile_range=(10, 90)),
    preprocessing.PowerTransformer(),
    preprocessing.PowerTransformer(standardize=False),
    preprocessing.QuantileTransformer(n_quantiles=50),
]

CASES = [
    *cases_of(_PLAIN, ["unlabelled", "regression, gaps"], TRANSFORM),
    *cases_of([preprocessing.PowerTransformer("box-cox")], "shares", TRANSFORM),
    *cases_of(
        [preprocessing.QuantileTransformer(n_quantiles=50, output_distribution="normal")], "unlabelled", TRANSFORM
    ),
    *(
        Case(preprocessing.StandardScaler(), "unlabelled", TRANSFORM, options={"div": way})
        for way in ("div", "div_cast")
    ),
    *cases_of([preprocessing.StandardScaler(), preprocessing.MinMaxScaler()], "codes", TRANSFORM, feed="whole"),
    *cases_of(
        [
            *(preprocessing.Normalizer(norm) for norm in ("l1", "l2", "max")),
            preprocessing.Binarizer(threshold=0.5),
            preprocessing.PolynomialFeatures(2),
            preprocessing.PolynomialFeatures(3, include_bias=False),
            preprocessing.PolynomialFeatures(2, interaction_only=True),
            preprocessing.FunctionTransformer(),
            random_projection.GaussianRandomProjection(3, random_state=0),
            decomposition.PCA(3),
            decomposition.PCA(2, whiten=True),
            decomposition.IncrementalPCA(3),
            decomposition.TruncatedSVD(3, random_state=0),
            decomposition.KernelPCA(3, kernel="rbf"),
            decomposition.KernelPCA(3, kernel="poly", degree=2),
            decomposition.KernelPCA(3, kernel="sigmoid", gamma=0.01),
            decomposition.KernelPCA(3, kernel="linear"),
            decomposition.KernelPCA(3, kernel="cosine"),
        ],
        "unlabelled",
        TRANSFORM,
    ),
    Case(decomposition.KernelPCA(3, kernel="rbf"), "unlabelled", TRANSFORM, options={"optim": "cdist"}),
    Case(preprocessing.KernelCenterer(), "kernel", TRANSFORM, tolerance=1e-3),
    *cases_of(
        [
            _bins(how, strategy)
            for how in ("ordinal", "onehot-dense", "onehot")
            for strategy in ("uniform", "quantile", "kmeans")
        ],
        "unlabelled",
        TRANSFORM,
        loose=0.03,
    ),
    *cases_of(
        [
            feature_selection.SelectKBest(k=3),
            feature_selection.SelectPercentile(percentile=50),
            feature_selection.SelectFpr(alpha=0.2),
            feature_selection.SelectFdr(alpha=0.5),
            feature_selection.SelectFwe(alpha=0.5),
            feature_selection.GenericUnivariateSelect(mode="k_best", param=2),
            feature_selection.VarianceThreshold(0.5),
            feature_selection.SelectFromModel(LogisticRegression()),
            feature_selection.RFE(LogisticRegression(), n_features_to_select=2),
            feature_selection.RFECV(DecisionTreeClassifier(random_state=0), cv=2),
        ],
        "binary",
        TRANSFORM,
    ),
    Case(feature_selection.SelectKBest(k=3), "codes", TRANSFORM, feed="whole"),
    *cases_of(
        [
            impute.SimpleImputer(),
            impute.SimpleImputer(strategy="median"),
            impute.SimpleImputer(strategy="most_frequent"),
            impute.SimpleImputer(strategy="constant", fill_value=-1.0),
        ],
        "regression, gaps",
        TRANSFORM,
    ),
    Case(impute.SimpleImputer(missing_values=0.0, strategy="mean"), "codes", TRANSFORM),
    Case(impute.SimpleImputer(missing_values=0, strategy="most_frequent"), "codes", TRANSFORM, feed="whole"),
    *cases_of(
        [
            impute.SimpleImputer(missing_values="", strategy="most_frequent"),
            impute.SimpleImputer(missing_values="", strategy="constant", fill_value="none"),
        ],
        "strings",
        TRANSFORM,
        feed="text",
    ),
    *cases_of(
        [
            preprocessing.OneHotEncoder(handle_unknown="ignore"),
            preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            preprocessing.OneHotEncoder(handle_unknown="ignore", drop="first"),
            preprocessing.OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=30),
            preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
            preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
            preprocessing.TargetEncoder(cv=2, random_state=0),
        ],
        "strings",
        TRANSFORM,
        feed="text",
    ),
    *cases_of(
        [
            preprocessing.OneHotEncoder(handle_unknown="ignore"),
            preprocessing.OneHotEncoder(drop="if_binary", sparse_output=False),
            preprocessing.OrdinalEncoder(),
            preprocessing.TargetEncoder(cv=2, random_state=0),
        ],
        "codes",
        TRANSFORM,
        feed="whole",
    ),
    *cases_of(
        [preprocessing.OneHotEncoder(handle_unknown="ignore"), preprocessing.OrdinalEncoder()], "codes", TRANSFORM
    ),
    Case(preprocessing.LabelEncoder(), "answers", TRANSFORM, feed="vector", types=("int64",)),
    Case(preprocessing.LabelEncoder(), "answers in words", TRANSFORM, feed="vector", types=("string",)),
    Case(preprocessing.LabelBinarizer(), "answers", TRANSFORM, feed="vector", types=("int64",)),
    Case(
        preprocessing.LabelBinarizer(neg_label=-1, pos_label=2),
        "answers in words",
        TRANSFORM,
        feed="vector",
        types=("string",),
    ),
    *cases_of(
        [feature_extraction.DictVectorizer(), feature_extraction.DictVectorizer(sparse=False)],
        "dicts",
        TRANSFORM,
        feed="dicts",
        types=("float", "double"),
    ),
    *cases_of(
        [
            feature_extraction.FeatureHasher(8, input_type="string"),
            feature_extraction.FeatureHasher(8, input_type="string", alternate_sign=False),
        ],
        "hashed",
        TRANSFORM,
        feed="text",
        types=("string",),
    ),
    *cases_of(
        [
            text.CountVectorizer(),
            text.CountVectorizer(binary=True),
            text.CountVectorizer(ngram_range=(1, 2)),
            text.CountVectorizer(ngram_range=(2, 3)),
            text.CountVectorizer(lowercase=False, stop_words=["the", "and"]),
            text.CountVectorizer(max_features=10),
            text.CountVectorizer(vocabulary=["fox", "dog", "jump"]),
            text.CountVectorizer(analyzer="char", ngram_range=(1, 2)),
            text.CountVectorizer(analyzer="char_wb", ngram_range=(2, 3)),
            text.CountVectorizer(token_pattern="[a-z]+"),
            text.TfidfVectorizer(),
            text.TfidfVectorizer(ngram_range=(1, 2), norm="l1"),
            text.TfidfVectorizer(norm=None, smooth_idf=False),
            text.TfidfVectorizer(sublinear_tf=True),
            text.TfidfVectorizer(use_idf=False),
            text.TfidfVectorizer(analyzer="char", ngram_range=(2, 2)),
        ],
        "texts",
        TRANSFORM,
        **_TEXT,
    ),
    *cases_of([text.CountVectorizer(), text.TfidfVectorizer()], "texts", TRANSFORM, options=_SEPARATORS, **_TEXT),
    *cases_of(
        [text.CountVectorizer(), text.TfidfVectorizer()],
        "texts",
        TRANSFORM,
        options={"tokenexp": "[a-zA-Z0-9_]+"},
        **_TEXT,
    ),
    *cases_of(
        [
            text.TfidfTransformer(),
            text.TfidfTransformer(norm="l1", sublinear_tf=True),
            text.TfidfTransformer(use_idf=False),
        ],
        "counts",
        TRANSFORM,
    ),
    Case(CastTransformer(dtype=np.float64), "unlabelled", TRANSFORM),
    Case(CastRegressor(LinearRegression()), "regression", PREDICT),
    Case(ReplaceTransformer(0.0, 7.0), "unlabelled", TRANSFORM),
]

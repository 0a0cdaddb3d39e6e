"""Estimators made of estimators: pipelines, columns, unions, ensembles of kinds, calibration, several answers, searches."""

from __future__ import annotations

from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn import ensemble as en
from sklearn import preprocessing as pp
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier

from tests.converters.case import PREDICT, PROBABILITIES, SCORES, TRANSFORM, Case, cases_of

_PLAIN = {"zipmap": False}
_THREE = ["binary", "classes", "words"]
_LOGISTIC, _NB, _TREE = LogisticRegression(), GaussianNB(), DecisionTreeClassifier(max_depth=3, random_state=0)
_REAL = [("a", LinearRegression()), ("b", DecisionTreeRegressor(max_depth=3, random_state=0))]
_WEIGHTS = np.array([1.0, 2.0, 3.0])
_KINDS = [("a", _LOGISTIC), ("b", _NB), ("c", _TREE)]
_TEXTS: dict[str, Any] = {"feed": "vector", "types": ("string",)}


def _lists(estimator: Any, X: Any) -> list[np.ndarray]:
    return list(estimator.predict_proba(X))


def _columns(numbers: Any = None, words: Any = None, **more: Any) -> ColumnTransformer:
    numbers = pp.StandardScaler() if numbers is None else numbers
    words = pp.OneHotEncoder(handle_unknown="ignore") if words is None else words
    return ColumnTransformer([("n", numbers, ["age", "fare"]), ("w", words, ["port", "class"])], **more)


_OWN = pp.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
_FRAMES = [
    make_pipeline(_columns(), _LOGISTIC),
    make_pipeline(_columns("passthrough", _OWN), en.RandomForestClassifier(8, random_state=0)),
    make_pipeline(_columns(make_pipeline(pp.MinMaxScaler(), PCA(1))), SelectKBest(k=3), _LOGISTIC),
    make_pipeline(
        _columns(pp.KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf")), LinearDiscriminantAnalysis()
    ),
    make_pipeline(
        _columns(pp.PolynomialFeatures(2)),
        pp.StandardScaler(with_mean=False),
        SGDClassifier("log_loss", random_state=0),
    ),
    make_pipeline(_columns(), LGBMClassifier(n_estimators=5, verbose=-1)),
    make_pipeline(_columns(), XGBClassifier(n_estimators=5)),
    make_pipeline(
        _columns(words=pp.TargetEncoder(cv=2, random_state=0)), en.HistGradientBoostingClassifier(max_iter=5)
    ),
    make_pipeline(_columns(), CalibratedClassifierCV(LinearSVC(), cv=2)),
    make_pipeline(_columns(), KNeighborsClassifier(3)),
]

CASES = [
    *cases_of(
        [
            make_pipeline(pp.StandardScaler(), _LOGISTIC),
            make_pipeline(SimpleImputer(), pp.StandardScaler(), PCA(3), SVC(probability=True, random_state=0)),
            make_pipeline(pp.MinMaxScaler(), pp.PolynomialFeatures(2), _LOGISTIC),
            make_pipeline(pp.QuantileTransformer(n_quantiles=20), _LOGISTIC),
            make_pipeline(make_union(pp.StandardScaler(), PCA(2), pp.PolynomialFeatures(2)), _LOGISTIC),
            make_pipeline(pp.StandardScaler(), make_pipeline(PCA(3), _NB)),
            GridSearchCV(_LOGISTIC, {"C": [0.1, 1.0]}, cv=2),
            GridSearchCV(make_pipeline(pp.StandardScaler(), _LOGISTIC), {"logisticregression__C": [0.1, 1.0]}, cv=2),
            CalibratedClassifierCV(SGDClassifier(random_state=0), cv=2),
            CalibratedClassifierCV(_NB, method="isotonic", cv=2),
            CalibratedClassifierCV(LinearSVC(), cv=2, ensemble=False),
            CalibratedClassifierCV(_TREE, method="temperature", cv=2),
            en.VotingClassifier(_KINDS, voting="soft", flatten_transform=False),
            en.VotingClassifier(_KINDS, voting="soft", weights=_WEIGHTS, flatten_transform=False),
            en.StackingClassifier(_KINDS, cv=2),
            en.StackingClassifier(_KINDS, final_estimator=_TREE, cv=2, passthrough=True),
            OneVsRestClassifier(_LOGISTIC),
            OneVsRestClassifier(_TREE),
            OneVsRestClassifier(en.RandomForestClassifier(4, random_state=0)),
        ],
        _THREE,
        PROBABILITIES,
        options=_PLAIN,
        tolerance=2e-4,
        single=True,
    ),
    *cases_of(
        [
            en.VotingClassifier(_KINDS, flatten_transform=False),
            en.VotingClassifier(_KINDS, weights=_WEIGHTS, flatten_transform=False),
        ],
        _THREE,
        PREDICT,
        options=_PLAIN,
        single=True,
    ),
    *cases_of(
        [OneVsOneClassifier(_LOGISTIC), OneVsOneClassifier(LinearSVC())], ["binary", "classes"], PREDICT, options=_PLAIN
    ),
    *cases_of(
        [OneVsRestClassifier(_LOGISTIC), OneVsRestClassifier(_TREE)],
        "labels",
        PROBABILITIES,
        options=_PLAIN,
        single=True,
    ),
    Case(OneVsRestClassifier(_LOGISTIC), "classes", SCORES, options={"zipmap": False, "raw_scores": True}),
    *cases_of(
        [TunedThresholdClassifierCV(_LOGISTIC, cv=2), TunedThresholdClassifierCV(_TREE, cv=2)],
        "binary",
        PROBABILITIES,
        options=_PLAIN,
        single=True,
    ),
    *cases_of(
        [MultiOutputClassifier(_LOGISTIC), MultiOutputClassifier(_TREE)],
        "two answers",
        ("predict", _lists),
        options=_PLAIN,
        single=True,
    ),
    *cases_of(
        [
            MultiOutputRegressor(Ridge()),
            MultiOutputRegressor(en.GradientBoostingRegressor(n_estimators=4, random_state=0)),
        ],
        "targets",
        PREDICT,
        single=True,
    ),
    *cases_of(
        [
            en.VotingRegressor(_REAL),
            en.VotingRegressor(_REAL, weights=_WEIGHTS[::2]),
            en.StackingRegressor(_REAL, cv=2),
            en.StackingRegressor(_REAL, final_estimator=Ridge(), cv=2, passthrough=True),
            make_pipeline(pp.StandardScaler(), PCA(3), LinearRegression()),
            GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2),
        ],
        "regression",
        PREDICT,
        single=True,
    ),
    *cases_of(
        [
            FeatureUnion([("a", pp.StandardScaler()), ("b", PCA(2))]),
            FeatureUnion([("a", pp.StandardScaler()), ("b", PCA(2))], transformer_weights={"a": 2.0, "b": 0.5}),
            ColumnTransformer(
                [("a", pp.StandardScaler(), [0, 2]), ("b", pp.MinMaxScaler(), [1])], remainder="passthrough"
            ),
            ColumnTransformer([("a", pp.StandardScaler(), [0, 2]), ("b", "passthrough", [1])]),
        ],
        "unlabelled",
        TRANSFORM,
    ),
    *cases_of([_columns(), _columns(words=_OWN), _columns(pp.RobustScaler())], "frame", TRANSFORM, feed="frame"),
    *cases_of(_FRAMES, "frame", PROBABILITIES, options=_PLAIN, feed="frame", single=True, tolerance=2e-4),
    *cases_of(
        [
            make_pipeline(_columns(make_pipeline(SimpleImputer(strategy="median"), pp.StandardScaler())), _LOGISTIC),
            make_pipeline(_columns("passthrough"), en.HistGradientBoostingClassifier(max_iter=5)),
            make_pipeline(_columns("passthrough"), LGBMClassifier(n_estimators=5, verbose=-1)),
        ],
        "frame, gaps",
        PROBABILITIES,
        options=_PLAIN,
        feed="frame",
        single=True,
    ),
    *cases_of([make_pipeline(_columns(), _LOGISTIC)], "frame", PROBABILITIES, options={"zipmap": True}, feed="frame"),
    *cases_of(
        [
            make_pipeline(TfidfVectorizer(), _LOGISTIC),
            make_pipeline(CountVectorizer(), SGDClassifier("log_loss", random_state=0)),
            make_pipeline(TfidfVectorizer(), en.RandomForestClassifier(5, random_state=0)),
        ],
        "texts",
        PROBABILITIES,
        options=_PLAIN,
        **_TEXTS,
    ),
]

"""scikit-learn's trees and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import ensemble as en
from sklearn import tree
from sklearn.linear_model import LinearRegression, LogisticRegression

from tests.converters.case import PREDICT, PROBABILITIES, SCORES, TRANSFORM, Case, cases_of

_PLAIN = {"zipmap": False}
_RAW = {"zipmap": False, "raw_scores": True}
_THREE = ["binary", "classes", "words"]
_GAPS: dict[str, Any] = {"single": True, "types": ("float",)}  # in double, skl2onnx 1.20 does not come back
_SINGLE: dict[str, Any] = {"single": True}  # trees compare float32 in scikit-learn, and sums are shown as float32


def _path(estimator: Any, X: Any) -> np.ndarray:
    """Which nodes a row meets, as text of 0 and 1, a column a tree."""
    trees = getattr(estimator, "estimators_", [estimator])
    paths = [np.asarray(each.decision_path(np.asarray(X, np.float32)).todense()) for each in trees]
    return np.array([["".join(map(str, path[i])) for path in paths] for i in range(len(X))])


def _leaf(estimator: Any, X: Any) -> np.ndarray:
    return np.asarray(estimator.apply(X)).reshape(len(X), -1)


_CLASSIFIERS = [
    tree.DecisionTreeClassifier(max_depth=5, random_state=0),
    tree.DecisionTreeClassifier(random_state=0),
    tree.ExtraTreeClassifier(max_depth=6, random_state=0),
    en.RandomForestClassifier(8, random_state=0),
    en.ExtraTreesClassifier(8, max_depth=5, random_state=0),
]
_REGRESSORS = [
    tree.DecisionTreeRegressor(max_depth=5, random_state=0),
    tree.DecisionTreeRegressor(criterion="absolute_error", max_depth=4, random_state=0),
    tree.ExtraTreeRegressor(max_depth=6, random_state=0),
    en.RandomForestRegressor(8, random_state=0),
    en.ExtraTreesRegressor(8, max_depth=5, random_state=0),
]

CASES = [
    *cases_of(_CLASSIFIERS, _THREE, PROBABILITIES, options=_PLAIN, **_SINGLE),
    *cases_of(_CLASSIFIERS, "classes, gaps", PROBABILITIES, options=_PLAIN, **_GAPS),
    *cases_of(_REGRESSORS, "regression", PREDICT, **_SINGLE),
    *cases_of(_REGRESSORS, "regression, gaps", PREDICT, **_GAPS),
    *cases_of([each for each in _REGRESSORS if "absolute" not in repr(each)], "targets", PREDICT, **_SINGLE),
    *cases_of(
        [tree.DecisionTreeClassifier(random_state=0), _CLASSIFIERS[3]],
        "codes",
        PROBABILITIES,
        options=_PLAIN,
        feed="whole",
        **_SINGLE,
    ),
    *cases_of([_REGRESSORS[0], _REGRESSORS[3]], "codes", PREDICT, feed="whole", **_SINGLE),
    *cases_of(
        [*_CLASSIFIERS[:1], *_CLASSIFIERS[2:]],
        "words",
        ("predict", "predict_proba", _path),
        options={"zipmap": False, "decision_path": True},
        **_SINGLE,
    ),
    *cases_of(
        [*_CLASSIFIERS[:1], *_CLASSIFIERS[2:]],
        "words",
        ("predict", "predict_proba", _leaf),
        options={"zipmap": False, "decision_leaf": True},
        **_SINGLE,
    ),
    *cases_of(
        [*_REGRESSORS[:1], *_REGRESSORS[2:]],
        "regression",
        ("predict", _path),
        options={"decision_path": True},
        **_SINGLE,
    ),
    *cases_of(
        [*_REGRESSORS[:1], *_REGRESSORS[2:]],
        "regression",
        ("predict", _leaf),
        options={"decision_leaf": True},
        **_SINGLE,
    ),
    Case(_CLASSIFIERS[3], "words", PROBABILITIES, options={"zipmap": True}, **_SINGLE),
    Case(
        _CLASSIFIERS[3],
        "words",
        (lambda e, X: np.searchsorted(e.classes_, e.predict(X)), "predict_proba"),
        options={"zipmap": False, "nocl": True},
        **_SINGLE,
    ),
    *cases_of([en.RandomTreesEmbedding(4, max_depth=3, random_state=0)], "unlabelled", TRANSFORM, **_SINGLE),
    *cases_of(
        [
            en.GradientBoostingClassifier(n_estimators=8, random_state=0),
            en.GradientBoostingClassifier(n_estimators=8, init="zero", random_state=0),
            en.HistGradientBoostingClassifier(max_iter=8, random_state=0),
            en.AdaBoostClassifier(n_estimators=5, random_state=0),
            en.BaggingClassifier(n_estimators=4, random_state=0),
            en.BaggingClassifier(LogisticRegression(), n_estimators=3, max_features=0.7, random_state=0),
        ],
        _THREE,
        PROBABILITIES,
        options=_PLAIN,
        **_SINGLE,
    ),
    Case(
        en.GradientBoostingClassifier(loss="exponential", n_estimators=8, random_state=0),
        "binary",
        PROBABILITIES,
        options=_PLAIN,
        **_SINGLE,
    ),
    *cases_of(
        [
            en.GradientBoostingClassifier(n_estimators=8, random_state=0),
            en.HistGradientBoostingClassifier(max_iter=8, random_state=0),
            en.AdaBoostClassifier(n_estimators=5, random_state=0),
        ],
        ["binary", "classes"],
        SCORES,
        options=_RAW,
        **_SINGLE,
    ),
    *cases_of(
        [en.HistGradientBoostingClassifier(max_iter=8, random_state=0)],
        ["binary, gaps", "classes, gaps"],
        PROBABILITIES,
        options=_PLAIN,
        **_SINGLE,
    ),
    *cases_of(
        [
            en.GradientBoostingRegressor(n_estimators=8, random_state=0),
            en.GradientBoostingRegressor(loss="huber", n_estimators=8, random_state=0),
            en.GradientBoostingRegressor(loss="quantile", alpha=0.8, n_estimators=8, random_state=0),
            en.GradientBoostingRegressor(loss="absolute_error", init="zero", n_estimators=8, random_state=0),
            en.HistGradientBoostingRegressor(max_iter=8, random_state=0),
            en.HistGradientBoostingRegressor(loss="quantile", quantile=0.8, max_iter=8, random_state=0),
            en.AdaBoostRegressor(n_estimators=4, random_state=0),
            en.BaggingRegressor(n_estimators=4, random_state=0),
            en.BaggingRegressor(LinearRegression(), n_estimators=3, max_features=0.7, random_state=0),
        ],
        "regression",
        PREDICT,
        **_SINGLE,
    ),
    *cases_of(
        [en.HistGradientBoostingRegressor(loss=loss, max_iter=8, random_state=0) for loss in ("poisson", "gamma")],
        "positive",
        PREDICT,
        **_SINGLE,
    ),
    *cases_of([en.HistGradientBoostingRegressor(max_iter=8, random_state=0)], "regression, gaps", PREDICT, **_SINGLE),
    Case(
        en.HistGradientBoostingClassifier(max_iter=8, categorical_features=[0, 1], random_state=0),
        "codes",
        PROBABILITIES,
        options=_PLAIN,
        **_SINGLE,
    ),
    *cases_of(
        [
            en.IsolationForest(n_estimators=8, random_state=0),
            en.IsolationForest(n_estimators=8, max_features=3, random_state=0),
            en.IsolationForest(n_estimators=8, contamination=0.1, random_state=0),
        ],
        "unlabelled",
        SCORES,
        **_SINGLE,
    ),
    Case(
        en.IsolationForest(n_estimators=8, random_state=0),
        "unlabelled",
        ("predict", "decision_function", "score_samples"),
        options={"score_samples": True},
        **_SINGLE,
    ),
]

"""Linear models, support vector machines, networks: what multiplies rows with matrices."""

from __future__ import annotations

import numpy as np
from sklearn import linear_model as lm
from sklearn import svm
from sklearn.cross_decomposition import PLSRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from tests.converters.case import PREDICT, PROBABILITIES, SCORES, Case, cases_of

_PLAIN = {"zipmap": False}
_RAW = {"zipmap": False, "raw_scores": True}
_THREE = ["binary", "classes", "words"]

CASES = [
    *cases_of([lm.LogisticRegression()], [*_THREE, "flags"], PROBABILITIES, options=_PLAIN),
    *cases_of([lm.LogisticRegression()], _THREE, SCORES, options=_RAW),
    *cases_of([lm.LogisticRegression(fit_intercept=False)], "binary", PROBABILITIES, options=_PLAIN),
    *cases_of([lm.LogisticRegressionCV(cv=2, max_iter=50)], _THREE, PROBABILITIES, options=_PLAIN),
    *cases_of([lm.RidgeClassifier(), lm.RidgeClassifierCV()], _THREE, SCORES, options=_RAW),
    *cases_of(
        [lm.SGDClassifier(loss=loss, random_state=0) for loss in ("log_loss", "modified_huber")],
        _THREE,
        PROBABILITIES,
        options=_PLAIN,
    ),
    *cases_of(
        [
            lm.SGDClassifier(random_state=0),
            lm.SGDClassifier(loss="squared_hinge", random_state=0),
            lm.SGDClassifier(loss="perceptron", random_state=0),
            lm.Perceptron(random_state=0),
            lm.PassiveAggressiveClassifier(random_state=0),
        ],
        ["binary", "classes"],
        SCORES,
        options=_RAW,
    ),
    *cases_of([svm.LinearSVC()], _THREE, SCORES, options={"raw_scores": True}),
    *cases_of(
        [
            lm.LinearRegression(),
            lm.LinearRegression(fit_intercept=False),
            lm.LinearRegression(positive=True),
            lm.Ridge(),
            lm.RidgeCV(),
            lm.Lasso(alpha=0.01),
            lm.LassoCV(cv=2),
            lm.ElasticNet(alpha=0.01),
            lm.ElasticNetCV(cv=2),
            lm.Lars(),
            lm.LarsCV(cv=2),
            lm.LassoLars(alpha=0.01),
            lm.LassoLarsCV(cv=2),
            lm.LassoLarsIC(),
            lm.OrthogonalMatchingPursuit(),
            lm.OrthogonalMatchingPursuitCV(cv=2),
            lm.ARDRegression(),
            lm.BayesianRidge(),
            lm.HuberRegressor(),
            lm.QuantileRegressor(quantile=0.8, alpha=0.01),
            lm.TheilSenRegressor(random_state=0, max_subpopulation=50),
            lm.RANSACRegressor(random_state=0),
            lm.SGDRegressor(random_state=0),
            lm.PassiveAggressiveRegressor(random_state=0),
            svm.LinearSVR(max_iter=5000),
        ],
        "regression",
        PREDICT,
    ),
    *cases_of(
        [
            lm.LinearRegression(),
            lm.Ridge(),
            lm.RidgeCV(),
            lm.MultiTaskElasticNet(alpha=0.01),
            lm.MultiTaskElasticNetCV(cv=2),
            lm.MultiTaskLasso(alpha=0.01),
            lm.MultiTaskLassoCV(cv=2),
            lm.Lasso(alpha=0.01),
            lm.OrthogonalMatchingPursuit(),
            PLSRegression(2),
        ],
        "targets",
        PREDICT,
    ),
    Case(
        lm.BayesianRidge(),
        "regression",
        (lambda e, X: e.predict(X), lambda e, X: e.predict(X, return_std=True)[1]),
        options={"return_std": True},
    ),
    *cases_of(
        [
            lm.PoissonRegressor(),
            lm.GammaRegressor(),
            lm.TweedieRegressor(power=1.5),
            lm.TweedieRegressor(power=0),
            lm.TweedieRegressor(power=1, link="log"),
            PLSRegression(2),
        ],
        "positive",
        PREDICT,
    ),
    *cases_of(
        [
            svm.SVC(),
            svm.SVC(kernel="linear"),
            svm.SVC(kernel="poly", degree=2, coef0=1.0),
            svm.SVC(kernel="sigmoid"),
            svm.SVC(decision_function_shape="ovo"),
            svm.NuSVC(nu=0.2),
        ],
        ["binary", "classes"],
        SCORES,
        options=_RAW,
    ),
    *cases_of(
        [svm.SVC(probability=True, random_state=0), svm.NuSVC(nu=0.2, probability=True, random_state=0)],
        _THREE,
        PROBABILITIES,
        options=_PLAIN,
        tolerance=2e-4,
    ),
    *cases_of(
        [svm.SVR(), svm.SVR(kernel="linear"), svm.SVR(kernel="sigmoid"), svm.NuSVR(kernel="poly", degree=2)],
        "regression",
        PREDICT,
    ),
    *cases_of(
        [svm.OneClassSVM(nu=0.1), svm.OneClassSVM(kernel="poly", nu=0.2)],
        "unlabelled",
        SCORES,
    ),
    *cases_of([lm.SGDOneClassSVM(random_state=0)], "unlabelled", SCORES),
    *cases_of(
        [
            MLPClassifier((8,), activation=kind, max_iter=20, random_state=0)
            for kind in ("relu", "tanh", "logistic", "identity")
        ],
        ["binary", "classes"],
        PROBABILITIES,
        options=_PLAIN,
    ),
    *cases_of([MLPClassifier((8, 4), max_iter=20, random_state=0)], ["words", "labels"], PROBABILITIES, options=_PLAIN),
    *cases_of([MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=0)], ["regression", "targets"], PREDICT),
    *cases_of(
        [MLPRegressor(hidden_layer_sizes=(8, 4), activation="tanh", max_iter=20, random_state=0)], "regression", PREDICT
    ),
    *cases_of([lm.LogisticRegression()], ["words", "binary"], PROBABILITIES, options={"zipmap": True}),
    Case(
        lm.LogisticRegression(),
        "words",
        (lambda e, X: e.predict(X), *(lambda e, X, i=i: e.predict_proba(X)[:, i] for i in range(3))),
        options={"zipmap": "columns"},
    ),
    Case(
        lm.LogisticRegression(),
        "words",
        (lambda e, X: np.searchsorted(e.classes_, e.predict(X)), "predict_proba"),
        options={"zipmap": False, "nocl": True},
    ),
    Case(
        lm.LogisticRegression(),
        "words",
        ("predict", "predict_proba", lambda e, X: e.classes_),
        options={"zipmap": False, "output_class_labels": True},
    ),
    *cases_of([lm.LogisticRegression()], "codes", PROBABILITIES, options=_PLAIN, feed="whole"),
    *cases_of([lm.LinearRegression(), lm.Ridge()], "codes", PREDICT, feed="whole"),
]

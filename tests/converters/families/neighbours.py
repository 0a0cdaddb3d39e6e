"""What measures distances or densities: neighbours, Gaussian processes, clusters, mixtures, naive Bayes, discriminants."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import cluster, discriminant_analysis, gaussian_process, mixture, naive_bayes, neighbors
from sklearn.gaussian_process import kernels as k
from sklearn.impute import KNNImputer

from tests.converters.case import PREDICT, PROBABILITIES, SCORES, TRANSFORM, Answer, Case, cases_of

_PLAIN = {"zipmap": False}
_CDIST = {"zipmap": False, "optim": "cdist"}
_THREE = ["binary", "classes", "words"]
_CLUSTERS: tuple[Answer, ...] = ("predict", "transform")
_MIXED: tuple[Answer, ...] = ("predict", "predict_proba", "score_samples")


def _deviation(estimator: Any, X: Any) -> np.ndarray:
    return np.asarray(estimator.predict(X, return_std=True)[1])


def _covariance(estimator: Any, X: Any) -> np.ndarray:
    return np.asarray(estimator.predict(X, return_cov=True)[1])


def _neighbours(estimator: Any, X: Any) -> np.ndarray:
    return np.asarray(estimator.kneighbors(X)[0])


def _indices(estimator: Any, X: Any) -> np.ndarray:
    return np.asarray(estimator.kneighbors(X)[1])


def _proba_list(estimator: Any, X: Any) -> list[np.ndarray]:
    return list(estimator.predict_proba(X))


_KNN = [
    neighbors.KNeighborsClassifier(3),
    neighbors.KNeighborsClassifier(5, weights="distance"),
    neighbors.KNeighborsClassifier(4, p=1),
    neighbors.KNeighborsClassifier(4, p=3),
    neighbors.KNeighborsClassifier(3, metric="chebyshev"),
    neighbors.KNeighborsClassifier(3, metric="manhattan"),
    neighbors.KNeighborsClassifier(3, metric="cosine"),
]
_KERNELS = [
    k.RBF(),
    k.ConstantKernel(2.0) * k.RBF(1.5) + k.WhiteKernel(0.1),
    k.Matern(nu=0.5),
    k.Matern(nu=1.5),
    k.Matern(nu=2.5),
    k.RationalQuadratic(),
    k.DotProduct() + k.WhiteKernel(0.1),
    k.ExpSineSquared(length_scale=2.0),
    k.Exponentiation(k.RBF(2.0), 2),
    k.PairwiseKernel(metric="linear") + k.WhiteKernel(0.1),
]

CASES = [
    *cases_of(_KNN, ["binary", "classes"], PROBABILITIES, options=_PLAIN),
    *cases_of(_KNN[:3], "words", PROBABILITIES, options=_PLAIN),
    *cases_of([*_KNN[:3], *_KNN[4:]], "classes", PROBABILITIES, options=_CDIST),
    *cases_of([_KNN[0], _KNN[1]], "two answers", ("predict", _proba_list), options=_PLAIN),
    *cases_of(
        [
            neighbors.KNeighborsRegressor(3),
            neighbors.KNeighborsRegressor(3, weights="distance"),
            neighbors.KNeighborsRegressor(4, p=1),
            neighbors.KNeighborsRegressor(3, metric="chebyshev"),
        ],
        ["regression", "targets"],
        PREDICT,
    ),
    *cases_of(
        [neighbors.KNeighborsRegressor(3, weights="distance")],
        ["regression", "targets"],
        PREDICT,
        options={"optim": "cdist"},
    ),
    *cases_of(
        [
            neighbors.RadiusNeighborsClassifier(9.0, outlier_label=0),
            neighbors.RadiusNeighborsClassifier(9.0, weights="distance", outlier_label=0),
        ],
        ["binary", "classes"],
        PROBABILITIES,
        options=_PLAIN,
    ),
    Case(neighbors.RadiusNeighborsClassifier(9.0, outlier_label=0), "classes", PROBABILITIES, options=_CDIST),
    *cases_of(
        [
            neighbors.RadiusNeighborsRegressor(9.0),
            neighbors.RadiusNeighborsRegressor(9.0, weights="distance"),
            neighbors.RadiusNeighborsRegressor(15.0, p=1),
        ],
        ["regression", "targets"],
        PREDICT,
    ),
    Case(neighbors.RadiusNeighborsRegressor(9.0), "regression", PREDICT, options={"optim": "cdist"}),
    *cases_of([neighbors.NearestNeighbors(n_neighbors=3)], "unlabelled", (_indices, _neighbours)),
    Case(neighbors.NearestNeighbors(n_neighbors=3), "unlabelled", (_indices, _neighbours), options={"optim": "cdist"}),
    *cases_of([neighbors.KNeighborsTransformer(n_neighbors=3)], "unlabelled", TRANSFORM),
    *cases_of([neighbors.NeighborhoodComponentsAnalysis(2, max_iter=5, random_state=0)], "classes", TRANSFORM),
    *cases_of(
        [neighbors.LocalOutlierFactor(n_neighbors=5, novelty=True), neighbors.LocalOutlierFactor(p=1, novelty=True)],
        "unlabelled",
        SCORES,
    ),
    Case(
        neighbors.LocalOutlierFactor(n_neighbors=5, novelty=True),
        "unlabelled",
        (*SCORES, "score_samples"),
        options={"score_samples": True, "optim": "cdist"},
    ),
    *cases_of(
        [KNNImputer(n_neighbors=3), KNNImputer(n_neighbors=3, weights="distance")], "regression, gaps", TRANSFORM
    ),
    Case(KNNImputer(n_neighbors=3), "regression, gaps", TRANSFORM, options={"optim": "cdist"}),
    *cases_of(
        [gaussian_process.GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None) for kernel in _KERNELS],
        "regression",
        PREDICT,
        tolerance=1e-3,
    ),
    *cases_of(
        [
            gaussian_process.GaussianProcessRegressor(alpha=0.1),
            gaussian_process.GaussianProcessRegressor(k.RBF(), alpha=0.1, normalize_y=True, optimizer=None),
        ],
        ["regression", "targets"],
        PREDICT,
        tolerance=1e-3,
    ),
    Case(
        gaussian_process.GaussianProcessRegressor(k.RBF(), alpha=0.1, optimizer=None),
        "regression",
        PREDICT,
        options={"optim": "cdist"},
        tolerance=1e-3,
    ),
    Case(
        gaussian_process.GaussianProcessRegressor(k.RBF(), alpha=0.1, optimizer=None),
        "regression",
        ("predict", _deviation),
        options={"return_std": True},
        tolerance=1e-3,
    ),
    Case(
        gaussian_process.GaussianProcessRegressor(k.RBF(), alpha=0.1, optimizer=None),
        "regression",
        ("predict", _covariance),
        options={"return_cov": True},
        tolerance=1e-3,
    ),
    *cases_of(
        [
            gaussian_process.GaussianProcessClassifier(optimizer=None),
            gaussian_process.GaussianProcessClassifier(k.RBF(2.0), optimizer=None),
        ],
        ["binary", "classes"],
        PROBABILITIES,
        options=_PLAIN,
        tolerance=1e-3,
    ),
    *cases_of(
        [cluster.KMeans(3, n_init=1, random_state=0), cluster.MiniBatchKMeans(3, n_init=1, random_state=0)],
        "unlabelled",
        _CLUSTERS,
        tolerance=1e-3,
    ),
    Case(cluster.KMeans(3, n_init=1, random_state=0), "unlabelled", _CLUSTERS, options={"gemm": False}, tolerance=1e-3),
    *cases_of(
        [
            cls(n_components=3, covariance_type=kind, random_state=0)
            for kind in ("full", "tied", "diag", "spherical")
            for cls in (mixture.GaussianMixture, mixture.BayesianGaussianMixture)
        ],
        "unlabelled",
        ("predict", "predict_proba"),
    ),
    *cases_of(
        [mixture.GaussianMixture(3, random_state=0), mixture.BayesianGaussianMixture(n_components=3, random_state=0)],
        "unlabelled",
        _MIXED,
        options={"score_samples": True},
        tolerance=1e-3,
    ),
    *cases_of(
        [
            discriminant_analysis.LinearDiscriminantAnalysis(),
            discriminant_analysis.LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
            discriminant_analysis.QuadraticDiscriminantAnalysis(),
            naive_bayes.GaussianNB(),
            naive_bayes.BernoulliNB(),
        ],
        _THREE,
        PROBABILITIES,
        options=_PLAIN,
    ),
    *cases_of(
        [
            naive_bayes.MultinomialNB(),
            naive_bayes.ComplementNB(),
            naive_bayes.ComplementNB(norm=True),
            naive_bayes.BernoulliNB(binarize=1.5),
        ],
        "counts",
        PROBABILITIES,
        options=_PLAIN,
    ),
    *cases_of([naive_bayes.CategoricalNB(), naive_bayes.MultinomialNB()], "codes", PROBABILITIES, options=_PLAIN),
    *cases_of(
        [naive_bayes.CategoricalNB(), naive_bayes.MultinomialNB(), naive_bayes.GaussianNB()],
        "codes",
        PROBABILITIES,
        options=_PLAIN,
        feed="whole",
    ),
]

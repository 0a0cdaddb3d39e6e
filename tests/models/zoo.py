"""Models of scikit-learn, LightGBM and XGBoost as their converters write them, with the data they were trained on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

WITHOUT_PROBABILITIES = {"linear SVC"}  # skl2onnx has no ZipMap for them
OPSETS = {"": 18, "ai.onnx.ml": 3}
ROWS = 240


@contextmanager
def quiet() -> Iterator[None]:
    """Trainers and converters warn of many things; none is Celeris's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Trained:
    """A fitted estimator, its ONNX file, and float32 rows [N, 6] that hold as float64, too."""

    estimator: Any
    onnx: bytes
    rows: np.ndarray


@cache
def table(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and a target: class numbers, or with classes 0 real numbers. Rounded, so that no threshold is near a value."""
    from sklearn.datasets import make_classification, make_regression

    if classes:
        x, y = make_classification(ROWS, 6, n_informative=5, n_redundant=0, n_classes=classes, random_state=0)
    else:
        x, y = make_regression(ROWS, 6, noise=5.0, random_state=0)
    return np.round(x, 3).astype(np.float32), y


def classifiers() -> dict[str, Callable[[], Any]]:
    """Those that skl2onnx converts to the operators that Celeris has kernels for, and to many others."""
    from sklearn import discriminant_analysis, ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler

    logistic = linear_model.LogisticRegression
    return {
        "logistic": lambda: logistic(),
        "logistic without intercept": lambda: logistic(fit_intercept=False),
        "logistic CV": lambda: linear_model.LogisticRegressionCV(cv=2, max_iter=50),
        "ridge": lambda: linear_model.RidgeClassifier(),
        "SGD log loss": lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0),
        "SGD hinge": lambda: linear_model.SGDClassifier(random_state=0),
        "perceptron": lambda: linear_model.Perceptron(random_state=0),
        "passive aggressive": lambda: linear_model.PassiveAggressiveClassifier(random_state=0),
        "scaler and logistic": lambda: make_pipeline(StandardScaler(), logistic()),
        "min-max, polynomial and logistic": lambda: make_pipeline(MinMaxScaler(), PolynomialFeatures(2), logistic()),
        "LDA": lambda: discriminant_analysis.LinearDiscriminantAnalysis(),
        "QDA": lambda: discriminant_analysis.QuadraticDiscriminantAnalysis(),
        "Gaussian naive Bayes": lambda: naive_bayes.GaussianNB(),
        "Bernoulli naive Bayes": lambda: naive_bayes.BernoulliNB(),
        "multinomial naive Bayes": lambda: make_pipeline(MinMaxScaler(clip=True), naive_bayes.MultinomialNB()),
        "decision tree": lambda: tree.DecisionTreeClassifier(max_depth=5, random_state=0),
        "stump": lambda: tree.DecisionTreeClassifier(max_depth=1, random_state=0),
        "extra tree": lambda: tree.ExtraTreeClassifier(max_depth=6, random_state=0),
        "random forest": lambda: ensemble.RandomForestClassifier(10, random_state=0),
        "extra trees": lambda: ensemble.ExtraTreesClassifier(10, max_depth=5, random_state=0),
        "gradient boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=10, random_state=0),
        "hist gradient boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=0),
        "AdaBoost": lambda: ensemble.AdaBoostClassifier(n_estimators=5, random_state=0),
        "bagging": lambda: ensemble.BaggingClassifier(n_estimators=4, random_state=0),
        "voting": lambda: ensemble.VotingClassifier(
            [("a", logistic()), ("b", tree.DecisionTreeClassifier(max_depth=3, random_state=0))],
            voting="soft",
            flatten_transform=False,
        ),
        "stacking": lambda: ensemble.StackingClassifier([("a", logistic()), ("b", naive_bayes.GaussianNB())], cv=2),
        "calibrated": lambda: CalibratedClassifierCV(linear_model.SGDClassifier(random_state=0), cv=2),
        "one against the rest": lambda: OneVsRestClassifier(logistic()),
        "SVC linear": lambda: svm.SVC(kernel="linear"),
        "SVC RBF": lambda: svm.SVC(kernel="rbf"),
        "SVC poly": lambda: svm.SVC(kernel="poly", degree=2),
        "SVC with probabilities": lambda: svm.SVC(probability=True, random_state=0),
        "NuSVC": lambda: svm.NuSVC(nu=0.2),
        "linear SVC": lambda: svm.LinearSVC(),
        "nearest neighbours": lambda: neighbors.KNeighborsClassifier(3),
        "MLP": lambda: neural_network.MLPClassifier((8,), max_iter=20, random_state=0),
        "MLP tanh": lambda: neural_network.MLPClassifier((8, 4), activation="tanh", max_iter=20, random_state=0),
    }


def regressors() -> dict[str, Callable[[], Any]]:
    """As `classifiers`."""
    from sklearn import ensemble, gaussian_process, linear_model, neighbors, neural_network, svm, tree
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return {
        "linear": lambda: linear_model.LinearRegression(),
        "ridge": lambda: linear_model.Ridge(),
        "lasso": lambda: linear_model.Lasso(),
        "elastic net": lambda: linear_model.ElasticNet(),
        "Bayesian ridge": lambda: linear_model.BayesianRidge(),
        "Huber": lambda: linear_model.HuberRegressor(),
        "Tweedie": lambda: make_pipeline(StandardScaler(), linear_model.TweedieRegressor(power=0)),
        "scaler and linear": lambda: make_pipeline(StandardScaler(), linear_model.LinearRegression()),
        "decision tree": lambda: tree.DecisionTreeRegressor(max_depth=6, random_state=0),
        "random forest": lambda: ensemble.RandomForestRegressor(10, random_state=0),
        "extra trees": lambda: ensemble.ExtraTreesRegressor(10, max_depth=5, random_state=0),
        "gradient boosting": lambda: ensemble.GradientBoostingRegressor(n_estimators=10, random_state=0),
        "hist gradient boosting": lambda: ensemble.HistGradientBoostingRegressor(max_iter=10, random_state=0),
        "AdaBoost": lambda: ensemble.AdaBoostRegressor(n_estimators=3, random_state=0),
        "SVR": lambda: svm.SVR(),
        "NuSVR": lambda: svm.NuSVR(kernel="poly", degree=2),
        "linear SVR": lambda: svm.LinearSVR(max_iter=2000),
        "nearest neighbours": lambda: neighbors.KNeighborsRegressor(3, weights="distance"),
        "Gaussian process": lambda: gaussian_process.GaussianProcessRegressor(alpha=0.1),
        "MLP": lambda: neural_network.MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=0),
    }


@cache
def classifier(name: str, classes: int = 2, labels: str = "int", **options: Any) -> Trained:
    """Fitted on so many classes with int or str labels, converted with the options."""
    x, y = table(classes)
    target = y if labels == "int" else np.array(["setosa", "Ünïcode", "virginica", "x"])[y]
    options = {"zipmap": False, **options} if name not in WITHOUT_PROBABILITIES else options
    return _converted(classifiers()[name](), x, target, options)


@cache
def regressor(name: str, targets: int = 1) -> Trained:
    """Fitted on one value a row, or several."""
    x, y = table(0)
    return _converted(regressors()[name](), x, np.stack([y, y[::-1]], axis=1) if targets > 1 else y, None)


def _converted(estimator: Any, x: np.ndarray, y: np.ndarray, options: dict[str, Any] | None) -> Trained:
    from skl2onnx import to_onnx

    with quiet():
        estimator.fit(x, y)
        onnx = to_onnx(estimator, x[:1], options=options, target_opset=OPSETS)
    return Trained(estimator, onnx.SerializeToString(), x)

"""Types and shapes of what skl2onnx writes are those that onnxruntime tells."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn import (
    calibration,
    cluster,
    decomposition,
    ensemble,
    feature_selection,
    gaussian_process,
    impute,
    linear_model,
    mixture,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)

from tests import peers

_X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
_TWO, _THREE, _VALUES = (_X[:, 0] > 0).astype(int), np.digitize(_X[:, 1], [-0.5, 0.5]), _X @ np.arange(4)
_NAMES = np.array(["low", "mid", "high"])[_THREE]
_MODELS: list[tuple[Any, Any]] = [
    (linear_model.LogisticRegression(), _TWO),
    (linear_model.LogisticRegression(), _THREE),
    (linear_model.LogisticRegression(), _NAMES),
    (linear_model.SGDClassifier(), _THREE),
    (tree.DecisionTreeClassifier(max_depth=3), _NAMES),
    (ensemble.RandomForestClassifier(4), _THREE),
    (ensemble.GradientBoostingClassifier(n_estimators=3), _TWO),
    (ensemble.HistGradientBoostingClassifier(max_iter=3), _TWO),
    (ensemble.AdaBoostClassifier(n_estimators=3), _TWO),
    (svm.SVC(probability=True), _THREE),
    (svm.LinearSVC(), _TWO),
    (calibration.CalibratedClassifierCV(svm.LinearSVC()), _TWO),
    (neighbors.KNeighborsClassifier(), _TWO),
    (naive_bayes.GaussianNB(), _THREE),
    (neural_network.MLPClassifier(max_iter=5), _TWO),
    (linear_model.LinearRegression(), _VALUES),
    (ensemble.RandomForestRegressor(4), _VALUES),
    (ensemble.GradientBoostingRegressor(n_estimators=3), _VALUES),
    (svm.SVR(), _VALUES),
    (neighbors.KNeighborsRegressor(), _VALUES),
    (gaussian_process.GaussianProcessRegressor(), _VALUES),
    (preprocessing.StandardScaler(), None),
    (preprocessing.Normalizer(), None),
    (preprocessing.PolynomialFeatures(), None),
    (decomposition.PCA(2), None),
    (cluster.KMeans(3, n_init=1), None),
    (mixture.GaussianMixture(2), None),
    (impute.SimpleImputer(), None),
    (feature_selection.SelectKBest(k=2), _TWO),
    (pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()), _THREE),
]


def _cases() -> Iterator[Any]:
    """All as they are; those that tell probabilities of classes also as a matrix in place of dicts."""
    for at, (made, target) in enumerate(_MODELS):
        name = f"{at}-{type(made).__name__}"
        yield pytest.param(made, target, True, id=name)
        if target is not None and hasattr(made, "predict_proba"):
            yield pytest.param(made, target, False, id=f"{name}-matrix")


@pytest.mark.parametrize("made, target, zipmap", _cases())
def test_estimators(made: Any, target: Any, zipmap: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too few iterations to converge: the shapes are the same
        made.fit(_X, target)
        options = None if zipmap else {id(made): {"zipmap": False}}
        data = to_onnx(made, _X[:1], options=options).SerializeToString()

    def told(module: Any) -> list[str]:
        session = module.InferenceSession(data, providers=["CPUExecutionProvider"])
        return [str(each) for each in session.get_inputs() + session.get_outputs()]

    assert not isinstance(peers.same(told), peers.Raised)

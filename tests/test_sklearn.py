"""CelerisClassifier, CelerisRegressor and CelerisTransformer behave as scikit-learn's own."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import celeris
from celeris.sklearn import CelerisClassifier, CelerisRegressor, CelerisTransformer
from tests.frames.models import columns_model, iris, matrix_model, titanic


@pytest.mark.parametrize(
    "estimator",
    [
        CelerisClassifier(LogisticRegression()),
        CelerisClassifier(LogisticRegression(), scores=True, double=True),
        CelerisRegressor(Ridge()),
        CelerisTransformer(StandardScaler()),
        CelerisTransformer(StandardScaler(), double=True),
    ],
    ids=str,
)
def test_check_estimator(estimator: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        results = check_estimator(estimator)
    skipped = [each["check_name"] for each in results if each["status"] == "skipped"]
    assert skipped in ([], ["check_array_api_input"])


def test_a_file_needs_no_fit() -> None:
    model, onnx = matrix_model()
    X, y = iris()
    ours = CelerisClassifier(onnx)
    np.testing.assert_array_equal(ours.predict(X), model.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), model.predict_proba(X), atol=1e-6)
    assert not hasattr(ours, "decision_function")
    assert ours.classes_.tolist() == [0, 1, 2]
    assert get_scorer("neg_log_loss")(ours, X, y) == pytest.approx(get_scorer("neg_log_loss")(model, X, y), abs=1e-5)
    again = clone(ours).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ours)).predict(X), model.predict(X))
    np.testing.assert_array_equal(CelerisClassifier(celeris.load(onnx)).predict(X), model.predict(X))


def test_a_fitted_estimator_needs_no_fit() -> None:
    model, _ = matrix_model()
    X, _ = iris()
    np.testing.assert_array_equal(CelerisClassifier(model).predict(X), model.predict(X))
    with pytest.raises(NotFittedError):
        CelerisClassifier(LogisticRegression()).predict(X)
    with pytest.raises(ValueError, match="an ONNX file or an estimator"):
        CelerisClassifier().fit(X, np.zeros(len(X)))


def test_mixed_columns() -> None:
    model, _ = columns_model()
    frame = titanic()
    y = model.predict(frame)
    ours = CelerisClassifier(model).fit(frame, y)
    np.testing.assert_allclose(ours.predict_proba(frame), ours.estimator_.predict_proba(frame), atol=1e-5)
    assert ours.score(frame, y) > 0.9


def test_cross_validation_and_search() -> None:
    X, y = iris()
    ours = cross_val_predict(CelerisClassifier(LogisticRegression(max_iter=500)), X, y, method="predict_proba")
    theirs = cross_val_predict(LogisticRegression(max_iter=500), X, y, method="predict_proba")
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    search = GridSearchCV(CelerisClassifier(LogisticRegression(max_iter=500)), {"model__C": [0.1, 1.0]}, cv=3)
    assert search.fit(X, y).best_score_ > 0.9


def test_calibration_pipelines_and_voting() -> None:
    X, y = iris()
    _, onnx = matrix_model()
    calibrated = CalibratedClassifierCV(FrozenEstimator(CelerisClassifier(onnx).fit(X, y))).fit(X, y)
    assert calibrated.predict_proba(X).shape == (150, 3)
    scores = CalibratedClassifierCV(CelerisClassifier(LogisticRegression(max_iter=500), scores=True), cv=3).fit(X, y)
    assert scores.score(X, y) > 0.9
    piped = make_pipeline(CelerisTransformer(StandardScaler()), CelerisClassifier(LogisticRegression())).fit(X, y)
    theirs = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    np.testing.assert_allclose(piped.predict_proba(X), theirs.predict_proba(X), atol=1e-4)
    vote = VotingClassifier([("a", CelerisClassifier(onnx)), ("b", LogisticRegression(max_iter=500))], voting="soft")
    assert vote.fit(X, y).score(X, y) > 0.9


def test_set_output() -> None:
    X, _ = iris()
    ours = CelerisTransformer(StandardScaler()).fit(X).set_output(transform="pandas")
    result = ours.transform(X)
    assert isinstance(result, pd.DataFrame)
    assert list(result.columns) == list(X.columns)
    assert type(ours.set_output(transform="polars").transform(X)).__module__.startswith("polars")


@pytest.mark.parametrize("labels", [["a", "b", "c"], [2.0, 3.0, 4.0], [10, 20, 30], [-1, 0, 1]])
def test_labels_of_any_kind(labels: list[Any]) -> None:
    X, y = iris()
    named = np.array(labels)[y]
    ours = CelerisClassifier(LogisticRegression(max_iter=500)).fit(X, named)
    assert ours.classes_.tolist() == labels
    theirs = LogisticRegression(max_iter=500).fit(X, named)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.predict(X).dtype == named.dtype


def test_forest() -> None:
    X, y = iris()
    ours = CelerisClassifier(RandomForestClassifier(10, random_state=0)).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), ours.estimator_.predict_proba(X), atol=1e-6)

"""Estimators of each library, converted and checked; what the file remembers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import celeris
from celeris.conversion import ConversionError
from tests.frames.models import iris, titanic

WORDS = np.array(["setosa", "versicolor", "virginica"])


def _lightgbm(**parameters: Any) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=5, verbose=-1, **parameters)


def _xgboost() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=5)


def _lightgbm_regressor() -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(n_estimators=5, verbose=-1)


def _xgboost_regressor() -> Any:
    from xgboost import XGBRegressor

    return XGBRegressor(n_estimators=5)


def _sklearn(name: str, **parameters: Any) -> Callable[[], Any]:
    def make() -> Any:
        from sklearn.utils import all_estimators

        return dict(all_estimators())[name](**parameters)

    make.__name__ = name
    return make


CLASSIFIERS = [
    _lightgbm,
    _xgboost,
    _sklearn("RandomForestClassifier", n_estimators=5),
    _sklearn("HistGradientBoostingClassifier", max_iter=5),
    _sklearn("LinearSVC"),
    _sklearn("SVC"),
    _sklearn("GaussianNB"),
    _sklearn("KNeighborsClassifier"),
    _sklearn("MLPClassifier", max_iter=5),
]


@pytest.mark.parametrize("make", CLASSIFIERS, ids=lambda make: make.__name__)
@pytest.mark.filterwarnings("ignore")
def test_classifiers(make: Callable[[], Any]) -> None:
    X, y = iris()
    labels: Any = y if make is _xgboost else WORDS[y]
    model = make().fit(X, labels)
    predictor = celeris.load(model, X=X)
    assert predictor.columns == list(X.columns)
    assert predictor.classes is not None
    assert predictor.classes.tolist() == list(model.classes_)
    np.testing.assert_array_equal(predictor.predict(X[X.columns[::-1]]), model.predict(X))
    assert predictor.predict(X.iloc[0].to_dict()) == model.predict(X)[0]
    two = make().fit(X, y > 0)
    assert celeris.load(two, X=X).predict(X).dtype == two.predict(X).dtype


@pytest.mark.parametrize("make", [_lightgbm_regressor, _xgboost_regressor, _sklearn("GradientBoostingRegressor")])
def test_regressors(make: Callable[[], Any]) -> None:
    X, y = iris()
    model = make().fit(X, y.astype(float))
    predictor = celeris.load(model, X=X)
    np.testing.assert_allclose(predictor.predict(X), model.predict(X), atol=1e-5)
    np.testing.assert_array_equal(predictor.predict(X.to_numpy()), predictor.predict(X))


def test_boosters() -> None:
    import lightgbm
    import xgboost

    X, y = iris()
    booster = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(X, y > 0), 5)
    predictor = celeris.load(booster, X=X)
    np.testing.assert_allclose(predictor.predict_proba(X)[1], booster.predict(X), atol=1e-6)
    matrix = xgboost.DMatrix(X, y)
    booster = xgboost.train({"objective": "reg:squarederror"}, matrix, 5)
    predictor = celeris.load(booster, X=X)
    np.testing.assert_allclose(predictor.predict(X), booster.predict(matrix), atol=1e-5)
    assert predictor.columns == list(X.columns)
    assert booster.feature_names == list(X.columns)


@pytest.mark.parametrize("make", [_lightgbm, _xgboost])
def test_boosters_inside_pipelines(make: Callable[[], Any]) -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = titanic()
    y = (frame["fare"] > 30).astype(int)
    columns = ColumnTransformer(
        [
            ("numbers", "passthrough", ["age", "fare", "siblings", "adult"]),
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["port", "class"]),
        ]
    )
    model = make_pipeline(columns, make()).fit(frame, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predictor = celeris.load(model, X=frame)
        expected = model.predict_proba(frame)
    np.testing.assert_allclose(predictor.predict_proba(frame), expected, atol=1e-5)
    assert predictor.predict_proba({**frame.iloc[0].to_dict(), "age": None})


def test_what_is_not_convertible_is_told() -> None:
    from sklearn.base import BaseEstimator

    class Own(BaseEstimator):  # type: ignore[misc]
        n_features_in_ = 2

        def fit(self, X: Any, y: Any = None) -> Own:
            self.fitted_ = True
            return self

        def predict(self, X: Any) -> Any:
            return X[:, 0]

    with pytest.raises(ConversionError, match="Own: expected a convertible estimator; skl2onnx says: Unable to find"):
        celeris.load(Own().fit(None))


def test_a_plain_array_of_text_is_refused_where_numbers_are_too() -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    X = np.array([["a", 1.0], ["b", 2.0]], object)
    model = ColumnTransformer([("w", OneHotEncoder(), [0]), ("n", "passthrough", [1])]).fit(X)
    with pytest.raises(ConversionError, match="give a DataFrame"):
        celeris.load(model, X=X)


def test_integer_and_boolean_categories() -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = pd.DataFrame({"n": [1.0, 2.0, 3.0, 4.0], "deck": [1, 2, 3, 1], "adult": [True, False, True, True]})
    columns = ColumnTransformer([("n", "passthrough", ["n"]), ("w", OneHotEncoder(), ["deck", "adult"])])
    model = make_pipeline(columns, LogisticRegression()).fit(frame, [0, 1, 1, 0])
    predictor = celeris.load(model, X=frame)
    np.testing.assert_allclose(predictor.predict_proba(frame), model.predict_proba(frame), atol=1e-6)

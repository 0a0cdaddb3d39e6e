"""TreeSHAP from the converted file equals that of the trainers, whose covers the file keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from celeris.conversion import convert
from celeris.explain import Explainer

ROWS, FEATURES = 400, 8


def _table(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Features are small integers plus a half, so that no threshold is near: float32 and float64 go the same way."""
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 20, (ROWS, FEATURES)) + 0.5).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + 5 * x[:, 2] + rng.normal(0, 20, ROWS)) / 100  # XGBoost adds in float32
    return x, np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1])) if classes else y


def _lightgbm(kind: str, classes: int, **settings: Any) -> Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]:
    def fit(x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
        import lightgbm

        made = getattr(lightgbm, kind)(n_estimators=12, verbose=-1, n_jobs=1, **settings)
        made.fit(x, y, **({"categorical_feature": [2]} if settings else {}))
        return made, lambda rows: made.predict(rows, pred_contrib=True)

    return fit


def _xgboost(kind: str, classes: int) -> Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]:
    def fit(x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
        import xgboost

        made = getattr(xgboost, kind)(n_estimators=12, max_depth=5, n_jobs=1).fit(x, y)

        def contributions(rows: np.ndarray) -> np.ndarray:
            values = np.asarray(made.get_booster().predict(xgboost.DMatrix(rows), pred_contribs=True), np.float64)
            return values.reshape(len(rows), -1)

        return made, contributions

    return fit


CASES = {
    "lightgbm regressor": (0, _lightgbm("LGBMRegressor", 0)),
    "lightgbm two classes": (2, _lightgbm("LGBMClassifier", 2)),
    "lightgbm three classes": (3, _lightgbm("LGBMClassifier", 3)),
    "lightgbm categories": (0, _lightgbm("LGBMRegressor", 0, min_data_per_group=5, cat_smooth=1)),
    "xgboost regressor": (0, _xgboost("XGBRegressor", 0)),
    "xgboost two classes": (2, _xgboost("XGBClassifier", 2)),
    "xgboost three classes": (3, _xgboost("XGBClassifier", 3)),
}


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_equals_the_trainers_own(name: str, missing: bool) -> None:
    classes, fit = CASES[name]
    x, y = _table(classes)
    if name == "lightgbm categories":
        x[:, 2] = np.floor(x[:, 2])
    if missing:
        x[np.random.default_rng(1).random(x.shape) < 0.1] = np.nan
        if name == "lightgbm categories":
            x[:, 2] = np.nan_to_num(x[:, 2])
    made, theirs = fit(x, y)
    got = Explainer(convert(made, x))(x)
    expected = np.asarray(theirs(x), np.float64).reshape(ROWS, -1, FEATURES + 1).transpose(0, 2, 1)
    np.testing.assert_allclose(got.contributions.reshape(ROWS, FEATURES, -1), expected[:, :-1], rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.ravel(got.base), expected[0, -1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["RandomForestClassifier", "ExtraTreesRegressor", "GradientBoostingClassifier",
                                  "HistGradientBoostingRegressor", "DecisionTreeClassifier"])  # fmt: skip
def test_covers_of_scikit_learn(name: str) -> None:
    """Every row was counted: the shares are those of the training rows themselves."""
    from sklearn import ensemble, tree

    x, y = _table(3 if "Classifier" in name else 0)
    settings: dict[str, Any] = {"random_state": 0, "max_depth": 5}
    if "Forest" in name:
        settings["bootstrap"] = False
    if name.startswith("Hist"):
        settings["early_stopping"] = False
    made = getattr(ensemble if hasattr(ensemble, name) else tree, name)(**settings).fit(x, y)
    file = convert(made, x)
    kept, counted = Explainer(file)(x), Explainer(file, background=x)(x)
    np.testing.assert_allclose(kept.contributions, counted.contributions, rtol=0, atol=1e-6)
    np.testing.assert_allclose(kept.base, counted.base, rtol=0, atol=1e-6)


def test_names_go_through_a_column_transformer() -> None:
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    x, y = _table(2)
    frame = pd.DataFrame(
        {"age": x[:, 0], "fare": x[:, 1], "port": np.array(["a", "b", "c"])[(x[:, 2] // 7).astype(int)]}
    )
    made = make_pipeline(
        ColumnTransformer([("n", StandardScaler(), ["age", "fare"]), ("w", OneHotEncoder(), ["port"])]),
        RandomForestClassifier(5, max_depth=4, random_state=0),
    ).fit(frame, y)
    got = Explainer(made, background=frame)(frame.head(3))
    assert got.features == ["age", "fare", "port=a", "port=b", "port=c"]

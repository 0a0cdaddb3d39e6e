"""Boosters of every objective: beside the library that trained them and onnxruntime, float32 and float64, NaN and all."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import celeris
from celeris.conversion import ConversionError, compare, convert
from celeris.conversion.nodes import rounded_down
from tests.conversion.boosters import FEATURES, MANY, MODELS, PAIR, REAL, ROWS, SHIFTED, TABLE, TWO, X

onnxruntime.set_default_logger_severity(4)


def _rows(double: bool) -> np.ndarray:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(1000, FEATURES)) * 1.5
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[rng.random(rows.shape) < 0.1] = 0
    return rows if double else rows.astype(np.float32)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_a_booster_predicts_as_its_library(name: str, double: bool) -> None:
    model = MODELS[name]()
    for given in (X, None):  # both ways of checking pass
        predictor = celeris.load(model, X=given, double=double)
    rows = _rows(double)
    compare(model, predictor, rows, 2e-6)
    file = convert(model, double=double)
    theirs = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"X": rows})
    for ours, other in zip(celeris.InferenceSession(file).run(None, {"X": rows}), theirs, strict=True):
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, other, rtol=2e-6, atol=2e-6)
        elif "steep" not in name:
            np.testing.assert_array_equal(ours, other)


@pytest.mark.parametrize("name", ["LightGBM, steep sigmoid", "LightGBM, random forest", "XGBoost, many classes",
                                  "XGBoost, base score", "XGBoost, several labels", "XGBoost, linear, two classes",
                                  "XGBoost, linear, many classes", "XGBoost, linear, several labels", "CatBoost, words"])  # fmt: skip
def test_scores_are_the_librarys_own(name: str) -> None:
    model = MODELS[name]()
    predictor = celeris.load(model, X=X, scores=True)
    assert predictor.methods == ["predict", "decision_function"]
    compare(model, predictor, _rows(False), 2e-6)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("double", [False, True])
def test_categories_of_a_frame_go_in_as_they_are(library: str, double: bool) -> None:
    """Numbers among them: trainers number them, and not by their value."""
    if library == "lightgbm":
        from lightgbm import LGBMRegressor

        model = LGBMRegressor(n_estimators=6, verbose=-1, min_data_per_group=5, cat_smooth=1).fit(TABLE, SHIFTED)
    else:
        from xgboost import XGBRegressor

        model = XGBRegressor(n_estimators=6, enable_categorical=True).fit(TABLE, SHIFTED)
    for given in (TABLE, None):
        predictor = celeris.load(model, X=given, double=double)
    assert predictor.columns == list(TABLE.columns)
    np.testing.assert_allclose(predictor.predict(TABLE), model.predict(TABLE), atol=2e-6)
    gaps = TABLE.copy()
    gaps.loc[::2, "port"], gaps.loc[::3, "deck"] = None, None
    np.testing.assert_allclose(predictor.predict(gaps), model.predict(gaps), atol=2e-6)
    plain = gaps.astype({"port": object, "deck": float})
    np.testing.assert_allclose(predictor.predict(plain), model.predict(gaps), atol=2e-6)
    row = {"a": 0.1, "b": 0.2, "c": 0.3, "port": "w", "deck": 20}
    assert predictor.predict(row) == pytest.approx(
        model.predict(pd.DataFrame([row]).astype(dict(TABLE.dtypes)))[0], abs=2e-6
    )


def test_numbered_categories_of_lightgbm() -> None:
    from lightgbm import LGBMRegressor

    rows = X.copy()
    rows[:, 3] = np.arange(ROWS) % 40
    model = LGBMRegressor(n_estimators=6, verbose=-1, min_data_per_group=5, cat_smooth=1)
    model.fit(rows, REAL + rows[:, 3] % 3, categorical_feature=[3])
    celeris.load(model)
    predictor = celeris.load(model, X=rows)
    other = rows.copy()
    other[:, 3] = np.random.default_rng(2).choice([-1, 0, 1, 7, 39, 40, 1e6, np.nan], ROWS)
    compare(model, predictor, other, 2e-6)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide"])
def test_categories_that_catboost_compares(policy: str, double: bool) -> None:
    """Text, whole numbers, booleans, pandas' categories; those that training had not seen are none of them."""
    from catboost import CatBoostClassifier

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(size=ROWS)),
            "port": rng.choice(["w", "n", "ö"], ROWS),
            "deck": rng.integers(0, 4, ROWS),
            "open": rng.random(ROWS) < 0.5,
            "kind": pd.Categorical(rng.choice(["x", "y"], ROWS)),
            "constant": "same",
        }
    )
    labels = np.where(frame.open & (frame.deck == 2), "both", frame.port)
    settings: dict[str, Any] = {"iterations": 20, "verbose": False, "allow_writing_files": False}
    text = ["port", "deck", "open", "kind", "constant"]
    model = CatBoostClassifier(one_hot_max_size=5, grow_policy=policy, cat_features=text, **settings).fit(frame, labels)
    predictor = celeris.load(model, X=frame, double=double)
    other = frame.astype({"kind": object})
    other.loc[::3, "port"], other.loc[::4, "deck"], other.loc[::5, "kind"] = "unknown", 77, "z"
    for rows in (frame, other):
        np.testing.assert_array_equal(predictor.predict(rows), model.predict(rows).ravel())
        np.testing.assert_allclose(predictor.predict_proba(rows), model.predict_proba(rows), atol=1e-6)
    with pytest.raises(ConversionError, match="column 'port': expected rows of the training as a DataFrame"):
        celeris.load(model)
    with pytest.raises(
        ConversionError, match="column 'port': expected rows with every category .*, got none for 1 of 3"
    ):
        celeris.load(model, X=frame[frame.port != "n"])


def test_one_row_of_several_targets_gives_all_of_them() -> None:
    model = MODELS["XGBoost, several labels"]()
    predictor = celeris.load(model, columns=[f"x{at}" for at in range(FEATURES)])
    row = dict.fromkeys(predictor.columns or [], 0.5)
    assert predictor.predict(row) == model.predict(np.full((1, FEATURES), 0.5))[0].tolist()
    assert list(predictor.predict_proba(row)) == [0, 1]


def test_several_labels_at_the_end_of_a_pipeline() -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from xgboost import XGBClassifier

    model = make_pipeline(SimpleImputer(), XGBClassifier(n_estimators=3)).fit(X, (PAIR > 0).astype(int))
    predictor = celeris.load(model, X=X)
    np.testing.assert_array_equal(predictor.predict(X), model.predict(X))
    np.testing.assert_allclose(predictor.array("predict_proba", X), model.predict_proba(X), atol=1e-6)


def test_infinities_and_thresholds_that_no_float32_holds() -> None:
    for name in ("LightGBM, words", "LightGBM, zeros missing", "CatBoost, NaN above all", "CatBoost, lossguide"):
        model = MODELS[name]()
        rows = _rows(True)
        rows[::3, 0], rows[1::3, 1], rows[2::3, 2] = np.inf, -np.inf, 1e300
        compare(model, celeris.load(model, double=True), rows, 2e-6)
        with np.errstate(over="ignore"):
            rows = rows.astype(np.float32)
        compare(model, celeris.load(model), rows, 2e-6)


@pytest.mark.parametrize("values", [[0.1, -0.1, 1 / 3, 0.5, 0.0, 1e-35, 1e300, -1e300, np.inf, 3.4028235e38, 1e-46]])
def test_float32_numbers_meet_a_threshold_as_they_meet_float64(values: list[float]) -> None:
    thresholds = np.array(values)
    rounded = rounded_down(thresholds)
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
        around = near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))
    for x in around:
        np.testing.assert_array_equal(x <= rounded.astype(np.float32), x.astype(np.float64) <= thresholds)


def _linear_leaves() -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(linear_tree=True, n_estimators=2, verbose=-1).fit(X, REAL)


def _custom_classifier() -> Any:
    from lightgbm import LGBMClassifier

    own = LGBMClassifier(objective=lambda y, p: (p - y, np.ones_like(p)), n_estimators=2, verbose=-1)
    return own.fit(X, TWO)


def _raw_classifier() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=2, objective="binary:logitraw").fit(X, TWO)


def _catboost_categories() -> Any:
    from catboost import CatBoostRegressor

    settings: dict[str, Any] = {"iterations": 2, "verbose": False, "allow_writing_files": False}
    return CatBoostRegressor(cat_features=["port", "deck"], **settings).fit(TABLE, SHIFTED)


def _uncertainty() -> Any:
    from catboost import CatBoostRegressor

    settings: dict[str, Any] = {"iterations": 2, "verbose": False, "allow_writing_files": False}
    return CatBoostRegressor(loss_function="RMSEWithUncertainty", **settings).fit(X, REAL)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_linear_leaves, "got linear_tree"),
        (_custom_classifier, "got a custom one"),
        (_raw_classifier, "got binary:logitraw"),
        (_catboost_categories, "got statistics of the target by category"),
        (_uncertainty, "RMSEWithUncertainty"),
    ],
)
def test_what_no_file_can_say_is_refused(make: Any, said: str) -> None:
    with pytest.raises(ConversionError, match=said):
        celeris.load(make())


def test_a_wrong_conversion_is_found_without_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a new version of a library keeps its models in another way."""
    from celeris.conversion import lightgbm

    read = lightgbm.read

    def wrong(estimator: Any, frame: Any) -> Any:
        boosted = read(estimator, frame)
        boosted.trees[0].value[0] += 0.5
        return boosted

    monkeypatch.setattr(lightgbm, "read", wrong)
    with pytest.raises(ConversionError, match="expected the converted model to give the estimator's"):
        celeris.load(MODELS["LightGBM, regression"]())


def test_a_wrong_conversion_by_skl2onnx_is_found_without_rows() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    model = LinearDiscriminantAnalysis().fit(np.nan_to_num(X), TWO)
    with pytest.raises(ConversionError, match="expected the converted model to give the estimator's results"):
        celeris.load(model)


@pytest.mark.parametrize("kind", ["DecisionTreeClassifier", "ExtraTreesRegressor", "GradientBoostingClassifier",
                                  "HistGradientBoostingRegressor", "AdaBoostRegressor"])  # fmt: skip
def test_trees_of_scikit_learn_in_float64(kind: str) -> None:
    from sklearn.utils import all_estimators

    rows = np.nan_to_num(_rows(True))
    model = dict(all_estimators())[kind](random_state=0).fit(np.nan_to_num(X), MANY if "Class" in kind else REAL)
    compare(model, celeris.load(model, double=True), rows, 1e-6)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
def test_steps_of_a_pipeline(library: str) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kind, settings = {"lightgbm": ("LGBMClassifier", {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.7, "verbose": -1}),
                      "xgboost": ("XGBRFClassifier", {}),
                      "catboost": ("CatBoostClassifier", {"allow_writing_files": False, "verbose": 0})}[library]  # fmt: skip
    booster = getattr(__import__(library), kind)(n_estimators=5, **settings)
    model = make_pipeline(StandardScaler(), booster).fit(
        X, np.array(list("abcd"))[MANY] if library != "xgboost" else MANY
    )
    for scores in (False, True):
        predictor = celeris.load(model, X=X.astype(np.float64), double=True, scores=scores)
        assert predictor.methods == ["predict", "decision_function" if scores else "predict_proba"]

"""Fitted estimators of scikit-learn, LightGBM, XGBoost and CatBoost as ONNX files, by skl2onnx and onnxmltools.

The file remembers what the estimator knew: the names of its columns, its classes, which output is what.
"""

from __future__ import annotations

import copy
import importlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from celeris.explain.covers import remember_covers
from celeris.frames import DataError, Table, table_of
from celeris.signature import CLASSES, COLUMNS, NAN, ROLES

_OPSETS = {"": 18, "ai.onnx.ml": 3}
_SHOWN = 5


class ConversionError(Exception):
    """An estimator cannot be converted, or its conversion predicts something else."""


def is_estimator(source: Any) -> bool:
    """Whether it is a model of a library, fitted or not."""
    return hasattr(source, "predict") or (hasattr(source, "fit") and hasattr(source, "transform"))


def convert(estimator: Any, X: Any = None, *, double: bool = False, scores: bool = False) -> bytes:
    """The bytes of an ONNX file that predicts as the estimator does.

    Args:
        estimator: Fitted, of scikit-learn, LightGBM, XGBoost or CatBoost.
        X: Rows as it was trained on; needed where columns are chosen by name or hold text.
        double: Inputs are float64, else float32.
        scores: Decision scores in the place of probabilities.

    Raises:
        ConversionError: It is not fitted, or skl2onnx and onnxmltools know no converter.
    """
    _require_fitted(estimator)
    table = None if X is None else table_of(X)
    if type(estimator).__module__.split(".")[0] == "catboost":
        model = _from_catboost(estimator)
    elif type(estimator).__name__ == "Booster":
        model = _from_booster(estimator)
    else:
        model = _from_sklearn(estimator, table, double, scores)
    _remember(model, estimator, table, scores)
    remember_covers(model, estimator)
    return bytes(model.SerializeToString())


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        library = name.split(".")[0]
        raise ConversionError(f"expected {library} to be installed; pip install 'celeris[convert]'") from problem


def _require_fitted(estimator: Any) -> None:
    if not hasattr(estimator, "fit"):
        return  # a Booster
    if isinstance(estimator, type):
        raise ConversionError(f"{estimator.__name__}: expected a fitted estimator, got the class; call "
                              f"{estimator.__name__}().fit(X, y) first")  # fmt: skip
    validation = _library("sklearn.utils.validation")
    try:
        validation.check_is_fitted(estimator)
    except Exception as problem:
        name = type(estimator).__name__
        if type(problem).__name__ != "NotFittedError":
            raise ConversionError(
                f"{name}: expected an estimator of scikit-learn, LightGBM, XGBoost or CatBoost, got another class"
            ) from problem
        raise ConversionError(
            f"{name}: expected a fitted estimator, got one before fit; call fit(X, y) first"
        ) from problem


def _final(estimator: Any) -> Any:
    """The last step of a pipeline, or the estimator."""
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    return estimator


def _parts(estimator: Any) -> Iterator[Any]:
    """The estimator and those inside it."""
    yield estimator
    if hasattr(estimator, "get_params"):
        for value in estimator.get_params(deep=True).values():
            if hasattr(value, "fit"):
                yield value


def _from_sklearn(estimator: Any, table: Table | None, double: bool, scores: bool) -> Any:
    skl2onnx = _library("skl2onnx")
    _register(estimator)
    estimator = _without_booster_names(estimator)
    final = _final(estimator)
    options: dict[int, dict[str, Any]] = {}
    if hasattr(final, "classes_") and hasattr(final, "predict"):
        options[id(final)] = {"zipmap": False}
        if scores:
            options[id(final)]["raw_scores"] = True
    initial = _initial_types(estimator, table, double)
    try:
        try:
            return skl2onnx.to_onnx(estimator, initial_types=initial, options=options, target_opset=_OPSETS)
        except NameError as problem:  # a classifier that never makes a ZipMap has no such option
            if "'zipmap'" not in str(problem):
                raise
            del options[id(final)]["zipmap"]
            return skl2onnx.to_onnx(estimator, initial_types=initial, options=options, target_opset=_OPSETS)
    except (DataError, ConversionError):
        raise
    except Exception as problem:
        first = str(problem).strip().split("\n")[0].rstrip(".")
        raise ConversionError(
            f"{type(estimator).__name__}: expected a convertible estimator; skl2onnx says: {first}; take another step, "
            "or register a converter with skl2onnx.update_registered_converter"
        ) from problem


def _initial_types(estimator: Any, table: Table | None, double: bool) -> list[tuple[str, Any]]:
    """One input a column where columns are chosen by name or hold text; else one matrix."""
    types = _library("skl2onnx.common.data_types")
    number = types.DoubleTensorType if double else types.FloatTensorType
    chooses = any(hasattr(part, "transformers") and hasattr(part, "remainder") for part in _parts(estimator))
    names = getattr(estimator, "feature_names_in_", None)
    if table is None:
        if chooses:
            raise ConversionError(
                f"{type(estimator).__name__}: expected rows to learn the columns' types from; give some: "
                "celeris.load(estimator, X=frame.head())"
            )
        return [("X", number([None, int(estimator.n_features_in_)]))]
    texts = [_holds_text(table, at) for at in range(table.width)]
    if not (chooses and names is not None) and not any(texts):
        return [("X", number([None, table.width]))]
    if table.names is None:
        if all(texts):
            return [("X", types.StringTensorType([None, table.width]))]
        raise ConversionError("X: expected named columns, got an array of text and numbers; give a DataFrame")
    return [
        (name, types.StringTensorType([None, 1]) if text else number([None, 1]))
        for name, text in zip(table.names, texts, strict=True)
    ]


def _holds_text(table: Table, at: int) -> bool:
    try:
        return table.columns([at], [False])[0].kind == "text"
    except DataError:
        return True


def _register(estimator: Any) -> None:
    """Teaches skl2onnx the LightGBM and XGBoost estimators that are met."""
    for part in _parts(estimator):
        library, name = type(part).__module__.split(".")[0], type(part).__name__
        if library not in ("lightgbm", "xgboost") or name == "Booster":
            continue
        skl2onnx = _library("skl2onnx")
        shapes = _library("skl2onnx.common.shape_calculator")
        if library == "lightgbm":
            made = _library("onnxmltools.convert.lightgbm.operator_converters.LightGbm").convert_lightgbm
        else:
            made = _library("onnxmltools.convert.xgboost.operator_converters.XGBoost").convert_xgboost
        alias = ("LightGbm" if library == "lightgbm" else "XGBoost") + name
        if hasattr(part, "predict_proba"):
            shape = shapes.calculate_linear_classifier_output_shapes
            options: dict[str, Any] = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
        else:
            shape = shapes.calculate_linear_regressor_output_shapes
            options = {"split": None} if library == "lightgbm" else {}
        skl2onnx.update_registered_converter(type(part), alias, shape, made, overwrite=True, options=options)


def _without_booster_names(estimator: Any) -> Any:
    """The estimator, or a copy whose XGBoost boosters call their columns f0, f1, ... as the converter wants it."""
    if not any(_booster_names(part) for part in _parts(estimator)):
        return estimator
    estimator = copy.deepcopy(estimator)
    for part in _parts(estimator):
        if _booster_names(part):
            part.get_booster().feature_names = None
    return estimator


def _booster_names(part: Any) -> Any:
    if not type(part).__module__.startswith("xgboost") or not hasattr(part, "get_booster"):
        return None
    return part.get_booster().feature_names


def _from_booster(booster: Any) -> Any:
    tools = _library("onnxmltools")
    types = _library("onnxmltools.convert.common.data_types")
    count = booster.num_feature() if callable(getattr(booster, "num_feature", None)) else booster.num_features()
    initial = [("X", types.FloatTensorType([None, count]))]
    if type(booster).__module__.startswith("lightgbm"):
        return tools.convert_lightgbm(booster, initial_types=initial, zipmap=False, target_opset=15)
    plain = booster.copy()
    plain.feature_names = None  # the converter wants f0, f1, ...
    return tools.convert_xgboost(plain, initial_types=initial, target_opset=15)


def _from_catboost(estimator: Any) -> Any:
    onnx = _library("onnx")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        try:
            estimator.save_model(str(path), format="onnx")
        except Exception as problem:
            raise ConversionError(
                f"{type(estimator).__name__}: CatBoost cannot save it as ONNX: {problem}"
            ) from problem
        return onnx.load(str(path))


def _remember(model: Any, estimator: Any, table: Table | None, scores: bool) -> None:
    onnx = _library("onnx")
    found: dict[str, Any] = {}
    names = _column_names(estimator, table)
    inputs = [each.name for each in model.graph.input]
    if names is not None and len(inputs) == 1:
        found[COLUMNS] = {inputs[0]: names}
    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, np.ndarray) and classes.ndim == 1:
        found[CLASSES] = classes.tolist()
    found[NAN] = _lets_nan_through(estimator)
    found[ROLES] = _roles(estimator, [each.name for each in model.graph.output], scores)
    kept = {each.key: each.value for each in model.metadata_props}
    onnx.helper.set_model_props(model, {**kept, **{key: json.dumps(value) for key, value in found.items() if value}})


def _lets_nan_through(estimator: Any) -> bool:
    """Whether NaN gives NaN by the estimator's own wish; of a pipeline its graph tells more."""
    if not hasattr(estimator, "__sklearn_tags__") or hasattr(estimator, "steps"):
        return False
    return bool(_library("sklearn.utils").get_tags(estimator).input_tags.allow_nan)


def _column_names(estimator: Any, table: Table | None) -> list[str] | None:
    names = _own_names(estimator)
    given = None if table is None else table.names
    if names is None or (given is not None and [name.replace(" ", "_") for name in given] == names):
        return given  # LightGBM writes '_' for ' '
    return names


def _own_names(estimator: Any) -> list[str] | None:
    for attribute in ("feature_names_in_", "feature_names_"):
        names = getattr(estimator, attribute, None)
        if names is not None and len(names):
            return [str(name) for name in names]
    if type(estimator).__name__ == "Booster":
        names = (
            estimator.feature_name() if callable(getattr(estimator, "feature_name", None)) else estimator.feature_names
        )
        if names and not all(str(n).startswith("Column_") for n in names):
            return [str(name) for name in names]
    return None


def _roles(estimator: Any, outputs: list[str], scores: bool) -> dict[str, str]:
    if len(outputs) >= 2:
        if type(estimator).__name__ == "Booster":
            return {"predict": outputs[0], "predict_proba": outputs[1]}
        candidates = ["predict_proba"] * (not scores) + ["decision_function", "transform"]
        second = next((role for role in candidates if hasattr(estimator, role)), "transform")
        return {"predict": outputs[0], second: outputs[1]}
    if type(estimator).__name__ == "Booster":
        return {"predict": outputs[0]}
    return {"predict" if hasattr(estimator, "predict") else "transform": outputs[0]}


def compare(estimator: Any, predictor: Any, X: Any, tolerance: float) -> None:
    """ConversionError where the predictor's answers on X are not the estimator's."""
    if type(estimator).__name__ == "Booster":
        got = predictor.array(predictor.methods[-1], X)
        return _compare_numbers(estimator, _booster_values(estimator, X), got, tolerance)
    near = np.zeros(len(table_of(X)), bool)
    for role in reversed(predictor.methods):
        expected, got = np.asarray(getattr(estimator, role)(X)), predictor.array(role, X)
        if role != "predict" or not hasattr(estimator, "classes_"):
            _compare_numbers(estimator, expected, got, tolerance)
            near = near | _ties(expected, tolerance)
            continue
        wrong = np.flatnonzero((expected.reshape(-1) != got.reshape(-1)) & ~near)
        if len(wrong):
            raise _differs(estimator, role, wrong, len(near), "other labels")
    return None


def _booster_values(booster: Any, X: Any) -> np.ndarray:
    if type(booster).__module__.startswith("xgboost"):
        X = _library("xgboost").DMatrix(X, feature_names=booster.feature_names)
    return np.asarray(booster.predict(X))


def _ties(scores: np.ndarray, tolerance: float) -> np.ndarray:
    """Rows whose best two scores are so near that a rounding may change the label."""
    if scores.ndim == 1 or scores.shape[1] < 2:
        return np.abs(scores.reshape(len(scores), -1)[:, 0]) <= tolerance
    top = np.sort(scores, axis=1)[:, -2:]
    near: np.ndarray = top[:, 1] - top[:, 0] <= 2 * tolerance
    return near


def _compare_numbers(estimator: Any, expected: np.ndarray, got: np.ndarray, tolerance: float) -> None:
    if expected.ndim == 1 and got.ndim == 2 and got.shape[1] == 2:
        got = got[:, 1]
    if expected.size != got.size:
        raise ConversionError(
            f"{type(estimator).__name__}: expected results of shape {list(expected.shape)}, got {list(got.shape)}"
        )
    wide = expected.astype(np.float64).reshape(len(expected), -1)
    difference = np.abs(got.astype(np.float64).reshape(wide.shape) - wide) / (1 + np.abs(wide))
    difference[np.isnan(wide) & np.isnan(got.reshape(wide.shape))] = 0
    worst = np.nan_to_num(difference, nan=np.inf).max(axis=1, initial=0)
    wrong = np.flatnonzero(worst > tolerance)
    if len(wrong):
        raise _differs(estimator, "results", wrong, len(worst), f"others by up to {worst.max():.3g}, relative")


def _differs(estimator: Any, what: str, rows: np.ndarray, count: int, got: str) -> ConversionError:
    shown = ", ".join(map(str, rows[:_SHOWN].tolist())) + (", ..." if len(rows) > _SHOWN else "")
    return ConversionError(
        f"{type(estimator).__name__}: expected the converted model to give the estimator's {what}, got {got}, in "
        f"{len(rows)} of {count} rows ({shown}); rounding to float32 near a threshold is the usual cause: try "
        "double=True, or look at those rows and raise `tolerance` if you can live with it"
    )

"""Fits a case's estimator; makes its ONNX file by skl2onnx, onnxmltools or CatBoost itself, and the feeds for its inputs."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxmltools
import skl2onnx
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from skl2onnx.common import data_types as types
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from sklearn.base import clone
from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from tests.converters.case import Case
from tests.converters.data import table

_OPSETS = {"": 21, "ai.onnx.ml": 3}
_TENSORS = {
    "float": types.FloatTensorType,
    "double": types.DoubleTensorType,
    "int64": types.Int64TensorType,
    "string": types.StringTensorType,
}
_DTYPES = {"float": np.float32, "double": np.float64, "int64": np.int64, "string": object}
_BOOSTERS = {
    **dict.fromkeys((LGBMClassifier, LGBMRegressor, LGBMRanker), convert_lightgbm),
    **dict.fromkeys((XGBClassifier, XGBRegressor, XGBRanker, XGBRFClassifier, XGBRFRegressor), convert_xgboost),
}


@contextmanager
def quiet() -> Iterator[None]:
    """Trainers and converters warn of many things; none is Celeris's."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@cache
def teach() -> None:
    """Tells skl2onnx of the boosters, as onnxmltools documents it."""
    for kind, convert in _BOOSTERS.items():
        if hasattr(kind, "predict_proba"):
            shape = calculate_linear_classifier_output_shapes
            options: dict[str, Any] = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
            options["raw_scores"] = [True, False]
        else:
            shape = calculate_linear_regressor_output_shapes
            options = {"split": None} if convert is convert_lightgbm else {}
        skl2onnx.update_registered_converter(kind, kind.__name__, shape, convert, options=options, overwrite=True)


@cache
def fitted(case: Case) -> Any:
    """The case's estimator, fitted on its table."""
    data = table(case.data)
    with quiet():
        if not hasattr(case.estimator, "fit"):
            return case.estimator(data.X, data.y)
        estimator = clone(case.estimator)
        if case.data == "ranking":
            groups = np.arange(len(data.X)) // 10
            catboost = type(estimator).__module__.startswith("catboost")
            return estimator.fit(
                data.X, data.y, **({"group_id": groups} if catboost else {"group": np.bincount(groups)})
            )
        return estimator.fit(data.X) if data.y is None else estimator.fit(data.X, data.y)


def convert(case: Case, element: str) -> bytes:
    """The file, for inputs of that type; whatever the converter raises."""
    estimator = fitted(case)
    inputs = _inputs(case, element)
    with quiet():
        if type(estimator).__module__.startswith("catboost"):
            return _by_catboost(case, estimator, inputs)
        if case.by == "onnxmltools":
            make = (
                onnxmltools.convert_xgboost if "xgboost" in type(estimator).__module__ else onnxmltools.convert_lightgbm
            )
            made = make(estimator, initial_types=inputs, target_opset=15, **case.options)
            return bytes(made.SerializeToString())
        teach()
        options = {id(_final(estimator)): case.options} if case.options else None
        made = skl2onnx.to_onnx(estimator, initial_types=inputs, options=options, target_opset=_OPSETS)
    return bytes(made.SerializeToString())


def _by_catboost(case: Case, estimator: Any, inputs: Any) -> bytes:
    if case.by == "onnxmltools":
        return bytes(onnxmltools.convert_catboost(estimator, name="m", initial_types=inputs).SerializeToString())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        estimator.save_model(str(path), format="onnx")
        return bytes(onnx.load(str(path)).SerializeToString())


def _final(estimator: Any) -> Any:
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    return estimator


def _inputs(case: Case, element: str) -> list[tuple[str, Any]]:
    X = table(case.data).X
    tensor = _TENSORS[element]
    if case.feed == "frame":
        return [
            (name, types.StringTensorType([None, 1]) if X[name].dtype.kind in "OTU" else tensor([None, 1]))
            for name in X.columns
        ]
    if case.feed == "dicts":
        return [("X", types.DictionaryType(types.StringTensorType([1]), tensor([1])))]
    if case.feed == "vector":
        return [("X", tensor([None]))]
    if case.feed == "column":
        return [("X", tensor([None, 1]))]
    return [("X", tensor([None, X.shape[1]]))]


def feeds(case: Case, element: str, session: Any, rows: Any) -> dict[str, Any]:
    """The rows as the file's inputs take them."""
    if case.feed == "frame":
        dtypes = {name: object if rows[name].dtype.kind in "OTU" else _DTYPES[element] for name in rows.columns}
        return {name: rows[[name]].to_numpy().astype(dtype) for name, dtype in dtypes.items()}
    if case.feed == "dicts":
        return {"X": [dict(row) for row in rows]}
    rows = np.asarray(rows, _DTYPES[element])
    return {session.get_inputs()[0].name: rows.reshape(-1, 1) if case.feed == "column" else rows}


def left_open(model: bytes) -> bytes | None:
    """The same model, as converters write it for [None, None]; None where it has other inputs than one table."""
    proto = onnx.load_from_string(model)
    shapes = [each.type.tensor_type.shape.dim for each in proto.graph.input]
    if len(shapes) != 1 or len(shapes[0]) != 2:
        return None
    shapes[0][1].Clear()
    for output in proto.graph.output:
        if output.type.HasField("tensor_type"):
            output.type.tensor_type.ClearField("shape")
    return proto.SerializeToString()

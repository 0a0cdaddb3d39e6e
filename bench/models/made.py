"""What training gives, the tables it is given, and the way from an estimator to a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

ROWS = 10_000
_OPSETS = {"": 18, "ai.onnx.ml": 3}


@dataclass
class Made:
    """A trained model: its file, rows to feed, the training library's answer in float64, and what was trained."""

    onnx: bytes
    feeds: dict[str, Any]
    expected: np.ndarray
    estimator: Any = None  # the fitted estimator or booster
    trained_on: tuple[Any, Any] | None = None  # for a peer that trains its own


def iris() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    return x.astype(np.float32), y


def table(features: int, classes: int = 2, seed: int = 0, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Rows with classes."""
    from sklearn.datasets import make_classification

    x, y = make_classification(
        rows, features, n_informative=min(features, 12), n_redundant=0, n_classes=classes, random_state=seed
    )
    return x.astype(np.float32), y


def values(features: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows with a number each."""
    from sklearn.datasets import make_regression

    x, y = make_regression(ROWS, features, n_informative=min(features, 12), noise=5.0, random_state=seed)
    return x.astype(np.float32), y


def sklearn(model: Any, x: Any, y: Any, *, fed: Any = None, **options: Any) -> Made:
    """Fitted and converted; `fed`: the rows to feed if they are not those it was trained on; options of skl2onnx."""
    from skl2onnx import to_onnx
    from sklearn.base import is_classifier, is_regressor

    model.fit(x, y)
    if is_classifier(model):
        options.setdefault("zipmap", False)
    onnx = to_onnx(model, x[:1], options={id(model): options} if options else None, target_opset=_OPSETS)
    fed = x if fed is None else fed
    wide = fed.astype(np.float64) if fed.dtype == np.float32 else fed
    answer = model.predict_proba if is_classifier(model) else model.predict if is_regressor(model) else model.transform
    return Made(onnx.SerializeToString(), {"X": fed}, np.asarray(answer(wide)), model, (x, y))


def lightgbm(model: Any, x: np.ndarray, y: np.ndarray, **options: Any) -> Made:
    """Fitted and converted, to be fed at most 10,000 of its rows; options of `fit`."""
    from lightgbm import LGBMClassifier
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    model.fit(x, y, **options)
    types = [("X", FloatTensorType([None, x.shape[1]]))]
    onnx = convert_lightgbm(model, initial_types=types, zipmap=False, target_opset=15)
    answer = model.predict_proba if isinstance(model, LGBMClassifier) else model.predict
    fed = x[:ROWS]
    return Made(onnx.SerializeToString(), {"X": fed}, np.asarray(answer(fed)), model, (x, y))

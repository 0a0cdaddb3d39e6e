"""The models that the bench asks about, trained once and kept in bench/zoo/: `python -m bench.zoo`.

Each is an ONNX file, the rows it is fed, and what the training library answers in float64.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "zoo"
_ROWS = 10_000


@dataclass
class Entry:
    """One model: its file's bytes, feeds of many rows, and the expected last output (probabilities or values)."""

    name: str
    onnx: bytes
    feeds: dict[str, np.ndarray]
    expected: np.ndarray  # float64 [rows, ...], of the training library

    def rows(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """A slice of the feeds; beyond their end they begin again."""
        count = len(next(iter(self.feeds.values())))
        if stop <= count:
            return {name: value[start:stop] for name, value in self.feeds.items()}
        at = np.arange(start, stop) % count
        return {name: np.ascontiguousarray(value[at]) for name, value in self.feeds.items()}


def _iris() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    return x.astype(np.float32), y


def _table(features: int, classes: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_classification

    x, y = make_classification(
        _ROWS, features, n_informative=min(features, 12), n_redundant=0, n_classes=classes, random_state=seed
    )
    return x.astype(np.float32), y


def _values(features: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_regression

    x, y = make_regression(_ROWS, features, n_informative=min(features, 12), noise=5.0, random_state=seed)
    return x.astype(np.float32), y


def _sklearn(
    model: Any, x: np.ndarray, y: np.ndarray, *, zipmap: bool = False
) -> tuple[bytes, dict[str, Any], np.ndarray]:
    from skl2onnx import to_onnx
    from sklearn.base import is_classifier

    model.fit(x, y)
    options = {"zipmap": zipmap} if is_classifier(model) else None
    onnx = to_onnx(model, x[:1], options=options, target_opset={"": 18, "ai.onnx.ml": 3})
    wide = x.astype(np.float64)
    return (
        onnx.SerializeToString(),
        {"X": x},
        model.predict_proba(wide) if is_classifier(model) else model.predict(wide),
    )


def logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return _sklearn(LogisticRegression(max_iter=1000), *_iris())


def logistic_zipmap() -> Any:
    from sklearn.linear_model import LogisticRegression

    return _sklearn(LogisticRegression(max_iter=1000), *_iris(), zipmap=True)


def scaler_logistic() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _sklearn(make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)), *_table(30))


def ridge() -> Any:
    from sklearn.linear_model import Ridge

    return _sklearn(Ridge(), *_values(50))


def forest_small() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return _sklearn(RandomForestClassifier(100, random_state=0), *_iris())


def forest_zipmap() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return _sklearn(RandomForestClassifier(20, random_state=0), *_iris(), zipmap=True)


def forest_deep() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)  # noisy labels make deep trees: about 2,400 leaves each, a file of 24 MB
    x = rng.normal(size=(2 * _ROWS, 30)).astype(np.float32)
    y = (x[:, :5].sum(axis=1) + 3 * rng.normal(size=len(x)) > 0).astype(np.int64)
    onnx, feeds, expected = _sklearn(RandomForestClassifier(100, random_state=0, n_jobs=-1), x, y)
    return onnx, {"X": feeds["X"][:_ROWS]}, expected[:_ROWS]


def boosting() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    return _sklearn(GradientBoostingClassifier(n_estimators=100, random_state=0), *_table(20, classes=3))


def hist_boosting() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _sklearn(HistGradientBoostingClassifier(max_iter=300, early_stopping=False, random_state=0), *_table(30))


def lightgbm() -> Any:
    from lightgbm import LGBMClassifier
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    x, y = _table(50)
    model = LGBMClassifier(n_estimators=500, num_leaves=63, verbose=-1, n_jobs=2).fit(x, y)
    onnx = convert_lightgbm(model, initial_types=[("X", FloatTensorType([None, 50]))], zipmap=False, target_opset=15)
    return onnx.SerializeToString(), {"X": x}, model.predict_proba(x)


def xgboost() -> Any:
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    from xgboost import XGBRegressor

    x, y = _values(50)
    model = XGBRegressor(n_estimators=1000, max_depth=6, learning_rate=0.05, n_jobs=2).fit(x, y)
    onnx = convert_xgboost(model, initial_types=[("X", FloatTensorType([None, 50]))], target_opset=15)
    return onnx.SerializeToString(), {"X": x}, _boosted_sum(model, x)


def _boosted_sum(model: Any, x: np.ndarray) -> np.ndarray:
    """What the trees add up to in float64; XGBoost itself adds in float32."""
    booster = model.get_booster()
    table = booster.trees_to_dataframe()
    leaves = table[table["Feature"] == "Leaf"]
    value = np.zeros((leaves["Tree"].max() + 1, leaves["Node"].max() + 1))
    value[leaves["Tree"], leaves["Node"]] = leaves["Gain"].to_numpy(np.float32)
    at = model.apply(x).astype(np.int64)
    base = np.ravel(json.loads(json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"]))
    return np.float64(np.float32(base[0])) + value[np.arange(at.shape[1]), at].sum(axis=1)


def mlp() -> Any:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _sklearn(make_pipeline(StandardScaler(), MLPClassifier((64, 32), max_iter=30, random_state=0)), *_table(30))


def svm() -> Any:
    from sklearn.svm import SVC

    x, y = _table(20)
    onnx, _, _ = _sklearn(model := SVC(probability=True, random_state=0), x[:1000], y[:1000])
    return onnx, {"X": x}, model.predict_proba(x.astype(np.float64))


def columns() -> Any:
    import pandas as pd
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, _ROWS).astype(np.float32),
            "fare": rng.gamma(2.0, 20.0, _ROWS).astype(np.float32),
            "port": rng.choice(["Cherbourg", "Queenstown", "Southampton"], _ROWS),
            "class": rng.choice(["first", "second", "third"], _ROWS),
        }
    )
    y = ((frame["age"] < 35) ^ (frame["port"] == "Cherbourg") ^ (rng.random(_ROWS) < 0.2)).astype(np.int64)
    numbers, words = ["age", "fare"], ["port", "class"]
    model = make_pipeline(
        ColumnTransformer([("n", StandardScaler(), numbers), ("w", OneHotEncoder(handle_unknown="ignore"), words)]),
        RandomForestClassifier(50, max_depth=6, random_state=0),
    ).fit(frame, y)
    types = [(n, FloatTensorType([None, 1])) for n in numbers] + [(w, StringTensorType([None, 1])) for w in words]
    onnx = to_onnx(model, initial_types=types, options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 3})
    feeds: dict[str, Any] = {n: frame[[n]].to_numpy(np.float32) for n in numbers}
    feeds.update({w: frame[[w]].to_numpy(object) for w in words})
    return onnx.SerializeToString(), feeds, model.predict_proba(frame)


MODELS: dict[str, Callable[[], Any]] = {
    f.__name__: f
    for f in (
        logistic, logistic_zipmap, scaler_logistic, ridge, forest_small, forest_zipmap, forest_deep, boosting,
        hist_boosting, lightgbm, xgboost, mlp, svm, columns,
    )
}  # fmt: skip


def load(name: str) -> Entry:
    """The model, trained now if it has not been yet."""
    path = FOLDER / f"{name}.pickle"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        print(f"training {name} ...", file=sys.stderr)
        path.write_bytes(pickle.dumps(MODELS[name]()))
    onnx, feeds, expected = pickle.loads(path.read_bytes())
    return Entry(name, onnx, feeds, np.asarray(expected, np.float64))


def pick(names: list[str]) -> list[Entry]:
    """Those named, or all."""
    unknown = set(names) - MODELS.keys()
    if unknown:
        raise SystemExit(f"expected models among {', '.join(MODELS)}; got {', '.join(sorted(unknown))}")
    return [load(name) for name in names or MODELS]


if __name__ == "__main__":
    for each in MODELS:
        load(each)

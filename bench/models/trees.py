"""Forests and boosted trees as people train them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.models.made import ROWS, Made, iris, lightgbm, sklearn, table, values


def forest_small() -> Made:
    from sklearn.ensemble import RandomForestClassifier

    return sklearn(RandomForestClassifier(100, random_state=0), *iris())


def forest_zipmap() -> Made:
    from sklearn.ensemble import RandomForestClassifier

    return sklearn(RandomForestClassifier(20, random_state=0), *iris(), zipmap=True)


def forest_medium() -> Made:
    from sklearn.ensemble import RandomForestClassifier

    return sklearn(RandomForestClassifier(100, max_leaf_nodes=200, random_state=0, n_jobs=2), *table(30))


def forest_deep() -> Made:
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)  # noisy labels make deep trees: about 2,400 leaves each, a file of 24 MB
    x = rng.normal(size=(2 * ROWS, 30)).astype(np.float32)
    y = (x[:, :5].sum(axis=1) + 3 * rng.normal(size=len(x)) > 0).astype(np.int64)
    return sklearn(RandomForestClassifier(100, random_state=0, n_jobs=2), x, y, fed=x[:ROWS])


def forest_classes() -> Made:
    from sklearn.ensemble import RandomForestClassifier

    return sklearn(RandomForestClassifier(100, max_leaf_nodes=300, random_state=0, n_jobs=2), *table(20, classes=10))


def boosting() -> Made:
    from sklearn.ensemble import GradientBoostingClassifier

    return sklearn(GradientBoostingClassifier(n_estimators=100, random_state=0), *table(20, classes=3))


def hist_boosting() -> Made:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return sklearn(HistGradientBoostingClassifier(max_iter=300, early_stopping=False, random_state=0), *table(30))


def lightgbm_leaves63() -> Made:
    from lightgbm import LGBMClassifier

    return lightgbm(LGBMClassifier(n_estimators=500, num_leaves=63, verbose=-1, n_jobs=1), *table(50))


def lightgbm_medium() -> Made:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_estimators=200, num_leaves=255, min_child_samples=5, verbose=-1, n_jobs=1)
    return lightgbm(model, *table(50, rows=4 * ROWS))


def lightgbm_classes() -> Made:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_estimators=100, num_leaves=31, verbose=-1, n_jobs=1)
    return lightgbm(model, *table(20, classes=10))


def lightgbm_wide() -> Made:
    from lightgbm import LGBMClassifier

    x, y = table(1000, rows=4000)
    # a tenth of the columns at each tree, so that most columns are used
    model = LGBMClassifier(n_estimators=300, num_leaves=31, colsample_bytree=0.1, verbose=-1, n_jobs=1)
    return lightgbm(model, x, y)


def xgboost() -> Made:
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    from xgboost import XGBRegressor

    x, y = values(50)
    model = XGBRegressor(n_estimators=1000, max_depth=6, learning_rate=0.05, n_jobs=2).fit(x, y)
    onnx = convert_xgboost(model, initial_types=[("X", FloatTensorType([None, 50]))], target_opset=15)
    return Made(onnx.SerializeToString(), {"X": x}, _boosted_sum(model, x), model, (x, y))


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


def catboost() -> Made:
    from catboost import CatBoostRegressor

    x, y = values(50)
    model = CatBoostRegressor(iterations=500, depth=6, verbose=0, thread_count=2, allow_writing_files=False)
    model.fit(x, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model.save_model(str(path), format="onnx")
        onnx = path.read_bytes()
    return Made(onnx, {"features": x}, model.predict(x), model, (x, y))

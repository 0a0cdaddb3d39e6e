"""Fitted boosters of every objective and setting that converts, by name; rows for them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

ROWS, FEATURES = 400, 5
_RNG = np.random.default_rng(0)
_PLAIN = _RNG.normal(size=(ROWS, FEATURES)).astype(np.float32)
X = _PLAIN.copy()
X[_RNG.random(X.shape) < 0.08] = np.nan
X[_RNG.random(X.shape) < 0.08] = 0
_SUM = np.nan_to_num(X[:, 0]) + np.nan_to_num(X[:, 1]) * np.nan_to_num(X[:, 2])
TWO, MANY = (_SUM > 0).astype(int), np.digitize(_SUM, [-0.7, 0.2, 0.9])
REAL, COUNTS = _SUM + 0.1 * _RNG.normal(size=ROWS), _RNG.poisson(np.exp(_SUM / 2) * 7).astype(float)
POSITIVE, PART = np.exp(_SUM / 2) * _RNG.gamma(5, 1, ROWS) + 0.01, 1 / (1 + np.exp(-_SUM))
PAIR, GROUPS = np.c_[REAL, -2 * REAL], np.full(ROWS // 20, 20)
WORDS = np.array(list("abcd"))

TABLE = pd.DataFrame(_PLAIN[:, :3], columns=list("abc"))
TABLE["port"] = pd.Categorical(np.array(["u", "v", "w", "x"])[_RNG.integers(0, 4, ROWS)])
TABLE["deck"] = pd.Categorical(np.array([10, 20, 30])[_RNG.integers(0, 3, ROWS)])
SHIFTED = _PLAIN[:, 0] + TABLE["port"].cat.codes + (TABLE["deck"].cat.codes == 1)

_FEW: dict[str, Any] = {"n_estimators": 6}
_LGB: dict[str, Any] = {**_FEW, "verbose": -1, "n_jobs": 1}
_CAT: dict[str, Any] = {"iterations": 6, "depth": 4, "verbose": False, "allow_writing_files": False, "thread_count": 1}
_RF: dict[str, Any] = {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}
_STOPS: dict[str, Any] = {"n_estimators": 60, "learning_rate": 0.6, "early_stopping_rounds": 2}

# name -> (class, settings, target, what fit takes besides)
_LIGHTGBM: dict[str, tuple[str, dict[str, Any], Any, dict[str, Any]]] = {
    "two classes": ("LGBMClassifier", {}, TWO, {}),
    "classes of real numbers": ("LGBMClassifier", {}, TWO + 1.0, {}),
    "booleans": ("LGBMClassifier", {}, TWO > 0, {}),
    "words": ("LGBMClassifier", {}, WORDS[MANY], {}),
    "one against all": ("LGBMClassifier", {"objective": "multiclassova", "sigmoid": 2.0}, MANY, {}),
    "steep sigmoid": ("LGBMClassifier", {"sigmoid": 2.0}, TWO, {}),
    "cross entropy of classes": ("LGBMClassifier", {"objective": "cross_entropy"}, TWO, {}),
    "random forest": ("LGBMClassifier", _RF, TWO, {}),
    "random forest of many classes": ("LGBMClassifier", _RF, MANY, {}),
    "random forest of numbers": ("LGBMRegressor", _RF, REAL, {}),
    "dart": ("LGBMClassifier", {"boosting_type": "dart"}, TWO, {}),
    "rare class": ("LGBMClassifier", {"boost_from_average": False}, (_SUM > -2).astype(int), {}),
    "no average": ("LGBMRegressor", {"boost_from_average": False}, REAL, {}),
    "square root": ("LGBMRegressor", {"reg_sqrt": True}, REAL * 10, {}),
    "zeros missing": ("LGBMRegressor", {"zero_as_missing": True}, REAL, {}),
    "no missing": ("LGBMRegressor", {"use_missing": False}, REAL, {}),
    "no splits": ("LGBMRegressor", {"min_child_samples": 10_000}, REAL, {}),
    "ranks": ("LGBMRanker", {}, MANY, {"group": GROUPS}),
    "ranks of xendcg": ("LGBMRanker", {"objective": "rank_xendcg"}, MANY, {"group": GROUPS}),
    **{kind: ("LGBMRegressor", {"objective": kind}, REAL, {})
       for kind in ("regression", "regression_l1", "huber", "fair", "quantile")},
    **{kind: ("LGBMRegressor", {"objective": kind}, COUNTS, {}) for kind in ("poisson", "tweedie")},
    **{kind: ("LGBMRegressor", {"objective": kind}, POSITIVE, {}) for kind in ("gamma", "mape")},
    **{kind: ("LGBMRegressor", {"objective": kind}, PART, {}) for kind in ("cross_entropy", "cross_entropy_lambda")},
}  # fmt: skip
_XGBOOST: dict[str, tuple[str, dict[str, Any], Any, dict[str, Any]]] = {
    "two classes": ("XGBClassifier", {}, TWO, {}),
    "base score": ("XGBClassifier", {"base_score": 0.2}, TWO, {}),
    "no splits": ("XGBClassifier", {"gamma": 1e9, "base_score": 0.3}, TWO, {}),
    "many classes": ("XGBClassifier", {}, MANY, {}),
    "softmax": ("XGBClassifier", {"objective": "multi:softmax"}, MANY, {}),
    "hinge": ("XGBClassifier", {"objective": "binary:hinge"}, TWO, {}),
    "dart": ("XGBClassifier", {"booster": "dart", "rate_drop": 0.5}, TWO, {}),
    "parallel trees": ("XGBClassifier", {"num_parallel_tree": 3, "subsample": 0.7}, MANY, {}),
    "random forest": ("XGBRFClassifier", {}, MANY, {}),
    "random forest of numbers": ("XGBRFRegressor", {}, REAL, {}),
    "stopped early": ("XGBClassifier", _STOPS, MANY,
                      {"eval_set": [(X[:60], MANY[:60][::-1])], "verbose": False}),
    "missing is 0": ("XGBRegressor", {"missing": 0.0}, REAL, {}),
    "many targets": ("XGBRegressor", {}, PAIR, {}),
    "leaves of vectors": ("XGBRegressor", {"multi_strategy": "multi_output_tree"}, PAIR, {}),
    "quantiles": ("XGBRegressor", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5]}, REAL, {}),
    "ranks": ("XGBRanker", {}, MANY, {"group": GROUPS}),
    "several labels": ("XGBClassifier", {}, (PAIR > 0).astype(int), {}),
    "several labels by vectors": ("XGBClassifier", {"multi_strategy": "multi_output_tree"}, (PAIR > 0).astype(int), {}),
    "linear": ("XGBRegressor", {"booster": "gblinear"}, REAL, {}),
    "linear, missing is 0.5": ("XGBRegressor", {"booster": "gblinear", "missing": 0.5}, REAL, {}),
    "linear, two classes": ("XGBClassifier", {"booster": "gblinear"}, TWO, {}),
    "linear, many classes": ("XGBClassifier", {"booster": "gblinear"}, MANY, {}),
    "linear, poisson": ("XGBRegressor", {"booster": "gblinear", "objective": "count:poisson"}, COUNTS, {}),
    "linear, many targets": ("XGBRegressor", {"booster": "gblinear"}, PAIR, {}),
    "linear, several labels": ("XGBClassifier", {"booster": "gblinear"}, (PAIR > 0).astype(int), {}),
    "base of poisson": ("XGBRegressor", {"objective": "count:poisson", "base_score": 3.0}, COUNTS, {}),
    **{kind: ("XGBRegressor", {"objective": kind}, REAL, {})
       for kind in ("reg:squarederror", "reg:pseudohubererror", "reg:absoluteerror")},
    **{kind: ("XGBRegressor", {"objective": kind}, TWO, {}) for kind in ("reg:logistic", "binary:logistic")},
    **{kind: ("XGBRegressor", {"objective": kind}, COUNTS, {}) for kind in ("count:poisson", "reg:tweedie")},
    **{kind: ("XGBRegressor", {"objective": kind}, POSITIVE, {})
       for kind in ("reg:gamma", "survival:cox", "reg:squaredlogerror")},
}  # fmt: skip
_CATBOOST: dict[str, tuple[str, dict[str, Any], Any, dict[str, Any]]] = {
    "two classes": ("CatBoostClassifier", {}, TWO, {}),
    "booleans": ("CatBoostClassifier", {}, TWO > 0, {}),
    "words": ("CatBoostClassifier", {}, WORDS[MANY], {}),
    "one against all": ("CatBoostClassifier", {"loss_function": "MultiClassOneVsAll"}, MANY, {}),
    "cross entropy": ("CatBoostClassifier", {"loss_function": "CrossEntropy"}, TWO, {}),
    "lossguide": ("CatBoostRegressor", {"grow_policy": "Lossguide"}, REAL, {}),
    "depthwise": ("CatBoostClassifier", {"grow_policy": "Depthwise"}, MANY, {}),
    "NaN above all": ("CatBoostRegressor", {"nan_mode": "Max"}, REAL, {}),
    "many targets": ("CatBoostRegressor", {"loss_function": "MultiRMSE"}, PAIR, {}),
    "ranks": ("CatBoostRanker", {}, MANY, {"group_id": np.repeat(np.arange(ROWS // 20), 20)}),
    **{kind: ("CatBoostRegressor", {"loss_function": kind}, REAL, {}) for kind in ("RMSE", "MAE", "Huber:delta=1")},
    **{kind: ("CatBoostRegressor", {"loss_function": kind}, COUNTS, {})
       for kind in ("Poisson", "Tweedie:variance_power=1.5")},
}  # fmt: skip
_LIGHTGBM_BOOSTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "binary": ({"objective": "binary"}, TWO),
    "random forest": ({"objective": "regression", **_RF}, REAL),
    "multiclass": ({"objective": "multiclass", "num_class": 4}, MANY),
    "poisson": ({"objective": "poisson"}, COUNTS),
    "cross entropy": ({"objective": "cross_entropy"}, PART),
    "fair": ({"objective": "fair"}, REAL),
}
_XGBOOST_BOOSTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "softprob": ({"objective": "multi:softprob", "num_class": 4}, MANY),
    "softmax": ({"objective": "multi:softmax", "num_class": 4}, MANY),
    **{kind: ({"objective": kind}, TWO)
       for kind in ("binary:logistic", "binary:logitraw", "binary:hinge", "reg:logistic")},
    **{kind: ({"objective": kind}, POSITIVE) for kind in ("reg:gamma", "reg:tweedie", "count:poisson", "survival:cox")},
}  # fmt: skip


def _estimator(module: str, kind: str, settings: dict[str, Any], y: Any, fit: dict[str, Any]) -> Callable[[], Any]:
    def make() -> Any:
        made = getattr(__import__(module), kind)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return made(**{**{"lightgbm": _LGB, "xgboost": _FEW, "catboost": _CAT}[module], **settings}).fit(
                X, y, **fit
            )

    return make


def _lightgbm_booster(settings: dict[str, Any], y: Any) -> Callable[[], Any]:
    def make() -> Any:
        import lightgbm

        return lightgbm.train({"verbose": -1, **settings}, lightgbm.Dataset(X, y), 6)

    return make


def _xgboost_booster(settings: dict[str, Any], y: Any) -> Callable[[], Any]:
    def make() -> Any:
        import xgboost

        return xgboost.train(settings, xgboost.DMatrix(X, y), 6)

    return make


MODELS: dict[str, Callable[[], Any]] = {
    **{f"LightGBM, {name}": _estimator("lightgbm", *case) for name, case in _LIGHTGBM.items()},
    **{f"XGBoost, {name}": _estimator("xgboost", *case) for name, case in _XGBOOST.items()},
    **{f"CatBoost, {name}": _estimator("catboost", *case) for name, case in _CATBOOST.items()},
    **{f"LightGBM's Booster, {name}": _lightgbm_booster(*case) for name, case in _LIGHTGBM_BOOSTERS.items()},
    **{f"XGBoost's Booster, {name}": _xgboost_booster(*case) for name, case in _XGBOOST_BOOSTERS.items()},
}

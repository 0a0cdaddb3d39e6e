"""LightGBM, XGBoost and CatBoost: by skl2onnx, which onnxmltools taught them, by onnxmltools alone, by CatBoost itself."""

from __future__ import annotations

from typing import Any

from catboost import CatBoostClassifier, CatBoostRanker, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from tests.converters.case import PREDICT, PROBABILITIES, Case, cases_of

_PLAIN = {"zipmap": False}
_THREE = ["binary", "classes"]
_FEW: dict[str, Any] = {"n_estimators": 8, "random_state": 0}
_LGB: dict[str, Any] = {**_FEW, "verbose": -1, "min_child_samples": 5}
_CAT: dict[str, Any] = {"iterations": 8, "depth": 4, "verbose": False, "random_seed": 0, "allow_writing_files": False}
_SINGLE: dict[str, Any] = {"single": True, "types": ("float",)}

CASES = [
    *cases_of(
        [
            LGBMClassifier(**_LGB),
            LGBMClassifier(boosting_type="dart", **_LGB),
            LGBMClassifier(boosting_type="rf", subsample=0.7, subsample_freq=1, **_LGB),
        ],
        [*_THREE, "words", "classes, gaps"],
        PROBABILITIES,
        options=_PLAIN,
        **_SINGLE,
    ),
    *cases_of(
        [LGBMRegressor(objective=kind, **_LGB) for kind in ("regression", "regression_l1", "huber", "quantile")],
        ["regression", "regression, gaps"],
        PREDICT,
        **_SINGLE,
    ),
    *cases_of(
        [LGBMRegressor(objective=kind, **_LGB) for kind in ("poisson", "gamma", "tweedie")],
        "positive",
        PREDICT,
        **_SINGLE,
    ),
    Case(LGBMRanker(**_LGB), "ranking", PREDICT, **_SINGLE),
    *cases_of([LGBMClassifier(**_LGB)], _THREE, PROBABILITIES, options={"zipmap": False}, by="onnxmltools", **_SINGLE),
    Case(LGBMRegressor(**_LGB), "regression", PREDICT, by="onnxmltools", **_SINGLE),
    *cases_of(
        [XGBClassifier(**_FEW), XGBClassifier(booster="dart", **_FEW), XGBRFClassifier(**_FEW)],
        [*_THREE, "classes, gaps"],
        PROBABILITIES,
        options=_PLAIN,
        **_SINGLE,
    ),
    *cases_of(
        [XGBRegressor(**_FEW), XGBRegressor(objective="reg:absoluteerror", **_FEW), XGBRFRegressor(**_FEW)],
        ["regression", "regression, gaps"],
        PREDICT,
        **_SINGLE,
    ),
    *cases_of(
        [XGBRegressor(objective=kind, **_FEW) for kind in ("count:poisson", "reg:gamma", "reg:tweedie")],
        "positive",
        PREDICT,
        **_SINGLE,
    ),
    Case(XGBRanker(**_FEW), "ranking", PREDICT, **_SINGLE),
    *cases_of([XGBClassifier(**_FEW)], _THREE, PROBABILITIES, by="onnxmltools", **_SINGLE),
    Case(XGBRegressor(**_FEW), "regression", PREDICT, by="onnxmltools", **_SINGLE),
    *cases_of([CatBoostClassifier(**_CAT)], _THREE, PROBABILITIES, by="CatBoost", **_SINGLE),
    *cases_of([CatBoostRegressor(**_CAT)], ["regression", "regression, gaps"], PREDICT, by="CatBoost", **_SINGLE),
    Case(CatBoostRanker(**_CAT), "ranking", PREDICT, by="CatBoost", **_SINGLE),
]

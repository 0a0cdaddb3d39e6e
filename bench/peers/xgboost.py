"""XGBoost's own Booster.inplace_predict, which makes no DMatrix."""

from __future__ import annotations

from bench.peers import Loaded
from bench.peers.estimators import estimator
from bench.zoo import Entry


def load(entry: Entry, threads: int) -> Loaded:
    booster = estimator(entry, "xgboost").get_booster()
    booster.set_param({"nthread": threads})
    return Loaded(booster.inplace_predict)

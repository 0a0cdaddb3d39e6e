"""LightGBM's own Booster.predict."""

from __future__ import annotations

from functools import partial

from bench.peers import Loaded
from bench.peers.estimators import estimator
from bench.zoo import Entry


def load(entry: Entry, threads: int) -> Loaded:
    return Loaded(partial(estimator(entry, "lightgbm").booster_.predict, num_threads=threads))

"""lleaves: a LightGBM model compiled by LLVM (llvmlite before 0.45, which still has the passes that it asks for)."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import lleaves
import numpy as np

from bench.peers import Loaded
from bench.peers.compiled import compiled
from bench.peers.estimators import estimator
from bench.zoo import Entry


def _compiled(entry: Entry, path: Path) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "model.txt"
        estimator(entry, "lightgbm").booster_.save_model(str(text))
        model = lleaves.Model(model_file=str(text))
        model.compile(cache=str(path))
    return model


def compile(entry: Entry, path: Path) -> None:
    _compiled(entry, path)


def load(entry: Entry, threads: int) -> Loaded:
    estimator(entry, "lightgbm")
    model = _compiled(entry, compiled("lleaves", entry, ".bin"))
    return Loaded(
        partial(model.predict, n_jobs=threads),
        lambda feeds: next(iter(feeds.values())).astype(np.float64),  # what it computes in
    )

"""tl2cgen: treelite's model as C, compiled by gcc with its defaults; each call makes its DMatrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tl2cgen

from bench.peers import Loaded, treelite
from bench.peers.compiled import compiled
from bench.zoo import Entry


def compile(entry: Entry, path: Path) -> None:
    tl2cgen.export_lib(treelite.imported(entry), toolchain="gcc", libpath=str(path), params={"parallel_comp": 8})


def load(entry: Entry, threads: int) -> Loaded:
    kind = np.dtype(treelite.imported(entry).input_type)
    predictor = tl2cgen.Predictor(str(compiled("tl2cgen", entry, ".so")), nthread=threads)

    def predict(rows: Any) -> Any:
        return predictor.predict(tl2cgen.DMatrix(rows, dtype=str(kind)))

    return Loaded(predict, lambda feeds: next(iter(feeds.values())).astype(kind))

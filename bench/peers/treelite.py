"""treelite's General Tree Inference Library, which interprets."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import treelite

from bench.peers import Loaded, Unable
from bench.peers.estimators import estimator, library_of
from bench.zoo import Entry


def imported(entry: Entry) -> Any:
    """The model in treelite's form."""
    model = estimator(entry, "sklearn", "lightgbm", "xgboost")
    try:
        if library_of(model) == "lightgbm":
            return treelite.frontend.from_lightgbm(model.booster_)
        if library_of(model) == "xgboost":
            return treelite.frontend.from_xgboost(model.get_booster())
        return treelite.sklearn.import_model(model)
    except Exception as error:  # whatever it cannot import
        raise Unable(f"does not import it: {str(error).strip().splitlines()[-1]}") from error


def load(entry: Entry, threads: int) -> Loaded:
    model = imported(entry)
    kind = np.dtype(model.input_type)
    return Loaded(
        partial(treelite.gtil.predict, model, nthread=threads),
        lambda feeds: next(iter(feeds.values())).astype(kind),
    )

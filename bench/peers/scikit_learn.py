"""The estimator's own predict_proba or predict; float32 rows, as the other peers get."""

from __future__ import annotations

from typing import Any

from bench.peers import Loaded
from bench.peers.estimators import estimator
from bench.zoo import Entry


def load(entry: Entry, threads: int) -> Loaded:
    from sklearn.base import is_classifier, is_regressor

    model = estimator(entry, "sklearn")
    model.set_params(**{name: threads for name in model.get_params() if name.rpartition("__")[2] == "n_jobs"})
    answer = model.predict_proba if is_classifier(model) else model.predict if is_regressor(model) else model.transform
    return Loaded(answer, _frame) if len(entry.feeds) > 1 else Loaded(answer)


def _frame(feeds: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame({name: value.ravel() for name, value in feeds.items()})

"""The estimator's own predict_proba or predict; float32 rows, as the other peers get."""

from __future__ import annotations

from typing import Any

from bench.peers import Loaded
from bench.peers.estimators import estimator
from bench.zoo import Entry


def load(entry: Entry, threads: int) -> Loaded:
    model = estimator(entry, "sklearn")
    model.set_params(**{name: threads for name in model.get_params() if name.rpartition("__")[2] == "n_jobs"})
    for name in ("predict_proba", "predict" if hasattr(model, "score") else "transform", "transform"):
        if (answer := getattr(model, name, None)) is not None and _answers(model, name):
            break
    return Loaded(answer, _frame) if len(entry.feeds) > 1 else Loaded(answer)


def _answers(model: Any, name: str) -> bool:
    """Whether that is what the zoo expects of it: distances to the centres, of what clusters."""
    from sklearn.base import is_clusterer

    return not (name == "predict" and is_clusterer(model))


def _frame(feeds: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame({name: value.ravel() for name, value in feeds.items()})

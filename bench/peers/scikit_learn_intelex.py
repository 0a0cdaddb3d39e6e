"""oneDAL: boosted trees by daal4py's model builders; others are trained anew on the same rows by sklearnex.

A forest that oneDAL trains is not scikit-learn's, tree by tree, but has the same parameters and grows on the same rows.
"""

from __future__ import annotations

from typing import Any

from bench.peers import Loaded, Unable
from bench.peers.estimators import estimator, library_of
from bench.zoo import Entry, trained

_OWN = {
    "RandomForestClassifier": "ensemble",
    "KNeighborsClassifier": "neighbors",
    "SVC": "svm",
    "LogisticRegression": "linear_model",
    "Ridge": "linear_model",
}


def load(entry: Entry, threads: int) -> Loaded:
    import daal4py
    import sklearnex

    daal4py.daalinit(threads)
    model = estimator(entry, "sklearn", "lightgbm", "xgboost", "catboost")
    if library_of(model) != "sklearn":
        return _builder(model)
    on = trained(entry.name).on
    name = type(model).__name__
    if name not in _OWN or on is None:
        raise Unable(f"does not replace {name}")
    from importlib import import_module

    own = getattr(import_module(f"{sklearnex.__name__}.{_OWN[name]}"), name)(**model.get_params())
    own.fit(*on)
    return Loaded(getattr(own, "predict_proba", None) or own.predict, same_model=False)


def _builder(model: Any) -> Loaded:
    import daal4py

    if library_of(model) == "lightgbm":
        inner = model.booster_
    elif library_of(model) == "xgboost":
        inner = model.get_booster()
    else:
        inner = model
    try:
        built = daal4py.mb.convert_model(inner)
    except Exception as error:  # whatever it cannot convert
        raise Unable(f"does not convert it: {error}") from error
    return Loaded(built.predict_proba if hasattr(model, "predict_proba") else built.predict)

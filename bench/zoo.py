"""The models that the bench asks about, trained once and kept in bench/zoo/: `python -m bench.zoo`.

Each is an ONNX file, the rows it is fed, and what the training library answers in float64 (bench/models/ trains them).
What was trained is kept beside it for bench/peers/.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.models import huge, others, sets, trees
from bench.models.made import Made

FOLDER = Path(__file__).parent / "zoo"


@dataclass
class Entry:
    """One model: its file's bytes, feeds of many rows, and the expected last output (probabilities or values)."""

    name: str
    onnx: bytes
    feeds: dict[str, np.ndarray]
    expected: np.ndarray  # float64 [rows, ...], of the training library

    def rows(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """A slice of the feeds; beyond their end they begin again."""
        count = len(next(iter(self.feeds.values())))
        if stop <= count:
            return {name: value[start:stop] for name, value in self.feeds.items()}
        at = np.arange(start, stop) % count
        return {name: np.ascontiguousarray(value[at]) for name, value in self.feeds.items()}


@dataclass(frozen=True)
class Trained:
    """What was trained, and the rows and targets it was trained on (None where no peer trains its own)."""

    estimator: Any
    on: tuple[Any, Any] | None


@dataclass(frozen=True)
class Model:
    """A row of the zoo: what trains it, what it is in a few words, and the class of models whose limits hold for it."""

    train: Callable[[], Made]
    about: str
    kind: str  # linear, trees, arithmetic (products of matrices, distances), strings


MODELS: dict[str, Model] = {
    "logistic": Model(others.logistic, "logistic, 4 features", "linear"),
    "logistic_zipmap": Model(others.logistic_zipmap, "logistic, ZipMap", "linear"),
    "scaler_logistic": Model(others.scaler_logistic, "scaler and logistic, 30 features", "linear"),
    "ridge": Model(others.ridge, "ridge, 50 features", "linear"),
    "forest_small": Model(trees.forest_small, "small forest, 100 trees", "trees"),
    "forest_zipmap": Model(trees.forest_zipmap, "forest of 20 trees, ZipMap", "trees"),
    "forest_medium": Model(trees.forest_medium, "forest, 100 x 200 leaves", "trees"),
    "forest_deep": Model(trees.forest_deep, "deep forest, 100 x 2,400 leaves", "trees"),
    "forest_classes": Model(trees.forest_classes, "forest, 10 classes, 100 x 300 leaves", "trees"),
    "forest_huge": Model(huge.forest_huge, "huge forest, 50 x 30,000 leaves", "trees"),
    "boosting": Model(trees.boosting, "boosting, 300 x depth 3", "trees"),
    "hist_boosting": Model(trees.hist_boosting, "hist boosting, 300 x 31 leaves", "trees"),
    "lightgbm": Model(trees.lightgbm_leaves63, "LightGBM, 500 x 63 leaves", "trees"),
    "lightgbm_medium": Model(trees.lightgbm_medium, "LightGBM, 200 x 255 leaves", "trees"),
    "lightgbm_classes": Model(trees.lightgbm_classes, "LightGBM, 10 classes, 1,000 x 31 leaves", "trees"),
    "lightgbm_wide": Model(trees.lightgbm_wide, "LightGBM, 1,000 features, 300 x 31 leaves", "trees"),
    "lightgbm_categorical": Model(sets.lightgbm_categorical, "LightGBM, categories as chains of ==", "trees"),
    "sets": Model(sets.sets, "TreeEnsemble-5 with sets", "trees"),
    "xgboost": Model(trees.xgboost, "XGBoost, 1,000 x depth 6", "trees"),
    "catboost": Model(trees.catboost, "CatBoost, 500 x depth 6", "trees"),
    "mlp": Model(others.mlp, "MLP, 64 and 32 neurons", "arithmetic"),
    "mlp_large": Model(others.mlp_large, "MLP, 512, 512 and 256 neurons", "arithmetic"),
    "svm": Model(others.svm, "SVM, RBF, probabilities", "arithmetic"),
    "knn": Model(others.knn, "5 neighbours of 2,000", "arithmetic"),
    "gaussian_process": Model(others.gaussian_process, "Gaussian process, 500 rows", "arithmetic"),
    "pca_kmeans": Model(others.pca_kmeans, "scaler, PCA and k-means", "arithmetic"),
    "text": Model(others.text, "tf-idf of 20 words and logistic", "strings"),
    "columns": Model(others.columns, "columns with strings, a forest", "strings"),
}


def _train(name: str) -> Made:
    print(f"training {name} ...", file=sys.stderr)
    made = MODELS[name].train()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.pickle").write_bytes(pickle.dumps((made.onnx, made.feeds, made.expected)))
    (FOLDER / f"{name}.trained.pickle").write_bytes(pickle.dumps((made.estimator, made.trained_on)))
    return made


def load(name: str) -> Entry:
    """The model, trained now if it has not been yet."""
    path = FOLDER / f"{name}.pickle"
    if not path.exists():
        _train(name)
    onnx, feeds, expected = pickle.loads(path.read_bytes())
    return Entry(name, onnx, feeds, np.asarray(expected, np.float64))


def trained(name: str) -> Trained:
    """What was trained; a model kept without it is trained again."""
    path = FOLDER / f"{name}.trained.pickle"
    if not path.exists():
        _train(name)
    return Trained(*pickle.loads(path.read_bytes()))


def pick(names: list[str]) -> list[Entry]:
    """Those named, or all whose library is installed; a line says which is not."""
    unknown = set(names) - MODELS.keys()
    if unknown:
        raise SystemExit(f"expected models among {', '.join(MODELS)}; got {', '.join(sorted(unknown))}")
    entries = []
    for name in names or MODELS:
        try:
            entries.append(load(name))
        except ModuleNotFoundError as error:
            if names:
                raise
            print(f"without {name}: {error.name} is not installed", file=sys.stderr)
    return entries


if __name__ == "__main__":
    for each in MODELS:
        trained(each)
    pick([])

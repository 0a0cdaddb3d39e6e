"""Timber (timber-compiler on PyPI): a model as C99, compiled by gcc with its defaults. It has one thread."""

from __future__ import annotations

import tempfile
from pathlib import Path

from timber.codegen.c99 import C99Emitter, TargetSpec
from timber.frontends import parse_model
from timber.optimizer.pipeline import OptimizerPipeline
from timber.runtime import TimberPredictor

from bench.peers import Loaded, Unable
from bench.peers.compiled import compiled
from bench.peers.estimators import estimator, is_float, library_of
from bench.zoo import Entry


def _source(entry: Entry, folder: Path) -> tuple[Path, str]:
    """The file that Timber reads: the library's own where it has one, else ONNX."""
    model = estimator(entry, "sklearn", "lightgbm", "xgboost", "catboost")
    library = library_of(model)
    path = folder / {"lightgbm": "model.txt", "xgboost": "model.json", "catboost": "model.json"}.get(
        library, "model.onnx"
    )
    if library == "lightgbm":
        model.booster_.save_model(str(path))
    elif library == "xgboost":
        model.save_model(str(path))
    elif library == "catboost":
        model.save_model(str(path), format="json")
    else:
        path.write_bytes(entry.onnx)
    return path, library if library != "sklearn" else "onnx"


def compile(entry: Entry, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, kind = _source(entry, Path(folder))
        read = OptimizerPipeline().run(parse_model(str(source), format_hint=kind)).ir
    path.mkdir()
    C99Emitter(target=TargetSpec()).emit(read).write(path)
    TimberPredictor.from_artifact(path)


def load(entry: Entry, threads: int) -> Loaded:
    if threads > 1:
        raise Unable("has one thread")
    if not is_float(entry):
        raise Unable("takes one table of numbers")
    estimator(entry, "sklearn", "lightgbm", "xgboost", "catboost")
    return Loaded(TimberPredictor.from_artifact(compiled("timber-compiler", entry, ".c99")).predict)

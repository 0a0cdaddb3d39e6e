"""A few seconds' tour: a model that comes with Celeris, from file to labels and probabilities.

No file is needed: the model (a scikit-learn logistic regression on the iris flowers) and the data are in the package.
"""

from __future__ import annotations

import argparse
import csv
from importlib.resources import files
from time import perf_counter_ns

import numpy as np

from celeris import _core
from celeris.cli.table import table
from celeris.session import InferenceSession

SPECIES = ("setosa", "versicolor", "virginica")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(arguments: argparse.Namespace) -> None:
    """Loads, predicts, times, and prints what it does."""
    folder = files("celeris.datasets")
    with folder.joinpath("iris.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    features = np.array([row[:4] for row in rows], np.float32)
    truth = np.array([int(row[4]) for row in rows])

    start = perf_counter_ns()
    session = InferenceSession(folder.joinpath("iris.onnx").read_bytes())
    loaded = perf_counter_ns() - start
    name = session.get_inputs()[0].name
    labels, probabilities = session.run(None, {name: features})

    print("celeris demo: iris.onnx, a logistic regression by scikit-learn, on 150 iris flowers\n")
    shown = [0, 25, 60, 83, 100, 133]
    print(table(
        ["sepal length", "width", "petal length", "width", "is a", "predicted", *SPECIES],
        [
            [*(f"{v:.1f}" for v in features[i]), SPECIES[truth[i]], SPECIES[labels[i]],
             *(f"{p:.4f}" for p in probabilities[i])]
            for i in shown
        ],
        right=(0, 1, 2, 3, 6, 7, 8),
    ))  # fmt: skip
    right = int((labels == truth).sum())
    print(f"\nlabels right: {right} of {len(truth)}; rows of probabilities add to 1 within "
          f"{np.abs(probabilities.sum(axis=1) - 1).max():.0e}\n")  # fmt: skip

    one, many = _latency(session, name, features), _throughput(session, name, features)
    info = _core.build_info()
    print(table(
        ["", "time"],
        [
            ["load the model, the first in this process", f"{loaded / 1e6:.0f} ms"],
            ["one row, sess.run(None, {name: x})", f"{one / 1e3:.2f} us"],
            [f"{len(many[1]):,} rows at once", f"{many[0] / 1e3:.0f} us ({many[0] / len(many[1]):.1f} ns a row)"],
        ],
        right=(1,),
    ))  # fmt: skip
    print(f"\nmedians; instruction set {info['instruction_set']}, {info['processors']} processors")
    print('the code: sess = celeris.InferenceSession("iris.onnx"); sess.run(None, {"X": rows})')
    print("next: celeris show MODEL.onnx, celeris predict MODEL.onnx ROWS.csv, celeris --help")


def _latency(session: InferenceSession, name: str, features: np.ndarray) -> float:
    """The median time of one row, in nanoseconds, over different rows."""
    singles = [features[i : i + 1] for i in range(len(features))]
    times = []
    for _ in range(60):
        start = perf_counter_ns()
        for x in singles:
            session.run(None, {name: x})
        times.append((perf_counter_ns() - start) / len(singles))
    return float(np.median(times))


def _throughput(session: InferenceSession, name: str, features: np.ndarray) -> tuple[float, np.ndarray]:
    many = np.tile(features, (100, 1))
    times = []
    for _ in range(60):
        start = perf_counter_ns()
        session.run(None, {name: many})
        times.append(perf_counter_ns() - start)
    return float(np.median(times)), many

"""Train, convert, predict: the whole way from a scikit-learn model to predictions in production.

    pip install '.[bench]' && python examples/train_convert_predict.py

Trains a logistic regression on the iris flowers, converts it to ONNX, compares labels and probabilities with
scikit-learn's, times a batch and one row at a time against scikit-learn and onnxruntime, then does the same for random
forests of 5 to 50 trees and draws time against the number of trees into train_convert_predict.png.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split

import celeris as rt

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
TREES = range(5, 51, 5)


def convert(model: Any, rows: numpy.ndarray, path: Path) -> Path:
    """The fitted model as an ONNX file whose probabilities are an array."""
    path.write_bytes(to_onnx(model, rows[:1], options={"zipmap": False}).SerializeToString())
    return path


def median_time(call: Callable[[], object], seconds: float = 0.3) -> float:
    """The median time of one call, in seconds."""
    call()
    times = []
    end = perf_counter_ns() + seconds * 1e9
    while perf_counter_ns() < end or len(times) < 5:
        start = perf_counter_ns()
        call()
        times.append(perf_counter_ns() - start)
    return statistics.median(times) / 1e9


def predictors(model: Any, path: Path) -> dict[str, Callable[[numpy.ndarray], Any]]:
    """What gives probabilities: scikit-learn, onnxruntime, Celeris."""
    found: dict[str, Callable[[numpy.ndarray], Any]] = {"scikit-learn": model.predict_proba}
    for name, runtime in (("onnxruntime", onnxruntime), ("celeris", rt)):
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        feed, wanted = session.get_inputs()[0].name, [session.get_outputs()[1].name]
        found[name] = lambda x, s=session, f=feed, w=wanted: s.run(w, {f: x})[0]
    return found


def one_at_a_time(predict: Callable[[numpy.ndarray], Any], rows: numpy.ndarray) -> None:
    """As a web service does."""
    for i in range(len(rows)):
        predict(rows[i : i + 1])


def compare(title: str, found: dict[str, Callable[[numpy.ndarray], Any]], rows: numpy.ndarray) -> dict[str, float]:
    """Prints the time of a batch and of one row; returns the latter."""
    print(f"\n{title}\n  {'':14}{'batch of ' + str(len(rows)):>16}{'one row':>14}")
    single: dict[str, float] = {}
    for name, predict in found.items():
        batch = median_time(lambda p=predict: p(rows))
        single[name] = median_time(lambda p=predict: one_at_a_time(p, rows)) / len(rows)
        print(f"  {name:14}{batch * 1e6:13.1f} us{single[name] * 1e6:11.2f} us")
    return single


def main() -> None:
    """The story from beginning to end."""
    x, y = load_iris(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x.astype(numpy.float32), y, random_state=0)

    model = LogisticRegression(max_iter=1000).fit(x_train, y_train)
    path = convert(model, x_train, OUT / "logreg_iris.onnx")

    session = rt.InferenceSession(str(path), providers=rt.get_available_providers())
    input_name = session.get_inputs()[0].name
    label_name, prob_name = (o.name for o in session.get_outputs())
    labels = session.run([label_name], {input_name: x_test.astype(numpy.float32)})[0]
    probabilities = session.run([prob_name], {input_name: x_test.astype(numpy.float32)})[0]
    print("confusion matrix, scikit-learn:\n", confusion_matrix(y_test, model.predict(x_test)))
    print("confusion matrix, celeris:\n", confusion_matrix(y_test, labels))
    print("probabilities of the first rows:\n", probabilities[:3])
    difference = numpy.abs(probabilities - model.predict_proba(x_test)).max()
    print(f"largest difference from scikit-learn's probabilities: {difference:.1e}")

    compare("logistic regression", predictors(model, path), x_test)

    lines: dict[str, list[float]] = {}
    for trees in TREES:
        forest = RandomForestClassifier(n_estimators=trees, random_state=0).fit(x_train, y_train)
        path = convert(forest, x_train, OUT / f"forest_{trees}.onnx")
        for name, seconds in compare(f"random forest of {trees} trees", predictors(forest, path), x_test).items():
            lines.setdefault(name, []).append(seconds * 1e6)
        path.unlink()
    draw(lines, OUT / "train_convert_predict.png")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def draw(lines: dict[str, list[float]], path: Path) -> None:
    """Time of one row against the number of trees."""
    colours = {"scikit-learn": "#f7931e", "onnxruntime": "#6b7280", "celeris": "#1f6feb"}
    figure, axes = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    for name, times in lines.items():
        axes.plot(TREES, times, marker="o", markersize=4, color=colours[name])
        axes.annotate(
            f"{name}  {_number(times[-1])} µs", (TREES[-1], times[-1]), xytext=(8, 0), textcoords="offset points",
            va="center", color=colours[name],
        )  # fmt: skip
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: _number(value))
    axes.set_xlabel("trees in the random forest (iris)")
    axes.set_ylabel("time for one row, µs")
    axes.set_title("One prediction at a time", loc="left")
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(TREES[0] - 1, TREES[-1] + 14)
    axes.set_xticks(list(TREES))
    figure.savefig(path, dpi=150)
    print(f"\nwrote {path}")


if __name__ == "__main__":
    main()

"""Tables that the cases are trained on and asked about: small, drawn with fixed seeds, values with three decimals.

Rounded values hold in float32 as in float64 nearly, so that a threshold seldom lies between the two. The last of the rows
asked about lie at the edges: zeros, far outside, gaps where the table has gaps, categories and words never seen.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression

# The tables of numbers have so many columns.
_ROWS, _COLUMNS, _ASKED = 200, int(os.environ.get("CELERIS_CASE_COLUMNS", "5")), 90
WORDS = np.array(["setosa", "Ünïcode", "virginica"])
_TEXTS = """the quick brown fox jumps over the lazy dog|a quick movement of the enemy will jeopardize six gunboats
all questions asked by five watched experts amaze the judge|jackdaws love my big sphinx of quartz
pack my box with five dozen liquor jugs|how vexingly quick daft zebras jump|the five boxing wizards jump quickly
fox and dog and fox and dog|The Lazy Dog SLEEPS, the fox doesn't!|numbers 12 and 345 in 2026""".replace(
    "\n", "|"
).split("|")


@dataclass(frozen=True)
class Data:
    """Rows to fit on with their target, and rows to ask about. `X` is a matrix, a frame, texts or dicts."""

    X: Any
    y: Any
    rows: Any


def _single(values: np.ndarray) -> np.ndarray:
    """The values as float32 holds them, in float64."""
    return np.round(values, 3).astype(np.float32).astype(np.float64)


def _edges(X: np.ndarray) -> np.ndarray:
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    return _single(np.stack([np.zeros(X.shape[1]), 2 * low, 2 * high, np.where(np.arange(X.shape[1]) % 2, low, high)]))


def _numbers(X: np.ndarray, y: Any) -> Data:
    return Data(X, y, np.vstack([X[:_ASKED], _edges(X)]))


def _classes(count: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(
        _ROWS, _COLUMNS, n_informative=4, n_redundant=0, n_classes=count, n_clusters_per_class=1, random_state=7
    )
    return _single(X), y


def _real(targets: int = 1) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_regression(_ROWS, _COLUMNS, n_informative=4, n_targets=targets, noise=5.0, random_state=7)
    return _single(X), np.round(y / 50, 3)


def _with_gaps(X: np.ndarray) -> np.ndarray:
    X = X.copy()
    X[np.random.default_rng(3).random(X.shape) < 0.1] = np.nan
    return X


def _gaps(X: np.ndarray, y: Any) -> Data:
    X = _with_gaps(X)
    return Data(X, y, np.vstack([X[:_ASKED], _edges(X), np.full((1, X.shape[1]), np.nan)]))


def _codes() -> Data:
    random = np.random.default_rng(5)
    X = random.integers(0, 6, (_ROWS, _COLUMNS)).astype(np.float64)
    return Data(X, (X.sum(axis=1) + random.integers(0, 4, _ROWS) > 14).astype(int), X[:_ASKED])


def _counts() -> Data:
    random = np.random.default_rng(6)
    X = random.poisson(2.0, (_ROWS, _COLUMNS)).astype(np.float64)
    y = (X[:, 0] > X[:, 1]).astype(int) + (X[:, 2] > 3)
    return _numbers(X, y)


def _groups() -> Data:
    """Queries of ten rows each, grades 0 to 3: for rankers, which take the groups beside."""
    X, y = _real()
    return _numbers(X, np.digitize(y, np.quantile(y, [0.4, 0.7, 0.9])))


def _strings() -> Data:
    random = np.random.default_rng(8)
    columns = [np.array(["a", "b", "Ç", ""]), np.array(["red", "green", "blue"]), np.array(["x", "y"])]
    X = np.stack([random.choice(values, _ROWS) for values in columns], axis=1).astype(object)
    y = ((X[:, 0] == "a") | (X[:, 1] == "red")).astype(int)
    unseen = np.array([["zzz", "red", "x"], ["a", "RED", "never"]], dtype=object)
    return Data(X, y, np.vstack([X[:_ASKED], unseen]))


def _frame(gaps: bool = False) -> Data:
    random = np.random.default_rng(9)
    numbers = _single(random.normal(size=(_ROWS, 2)) * [12, 40] + [35, 60])
    frame = pd.DataFrame(
        {
            "age": numbers[:, 0],
            "fare": numbers[:, 1],
            "port": random.choice(np.array(["S", "C", "Q"], dtype=object), _ROWS),
            "class": random.choice(np.array(["first", "second", "third"], dtype=object), _ROWS),
        }
    )
    y = ((frame["age"] > 35) ^ (frame["port"] == "S")).astype(int).to_numpy()
    if gaps:
        frame.loc[random.random(_ROWS) < 0.2, "age"] = np.nan
    rows = frame.iloc[:_ASKED].copy()
    rows.loc[len(rows)] = [0.0, -1.0, "never", "third"]
    return Data(frame, y, rows)


def _dicts() -> Data:
    random = np.random.default_rng(10)
    names = ["a", "b", "c", "d"]
    X = [{name: round(random.normal(), 3) for name in random.choice(names, 3, replace=False)} for _ in range(_ROWS)]
    return Data(X, None, [*X[:_ASKED], {"a": 1.5}, {"never": 2.0, "b": 1.0}])


def _kernel(X: np.ndarray) -> Data:
    """Products of rows, as a kernel gives them: a square matrix to fit on."""
    return Data(_single(X @ X.T), None, _single(X[:_ASKED] @ X.T))


def _texts() -> Data:
    texts = np.array([_TEXTS[i % len(_TEXTS)] for i in range(40)], dtype=object)
    asked = [*_TEXTS, "", "words never seen before", "fox fox fox", "   spaces   and\ttabs  "]
    return Data(texts, np.arange(40) % 2, np.array(asked, dtype=object))


@cache
def table(name: str) -> Data:
    """A table by its name."""
    X2, y2 = _classes(2)
    X3, y3 = _classes(3)
    X, y = _real()
    tables = {
        "binary": lambda: _numbers(X2, y2),
        "classes": lambda: _numbers(X3, y3),
        "words": lambda: _numbers(X3, WORDS[y3]),
        "flags": lambda: _numbers(X2, y2.astype(bool)),
        "binary, gaps": lambda: _gaps(X2, y2),
        "classes, gaps": lambda: _gaps(X3, y3),
        "regression": lambda: _numbers(X, y),
        "regression, gaps": lambda: _gaps(X, y),
        "positive": lambda: _numbers(X, np.round(np.exp(y / 3), 3)),
        "targets": lambda: _numbers(*_real(2)),
        "labels": lambda: _numbers(
            _single(make_multilabel_classification(_ROWS, _COLUMNS, n_classes=3, n_labels=2, random_state=7)[0] / 7),
            make_multilabel_classification(_ROWS, _COLUMNS, n_classes=3, n_labels=2, random_state=7)[1],
        ),
        "two answers": lambda: _numbers(X3, np.stack([y2, (X3[:, 0] > 0).astype(int)], axis=1)),
        "unlabelled": lambda: _numbers(X3, None),
        "ranking": _groups,
        "shares": lambda: Data(np.abs(X3) + 0.5, y3, np.abs(X3[:_ASKED]) + 0.5),
        "codes": _codes,
        "counts": _counts,
        "strings": _strings,
        "frame": _frame,
        "frame, gaps": lambda: _frame(gaps=True),
        "dicts": _dicts,
        "texts": _texts,
        "kernel": lambda: _kernel(X),
        "hashed": lambda: Data(_strings().X[:, 1:2], None, _strings().rows[:, 1:2]),
        "answers": lambda: Data(y3 * 3, None, y3[:_ASKED] * 3),
        "answers in words": lambda: Data(WORDS[y3], None, WORDS[y3][:_ASKED]),
    }
    return tables[name]()

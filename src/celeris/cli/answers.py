"""Blocks of rows to predictions; rows that a model refuses are found and named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from celeris.cli.blocks import Block
from celeris.cli.errors import UsageError
from celeris.errors import EXCEPTIONS
from celeris.predictor import Predictor
from celeris.records import Record

CHOICES = ("all", "labels", "probabilities")
_REFUSED: tuple[type[Exception], ...] = (ValueError, *EXCEPTIONS)


class Answers(Record):
    """Columns of the rows at `good` (all for None); why each other row has none."""

    columns: dict[str, np.ndarray]
    good: np.ndarray | None
    bad: dict[int, str]


class Answerer:
    """Predicts blocks with one model, giving its outputs under their own names."""

    def __init__(self, predictor: Predictor, choice: str) -> None:
        self._predictor = predictor
        roles = predictor._signature.roles
        if choice == "labels" and "predict" not in roles:
            raise UsageError(f"--output labels: the model has no labels; it has {', '.join(predictor.outputs)}")
        if choice == "probabilities" and "predict_proba" not in roles:
            raise UsageError(
                f"--output probabilities: the model has no probabilities; it has {', '.join(predictor.outputs)}"
            )
        role = {"labels": "predict", "probabilities": "predict_proba"}.get(choice)
        self._names = predictor.outputs if role is None else [predictor.outputs[roles[role]]]

    def __call__(self, block: Block) -> Answers:
        """The block's answers."""
        rows = len(block.features)
        bad = dict(block.bad)
        if rows == 0:
            return Answers({}, np.empty(0, np.int64), bad)
        try:
            found = self._predictor.run(block.features, self._names)
            places = None if block.good is None else np.array(block.good, np.int64)
        except _REFUSED:
            places = np.arange(block.count) if block.good is None else np.array(block.good, np.int64)
            kept, why = self._sift(block.features, block.names)
            bad |= {int(places[at]): text for at, text in why.items()}
            places = places[kept]
            if not kept:
                return Answers({}, places, bad)
            found, rows = self._predictor.run(_take(block.features, kept), self._names), len(kept)
        return Answers(self._columns(found, rows), places if bad else None, bad)

    def _sift(self, features: Any, names: Sequence[str]) -> tuple[list[int], dict[int, str]]:
        """Rows that the model takes, and why it does not take the others: halves are tried, and halves of those."""
        good: list[int] = []
        bad: dict[int, str] = {}
        waiting = [(0, len(features))]
        while waiting:
            start, stop = waiting.pop()
            try:
                self._predictor.run(features[start:stop], self._names)
                good.extend(range(start, stop))
            except _REFUSED as problem:
                if stop - start == 1:
                    bad[start] = _named(problem, names)
                else:
                    half = (start + stop) // 2
                    waiting += [(half, stop), (start, half)]
        return good, bad

    def _columns(self, found: dict[str, np.ndarray], rows: int) -> dict[str, np.ndarray]:
        """A vector is one column, a matrix one for each class or number."""
        columns: dict[str, np.ndarray] = {}
        classes = self._predictor.classes
        for name, value in found.items():
            array = np.asarray(value)
            if array.shape[:1] != (rows,):
                raise UsageError(
                    f"output '{name}': expected a line for each row, got shape {list(array.shape)} for {rows} rows; "
                    "use celeris.InferenceSession"
                )
            flat = array.reshape(rows, -1)
            width = flat.shape[1]
            keys = classes if classes is not None and len(classes) == width else range(width)
            for at, key in enumerate(keys):
                columns[name if width == 1 else f"{name}.{key}"] = flat[:, at]
        return columns


def _named(problem: Exception, names: Sequence[str]) -> str:
    """What the Predictor says of the one row it was given, in the words of the command line."""
    text = (
        " ".join(str(problem).split())
        .replace(", row 0:", ":")
        .replace("load with missing='allow'", "say --missing allow")
    )
    return re.sub(r"^column (\d+):", lambda found: f"column '{names[int(found[1])]}':", text)


def _take(features: Any, rows: list[int]) -> Any:
    return features[rows] if isinstance(features, np.ndarray) else features.take(rows)


def spread(column: np.ndarray, good: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The column over all rows of a block, and where it is missing."""
    missing = np.ones(count, bool)
    missing[good] = False
    whole = np.zeros(count, column.dtype)
    whole[good] = column
    return whole, missing

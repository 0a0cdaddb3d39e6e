"""NumPy arrays [N, columns], of numbers or of objects, and lists of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from celeris import _core
from celeris.frames.table import DataError, numeric_column, object_column


class ArrayTable:
    """Columns of an array, by position."""

    names: list[str] | None = None

    def __init__(self, X: np.ndarray) -> None:
        if X.ndim != 2:
            fix = "for one row write X.reshape(1, -1), for one column X.reshape(-1, 1)" if X.ndim == 1 else "reshape it"
            raise DataError(f"X: expected rows and columns [N, columns], got an array of shape {list(X.shape)}; {fix}")
        self.values = X
        self.width = X.shape[1]
        self._structured = X.dtype.names is not None

    def __len__(self) -> int:
        return len(self.values)

    def columns(self, at: Sequence[int], texts: Sequence[bool]) -> list[_core.Column]:
        return [self._column(i, text) for i, text in zip(at, texts, strict=True)]

    def _column(self, at: int, text: bool) -> _core.Column:
        values = self.values[:, at]
        name = f"column {at}"
        if values.dtype.kind in "UT":
            values = values.astype(object)
        if values.dtype == object:
            return object_column(values, text, name)
        return numeric_column(values, None, name)

    def series(self, values: np.ndarray, name: str) -> Any:
        return values

    def frame(self, values: np.ndarray, names: Sequence[Any]) -> Any:
        return values


def of_rows(rows: Sequence[Any]) -> ArrayTable:
    """A list of rows as an array: of numbers, or of objects where some are text."""
    lengths = {len(row) if hasattr(row, "__len__") and not isinstance(row, str) else -1 for row in rows}
    if len(lengths) > 1:
        raise DataError(f"X: expected rows of one length, got rows of {sorted(lengths)} values")
    if lengths == {-1}:
        raise DataError(f"X: expected a list of rows, got a list of {len(rows)} values; for one row write [X]")
    text = any(not isinstance(value, (int, float, np.number, np.bool_)) for row in rows for value in row)
    return ArrayTable(np.array(rows, dtype=object if text else None).reshape(len(rows), -1))

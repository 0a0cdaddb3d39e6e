"""What every kind of table can do, and the error for tables that do not fit a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from celeris import _core


class DataError(ValueError):
    """A table does not fit the model: which column, what was expected, what came, and the fix."""


class Table(Protocol):
    """Named or numbered columns of one length.

    `names` is None where columns have none. `columns` gives those at the positions; `texts` says for each whether the
    model wants text there. Results come back in kind: `series` one value a row, `frame` one column a name.
    """

    names: list[str] | None
    width: int

    def __len__(self) -> int: ...

    def columns(self, at: Sequence[int], texts: Sequence[bool]) -> list[_core.Column]: ...

    def series(self, values: np.ndarray, name: str) -> Any: ...

    def frame(self, values: np.ndarray, names: Sequence[Any]) -> Any: ...


def object_column(values: np.ndarray, text: bool, name: str) -> _core.Column:
    """A column of Python objects: text, or numbers with None for a missing one."""
    if text:
        column, wrong = _core.Column.texts(values)
        if wrong >= 0:
            raise DataError(
                f"{name}, row {wrong}: expected text, as the model was trained on, got {values[wrong]!r} "
                f"({type(values[wrong]).__name__}); make it text as in training"
            )
        return column
    try:
        return _core.Column.array(values.astype(np.float64))
    except (TypeError, ValueError):
        return _core.Column.array(np.array([_number(v, name, row) for row, v in enumerate(values)], np.float64))


def _number(value: Any, name: str, row: int) -> float:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return float("nan")
    if not isinstance(value, (str, bytes)):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    kind = "text " if isinstance(value, (str, bytes)) else ""
    raise DataError(
        f"{name}, row {row}: expected a number, got {kind}{value!r}; convert the column to numbers, or encode it as "
        "in training"
    )


def numeric_column(values: np.ndarray, missing: np.ndarray | None, name: str) -> _core.Column:
    """A column of numbers or booleans of any dtype."""
    if values.dtype.kind not in "biuf":
        raise DataError(f"{name}: expected numbers, booleans or text, got {values.dtype}; convert it as in training")
    if not values.dtype.isnative or values.dtype.itemsize > 8:
        values = values.astype(values.dtype.newbyteorder("=") if values.dtype.itemsize <= 8 else np.float64)
    return _core.Column.array(values, missing)

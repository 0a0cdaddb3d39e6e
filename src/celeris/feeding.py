"""From tables and rows to what the engine is fed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from celeris import _core
from celeris.frames import faults, table_of
from celeris.frames.table import DataError, Table
from celeris.graph.types import dtype_of
from celeris.signature import Input, Signature


class Feeder:
    """Feeds one model. Keeps where its columns stand in tables of the last layout seen."""

    def __init__(self, signature: Signature, *, extra: str) -> None:
        self._signature = signature
        self._refuse_extra = extra == "refuse"
        self._layout: tuple[list[str], list[int]] | None = None
        self._records: _core.Records | None = None
        if signature.names is not None:
            specs = [(i.read_as, i.matrix, i.refuse_nan, list(i.columns or ())) for i in signature.inputs]
            self._records = _core.Records(specs, self._refuse_extra, signature.missing_text)
        self._cast = [i.read_as != i.element for i in signature.inputs]
        self._plain = not any(self._cast)
        self.plain_records = self._records if self._plain else None  # whose arrays are fed as they are

    def feeds(self, X: Any) -> tuple[list[Any], Callable[[], None] | None, Table | None]:
        """A feed for each input; a check to call after the run, which raises DataError; the table if X is one."""
        if isinstance(X, dict) or (isinstance(X, list) and X and isinstance(X[0], dict)):
            return self.records(X), None, None
        if isinstance(X, (list, tuple)) and not X:
            raise DataError("X: expected rows, got an empty list; for no rows give a table of none, as X[:0] of one")
        table = table_of(X)
        direct = self._direct(X, table)
        if direct is not None:
            return direct, None, table
        at = self._positions(table)
        sizes = [len(at) if each.width is None else each.width for each in self._signature.inputs]
        texts = [each.element == "string" for each, size in zip(self._signature.inputs, sizes, strict=True)
                 for _ in range(size)]  # fmt: skip
        columns = table.columns(at, texts)
        names = [self._name(table, i) for i in at]
        for column, text, name in zip(columns, texts, names, strict=True):
            if column.kind != "null" and column.kind != ("text" if text else "number"):
                raise faults.wrong_kind(name, text, column.type)
        parts: list[tuple[Input, _core.Columns, list[str]]] = []
        start = 0
        for each, size in zip(self._signature.inputs, sizes, strict=True):
            part = columns[start : start + size]
            fed = _core.Columns(part, each.read_as, each.refuse_nan, self._signature.missing_text)
            parts.append((each, fed, names[start : start + size]))
            start += size
        return [_fed(each, fed) for each, fed, _ in parts], lambda: _check(parts), table

    def records(self, rows: Any) -> list[Any]:
        """A feed for each input, from one dict or a list of them."""
        if self._records is None:
            raise DataError(
                "X: expected a table of columns by position, got dicts; the model does not name its columns: load it "
                "with columns=[...]"
            )
        found = self._records.read(rows)
        if type(found) is tuple:
            problem, row, name = found
            text = any(name in (i.columns or ()) and i.element == "string" for i in self._signature.inputs)
            raise faults.record(problem, row, name, rows, self._signature.names or [], text)
        arrays: list[Any] = found  # type: ignore[assignment]
        if self._plain:
            return arrays
        return [
            array.astype(dtype_of(each.element)) if cast else array
            for array, each, cast in zip(arrays, self._signature.inputs, self._cast, strict=True)
        ]

    def _direct(self, X: Any, table: Table) -> list[Any] | None:
        """An array that is what the one input takes, as it is."""
        [each, *others] = self._signature.inputs
        if others or not each.matrix or not isinstance(X, np.ndarray) or X.dtype != dtype_of(each.element):
            return None
        if X.dtype == object or (each.width is not None and X.shape[1] != each.width):
            return None
        if each.refuse_nan and X.dtype.kind == "f" and not np.isfinite(X.sum()):
            found = np.argwhere(np.isnan(X))
            if len(found):
                row, column = found[0].tolist()
                raise faults.value(self._name(table, column), row, "nan", each.element)
        return [X]

    def _name(self, table: Table, at: int) -> str:
        return f"column {at}" if table.names is None else f"column '{table.names[at]}'"

    def _positions(self, table: Table) -> list[int]:
        wanted, has = self._signature.names, table.names
        if wanted is None or has is None:
            width = self._signature.width
            if width is not None and table.width != width:
                raise faults.wrong_width(table.width, width, wanted)
            return list(range(table.width))
        if self._layout is not None and self._layout[0] == has:
            return self._layout[1]
        at = _locate(wanted, has, self._refuse_extra)
        self._layout = (has, at)
        return at


def _locate(wanted: Sequence[str], has: Sequence[str], refuse_extra: bool) -> list[int]:
    places = {name: i for i, name in reversed(list(enumerate(has)))}
    missing = [name for name in wanted if name not in places]
    if missing:
        raise faults.absent(missing, has, wanted)
    twice = [name for name in wanted if has.count(name) > 1] if len(places) < len(has) else []
    if twice:
        raise DataError(f"X: expected one column '{twice[0]}', got {has.count(twice[0])}; drop or rename the others")
    if refuse_extra and len(places) > len(set(wanted)):
        raise faults.extra([name for name in has if name not in set(wanted)])
    return [places[name] for name in wanted]


def _fed(each: Input, columns: _core.Columns) -> Any:
    if each.matrix and each.read_as == each.element:
        return columns
    array: Any = columns.array()
    return (array if each.matrix else array[:, 0]).astype(dtype_of(each.element), copy=False)


def _check(parts: Sequence[tuple[Input, _core.Columns, list[str]]]) -> None:
    for each, columns, names in parts:
        fault: Any = columns.fault()
        if fault is not None:
            column, row, reason = fault
            raise faults.value(names[column], row, reason, each.element)

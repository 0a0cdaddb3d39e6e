"""polars: DataFrame, read by Arrow's C interface as it lies in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from celeris import _core
from celeris.frames.table import DataError


class PolarsTable:
    """Columns of a DataFrame, by name."""

    def __init__(self, X: Any) -> None:
        if not isinstance(X, pl.DataFrame):
            fix = "write X.collect()" if isinstance(X, pl.LazyFrame) else "write X.to_frame()"
            raise DataError(f"X: expected a polars DataFrame, got a {type(X).__name__}; {fix}")
        self._frame = X
        self.names: list[str] | None = list(X.columns)
        self.width = X.width

    def __len__(self) -> int:
        return self._frame.height

    def columns(self, at: Sequence[int], texts: Sequence[bool]) -> list[_core.Column]:
        part = self._frame[:, list(at)]
        return [column for _, column in _core.Column.arrow(part.__arrow_c_stream__())]

    def series(self, values: np.ndarray, name: str) -> Any:
        return pl.Series(name, values.tolist() if values.dtype == object else values)

    def frame(self, values: np.ndarray, names: Sequence[Any]) -> Any:
        return pl.DataFrame({str(name): values[:, at] for at, name in enumerate(names)})

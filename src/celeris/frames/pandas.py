"""pandas: DataFrame and Series, with categoricals, strings, nullable and Arrow dtypes, as they lie in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from celeris import _core
from celeris.frames.table import DataError, numeric_column, object_column


class PandasTable:
    """Columns of a DataFrame, by name; results carry its index."""

    def __init__(self, X: pd.DataFrame | pd.Series) -> None:
        if isinstance(X, pd.Series):
            raise DataError(
                "X: expected a DataFrame, got a Series; for one column write X.to_frame(), for one row "
                "X.to_frame().T or dict(X)"
            )
        self._frame = X
        self.width = X.shape[1]
        self.names: list[str] | None = [str(name) for name in X.columns]

    def __len__(self) -> int:
        return len(self._frame)

    def columns(self, at: Sequence[int], texts: Sequence[bool]) -> list[_core.Column]:
        return [self._column(i, text) for i, text in zip(at, texts, strict=True)]

    def _column(self, at: int, text: bool) -> _core.Column:
        series = self._frame.iloc[:, at]
        return column_of(series.array, series.dtype, text, f"column '{self._frame.columns[at]}'")

    def series(self, values: np.ndarray, name: str) -> Any:
        return pd.Series(values, index=self._frame.index, name=name, copy=False)

    def frame(self, values: np.ndarray, names: Sequence[Any]) -> Any:
        return pd.DataFrame(values, index=self._frame.index, columns=list(names), copy=False)


def column_of(array: Any, dtype: Any, text: bool, name: str) -> _core.Column:
    """The column behind a pandas array."""
    if isinstance(dtype, np.dtype):
        values = array.to_numpy()
        return object_column(values, text, name) if values.dtype == object else numeric_column(values, None, name)
    if isinstance(dtype, pd.CategoricalDtype):
        categories = dtype.categories
        return _core.Column.codes(array.codes, column_of(categories.array, categories.dtype, text, name))
    if isinstance(dtype, pd.SparseDtype):
        return numeric_column(np.asarray(array), None, name)
    if isinstance(dtype, (pd.StringDtype, pd.ArrowDtype)):
        if isinstance(dtype, pd.StringDtype) and dtype.storage == "python":
            return object_column(array.to_numpy(object), text, name)
        [(_, column)] = _core.Column.arrow(pd.Series(array, copy=False).__arrow_c_stream__())
        return column
    if hasattr(dtype, "numpy_dtype"):  # Int64, Float32, boolean and their like: values and a mask
        missing = array.isna()
        return numeric_column(array.to_numpy(dtype.numpy_dtype, na_value=0), missing if missing.any() else None, name)
    raise DataError(f"{name}: expected numbers, booleans, text or categories, got {dtype}; convert it as in training")

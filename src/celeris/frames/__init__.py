"""Tables of every kind as what a model is fed, and results in the kind of the table.

One module a kind, imported when a table of that kind is first met: none of their libraries is needed to run Celeris.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from celeris.frames.table import DataError, Table

__all__ = ["DataError", "Table", "table_of"]


_FIXES = {
    "str": "; read the file first, as by pandas.read_csv(X)",
    "PosixPath": "; read the file first, as by pandas.read_csv(X)",
    "WindowsPath": "; read the file first, as by pandas.read_csv(X)",
    "float": "; for one row of one column write [[X]]",
    "int": "; for one row of one column write [[X]]",
    "NoneType": "; does the function that makes it return it?",
}


def table_of(X: Any) -> Table:
    """The table behind an array, a pandas, polars or Arrow table, or a list of rows. DataError for anything else."""
    if isinstance(X, np.ndarray):
        from celeris.frames.arrays import ArrayTable

        return ArrayTable(X)
    # Not imported, or still being imported by another thread: nobody can have made one.
    pandas: Any = sys.modules.get("pandas")
    polars: Any = sys.modules.get("polars")
    if hasattr(pandas, "Series") and isinstance(X, (pandas.DataFrame, pandas.Series)):
        from celeris.frames.pandas import PandasTable

        return PandasTable(X)
    if hasattr(polars, "Series") and isinstance(X, (polars.DataFrame, polars.LazyFrame, polars.Series)):
        from celeris.frames.polars import PolarsTable

        return PolarsTable(X)
    if hasattr(X, "__arrow_c_stream__"):
        from celeris.frames.arrow import ArrowTable

        return ArrowTable(X)
    if isinstance(X, (list, tuple)) and not any(isinstance(row, dict) for row in X):
        from celeris.frames.arrays import of_rows

        return of_rows(X)
    if hasattr(X, "toarray"):
        raise DataError("X: expected a dense table, got a sparse matrix; write X.toarray()")
    raise DataError(
        f"X: expected a NumPy array, a pandas, polars or Arrow table, a list of dicts or one dict, got "
        f"{type(X).__name__}{_FIXES.get(type(X).__name__, '')}"
    )

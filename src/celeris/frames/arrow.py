"""Tables that speak Arrow's C stream interface: pyarrow's, DuckDB's and others. Results are pyarrow's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from celeris import _core


class ArrowTable:
    """Columns of record batches, by name."""

    def __init__(self, X: Any) -> None:
        found = _core.Column.arrow(X.__arrow_c_stream__())
        self.names: list[str] | None = [name for name, _ in found]
        self._columns = [column for _, column in found]
        self.width = len(found)

    def __len__(self) -> int:
        return len(self._columns[0]) if self._columns else 0

    def columns(self, at: Sequence[int], texts: Sequence[bool]) -> list[_core.Column]:
        return [self._columns[i] for i in at]

    def series(self, values: np.ndarray, name: str) -> Any:
        import pyarrow

        return pyarrow.array(values)

    def frame(self, values: np.ndarray, names: Sequence[Any]) -> Any:
        import pyarrow

        return pyarrow.table({str(name): values[:, at] for at, name in enumerate(names)})

"""Tables that commands read and write: CSV, Parquet, Arrow IPC, JSON lines, by Arrow's own readers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from celeris.cli.errors import UsageError

if TYPE_CHECKING:
    import pyarrow

_ENDINGS = {
    ".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".arrow": "ipc", ".feather": "ipc", ".ipc": "ipc",
    ".jsonl": "json", ".ndjson": "json",
}  # fmt: skip


def _kind(path: str) -> str:
    kind = _ENDINGS.get(Path(path).suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(_ENDINGS)}")
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise UsageError(f"{path}: expected pyarrow to be installed; pip install 'celeris[cli]'") from None
    return kind


def read_table(path: str) -> pyarrow.Table:
    """The file's columns by name."""
    kind = _kind(path)
    import pyarrow
    from pyarrow import csv, feather, json, parquet

    try:
        if kind == "csv":
            return csv.read_csv(path)
        if kind == "parquet":
            return parquet.read_table(path)
        return feather.read_table(path) if kind == "ipc" else json.read_json(path)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as problem:
        raise UsageError(f"{path}: expected {kind}, got a file that Arrow refuses: {problem}") from None


def write_table(path: str, columns: Mapping[str, np.ndarray]) -> None:
    """A file that appears whole or not at all."""
    kind = _kind(path)
    import pyarrow
    from pyarrow import csv, feather, parquet

    if kind == "json":
        raise UsageError(f"{path}: expected a name that ends in .csv, .parquet or .arrow")
    table = pyarrow.table({name: pyarrow.array(column) for name, column in columns.items()})

    def write(name: str) -> None:
        if kind == "csv":
            csv.write_csv(table, name)
        elif kind == "parquet":
            parquet.write_table(table, name)
        else:
            feather.write_feather(table, name)

    whole(path, write)


def whole(path: str, write: Any) -> None:
    """Calls write(name) with a name beside `path`, which then takes its place."""
    target = Path(path)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        made = Path(folder) / target.name
        write(str(made))
        os.replace(made, target)

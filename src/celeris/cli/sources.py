"""Files that commands read rows from: paths, globs, standard input, and what kind of file each is."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from celeris.cli.blocks import Block
from celeris.cli.errors import UsageError
from celeris.cli.layout import Wanted
from celeris.predictor import Predictor

KINDS = ("csv", "parquet", "arrow", "jsonl")
_ENDINGS = {
    ".csv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow",
    ".ipc": "arrow", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip


def expand(inputs: Sequence[str]) -> list[str]:
    """The files that paths and patterns stand for."""
    found: list[str] = []
    for each in inputs:
        if each == "-" or os.path.exists(each) or not glob.has_magic(each):
            found.append(each)
            continue
        matches = sorted(glob.glob(each, recursive=True))
        if not matches:
            raise UsageError(f"{each}: expected files that match, got none")
        found += matches
    if found.count("-") > 1:
        raise UsageError("-: standard input can be read once")
    return found


def kind_of(path: str | None, given: str | None, option: str) -> str:
    """By `given`, or by the name's ending; CSV for standard input and output. UsageError where pyarrow is wanting."""
    ending = Path(path or "-").suffix.lower()
    if ending == ".onnx" and given is None:
        raise UsageError(f"{path}: expected a table, got a model; the model comes first, then the rows")
    kind = given or _ENDINGS.get(ending) or ("csv" if path in (None, "-") or not ending else None)
    if kind is None:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(_ENDINGS)}; or say {option} KIND")
    if kind != "csv" and find_spec("pyarrow") is None:
        raise UsageError(f"{path or '-'}: expected pyarrow to be installed; pip install 'celeris[cli]'")
    return kind


def blocks_of(path: str, kind: str, predictor: Predictor, wanted: Wanted) -> Iterator[Block]:
    """The file's rows, block by block."""
    read: Any
    if kind == "csv":
        from celeris.cli.csv_rows import read
    else:
        from functools import partial

        from celeris.cli import arrow_rows

        read = partial(arrow_rows.read, kind)
    if path == "-":
        yield from read(sys.stdin.buffer, path, predictor, wanted)
        return
    with open(path, "rb") as file:
        yield from read(file, path, predictor, wanted)


def total_size(paths: Sequence[str]) -> int | None:
    """Bytes of all files; None with standard input."""
    return None if "-" in paths else sum(os.path.getsize(path) for path in paths)

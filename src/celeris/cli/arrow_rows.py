"""Blocks of rows from Parquet, Arrow IPC and JSON lines, by pyarrow."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from celeris.cli.blocks import BLOCK_ROWS, Block, Text, text_blocks
from celeris.cli.errors import UsageError
from celeris.cli.layout import Layout, Wanted, resolve
from celeris.predictor import Predictor

if TYPE_CHECKING:
    import pyarrow


def read(kind: str, file: BinaryIO, where: str, predictor: Predictor, wanted: Wanted) -> Iterator[Block]:
    """The file's rows; `kind` is parquet, arrow or jsonl. UsageError where it is none such."""
    import pyarrow

    try:
        if kind == "jsonl":
            yield from _json(file, where, predictor, wanted)
        else:
            yield from _columns(kind, file, where, predictor, wanted)
    except (pyarrow.ArrowException, OSError) as problem:
        if isinstance(problem, OSError) and problem.errno is not None:
            raise
        said = str(problem).split(". ")[0].rstrip(".")
        raise UsageError(
            f"{where}: expected {_CALLED[kind]}, but Arrow says: {said}; write or fetch it again, or say --from KIND"
        ) from None


_CALLED = {"parquet": "a Parquet file", "arrow": "an Arrow IPC file", "jsonl": "JSON lines"}


def _columns(kind: str, file: BinaryIO, where: str, predictor: Predictor, wanted: Wanted) -> Iterator[Block]:
    names, total, batches = _parquet(_native(file, where)) if kind == "parquet" else _ipc(file)
    layout = resolve(predictor, names, True, wanted, where)
    used = sorted({*layout.features, *layout.keep})
    size = os.fstat(file.fileno()).st_size if where != "-" else 0
    start = 0
    for batch in batches([names[at] for at in used]):
        if batch.num_rows:
            share = size * batch.num_rows // total if total else batch.nbytes
            yield _block(batch, layout, start, where, "row", share)
        start += batch.num_rows


def _native(file: BinaryIO, where: str) -> Any:
    """The file as Arrow reads it by itself, without calls into Python."""
    import pyarrow

    return pyarrow.OSFile(where) if where != "-" and os.path.isfile(where) else file


def _parquet(file: Any) -> tuple[list[str], int, Any]:
    from pyarrow import parquet

    if not file.seekable():  # the table of contents stands at the end
        spooled = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as its batches are read)
        shutil.copyfileobj(file, spooled)
        file = spooled
    opened = parquet.ParquetFile(file)

    def batches(used: list[str]) -> Iterator[pyarrow.RecordBatch]:
        for group in range(opened.num_row_groups):  # asked for all of them, Arrow keeps what it has read of the file
            yield from opened.iter_batches(BLOCK_ROWS, row_groups=[group], columns=used)

    return opened.schema_arrow.names, opened.metadata.num_rows, batches


def _ipc(file: BinaryIO) -> tuple[list[str], int, Any]:
    import pyarrow

    if file.seekable():
        magic = file.read(6)
        file.seek(0)
    else:
        magic = b""  # what comes through a pipe is a stream
    if magic == b"ARROW1":
        opened = pyarrow.ipc.open_file(file)
        found = (opened.get_batch(at) for at in range(opened.num_record_batches))
    else:
        opened = found = pyarrow.ipc.open_stream(file)

    def batches(used: list[str]) -> Iterator[pyarrow.RecordBatch]:
        for batch in found:
            chosen = batch.select(used)
            for at in range(0, batch.num_rows, BLOCK_ROWS):
                yield chosen.slice(at, BLOCK_ROWS)

    return opened.schema.names, 0, batches


def _block(batch: Any, layout: Layout, start: int, where: str, unit: str, size: int) -> Block:
    """`start`: rows of the file before the batch, whose columns are those of the layout by name."""
    import pyarrow

    features = pyarrow.table([_plain(batch.column(name)) for name in layout.names], names=layout.called)
    kept = [batch.column(name) for name in layout.keep_names]
    return Block(where, unit, batch.num_rows, features, layout.names, kept, lambda row: start + row + 1, size,
                 lambda row: batch.slice(row, 1).to_pylist()[0])  # fmt: skip


def _plain(column: Any) -> Any:
    """Decimals are numbers too."""
    import pyarrow

    return column.cast(pyarrow.float64()) if pyarrow.types.is_decimal(column.type) else column


def _json(file: BinaryIO, where: str, predictor: Predictor, wanted: Wanted) -> Iterator[Block]:
    layout: Layout | None = None
    for text in text_blocks(file, quotes=False):
        if not text.data.strip():
            continue
        if layout is None:
            layout = resolve(predictor, _keys(text, where), True, wanted, where)
        yield _json_by_arrow(text, layout, where) or _json_by_python(text, layout, where)
    if layout is None:
        raise UsageError(f"{where}: expected JSON lines, got an empty file")


def _keys(text: Text, where: str) -> list[str]:
    """All keys of the first row that is an object."""
    for line in text.data.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            return list(row)
    raise UsageError(f'{where}, line {text.line}: expected an object a line, as {{"age": 31}}')


def _types(layout: Layout) -> dict[str, Any]:
    import pyarrow

    types = {"float": pyarrow.float64(), "double": pyarrow.float64(), "int64": pyarrow.int64(),
             "int32": pyarrow.int32(), "bool": pyarrow.bool_(), "string": pyarrow.string()}  # fmt: skip
    return {name: types[element] for name, element in zip(layout.names, layout.elements, strict=True)}


def _json_by_arrow(text: Text, layout: Layout, where: str) -> Block | None:
    """None where Arrow stumbles: then each row is looked at."""
    import pyarrow
    from pyarrow import json as arrow_json

    lines = text.data.split(b"\n")
    if any(not line.strip() for line in lines[:-1]):
        return None
    try:
        table = arrow_json.read_json(
            pyarrow.BufferReader(text.data),
            arrow_json.ReadOptions(block_size=max(len(text.data), 1)),
            arrow_json.ParseOptions(explicit_schema=pyarrow.schema(list(_types(layout).items()))),
        )
        if not set(layout.keep_names) <= set(table.column_names):
            return None
    except pyarrow.ArrowInvalid:
        return None
    return _block(table, layout, text.line - 1, where, "line", len(text.data))


def _json_by_python(text: Text, layout: Layout, where: str) -> Block:
    import pyarrow

    rows: list[tuple[int, Any]] = []
    good: list[int] = []
    bad: dict[int, str] = {}
    types = _types(layout)
    for line, data in enumerate(text.data.split(b"\n"), text.line):
        if not data.strip():
            continue
        at = len(rows)
        try:
            row = json.loads(data)
            rows.append((line, row))
            _check(row, types)
            good.append(at)
        except ValueError as problem:
            if len(rows) == at:
                rows.append((line, data.decode("utf-8", "replace")))
                problem = ValueError(f"expected JSON, got {problem}")
            bad[at] = str(problem)
    features = pyarrow.table(
        [pyarrow.array([rows[at][1].get(name) for at in good], type_) for name, type_ in types.items()],
        names=layout.called,
    )
    kept = [pyarrow.array([row.get(n) if isinstance(row, dict) else None for _, row in rows])
            for n in layout.keep_names]  # fmt: skip
    return Block(where, "line", len(rows), features, layout.names, kept, lambda r: rows[r][0], len(text.data),
                 lambda r: rows[r][1], good, bad)  # fmt: skip


def _check(row: Any, types: dict[str, Any]) -> None:
    import pyarrow

    if not isinstance(row, dict):
        raise ValueError(f"expected an object, got {type(row).__name__}")
    for name, type_ in types.items():
        try:
            pyarrow.array([row.get(name)], type_)
        except (pyarrow.ArrowException, OverflowError, TypeError):
            kind = "text" if type_ == pyarrow.string() else "a number" if type_ != pyarrow.bool_() else "true or false"
            raise ValueError(f"column '{name}': expected {kind}, got {row.get(name)!r}") from None

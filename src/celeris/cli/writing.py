"""Tables that commands write, batch by batch: CSV, Parquet, Arrow IPC, JSON lines; files appear whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from celeris.cli.errors import UsageError
from celeris.records import Record


class Masked(Record, frozen=True):
    """A column with places that are missing; NumPy's own masked arrays take long to import."""

    values: np.ndarray
    missing: np.ndarray


class Writer(Protocol):
    """Takes columns of one length, always the same names and types."""

    def add(self, columns: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


@contextlib.contextmanager
def whole_file(path: str | None, *, spooled: bool = False) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place at the end, unless something is raised; standard output for None.

    `spooled`: standard output too gets all of it at the end.
    """
    if path is None or path == "-":
        binary = getattr(sys.stdout, "buffer", None)
        if binary is None:  # redirected in Python, to something that takes text
            text = io.BytesIO()
            yield text
            sys.stdout.write(text.getvalue().decode())
            return
        if spooled:
            with tempfile.TemporaryFile() as file:
                yield file
                file.seek(0)
                shutil.copyfileobj(file, binary)
        else:
            yield binary
        binary.flush()
        return
    target = Path(path)
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(target.stat().st_mode):
            with open(target, "wb") as file:  # a device or a pipe cannot be replaced; a folder is refused here
                yield file
            return
    try:
        made = tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False)  # noqa: SIM115
    except OSError as problem:
        raise UsageError(f"{path}: cannot be written: {problem.strerror}") from None
    with made as file:
        try:
            yield file  # type: ignore[misc]
            file.flush()
            os.chmod(file.name, 0o666 & ~_umask())
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def writer(kind: str, file: BinaryIO, *, complete: bool = False) -> Iterator[Writer]:
    """A writer of csv, parquet, arrow or jsonl, closed at the end. `complete`: no array will ever come `Masked`."""
    made = _writer(kind, file, complete)
    try:
        yield made
    except BaseException:
        if kind == "parquet":  # Arrow's writer would close itself later, without its file
            with contextlib.suppress(Exception):
                made.close()
        raise
    made.close()


def _writer(kind: str, file: BinaryIO, complete: bool) -> Writer:
    if kind == "jsonl":
        return JsonLines(file)
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return PlainCsv(file)  # the only kind that gets here: `kinds` refused the others
    return ArrowCsv(file) if kind == "csv" else ArrowFile(kind, file, complete)


class PlainCsv:
    """CSV by Python's own module."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._begun = file, False

    def add(self, columns: Mapping[str, Any]) -> None:
        text = io.StringIO()
        made = csv.writer(text, lineterminator="\n")
        if not self._begun:
            made.writerow(columns)
            self._begun = True
        made.writerows(zip(*(_written(column) for column in columns.values()), strict=True))
        self._file.write(text.getvalue().encode())

    def close(self) -> None:
        pass


def _written(column: Any) -> list[Any]:
    """Numbers as short as they can be told apart, missing ones as nothing."""
    if isinstance(column, Masked):
        texts = _written(column.values)
        return ["" if gone else text for text, gone in zip(texts, column.missing, strict=True)]
    if isinstance(column, np.ndarray) and column.dtype == np.float32:
        return column.astype(str).tolist()
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def to_arrow(columns: Mapping[str, Any], schema: Any = None) -> Any:
    """A pyarrow table; masked values are null. Types as in `schema` if it is given."""
    import pyarrow

    arrays = {}
    for name, column in columns.items():
        if isinstance(column, Masked):
            arrays[name] = pyarrow.array(column.values, mask=column.missing)
        else:
            is_arrow = isinstance(column, (pyarrow.Array, pyarrow.ChunkedArray))
            arrays[name] = column if is_arrow else _numbers(column)
    table = pyarrow.table(arrays)
    if schema is None:
        return table
    if table.schema.names == schema.names and table.schema.types == schema.types:
        return pyarrow.Table.from_arrays(table.columns, schema=schema)  # a cast would import pyarrow.compute
    try:
        return table.cast(schema)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, ValueError) as problem:
        raise UsageError(f"columns passed through: expected the types of the first rows, {problem}") from None


def _numbers(column: Any) -> Any:
    """A pyarrow array over the numbers where they lie; pyarrow.array would import pandas to look at them."""
    import pyarrow

    if not isinstance(column, np.ndarray) or column.dtype.kind not in "iuf" or column.dtype.itemsize < 4:
        return pyarrow.array(column)
    type_ = pyarrow.from_numpy_dtype(column.dtype)
    return pyarrow.Array.from_buffers(type_, len(column), [None, pyarrow.py_buffer(np.ascontiguousarray(column))])


class ArrowFile:
    """Parquet or Arrow IPC; opened with the first rows, which tell the types."""

    def __init__(self, kind: str, file: BinaryIO, complete: bool) -> None:
        self._kind, self._file, self._complete = kind, file, complete
        self._made: Any = None
        self._schema: Any = None
        self._sink: Any = None

    def add(self, columns: Mapping[str, Any]) -> None:
        table = to_arrow(columns, self._schema)
        if self._made is None:
            self._schema = table.schema
            if self._complete:  # what cannot be null is written in two thirds of the time
                for at, column in enumerate(columns.values()):
                    if isinstance(column, np.ndarray):
                        self._schema = self._schema.set(at, self._schema.field(at).with_nullable(False))
            table = to_arrow(columns, self._schema)
            self._made = self._open(table)
        self._made.write_table(table)

    def _open(self, table: Any) -> Any:
        """For tables of which this is the first."""
        import pyarrow
        from pyarrow import parquet

        self._sink = self._native() or self._file
        if self._kind == "arrow":
            make = pyarrow.ipc.new_stream if self._file is getattr(sys.stdout, "buffer", None) else pyarrow.ipc.new_file
            return make(self._sink, self._schema)
        # Each column as it is written soonest: texts repeat, labels that are numbers lie near each other, and the bits
        # of probabilities mostly look random, in which Snappy finds nothing for half of the time.
        texts = [f.name for f in self._schema if not pyarrow.types.is_primitive(f.type)]
        integers = [f.name for f in self._schema if f.type in (pyarrow.int32(), pyarrow.int64())]
        packs = {name: "SNAPPY" if _shrinks(table.column(name)) else "NONE" for name in self._schema.names}
        return parquet.ParquetWriter(
            self._sink, self._schema, use_dictionary=texts, write_statistics=False, compression=packs,
            column_encoding=dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
        )  # fmt: skip

    def _native(self) -> Any:
        """The file as Arrow writes it by itself, without calls into Python; None where it has no name."""
        import pyarrow

        name = getattr(self._file, "name", None)
        return pyarrow.OSFile(name, "wb") if isinstance(name, str) and os.path.isfile(name) else None

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
            if self._sink is not self._file:
                self._sink.close()


def _shrinks(column: Any) -> bool:
    """Whether Snappy makes less of it."""
    import pyarrow

    if not pyarrow.types.is_floating(column.type):
        return not pyarrow.types.is_integer(column.type)  # differences are packed already
    for buffer in column.chunk(0).buffers()[1:]:
        sample = buffer[: 1 << 16]
        return len(sample) == 0 or len(pyarrow.compress(sample, "snappy")) < 0.9 * len(sample)
    return True


class ArrowCsv:
    """CSV by pyarrow."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._schema: Any = None

    def add(self, columns: Mapping[str, Any]) -> None:
        import pyarrow
        from pyarrow import csv as arrow_csv

        table = to_arrow(columns, self._schema)
        if self._schema is None:
            self._schema = table.schema
            names = io.StringIO()
            csv.writer(names, lineterminator="\n").writerow(columns)
            self._file.write(names.getvalue().encode())
        sink = pyarrow.BufferOutputStream()
        try:
            arrow_csv.write_csv(table, sink, arrow_csv.WriteOptions(include_header=False, quoting_style="none"))
        except pyarrow.ArrowInvalid:  # a comma or a quote is in a text: Arrow then puts quotes around every one
            sink = pyarrow.BufferOutputStream()
            arrow_csv.write_csv(table, sink, arrow_csv.WriteOptions(include_header=False, quoting_style="needed"))
        self._file.write(sink.getvalue())

    def close(self) -> None:
        pass


class JsonLines:
    """An object a line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, columns: Mapping[str, Any]) -> None:
        rows = to_arrow(columns).to_pylist()
        self._file.write("".join(json_line(row) for row in rows).encode())

    def close(self) -> None:
        pass


def json_line(row: Any) -> str:
    """One line of JSON; NaN and infinities, which JSON has not, are null."""
    try:
        return json.dumps(row, default=str, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        plain = {k: None if isinstance(v, float) and not abs(v) < float("inf") else v for k, v in row.items()}
        return json.dumps(plain, default=str, ensure_ascii=False) + "\n"

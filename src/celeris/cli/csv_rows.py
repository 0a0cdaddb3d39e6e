"""Blocks of rows from CSV: by pyarrow where it is installed, and by Python's csv where it is not or a row is bad."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, BinaryIO

import numpy as np

from celeris.cli.blocks import Block, Text, text_blocks
from celeris.cli.errors import UsageError
from celeris.cli.layout import Layout, Wanted, resolve
from celeris.predictor import Predictor

_MISSING = {"", "na", "n/a", "nan", "null", "none"}
_SPELT = ["", "na", "NA", "n/a", "N/A", "nan", "NaN", "NAN", "null", "NULL", "Null", "none", "None", "NONE"]
_BOM = b"\xef\xbb\xbf"
_INTEGERS = {"int64": 63, "int32": 31}  # bits


def read(file: BinaryIO, where: str, predictor: Predictor, wanted: Wanted) -> Iterator[Block]:
    """The file's rows. Its first line names the columns if every cell of it is a word."""
    layout: Layout | None = None
    width = 0
    fast = find_spec("pyarrow") is not None
    for text in text_blocks(file, quotes=True):
        if layout is None:
            text, has, named = _header(text, where)
            if not has:
                continue
            width = len(has)
            layout = resolve(predictor, has, named, wanted, where)
        block = _by_arrow(text, layout, width, where) if fast else None
        if block is None:
            block = _by_python(text, layout, width, where)
        if block.count:
            yield block
    if layout is None:
        raise UsageError(f"{where}: expected rows of CSV, got an empty file")


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise UsageError(f"{where}: expected CSV in UTF-8, got byte {data[problem.start]:#04x}") from None


def _header(text: Text, where: str) -> tuple[Text, list[str], bool]:
    """The text below the line of names, the names (numbers from 1 where there is none), and whether there is one."""
    data = text.data.removeprefix(_BOM) if text.line == 1 else text.data
    lines = io.StringIO(_decoded(data, where), newline="")
    reader = csv.reader(lines)
    first = next((cells for cells in reader if cells), [])
    named = all(_number(cell) is None and cell.strip().lower() not in _MISSING for cell in first)
    if not named:
        return Text(data, text.line), [str(at + 1) for at in range(len(first))], False
    lines_read, at = reader.line_num, 0
    for _ in range(lines_read):
        found = data.find(b"\n", at)
        at = len(data) if found < 0 else found + 1
    return Text(data[at:], text.line + lines_read), [cell.strip() for cell in first], True


_TRUTH = {"true": True, "false": False}  # numbers too, as in a frame


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _by_arrow(text: Text, layout: Layout, width: int, where: str) -> Block | None:
    """None where Arrow stumbles: then each row is looked at."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    types = {"float": pyarrow.float64(), "double": pyarrow.float64(), "int64": pyarrow.int64(),
             "int32": pyarrow.int32(), "bool": pyarrow.bool_(), "string": pyarrow.string()}  # fmt: skip
    named = {f"f{at}": types[element] for at, element in zip(layout.features, layout.elements, strict=True)}
    first = text.data[: text.data.find(b"\n") + 1].decode(errors="replace").split(",")
    for place, element in zip(layout.features, layout.elements, strict=True):
        if element != "string" and len(first) == width and first[place].strip().lower() in _TRUTH:
            named[f"f{place}"] = pyarrow.bool_()
    kept = {f"f{at}": pyarrow.string() for at in layout.keep}
    if set(kept) & set(named) or not text.data.strip():  # read twice, as a number and as it is written
        return None
    try:
        table = arrow_csv.read_csv(
            pyarrow.BufferReader(text.data),
            arrow_csv.ReadOptions(column_names=[f"f{at}" for at in range(width)], block_size=max(len(text.data), 1)),
            arrow_csv.ParseOptions(newlines_in_values=b'"' in text.data),
            arrow_csv.ConvertOptions(column_types=named | kept, include_columns=[*named, *kept], null_values=_SPELT),
        )
    except pyarrow.ArrowInvalid:
        return None
    features = table.select([f"f{at}" for at in layout.features]).rename_columns(layout.called)
    rows: list[tuple[int, list[str]]] = []

    def at(row: int) -> tuple[int, list[str]]:
        if not rows:
            rows.extend(_lines(text, where))
        return rows[row]

    columns = [table[f"f{k}"] for k in layout.keep]
    return Block(where, "line", table.num_rows, features, layout.names, columns, lambda r: at(r)[0], len(text.data),
                 lambda r: ",".join(at(r)[1]))  # fmt: skip


def _lines(text: Text, where: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row; a row of several lines has the number of its first."""
    reader = csv.reader(io.StringIO(_decoded(text.data, where), newline=""))
    before = 0
    try:
        for cells in reader:
            if cells:
                yield text.line + before, cells
            before = reader.line_num
    except csv.Error as problem:
        raise UsageError(f"{where}, line {text.line + before}: expected CSV, got {problem}") from None


def _by_python(text: Text, layout: Layout, width: int, where: str) -> Block:
    rows = list(_lines(text, where))
    good: list[int] = []
    values: list[list[Any]] = []
    bad: dict[int, str] = {}
    for at, (_, cells) in enumerate(rows):
        try:
            values.append(_values(cells, layout, width))
            good.append(at)
        except ValueError as problem:
            bad[at] = str(problem)
    plain = "string" not in layout.elements
    features = np.array(values, np.float64 if plain else object).reshape(len(values), len(layout.features))
    kept = [[cells[k] if k < len(cells) else "" for _, cells in rows] for k in layout.keep]
    return Block(where, "line", len(rows), features, layout.names, kept, lambda r: rows[r][0], len(text.data),
                 lambda r: ",".join(rows[r][1]), good, bad)  # fmt: skip


def _values(cells: Sequence[str], layout: Layout, width: int) -> list[Any]:
    if len(cells) != width:
        raise ValueError(f"expected {width} columns, as in the first row, got {len(cells)}")
    return [
        cells[at] if element == "string" else _cell(cells[at].strip(), element, name)
        for at, element, name in zip(layout.features, layout.elements, layout.names, strict=True)
    ]


def _cell(text: str, element: str, name: str) -> float | int | bool:
    lower = text.lower()
    if lower in _TRUTH:
        return _TRUTH[lower]
    if element == "bool" and lower in ("0", "1"):
        return lower == "1"
    if element in ("float", "double"):
        if lower in _MISSING:
            return float("nan")
        found = _number(text)
        if found is not None:
            return found
    elif element in _INTEGERS:
        try:
            if -(2 ** _INTEGERS[element]) <= int(text) < 2 ** _INTEGERS[element]:
                return int(text)
        except ValueError:
            pass  # said below
    raise ValueError(f"column '{name}': expected a {'truth value' if element == 'bool' else 'number'} ({element}), "
                     f"got {text!r}")  # fmt: skip

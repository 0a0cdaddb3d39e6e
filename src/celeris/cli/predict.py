"""Predict from a CSV file with a model.

The file's columns are taken by name where the model's inputs are called so, and in order otherwise.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from celeris.cli.errors import UsageError
from celeris.session import InferenceSession

_MISSING = {"", "na", "n/a", "nan", "null", "none"}
_DTYPES = {"float": np.float32, "double": np.float64, "int64": np.int64, "int32": np.int32, "bool": np.bool_}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL DATA [-o OUT]."""
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("data", help="a CSV file, or - for standard input; its first line may name the columns")
    parser.add_argument("-o", "--output", help="where to write CSV (standard output if not given)")


def run(arguments: argparse.Namespace) -> None:
    """One line of output for each row: the label, and a column for each class's probability."""
    session = InferenceSession(arguments.model)
    names, rows = read_csv(arguments.data)
    feed = make_feed(session, names, rows, arguments.data)
    results = session.run(None, feed)
    columns = result_columns([o.name for o in session.get_outputs()], results, len(rows))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    write(arguments.output, text.getvalue())


def read_csv(path: str) -> tuple[list[str] | None, list[list[str]]]:
    """The column names, if the first line is one of names, and the rows."""
    if path == "-":
        lines = list(csv.reader(sys.stdin))
    else:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    lines = [line for line in lines if line]
    if not lines:
        raise UsageError(f"{path}: expected rows of CSV, got an empty file")
    for number, line in enumerate(lines, 1):
        if len(line) != len(lines[0]):
            raise UsageError(
                f"{path}, row {number}: expected {len(lines[0])} columns as in the first row, got {len(line)}"
            )
    named = all(_number(cell) is None and cell.strip().lower() not in _MISSING for cell in lines[0])
    return ([cell.strip() for cell in lines[0]], lines[1:]) if named and len(lines) > 1 else (None, lines)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def make_feed(session: InferenceSession, names: list[str] | None, rows: list[list[str]], where: str) -> dict[str, Any]:
    """The table's columns as the session's inputs: by name, or in order."""
    inputs = session.get_inputs()
    width = len(rows[0])
    by_name = names is not None and all(i.name in names for i in inputs)
    feed: dict[str, Any] = {}
    at = 0
    for each in inputs:
        if by_name and names is not None:
            taken = [names.index(each.name)]
        else:
            wanted = each.shape[1] if len(each.shape) > 1 and isinstance(each.shape[1], int) else width - at
            if len(each.shape) < 2:
                wanted = 1
            taken = list(range(at, at + wanted))
            at += wanted
        if (taken and max(taken) >= width) or (not by_name and len(inputs) == 1 and len(taken) != width):
            raise UsageError(f"{where}: input '{each.name}' takes {len(taken)} columns, the file has {width}")
        array = _columns(rows, taken, each.type, names, where)
        feed[each.name] = array if len(each.shape) != 1 else array[:, 0]
    return feed


def _columns(
    rows: list[list[str]], taken: Sequence[int], type_: str, names: list[str] | None, where: str
) -> np.ndarray:
    element = type_.removeprefix("tensor(").removesuffix(")")
    if element == "string":
        return np.array([[row[i] for i in taken] for row in rows], dtype=object)
    if element not in _DTYPES:
        raise UsageError(f"expected an input of numbers or strings, got one of {type_}, which CSV cannot hold")
    array: np.ndarray = np.empty((len(rows), len(taken)), _DTYPES[element])
    for r, row in enumerate(rows):
        for c, i in enumerate(taken):
            array[r, c] = _cell(row[i], element, f"{where}, row {r + 1}, column {names[i] if names else i + 1}")
    return array


def _cell(cell: str, element: str, where: str) -> float | int | bool:
    text = cell.strip()
    if element == "bool" and text.lower() in ("true", "false", "0", "1"):
        return text.lower() in ("true", "1")
    if element in ("float", "double") and text.lower() in _MISSING:
        return float("nan")
    try:
        return float(text) if element in ("float", "double") else int(text)
    except ValueError:
        raise UsageError(f"{where}: expected a number ({element}), got {cell!r}") from None


def result_columns(names: Iterable[str], results: Sequence[Any], rows: int) -> dict[str, Sequence[Any]]:
    """Outputs as CSV columns: a vector is one, a matrix or a list of dicts one for each class."""
    columns: dict[str, Sequence[Any]] = {}
    for name, value in zip(names, results, strict=True):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for key in value[0]:
                columns[f"{name}.{key}"] = [row[key] for row in value]
            continue
        array = np.asarray(value)
        if array.shape[:1] != (rows,):
            raise UsageError(f"output '{name}' has shape {list(array.shape)}, not one line for each of {rows} rows")
        flat = array.reshape(rows, -1)
        for c in range(flat.shape[1]):
            columns[name if flat.shape[1] == 1 else f"{name}.{c}"] = flat[:, c].tolist()
    return columns


def write(path: str | None, text: str) -> None:
    """To standard output, or to a file that appears whole or not at all."""
    if path is None:
        sys.stdout.write(text)
        return
    target = Path(path)
    with tempfile.NamedTemporaryFile("w", dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            file.write(text)
            file.flush()
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise

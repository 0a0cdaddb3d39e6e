"""Predict from CSV, Parquet, Arrow or JSON lines files with a model.

Columns are taken by name where the model names them, and in order otherwise. CSV needs nothing besides Celeris; the
other kinds, and speed, need pyarrow: pip install 'celeris[cli]'.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from celeris.cli.ahead import ahead
from celeris.cli.answers import CHOICES, Answerer, Answers, spread
from celeris.cli.blocks import Block
from celeris.cli.errors import UsageError
from celeris.cli.layout import Wanted
from celeris.cli.progress import progress
from celeris.cli.sources import KINDS, blocks_of, expand, kind_of, total_size
from celeris.cli.writing import Masked, json_line, whole_file, writer
from celeris.predictor import Predictor, load

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
_MOST_KEPT = 32 << 20  # the most that glibc takes; larger blocks go back
_NAMED_BAD_ROWS = 20  # on standard error; the rest are counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL IN... [-o OUT] and how rows are read and written."""
    parser.epilog = "example: celeris predict model.onnx rows.csv --keep id -o predictions.csv"
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("data", nargs="+", metavar="IN", help="files or patterns of .csv, .parquet, .arrow or .jsonl, "
                        "or - for standard input; the first line of CSV may name the columns")  # fmt: skip
    parser.add_argument("-o", "--out", help="where to write, its ending says what (standard output, as CSV, if not "
                        "given)")  # fmt: skip
    parser.add_argument("--output", choices=CHOICES, default="all", help="which outputs of the model (default: all)")
    parser.add_argument("--keep", default=[], type=_names, metavar="NAME,...", help="columns of the file to pass "
                        "through, such as an id; they are no input of the model")  # fmt: skip
    parser.add_argument("--map", default=[], action="append", metavar="MODEL=FILE", help="the model's column MODEL is "
                        "called FILE in the file; may be given several times")  # fmt: skip
    parser.add_argument("--columns", type=_names, metavar="NAME,...", help="the file's columns that the model takes, "
                        "in its order, for a model that does not name them")  # fmt: skip
    parser.add_argument("--bad", choices=("stop", "side-file", "missing"), default="stop", help="a bad row stops the "
                        "run, goes to a side file, or is predicted as missing (default: stop)")  # fmt: skip
    parser.add_argument("--bad-file", metavar="FILE", help="the side file, JSON lines (default: OUT.bad.jsonl)")
    parser.add_argument(
        "--from", dest="source_kind", choices=KINDS, help="what the files are, whatever they are called"
    )
    parser.add_argument("--to", dest="target_kind", choices=KINDS, help="what to write, whatever its name")
    parser.add_argument("--missing", choices=("auto", "allow", "refuse"), default="auto", help="missing numbers: allow "
                        "lets them through, refuse makes their rows bad, auto asks the model")  # fmt: skip
    parser.add_argument("--threads", type=int, default=0, help="threads (default: as many as the process may use)")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def run(arguments: argparse.Namespace) -> None:
    """A line of output for each row: columns passed through, the label, a column for each class's probability."""
    _keep_memory()
    paths = expand(arguments.data)
    kinds = [kind_of(path, arguments.source_kind, "--from") for path in paths]
    target_kind = kind_of(arguments.out, arguments.target_kind, "--to")
    predictor = open_model(arguments.model, arguments.columns, arguments.threads, arguments.missing)
    wanted = Wanted(_mapping(arguments.map), arguments.keep)
    answer = Answerer(predictor, arguments.output)
    blocks = (b for path, kind in zip(paths, kinds, strict=True) for b in blocks_of(path, kind, predictor, wanted))
    with contextlib.ExitStack() as stack:
        bad_rows = stack.enter_context(_bad_rows(arguments))
        file = stack.enter_context(whole_file(arguments.out, spooled=target_kind == "parquet"))
        advance = stack.enter_context(progress(total_size(paths)))
        out = stack.enter_context(writer(target_kind, file, complete=arguments.bad != "missing"))
        reading = stack.enter_context(contextlib.closing(ahead(blocks)))
        answered = stack.enter_context(contextlib.closing(ahead((block, answer(block)) for block in reading)))
        for block, answers in answered:
            for at in sorted(answers.bad):
                bad_rows.add(block, at, answers.bad[at])
            columns = _columns(block, answers, arguments)
            if columns:
                out.add(columns)
            advance(block.count, block.size)


def _keep_memory() -> None:
    """Blocks go where blocks before them were: glibc would give their memory back, and take it again page by page."""
    with contextlib.suppress(AttributeError, OSError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _MOST_KEPT)
        mallopt(_M_TRIM_THRESHOLD, 4 * _MOST_KEPT)


def open_model(
    path: str, columns: list[str] | None = None, threads: int = 0, missing: Literal["auto", "allow", "refuse"] = "auto"
) -> Predictor:
    """The model as a Predictor. UsageError where it takes no table."""
    if threads < 0:
        raise UsageError(f"--threads: expected 0 or more, got {threads}")
    try:
        return load(path, columns=columns, threads=threads, missing=missing)
    except ValueError as problem:
        raise UsageError(f"{path}: {problem}") from None


def _mapping(given: list[str]) -> dict[str, str]:
    found = {}
    for each in given:
        model, equals, file = each.partition("=")
        if not (model and equals and file):
            raise UsageError(f"--map: expected MODEL=FILE, got '{each}'")
        found[model.strip()] = file.strip()
    return found


def _columns(block: Block, answers: Answers, arguments: argparse.Namespace) -> dict[str, Any]:
    """The block's output; nothing where no row of it was predicted."""
    if not answers.columns:
        return {}
    kept = dict(zip(arguments.keep, block.kept, strict=True))
    if answers.good is None:
        made: dict[str, Any] = answers.columns
    elif arguments.bad == "missing":
        made = {}
        for name, column in answers.columns.items():
            whole, missing = spread(column, answers.good, block.count)
            made[name] = Masked(whole, missing)
    else:
        made = answers.columns
        kept = {name: _take(column, answers.good) for name, column in kept.items()}
    twice = set(kept).intersection(made)
    if twice:
        raise UsageError(f"--keep: the output '{min(twice)}' of the model is called like a column passed through")
    return {**kept, **made}


def _take(column: Any, rows: np.ndarray) -> Any:
    return [column[at] for at in rows] if isinstance(column, list) else column.take(rows)


class _BadRows:
    """Names bad rows, and keeps them in a side file or stops at the first."""

    def __init__(self, choice: str, side: Any) -> None:
        self._choice, self._side = choice, side
        self.count = 0

    def add(self, block: Block, at: int, why: str) -> None:
        place = f"{block.where}, {block.unit} {block.place(at)}"
        if self._choice == "stop":
            raise UsageError(f"{place}: {why}; or go on without such rows: --bad side-file, --bad missing")
        self.count += 1
        if self.count <= _NAMED_BAD_ROWS:
            print(f"celeris predict: {place}: {why}", file=sys.stderr)
        if self._side is not None:
            line = {"file": block.where, block.unit: block.place(at), "problem": why, "values": block.row(at)}
            self._side.write(json_line(line).encode())


@contextlib.contextmanager
def _bad_rows(arguments: argparse.Namespace) -> Iterator[_BadRows]:
    if arguments.bad != "side-file":
        if arguments.bad_file is not None:
            raise UsageError("--bad-file: expected --bad side-file with it")
        rows = _BadRows(arguments.bad, None)
        yield rows
    else:
        if arguments.bad_file is None and arguments.out in (None, "-"):
            raise UsageError("--bad side-file: expected -o OUT or --bad-file FILE, to have a name for it")
        path = arguments.bad_file or f"{arguments.out}.bad.jsonl"
        with whole_file(path) as side:
            rows = _BadRows(arguments.bad, side)
            yield rows
        if not rows.count and os.path.isfile(path):
            os.unlink(path)  # an empty one would say that something is there
    if rows.count:
        where = f", in {path}" if arguments.bad == "side-file" else ", predicted as missing"
        print(f"celeris predict: {rows.count:,} bad {'row' if rows.count == 1 else 'rows'}{where}", file=sys.stderr)

"""The report's text: Markdown tables, what falls short, and how near the limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import geometric_mean
from typing import Any

from bench.peers import PEERS
from bench.reporting.collect import Results
from bench.zoo import MODELS

_OF_COURSE = ("trained by", "the model has no estimator")
_LEAST = 1.5  # what is below is listed
Cell = dict[str, Any]


def write(results: Results, pictures: Sequence[tuple[str, str]]) -> str:
    """The whole page."""
    parts = [
        _head(results),
        "## Against onnxruntime\n\nRatios of medians: how many times faster than onnxruntime, on as many threads.\n",
        _grid(results),
        _means(results),
        _short(results),
        "## Against everybody\n\nMedians over Celeris' median: above 1, Celeris is faster. Celeris: its time.\n",
        *(_peers(results, rows) for rows in (1, 100, 10_000)),
        _ahead(results),
        _limits(results),
        _start(results),
        "## Pictures\n",
        *(f"![{title}](report/{name})\n" for name, title in pictures),
        _faults(results),
    ]
    return "\n".join(part for part in parts if part)


def _head(results: Results) -> str:
    at = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in at["versions"].items() if version != "not installed")
    without = [name for name, version in at["versions"].items() if version == "not installed"]
    return (
        f"# How fast, measured by `python -m bench.report{' --quick' * at['quick']}`\n\n"
        f"{at['processor']}, {at['processors']} processors, {at['isa']}, Python {at['python']}, NumPy {at['numpy']}. "
        f"{versions}.{' Not installed: ' + ', '.join(without) + '.' if without else ''}\n\n"
        "All in one process, taking turns, so that whatever else the machine does hits all alike; its load was "
        f"{at['load']:.1f} at the start, and the whole took {at['seconds']:,} s. Each peer gets its rows in the form "
        "it likes best before the clock runs, and its answers are held to the training library's first. "
        "onnxruntime's threads do not spin (`bench/sides.py` says why).\n"
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def _ratio(cell: Cell, name: str = "onnxruntime") -> float:
    return cell["times"][name] / cell["times"]["celeris"]


def _grid(results: Results) -> str:
    ways = sorted({(c["threads"], c["rows"]) for c in results.grid})
    found = {(c["model"], c["threads"], c["rows"]): _ratio(c) for c in results.grid}
    headings = [f"{rows:,}{f', {threads} threads' * (threads > 1)}" for threads, rows in ways]
    rows = []
    for model in dict.fromkeys(c["model"] for c in results.grid):
        cells = [found.get((model, *way)) for way in ways]
        rows.append([MODELS[model].about, *("" if c is None else _number(c) for c in cells)])
    return _table(["rows a call", *headings], rows)


def _means(results: Results) -> str:
    groups: dict[str, Callable[[Cell], bool]] = {
        "trees, 1,000 rows or more, 1 thread": lambda c: _is(c, "trees") and c["rows"] >= 1000 and c["threads"] == 1,
        "trees, 100 rows, 1 thread": lambda c: _is(c, "trees") and c["rows"] == 100 and c["threads"] == 1,
        "trees, several threads": lambda c: _is(c, "trees") and c["threads"] > 1,
        "trees, one row": lambda c: _is(c, "trees") and c["rows"] == 1,
        "all others, one row": lambda c: not _is(c, "trees") and c["rows"] == 1,
        "all others, 10,000 rows": lambda c: not _is(c, "trees") and c["rows"] == 10_000,
    }
    rows = []
    for name, holds in groups.items():
        if ratios := [_ratio(c) for c in results.grid if holds(c)]:
            rows.append([name, _number(geometric_mean(ratios)), _number(min(ratios)), str(len(ratios))])
    return _table(["", "geometric mean", "worst", "cells"], rows)


def _is(cell: Cell, kind: str) -> bool:
    return MODELS[cell["model"]].kind == kind


def _short(results: Results) -> str:
    few = sorted(((_ratio(c), c) for c in results.grid if _ratio(c) < _LEAST), key=lambda each: each[0])
    if not few:
        return f"No cell is below {_LEAST}.\n"
    lines = [
        f"- {ratio:.2f}: {MODELS[c['model']].about} (`{c['model']}`), {_rows(c['rows'])}, {_threads(c['threads'])}: "
        f"{c['times']['celeris'] / 1e3:,.1f} us against {c['times']['onnxruntime'] / 1e3:,.1f}"
        for ratio, c in few
    ]
    return f"Below {_LEAST} times onnxruntime:\n\n" + "\n".join(lines) + "\n"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _peers(results: Results, rows: int) -> str:
    cells = [c for c in results.peers if c["rows"] == rows]
    if not cells:
        return ""
    names = [name for name in PEERS if name != "celeris" and any(name in c["times"] for c in cells)]
    lines = []
    for cell in cells:
        ratios = [_number(_ratio(cell, name)) if name in cell["times"] else "" for name in names]
        lines.append([MODELS[cell["model"]].about, f"{_number(cell['times']['celeris'] / 1e3)} us", *ratios])
    heading = f"{_rows(rows)}, {_threads(results.machine['threads'])}"
    return _table([heading, "celeris", *names], lines)


def _ahead(results: Results) -> str:
    lines = [
        f"- {name} takes {_ratio(c, name):.2f} times as long: {MODELS[c['model']].about} (`{c['model']}`), "
        f"{_rows(c['rows'])}: {c['times'][name] / 1e3:,.1f} us against {c['times']['celeris'] / 1e3:,.1f}"
        for c in results.peers
        for name in c["times"]
        if name != "celeris" and _ratio(c, name) < 1
    ]
    return "Who is ahead of Celeris:\n\n" + "\n".join(lines) + "\n" if lines else "Nobody is ahead of Celeris.\n"


_LIMITS = """## Physical limits

Measured in the same process (`bench/limits.py`), one thread: a call from Python that makes two small outputs takes
{call:.2f} us; memcpy reads and writes {copy:.0f} GB a second beyond the caches, {near_copy:.0f} in the third and
{cached_copy:.0f} in the second; registers give {operations:.0f} billion float32 operations a second; interleaved
walks visit {visits:.2f} billion nodes a second in the first-level cache, {far_visits:.2f} in a tree of 32 MB. The
limit of 10,000 rows is the longest of bytes moved (inputs and outputs once), arithmetic (products and sums alone:
exponentials and the choice of the nearest are not in it), and node visits; that of one row is a call and its share of
those. Above 100%: bit vectors do not visit nodes, they compare each distinct threshold once for many rows.

"""


def _limits(results: Results) -> str:
    at = results.limits["machine"]
    alone = [c for c in results.grid if c["threads"] == 1]
    one, many = ({c["model"]: c["times"]["celeris"] for c in alone if c["rows"] == rows} for rows in (1, 10_000))
    lines = []
    for model in one:
        found = results.limits[model]
        all_rows = found["least"]
        least = at["call"] + all_rows / 10_000
        lines.append(
            [
                MODELS[model].about, found["kind"], f"{least / 1e3:.2f} us", f"{one[model] / 1e3:.2f} us",
                f"{least / one[model]:.0%}", found["which"], f"{found['visits']:,.0f}" if found["visits"] else "",
                f"{all_rows / 1e3:,.1f} us", f"{many[model] / 1e3:,.1f} us", f"{all_rows / many[model]:.0%}",
            ]
        )  # fmt: skip
    figures = {name: value / 1e9 for name, value in at.items()} | {"call": at["call"] / 1e3}
    headings = ["model", "class", "1 row: limit", "taken", "reached", "limit of 10,000", "nodes a row", "limit"]
    return _LIMITS.format(**figures) + _table([*headings, "taken", "reached"], lines)


def _start(results: Results) -> str:
    lines = [
        [what, f"{ours:,.1f} {unit}", f"{theirs:,.1f} {unit}", _number(theirs / max(ours, 1e-9))]
        for what, unit, ours, theirs in results.start
    ]
    return "## Start, load, memory\n\n" + _table(["", "celeris", "onnxruntime", "ratio"], lines)


def _faults(results: Results) -> str:
    lines = []
    for peer in PEERS:
        why: dict[str, list[str]] = {}
        for model, faults in results.faults.items():
            if peer in faults and not faults[peer].startswith(_OF_COURSE):
                why.setdefault(faults[peer], []).append(model)
        lines += [f"- {peer}: {', '.join(models)}: {text}" for text, models in why.items()]
    return "## Who could not run what\n\n" + "\n".join(lines) + "\n" if lines else ""

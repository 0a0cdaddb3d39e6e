"""Measure a model: latency of one row, throughput by rows and threads, if asked beside onnxruntime.

Rows are made up (normal numbers, small integers) unless --data gives some; engines take turns in one process.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from importlib import import_module
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

from celeris import _core
from celeris.cli import pictures
from celeris.cli.errors import UsageError
from celeris.cli.layout import Wanted
from celeris.cli.predict import open_model
from celeris.cli.sources import blocks_of, kind_of
from celeris.cli.table import table
from celeris.graph.types import Tensor, dtype_of
from celeris.session import InferenceSession

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PERCENTILES = (50, 90, 99, 99.9)
_SINGLES = 64  # different rows in turn: one row again and again flatters branch predictors
Feeds = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL [--against onnxruntime] [--data FILE] [--rows N,...] [--threads N,...] [--plot FILE]."""
    parser.epilog = "example: celeris bench model.onnx --against onnxruntime --plot bench.png"
    threads = sorted({1, _core.available_processors()})
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("--against", choices=("onnxruntime",), help="measure it beside Celeris")
    parser.add_argument("--data", metavar="FILE", help="rows to feed, .csv, .parquet, .arrow or .jsonl")
    parser.add_argument("--rows", type=_numbers, default=[1, 10, 100, 1000, 10_000], metavar="N,...",
                        help="rows at once (default: 1,10,100,1000,10000)")  # fmt: skip
    parser.add_argument("--threads", type=_numbers, default=threads, metavar="N,...",
                        help=f"numbers of threads (default: {','.join(map(str, threads))})")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=0.5, help="for each measurement (default: 0.5)")
    parser.add_argument("--plot", metavar="FILE", help="a picture, .png or .svg")


def _numbers(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = [0]
    if min(found) < 1:
        raise argparse.ArgumentTypeError(f"expected numbers from 1, as 1,2, got '{text}'")
    return found


def run(arguments: argparse.Namespace) -> None:
    """Prints two tables; writes the picture if it is asked for."""
    if not 0 < arguments.seconds <= 3600:
        raise UsageError(f"--seconds: expected a time above 0, got {arguments.seconds}")
    pictures.check_name(arguments.plot)
    engines = ["celeris", *([arguments.against] if arguments.against else [])]
    most = max(*arguments.rows, _SINGLES)
    feeds = made_up(arguments.model, most) if arguments.data is None else from_file(arguments, most)
    latency = _latency(arguments, engines, feeds)
    rates = _throughput(arguments, engines, feeds)
    print(_shown(latency, rates))
    if arguments.plot is not None:
        pictures.save(arguments.plot, lambda: plot(latency, rates))


def made_up(path: str, rows: int) -> Feeds:
    """Rows for each input of the model. UsageError for one that is not a tensor of numbers or text."""
    rng = np.random.default_rng(0)
    feeds: Feeds = {}
    for name, type_ in InferenceSession(path)._sess._program.inputs:
        if not isinstance(type_, Tensor) or type_.shape is None or not type_.shape or isinstance(type_.shape[0], int):
            raise UsageError(f"input '{name}': expected rows, got {type_}; measure it with celeris.InferenceSession")
        shape = [rows, *(d if isinstance(d, int) else 1 for d in type_.shape[1:])]
        if type_.element == "string":
            feeds[name] = rng.choice(np.array(["a", "b", "c"], object), shape)
        elif type_.element == "bool":
            feeds[name] = rng.random(shape) < 0.5
        elif "float" in type_.element or type_.element == "double":
            feeds[name] = rng.normal(size=shape).astype(dtype_of(type_.element))
        else:
            feeds[name] = rng.integers(0, 10, shape).astype(dtype_of(type_.element))
    return feeds


def from_file(arguments: argparse.Namespace, rows: int) -> Feeds:
    """The file's rows, again from the start where they are fewer."""
    kind = kind_of(arguments.data, None, "--data")
    predictor = open_model(arguments.model)
    for block in blocks_of(arguments.data, kind, predictor, Wanted({}, [])):
        for at, why in block.bad.items():
            raise UsageError(f"{block.where}, {block.unit} {block.place(at)}: {why}")
        try:
            fed, _, _ = predictor._feeder.feeds(block.features)
        except ValueError as problem:
            raise UsageError(f"{block.where}: {problem}") from None
        arrays: list[Any] = [f.array() if isinstance(f, _core.Columns) else f for f in fed]
        names = [each.name for each in predictor._signature.inputs]
        again = np.arange(rows) % block.count
        return {name: np.ascontiguousarray(array[again]) for name, array in zip(names, arrays, strict=True)}
    raise UsageError(f"{arguments.data}: expected rows, got none")


def _sessions(path: str, engines: Sequence[str], threads: int) -> list[Any]:
    made = []
    for engine in engines:
        try:
            runtime = import_module(engine)
        except ImportError:
            raise UsageError(f"--against: expected {engine} to be installed; pip install {engine}") from None
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            made.append(runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
        except Exception as problem:
            if engine == "celeris":
                raise
            raise UsageError(f"{engine} refuses the model: {problem}") from None
    return made


def _slice(feeds: Feeds, start: int, stop: int) -> Feeds:
    return {name: value[start:stop] for name, value in feeds.items()}


def _alternate(sessions: Sequence[Any], feeds: Sequence[Feeds], seconds: float) -> list[list[int]]:
    """Nanoseconds of each call, one of each in turn, for so long for each, and 5 times at least."""
    for session in sessions:
        session.run(None, feeds[0])
    times: list[list[int]] = [[] for _ in sessions]
    gc.disable()
    try:
        end = perf_counter_ns() + int(seconds * 1e9) * len(sessions)
        at = 0
        while at < 5 or perf_counter_ns() < end:
            for session, into in zip(sessions, times, strict=True):
                start = perf_counter_ns()
                session.run(None, feeds[at % len(feeds)])
                into.append(perf_counter_ns() - start)
            at += 1
    finally:
        gc.enable()
    return times


def _latency(arguments: argparse.Namespace, engines: list[str], feeds: Feeds) -> dict[str, np.ndarray]:
    """Times of one row on one thread, in nanoseconds."""
    rows = [_slice(feeds, at, at + 1) for at in range(_SINGLES)]
    sessions = _sessions(arguments.model, engines, 1)
    times = _alternate(sessions, rows, arguments.seconds)
    return {engine: np.array(found) for engine, found in zip(engines, times, strict=True)}


def _throughput(arguments: argparse.Namespace, engines: list[str], feeds: Feeds) -> dict[tuple[str, int, int], float]:
    """Rows a second by engine, threads and rows: medians."""
    found = {}
    for threads in arguments.threads:
        sessions = _sessions(arguments.model, engines, threads)
        for rows in arguments.rows:
            times = _alternate(sessions, [_slice(feeds, 0, rows)], arguments.seconds)
            for engine, each in zip(engines, times, strict=True):
                found[engine, threads, rows] = rows / float(np.median(each)) * 1e9
    return found


def _shown(latency: dict[str, np.ndarray], rates: dict[tuple[str, int, int], float]) -> str:
    engines = list(latency)
    values = {engine: [float(np.percentile(times, p)) / 1e3 for p in _PERCENTILES] for engine, times in latency.items()}
    rows = [[engine, *(f"{v:.2f}" for v in values[engine])] for engine in engines]
    if len(engines) == 2:
        ours, theirs = (values[engine] for engine in engines)
        rows.append(["times faster", *(f"{b / a:.1f}" for a, b in zip(ours, theirs, strict=True))])
    first = table(["one row, us", *(f"p{p}" for p in _PERCENTILES)], rows, right=(1, 2, 3, 4))
    lines = []
    for threads, count in dict.fromkeys((t, r) for _, t, r in rates):
        each = [rates[engine, threads, count] for engine in engines]
        ratio = [f"{each[0] / each[1]:.1f}"] if len(each) == 2 else []
        lines.append([str(threads), f"{count:,}", *(f"{rate:,.0f}" for rate in each), *ratio])
    headings = [
        "threads",
        "rows",
        *(f"{engine}, rows/s" for engine in engines),
        *(["times faster"] * (len(engines) - 1)),
    ]
    return f"{first}\n\n{table(headings, lines, right=range(len(headings)))}"


def plot(latency: dict[str, np.ndarray], rates: dict[tuple[str, int, int], float]) -> Figure:
    """Left the latency of one row by percentile, right the rate by rows, a line for each engine and thread count."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogFormatter

    colours = dict(zip(latency, ("#2a8f6b", "#c77b18"), strict=False))
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    at = np.array([1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9])
    for engine, times in latency.items():
        left.plot(
            range(len(at)), np.percentile(times, at) / 1e3, "o-", color=colours[engine], label=engine, markersize=4
        )
    left.set_xticks(range(len(at)), [f"{p:g}" for p in at])
    left.set(xlabel="percentile", ylabel="microseconds", yscale="log")
    left.set_title("One row, one thread", loc="left", fontsize=11)
    threads = list(dict.fromkeys(t for _, t, _ in rates))
    for engine in latency:
        for t, style in zip(threads, ("-", "--", ":", "-.") * len(threads), strict=False):
            points = [(rows, rate) for (e, n, rows), rate in rates.items() if (e, n) == (engine, t)]
            label = f"{engine}, {t} thread{'s' * (t > 1)}"
            right.plot(*zip(*points, strict=True), "o" + style, color=colours[engine], label=label, markersize=4)
    right.set(xlabel="rows at once", ylabel="rows a second", xscale="log", yscale="log")
    sizes = sorted({rows for _, _, rows in rates})
    right.set_xticks(sizes, [f"{rows:,}" for rows in sizes])
    right.minorticks_off()
    right.set_title("Throughput", loc="left", fontsize=11)
    for axes in (left, right):
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.15g}")  # 2, not 2 * 10^0
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))  # only where powers of ten are few
        axes.grid(True, which="major", color="#e3e7eb", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9)
    return figure

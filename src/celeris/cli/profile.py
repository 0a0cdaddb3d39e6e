"""Profile a model on data: time per step, as a table, a picture, and a Chrome trace.

The rows are read from a CSV, Parquet, Arrow or JSON lines file; only their prediction is timed, block by block.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from time import time_ns
from typing import TYPE_CHECKING, Any

from celeris import _core
from celeris.cli import pictures
from celeris.cli.errors import UsageError
from celeris.cli.layout import Wanted
from celeris.cli.predict import open_model
from celeris.cli.sources import KINDS, blocks_of, kind_of
from celeris.cli.table import table
from celeris.cli.writing import whole_file
from celeris.plan.plan import Step
from celeris.profiling import by_node

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL DATA [--repeat N] [--plot FILE] [--trace FILE]."""
    parser.epilog = "example: celeris profile model.onnx rows.csv --plot profile.png"
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("data", help="rows to predict: a file of .csv, .parquet, .arrow or .jsonl, or -")
    parser.add_argument("--from", dest="source_kind", choices=KINDS, help="what the file is, whatever its name")
    parser.add_argument("--repeat", type=int, default=3, help="runs over each block of rows (default: 3)")
    parser.add_argument("--threads", type=int, default=0, help="threads (default: as many as the process may use)")
    parser.add_argument("--plot", metavar="FILE", help="a picture, .png or .svg")
    parser.add_argument("--trace", metavar="FILE", help="a trace for chrome://tracing or ui.perfetto.dev")


@dataclass(slots=True)
class Times:
    """Nanoseconds by node, in the order in which they run, and the events behind them."""

    rows: int = 0
    runs: int = 0
    total_ns: int = 0
    nodes: dict[tuple[int, str, str], int] = field(default_factory=dict)  # (place, name, operator)
    events: list[tuple[str, str, int, int]] = field(default_factory=list)  # name, operator, start, duration

    def trace(self, keep: bool) -> Callable[..., None]:
        """What the engine calls after each step of one run."""
        place = 0

        def step(ran: Step, start_ns: int, duration_ns: int, spent: list[int], *_: Any) -> None:
            nonlocal place
            for node, at, share in by_node(ran, start_ns, duration_ns, spent):
                name, operator = node.name, node.op_type
                key = (place, name, operator)
                self.nodes[key] = self.nodes.get(key, 0) + share
                if keep:
                    self.events.append((name, operator, at, share))
                place += 1

        return step


def run(arguments: argparse.Namespace) -> None:
    """Prints the table; writes what is asked for."""
    if arguments.repeat < 1:
        raise UsageError(f"--repeat: expected 1 or more, got {arguments.repeat}")
    pictures.check_name(arguments.plot)
    times = measure(arguments)
    if arguments.plot is not None:
        pictures.save(arguments.plot, lambda: plot(times))
    if arguments.trace is not None:
        with whole_file(arguments.trace) as file:
            file.write(chrome(times).encode())
    print(summary(times))


def measure(arguments: argparse.Namespace) -> Times:
    """The model on all rows of the file. UsageError where it refuses one."""
    kind = kind_of(arguments.data, arguments.source_kind, "--from")
    predictor = open_model(arguments.model, threads=arguments.threads)
    threads = arguments.threads or _core.available_processors()
    times = Times()
    for block in blocks_of(arguments.data, kind, predictor, Wanted({}, [])):
        for at, why in block.bad.items():
            raise UsageError(f"{block.where}, {block.unit} {block.place(at)}: {why}")
        try:
            if not times.runs:
                predictor.run(block.features)  # the first run pays for what all others find ready
            for _ in range(arguments.repeat):
                feeds, check, _ = predictor._feeder.feeds(block.features)
                start = time_ns()
                predictor._core.run(feeds, None, threads, times.trace(arguments.trace is not None))
                times.total_ns += time_ns() - start
                times.runs += 1
                times.rows += block.count
                if check is not None:
                    check()
        except ValueError as problem:
            raise UsageError(f"{block.where}: {problem}") from None
    if not times.rows:
        raise UsageError(f"{arguments.data}: expected rows, got none")
    return times


def summary(times: Times) -> str:
    """Rows and their rate, then a line a node."""
    beside = max(times.total_ns - sum(times.nodes.values()), 0)
    lines = [(name, operator, ns) for (_, name, operator), ns in times.nodes.items()]
    lines.append(("", "(feeds, results)", beside))
    most = max(ns for *_, ns in lines) or 1
    rows = [
        (str(at) if at <= len(times.nodes) else "", operator, name, f"{ns / times.runs / 1e6:.3f}",
         f"{ns / times.rows:.1f}", f"{100 * ns / times.total_ns:.1f}%", "#" * round(30 * ns / most))
        for at, (name, operator, ns) in enumerate(lines, 1)
    ]  # fmt: skip
    head = (f"{times.rows:,} rows in {times.runs:,} runs, {times.total_ns / 1e6:.1f} ms: "
            f"{times.rows / times.total_ns * 1e9:,.0f} rows/s")  # fmt: skip
    return (
        head + "\n\n" + table(["", "operator", "node", "ms a run", "ns a row", "share", ""], rows, right=(0, 3, 4, 5))
    )


def plot(times: Times) -> Figure:
    """A bar a node, in the order in which they run."""
    from matplotlib.figure import Figure

    nodes = [(name, operator, ns) for (_, name, operator), ns in times.nodes.items()]
    shown = nodes if len(nodes) <= 40 else sorted(nodes, key=lambda node: -node[2])[:40]
    beside = max(times.total_ns - sum(ns for *_, ns in nodes), 0)
    rest = f", the {len(shown)} slowest of {len(nodes)} nodes" if len(shown) < len(nodes) else ""
    shown = [*shown, ("", "(feeds, results)", beside)]
    names = [f"{op}  {name[:28]}" if name and not name.startswith(op) else op for name, op, _ in shown]
    values = [ns / times.rows for *_, ns in shown]
    figure = Figure(figsize=(9, 1.4 + 0.36 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(range(len(shown)), values, color=["#2a8f6b"] * (len(shown) - 1) + ["#8a8f98"], height=0.7)
    labels = [f"{ns / times.rows:.3g} ns, {100 * ns / times.total_ns:.0f}%" for *_, ns in shown]
    axes.bar_label(bars, labels, padding=4, fontsize=9)
    axes.set_yticks(range(len(shown)), names)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("nanoseconds a row")
    axes.set_title(f"{times.rows / times.total_ns * 1e9:,.0f} rows a second{rest}", loc="left", fontsize=11)
    return figure


def chrome(times: Times) -> str:
    """The events as a JSON array of complete events (Trace Event Format)."""
    first = min(start for *_, start, _ in times.events)
    events = [
        {"name": name or operator, "cat": operator, "ph": "X", "ts": (start - first) / 1e3, "dur": duration / 1e3,
         "pid": os.getpid(), "tid": 0, "args": {"op_name": operator}}
        for name, operator, start, duration in times.events
    ]  # fmt: skip
    return "[\n" + ",\n".join(json.dumps(event) for event in events) + "\n]\n"

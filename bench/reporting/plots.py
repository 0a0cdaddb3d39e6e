"""The report's pictures: bars of one row, and lines of throughput against rows, trees, depth and cores."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.reporting.collect import Results
from bench.zoo import MODELS

_COLOURS = {
    "celeris": "#c1272d",
    "onnxruntime": "#4a4a4a",
    "scikit-learn": "#f28e2b",
    "scikit-learn-intelex": "#b6992d",
    "lightgbm": "#59a14f",
    "xgboost": "#1b7837",
    "catboost": "#8cd17d",
    "treelite": "#4e79a7",
    "tl2cgen": "#a0cbe8",
    "lleaves": "#b07aa1",
    "timber-compiler": "#9c755f",
    "hummingbird-ml": "#76b7b2",
}
_MARKS = "osD^vP*X"
_FEW = ("logistic", "forest_small", "forest_deep", "hist_boosting", "lightgbm", "xgboost", "catboost", "mlp", "columns")
_PANELS = ("scaler_logistic", "forest_small", "forest_deep", "lightgbm", "xgboost", "mlp")


def draw(results: Results, folder: Path) -> list[tuple[str, str]]:
    """Writes the pictures; gives their names and what each shows."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for name, title, make in (
        ("latency", "One row, by model and peer", partial(_latency, few=True)),
        ("latency_all", "One row, all models", _latency),
        ("rows", "Throughput against rows a call", _rows),
        ("trees", "Throughput against the number of trees, and their depth", _trees),
        ("cores", "Throughput against threads", _cores),
    ):
        figure = make(results)
        figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")
        plt.close(figure)
        found.append((f"{name}.png", title))
    return found


def _latency(results: Results, *, few: bool = False) -> Figure:
    """Bars of one row's time, models from top to bottom as in the zoo, Celeris uppermost of each."""
    cells = [each for each in results.peers if each["rows"] == 1 and (not few or each["model"] in _FEW)]
    cells = cells or [each for each in results.peers if each["rows"] == 1]
    names = [name for name in _COLOURS if any(name in each["times"] for each in cells)]
    heights = [len(each["times"]) + 1 for each in cells]
    figure, axes = plt.subplots(figsize=(9, 0.6 + 0.13 * sum(heights)))
    top, ticks = 0.0, []
    for cell, height in zip(cells, heights, strict=True):
        for at, name in enumerate(n for n in names if n in cell["times"]):
            axes.barh(top + at, cell["times"][name] / 1e3, height=0.9, color=_COLOURS[name])
        ticks.append(top + (height - 2) / 2)
        top += height
    axes.set_yticks(ticks, [MODELS[each["model"]].about for each in cells], fontsize=8)
    axes.set_ylim(top - 0.5, -1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_xlabel("time of one row (us, logarithmic; shorter is faster)")
    axes.set_title(f"One row, {_threads(results)}", loc="left")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", which="major", alpha=0.3)
    axes.set_axisbelow(True)
    bars = [Patch(color=_COLOURS[name]) for name in names]
    axes.legend(bars, names, loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8, frameon=False)
    _bare(axes)
    return figure


def _rows(results: Results) -> Figure:
    """A panel a model: rows a second against rows a call."""
    there = list(dict.fromkeys(each["model"] for each in results.grid))
    models = [name for name in _PANELS if name in there] or there[: len(_PANELS)]
    wide = min(3, len(models))
    deep = -(-len(models) // wide)
    figure, panels = plt.subplots(deep, wide, figsize=(4 * wide, 3.1 * deep), squeeze=False, layout="constrained")
    most = max(each["threads"] for each in results.grid)
    for axes, model in zip(panels.flat, models, strict=False):
        for threads, style in {1: "-", most: "--"}.items():
            for name in ("celeris", "onnxruntime"):
                cells = [c for c in results.grid if c["model"] == model and c["threads"] == threads]
                axes.plot(
                    [c["rows"] for c in cells], [c["rows"] / c["times"][name] * 1e9 for c in cells],
                    style, color=_COLOURS[name], marker="o", markersize=3.5,
                    label=f"{name}, {threads} thread{'s' * (threads > 1)}",
                )  # fmt: skip
        axes.set_title(MODELS[model].about, fontsize=9, loc="left")
        _logarithmic(axes, "rows a call", "rows a second")
    for axes in list(panels.flat)[len(models) :]:
        axes.set_axis_off()
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def _trees(results: Results) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axes, cells, key, what in (
        (left, results.trees, "trees", "trees of 32 leaves"),
        (right, results.depth, "depth", "depth of 100 complete trees"),
    ):
        for name in ("celeris", "onnxruntime"):
            axes.plot(
                [c[key] for c in cells], [c["rows"] / c["times"][name] * 1e9 for c in cells],
                color=_COLOURS[name], marker="o", markersize=4, label=name,
            )  # fmt: skip
        _logarithmic(axes, what, "rows a second")
        axes.set_title("1,000 rows a call, 1 thread", fontsize=9, loc="left")
    right.set_xscale("linear")
    left.legend(fontsize=8, frameon=False)
    return figure


def _cores(results: Results) -> Figure:
    models = list(dict.fromkeys(each["model"] for each in results.cores))
    figure, axes = plt.subplots(figsize=(7.5, 4), layout="constrained")
    for mark, model in zip(_MARKS, models, strict=False):
        cells = [each for each in results.cores if each["model"] == model]
        for name, style in (("celeris", "-"), ("onnxruntime", "--")):
            axes.plot(
                [c["threads"] for c in cells], [c["rows"] / c["times"][name] * 1e9 for c in cells],
                style, color=_COLOURS[name], marker=mark, markersize=5,
                label=f"{MODELS[model].about} ({name})",
            )  # fmt: skip
    threads = sorted({each["threads"] for each in results.cores})
    _decades(axes)
    axes.set_xticks(threads, map(str, threads))
    axes.set_xlabel("threads")
    axes.set_ylabel("rows a second")
    axes.set_title("10,000 rows a call", fontsize=9, loc="left")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    _bare(axes)
    return figure


def _logarithmic(axes: Axes, across: str, up: str) -> None:
    axes.set_xscale("log")
    _decades(axes)
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel(up, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    _bare(axes)


def _decades(axes: Axes) -> None:
    """Up in powers of ten, from one to another."""
    values = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in axes.get_lines()] or [np.zeros(0)])
    axes.set_yscale("log")
    if values.size:
        axes.set_ylim(10 ** math.floor(math.log10(values.min())), 10 ** math.ceil(math.log10(values.max())))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _bare(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _threads(results: Results) -> str:
    count: Any = results.machine["threads"]
    return f"{count} thread{'s' * (count > 1)}"

"""Pictures of an explanation, by matplotlib: mean influence as bars, one row as a waterfall, all rows as a swarm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from celeris.explain.explanation import Explanation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UP, _DOWN, _PLAIN, _QUIET = "#c8375a", "#2f6fb7", "#3f6b8f", "#8a8f98"
_SWARM_ROWS = 2000  # drawn at most: more only blacken the picture and its file


def bar(explanation: Explanation, top: int = 12) -> Figure:
    """The mean size of each feature's contribution, the greatest on top."""
    shown, rest = _split(explanation, top)
    figure, axes = _figure(len(shown) + bool(rest))
    labels = [name for name, _ in shown] + ([f"{len(rest)} others"] if rest else [])
    sizes = [size for _, size in shown] + ([sum(size for _, size in rest)] if rest else [])
    colours = [_PLAIN] * len(shown) + [_QUIET] * bool(rest)
    bars = axes.barh(labels, sizes, color=colours, height=0.7)
    axes.bar_label(bars, [f"{size:.3g}" for size in sizes], padding=4, fontsize=9)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("mean |contribution|" + _of(explanation))
    axes.set_title(f"What moves the score most, over {len(explanation.values):,} rows", loc="left", fontsize=11)
    return figure


def waterfall(explanation: Explanation, row: int = 0, output: str | int | None = None, top: int = 12) -> Figure:
    """From the base value to one row's score, a step for each feature, the greatest on top."""
    one = _one(explanation, output)
    if not -len(one.values) <= row < len(one.values):
        raise ValueError(f"row: expected one of {len(one.values)} rows, got {row}")
    parts = one.contributions[row]
    order = np.argsort(-np.abs(parts), kind="stable")
    shown, rest = order[:top], order[top:]
    steps = [(f"{one.features[i]} = {_short(one.values[row, i])}", float(parts[i])) for i in shown]
    if len(rest):
        steps.append((f"{len(rest)} others", float(parts[rest].sum())))
    figure, axes = _figure(len(steps))
    at = score = float(one.base + parts.sum())
    reach = np.ptp(score - np.cumsum([0.0, *(step for _, step in steps)]))  # what is drawn, from end to end
    for line, (_, step) in enumerate(steps):  # downwards, from the score back to the base
        axes.barh(line, step, left=at - step, color=_UP if step >= 0 else _DOWN, height=0.7)
        inside = abs(step) > 0.15 * reach  # wide enough for the number
        axes.annotate(
            f"{step:+.3g}", (at - step / 2 if inside else max(at, at - step), line), xytext=(0 if inside else 4, 0),
            textcoords="offset points", va="center", ha="center" if inside else "left", fontsize=9,
            color="white" if inside else "black",
        )  # fmt: skip
        axes.plot([at - step] * 2, [line - 0.35, line + 1.35 if line + 1 < len(steps) else line + 0.35], color=_QUIET,
                  linewidth=0.8)  # fmt: skip
        at -= step
    axes.set_yticks(range(len(steps)), [name for name, _ in steps])
    axes.invert_yaxis()
    axes.use_sticky_edges = False  # labels stand beside the outermost bars
    axes.margins(x=0.12)
    axes.set_xlabel(f"score{_of(one)}, from the base {one.base:.4g} (bottom) to {score:.4g} (top)")
    axes.set_title(f"Row {row}: why the score is {score:.4g}", loc="left", fontsize=11)
    return figure


def beeswarm(explanation: Explanation, output: str | int | None = None, top: int = 12) -> Figure:
    """Each row a point: across, its contribution; colour, the feature's value."""
    one = _one(explanation, output)
    if len(one.values) > _SWARM_ROWS:
        keep = np.linspace(0, len(one.values) - 1, _SWARM_ROWS).astype(np.intp)
        one = Explanation(one.contributions[keep], one.base, one.values[keep], one.features, one.outputs)
    shown = [one.features.index(name) for name, _ in _split(one, top)[0]]
    figure, axes = _figure(len(shown), 0.5)
    points = None
    for line, feature in enumerate(shown):
        across, value = one.contributions[:, feature], one.values[:, feature].astype(np.float64)
        known = np.isfinite(value)
        rank = np.full(len(value), np.nan)
        rank[known] = value[known].argsort().argsort() / max(1, known.sum() - 1)
        missing = ~known
        height = line + _spread(across)
        axes.scatter(across[missing], height[missing], s=9, color=_QUIET, linewidths=0)
        points = axes.scatter(across[known], height[known], c=rank[known], cmap="coolwarm", vmin=0, vmax=1, s=9,
                              linewidths=0)  # fmt: skip
    axes.axvline(0, color=_QUIET, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(shown)), [one.features[i] for i in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel("contribution to the score" + _of(one))
    axes.set_title(f"How features move the score, {len(one.values):,} rows", loc="left", fontsize=11)
    if points is not None:
        colours = figure.colorbar(points, ax=axes, ticks=[0, 1], fraction=0.03, pad=0.02)
        colours.ax.set_yticklabels(["low", "high"])
        colours.set_label("the feature's value", labelpad=-8)
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """As PNG or SVG, by the name's ending."""
    if Path(path).suffix.lower() not in (".png", ".svg"):
        raise ValueError(f"{path}: expected a name that ends in .png or .svg")
    figure.savefig(path, dpi=150, metadata={"Date": None} if str(path).lower().endswith(".svg") else None)


def _spread(across: np.ndarray) -> np.ndarray:
    """Heights that keep points of like contribution apart: filled from the middle outwards within narrow bins."""
    width = (across.max() - across.min()) / 80 if len(across) else 0
    if width == 0:
        return np.zeros(len(across))
    bins = ((across - across.min()) / width).astype(np.intp)
    order = np.argsort(bins, kind="stable")
    starts = np.searchsorted(bins[order], bins[order])
    place = np.empty(len(across))
    place[order] = np.arange(len(across)) - starts
    side = np.where(place % 2 == 0, 1, -1) * np.ceil(place / 2)
    most = np.abs(side).max()
    return side / most * 0.4 if most > 8 else side * 0.05


def _split(explanation: Explanation, top: int) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    sizes = [(name, size) for name, size in explanation.importance() if size > 0]
    return sizes[:top], sizes[top:]


def _one(explanation: Explanation, output: str | int | None) -> Explanation:
    if explanation.contributions.ndim == 3 and output is None:
        raise ValueError(f"output: expected one of {', '.join(explanation.outputs)}, got none")
    return explanation if output is None else explanation.output(output)


def _of(explanation: Explanation) -> str:
    return f" of '{explanation.outputs[0]}'" if len(explanation.outputs) == 1 else ""


def _short(value: Any) -> str:
    return f"{value:.4g}"


def _figure(lines: int, each: float = 0.36) -> tuple[Figure, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as problem:
        raise ImportError("plots: expected matplotlib; pip install 'celeris[explain]'") from problem
    figure = Figure(figsize=(8, 1.5 + each * max(lines, 2)), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure, axes

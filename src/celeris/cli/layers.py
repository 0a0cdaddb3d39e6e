"""Where the boxes of a drawn graph go: layers from top to bottom, few crossings.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981): layers by
the longest path, a dummy in each layer that an edge passes, order within layers by the mean place of neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

_SWEEPS = 24
_GAP, _DUMMY = 26.0, 8.0  # between boxes; width of a dummy


@dataclass(frozen=True, slots=True)
class Placed:
    """The middle of each box, the points each edge passes, and the size of the whole."""

    boxes: list[tuple[float, float]]
    edges: list[list[tuple[float, float]]]
    width: float
    height: float


def place(widths: Sequence[float], edges: Sequence[tuple[int, int]], height: float, gap: float) -> Placed:
    """`widths` of boxes that are so high, `edges` from box to box without cycles, `gap` between layers."""
    layer = _layers(len(widths), edges)
    sizes = list(widths)
    chains: list[list[int]] = []
    for start, end in edges:
        chain = [start]
        for level in range(layer[start] + 1, layer[end]):
            chain.append(len(sizes))
            sizes.append(_DUMMY)
            layer.append(level)
        chains.append([*chain, end])
    rows = _ordered(layer, chains)
    across = _across(rows, sizes, chains)
    left = min((across[i] - sizes[i] / 2 for i in range(len(sizes))), default=0.0)
    right = max((across[i] + sizes[i] / 2 for i in range(len(sizes))), default=0.0)
    points = [(across[i] - left, layer[i] * (height + gap) + height / 2) for i in range(len(sizes))]
    total = len(rows) * (height + gap) - gap
    return Placed(points[: len(widths)], [[points[i] for i in chain] for chain in chains], right - left, total)


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The longest path from a box that nothing leads to; sources then move down to just above what they lead to."""
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for start, end in edges:
        after[start].append(end)
        waiting[end] += 1
    sources = [i for i in range(count) if waiting[i] == 0]
    layer, ready = [0] * count, list(sources)
    while ready:
        at = ready.pop()
        for next_ in after[at]:
            layer[next_] = max(layer[next_], layer[at] + 1)
            waiting[next_] -= 1
            if waiting[next_] == 0:
                ready.append(next_)
    for at in sources:
        if after[at]:
            layer[at] = min(layer[next_] for next_ in after[at]) - 1
    return layer


def _ordered(layer: Sequence[int], chains: Sequence[Sequence[int]]) -> list[list[int]]:
    above: list[list[int]] = [[] for _ in layer]
    below: list[list[int]] = [[] for _ in layer]
    for chain in chains:
        for start, end in pairwise(chain):
            below[start].append(end)
            above[end].append(start)
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for at, level in enumerate(layer):
        rows[level].append(at)
    place = {at: float(i) for row in rows for i, at in enumerate(row)}
    for sweep in range(_SWEEPS):
        near, order = (above, rows) if sweep % 2 == 0 else (below, rows[::-1])
        for row in order:
            row.sort(key=lambda at: fmean(place[n] for n in near[at]) if near[at] else place[at])
            for i, at in enumerate(row):
                place[at] = float(i)
    return rows


def _across(rows: Sequence[Sequence[int]], sizes: Sequence[float], chains: Sequence[Sequence[int]]) -> list[float]:
    """Each box as near to the mean of its neighbours as the boxes beside it let it be."""
    near: list[list[int]] = [[] for _ in sizes]
    for chain in chains:
        for start, end in pairwise(chain):
            near[start].append(end)
            near[end].append(start)
    x = [0.0] * len(sizes)
    for row in rows:
        at = -sum(sizes[i] + _GAP for i in row) / 2
        for i in row:
            x[i] = at + sizes[i] / 2
            at += sizes[i] + _GAP
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [fmean(x[n] for n in near[i]) if near[i] else x[i] for i in row]
            for i, value in zip(row, _apart(wanted, [sizes[i] for i in row]), strict=True):
                x[i] = value
    return x


def _apart(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Middles in order without overlap: the mean of pushing right from the left end and left from the right end."""
    right, left = list(wanted), list(wanted)
    for i in range(1, len(wanted)):
        right[i] = max(right[i], right[i - 1] + (sizes[i - 1] + sizes[i]) / 2 + _GAP)
    for i in range(len(wanted) - 2, -1, -1):
        left[i] = min(left[i], left[i + 1] - (sizes[i] + sizes[i + 1]) / 2 - _GAP)
    return [(a + b) / 2 for a, b in zip(right, left, strict=True)]

"""Two runtimes side by side in one process: alternating, the same threads, ratios of medians and of minima."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import onnxruntime

import celeris


def session(runtime: Any, onnx: bytes, threads: int) -> Any:
    """The model in Celeris or in onnxruntime, on so many threads.

    onnxruntime's threads go on spinning for some 100 ms after a call. Where there are several, that would take the
    processors from whoever runs next, so it is switched off; Celeris' never spin.
    """
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    if threads > 1:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return runtime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def sessions(onnx: bytes, threads: int) -> tuple[celeris.InferenceSession, onnxruntime.InferenceSession]:
    """The same model in both."""
    return session(celeris, onnx, threads), session(onnxruntime, onnx, threads)


def alternate(ours: Callable[[], object], theirs: Callable[[], object], seconds: float) -> tuple[list[int], list[int]]:
    """Times of each in nanoseconds, one call of one after one of the other, for about so long (at least 5 of each)."""
    for _ in range(2):
        ours()
        theirs()
    times: tuple[list[int], list[int]] = ([], [])
    gc.disable()
    try:
        end = perf_counter_ns() + seconds * 1e9
        while len(times[0]) < 5 or perf_counter_ns() < end:
            for call, into in ((ours, times[0]), (theirs, times[1])):
                start = perf_counter_ns()
                call()
                into.append(perf_counter_ns() - start)
    finally:
        gc.enable()
    return times


class Turns:
    """Any number of callables that take turns: as many rounds as the time allows, from 3 to 100, each in every round.

    A call that takes less than a few milliseconds is repeated within its turn, so that a turn is long against the clock
    and against what the one before has left in the caches.
    """

    LEAST = 2e6  # nanoseconds of a turn
    LONG = 3e8

    def __init__(self, calls: dict[str, Callable[[], object]], seconds: float) -> None:
        self._calls = calls
        self._repeats: dict[str, int] = {}
        spent = 0.0
        for name, call in calls.items():
            once = _clocked(call, 1)
            if once < self.LONG:  # else once is enough to warm up
                once = _clocked(call, 1)
            self._repeats[name] = repeats = max(1, min(1000, round(self.LEAST / max(once, 1))))
            spent += once * repeats
        self._rounds = max(3, min(100, int(seconds * 1e9 / max(spent, 1))))

    def take(self) -> dict[str, list[float]]:
        """Nanoseconds a call, by callable."""
        times: dict[str, list[float]] = {name: [] for name in self._calls}
        gc.disable()
        try:
            for _ in range(self._rounds):
                for name, call in self._calls.items():
                    times[name].append(_clocked(call, self._repeats[name]))
        finally:
            gc.enable()
        return times


def _clocked(call: Callable[[], object], repeats: int) -> float:
    start = perf_counter_ns()
    for _ in range(repeats):
        call()
    return (perf_counter_ns() - start) / repeats


class Report:
    """Rows of ratios, and a last line with the worst and the geometric mean."""

    def __init__(self, *headings: str) -> None:
        self._width = [16, *[9] * (len(headings) - 1)]
        self._ratios: list[tuple[float, str]] = []
        print(self._line(*headings, "celeris", "theirs", "median", "minimum"))

    def _line(self, *cells: object) -> str:
        widths = [*self._width, 12, 12, 9, 9]
        return " ".join(
            str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )

    def add(self, *cells: object, times: tuple[list[int], list[int]], per: int = 1) -> float:
        """One measurement; `per`: calls in each timing. Returns the ratio of medians."""
        ours, theirs = (statistics.median(t) / per for t in times)
        best = min(times[1]) / min(times[0])
        ratio = theirs / ours
        self._ratios.append((ratio, " ".join(map(str, cells))))
        print(
            self._line(*cells, f"{ours / 1e3:.2f} us", f"{theirs / 1e3:.2f} us", f"{ratio:.1f}x", f"{best:.1f}x"),
            flush=True,
        )
        return ratio

    def close(self) -> None:
        """The last line."""
        worst, where = min(self._ratios)
        mean = statistics.geometric_mean([ratio for ratio, _ in self._ratios])
        print(f"worst {worst:.2f}x ({where}), geometric mean {mean:.1f}x over {len(self._ratios)} cells")

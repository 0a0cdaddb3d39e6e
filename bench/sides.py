"""Two runtimes side by side in one process: alternating, the same threads, ratios of medians and of minima."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from time import perf_counter_ns

import onnxruntime

import celeris


def sessions(onnx: bytes, threads: int) -> tuple[celeris.InferenceSession, onnxruntime.InferenceSession]:
    """The same model in Celeris and in onnxruntime, both on so many threads.

    onnxruntime's threads go on spinning for some 100 ms after a call. Where there are several, that would take the
    processors from whoever runs next, so it is switched off; Celeris' never spin.
    """
    made = []
    for runtime in (celeris, onnxruntime):
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        if threads > 1:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        made.append(runtime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"]))
    return made[0], made[1]


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

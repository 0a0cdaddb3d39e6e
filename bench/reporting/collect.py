"""Every measurement of the report, as plain data (nanoseconds a call, medians) that is kept as JSON."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from dataclasses import asdict, dataclass, field
from importlib import metadata
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import celeris
from bench import limits, start, trees
from bench.against import opened, timed
from bench.peers import PEERS, Loaded, open_peer
from bench.zoo import MODELS, Entry, pick

TWO = ["celeris", "onnxruntime"]
_QUICK = ["logistic", "scaler_logistic", "forest_small", "forest_deep", "lightgbm", "xgboost", "mlp", "columns"]
_CORES = ["scaler_logistic", "forest_deep", "lightgbm", "xgboost", "svm"]
_MOST = 2e8  # nanoseconds for onnxruntime's 10,000 rows: what takes longer is not asked for 100,000
_SLOWEST = 3e9  # nanoseconds that a peer may take for one call
Times = dict[str, float]


@dataclass
class Results:
    """What was measured. Each cell: the model or ensemble, threads, rows, and `times` by peer."""

    machine: dict[str, Any]
    grid: list[dict[str, Any]] = field(default_factory=list)  # every model against onnxruntime
    peers: list[dict[str, Any]] = field(default_factory=list)  # one thread (or as asked), everybody
    faults: dict[str, dict[str, str]] = field(default_factory=dict)  # why not, by model and peer
    trees: list[dict[str, Any]] = field(default_factory=list)  # more and more trees
    depth: list[dict[str, Any]] = field(default_factory=list)  # deeper and deeper ones
    cores: list[dict[str, Any]] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)
    start: list[tuple[str, str, float, float]] = field(default_factory=list)


class Collector:
    """Measures one part after the other; says on standard error where it is."""

    def __init__(self, models: list[str], *, quick: bool, threads: int) -> None:
        self._quick, self._threads = quick, threads
        self._seconds = 0.15 if quick else 0.5
        self._rows = [1, 100, 10_000] if quick else [1, 100, 1_000, 10_000, 100_000]
        self._entries = pick(models or (_QUICK if quick else []))
        self._all = len(os.sched_getaffinity(0))
        self._began = perf_counter()
        self.results = Results(_machine(quick, threads))

    def run(self) -> Results:
        """All parts."""
        for entry in self._entries:
            self._say(entry.name)
            self._grid(entry)
            self._against(entry)
            self._limits(entry)
        self._say("limits, trees, depth, cores")
        self.results.limits["machine"] = asdict(limits.machine())
        self._sweeps()
        self._cores()
        self._say("start and load")
        names = ["logistic", "forest_deep"] if self._quick else list(start.MODELS)
        self.results.start = start.figures(names, runs=2 if self._quick else 5)
        self.results.machine["seconds"] = round(perf_counter() - self._began)
        return self.results

    def _say(self, what: str) -> None:
        print(f"{perf_counter() - self._began:6.0f} s  {what}", file=sys.stderr, flush=True)

    def _grid(self, entry: Entry) -> None:
        for threads in sorted({1, self._all}):
            both = {name: open_peer(name, entry, threads) for name in TWO}
            last = 0.0
            for rows in self._rows:
                if (rows == 1 and threads > 1) or (rows > 10_000 and last > _MOST):
                    continue
                times = _medians(both, entry, rows, self._seconds, threads)
                last = times["onnxruntime"]
                self.results.grid.append(_cell(entry.name, threads, rows, times))

    def _against(self, entry: Entry) -> None:
        peers, faults = opened(entry, self._threads, list(PEERS))
        if not self._quick:
            self.results.faults[entry.name] = faults
        before: Times = {}
        for rows in (1, 100, 10_000):
            few = {n: each for n, each in peers.items() if before.get(n, 0) * 100 < _SLOWEST or rows < 10_000}
            before = _medians(few, entry, rows, self._seconds, self._threads)
            self.results.peers.append(_cell(entry.name, self._threads, rows, before))

    def _limits(self, entry: Entry) -> None:
        needed = limits.needs(entry, 10_000)
        least, which = needed.nanoseconds()
        self.results.limits[entry.name] = {
            "kind": MODELS[entry.name].kind,
            "least": least,
            "which": which,
            "visits": needed.visits / 10_000,
        }

    def _sweeps(self) -> None:
        rows = 1_000
        x = np.random.default_rng(0).normal(size=(rows, trees.FEATURES)).astype(np.float32)
        counts = [10, 100, 1000] if self._quick else [10, 30, 100, 300, 1000, 3000]
        depths = [2, 6, 10] if self._quick else [2, 4, 5, 6, 7, 8, 10, 12]
        for count in counts:
            made = Entry("trees", trees.ensemble(32, trees=count), {"X": x}, np.zeros(0))
            self.results.trees.append({"trees": count, "depth": 0, **_unchecked(made, rows, self._seconds)})
        for depth in depths:
            made = Entry("depth", trees.ensemble(1 << depth, complete=True), {"X": x}, np.zeros(0))
            self.results.depth.append({"trees": 100, "depth": depth, **_unchecked(made, rows, self._seconds)})

    def _cores(self) -> None:
        counts = sorted({*(1 << i for i in range(self._all.bit_length()) if 1 << i <= self._all), self._all})
        for entry in self._entries:
            for threads in counts if entry.name in _CORES else []:
                both = {name: open_peer(name, entry, threads) for name in TWO}
                times = _medians(both, entry, 10_000, self._seconds, threads)
                self.results.cores.append(_cell(entry.name, threads, 10_000, times))


def _medians(peers: dict[str, Loaded], entry: Entry, rows: int, seconds: float, threads: int) -> Times:
    with threadpool_limits(threads):
        return {name: statistics.median(each) for name, each in timed(peers, entry, rows, seconds).items()}


def _unchecked(entry: Entry, rows: int, seconds: float) -> dict[str, Any]:
    """Ensembles of random numbers have no training library to be held to: onnxruntime is."""
    from bench.peers import celeris as ours
    from bench.peers import onnxruntime as theirs

    both = {"celeris": ours.load(entry, 1), "onnxruntime": theirs.load(entry, 1)}
    found = [each.predict(entry.feeds)[0] for each in both.values()]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-3)
    return {"rows": rows, "times": _medians(both, entry, rows, seconds, 1)}


def _cell(model: str, threads: int, rows: int, times: Times) -> dict[str, Any]:
    return {"model": model, "threads": threads, "rows": rows, "times": times}


def _machine(quick: bool, threads: int) -> dict[str, Any]:
    versions = {}
    for name in PEERS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = celeris.__version__ if name == "celeris" else "not installed"
    return {
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
        "isa": celeris.build_info()["instruction_set"],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "versions": versions,
        "quick": quick,
        "threads": threads,
        "load": os.getloadavg()[0],
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

"""How long until the first prediction, to import, to load, and in how much memory? `python -m bench.start [MODEL ...]`

Each figure is a process of its own, the two runtimes in turn. Memory is what the process has beyond what it had before
(the peak by VmHWM: ru_maxrss begins with the memory of whoever started the process).
"""

from __future__ import annotations

import atexit
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from bench.zoo import load

MODELS = ("logistic", "forest_deep", "forest_huge")
RUNTIMES = ("celeris", "onnxruntime")
_IMPORT = "import time, numpy; t = time.perf_counter(); import {runtime}; print(time.perf_counter() - t)"
_FIRST = """
import time; t = time.perf_counter()
import numpy, {runtime} as rt
s = rt.InferenceSession({path!r}, providers=["CPUExecutionProvider"])
s.run(None, {{s.get_inputs()[0].name: numpy.zeros((1, s.get_inputs()[0].shape[1]), numpy.float32)}})
print(time.perf_counter() - t)
"""
_LOAD = """
import time, numpy, {runtime} as rt
def peak(): return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1024
def now(): return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
before, t = now(), time.perf_counter()
s = rt.InferenceSession({path!r}, providers=["CPUExecutionProvider"])
print(time.perf_counter() - t, peak() - before, now() - before)
"""
Rows = dict[str, list[list[float]]]  # by runtime


@cache
def _bytecode() -> str:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    return folder


def _measure(code: str, path: str, runs: int) -> Rows:
    found: Rows = {runtime: [] for runtime in RUNTIMES}
    # bytecode is kept, as it is of an installed package
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = _bytecode()
    for run in range(runs + 1):
        for runtime, rows in found.items():
            done = subprocess.run(
                [sys.executable, "-c", code.format(runtime=runtime, path=path)],
                capture_output=True,
                text=True,
                check=True,
                env=env,
            )
            if run:  # the first warms the file cache
                rows.append([float(v) for v in done.stdout.split()])
    return found


def figures(names: list[str], runs: int = 7) -> list[tuple[str, str, float, float]]:
    """What is asked, its unit, the median of Celeris and of onnxruntime."""
    found = [_medians("import, NumPy apart", "ms", _measure(_IMPORT, "", runs), 0)]
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            entry = load(name)
            path = Path(folder) / f"{name}.onnx"
            path.write_bytes(entry.onnx)
            size = f"{name}, {len(entry.onnx) / 1e6:.1f} MB"
            first = _measure(_FIRST, str(path), runs)
            found.append(_medians(f"process start to first prediction ({size})", "ms", first, 0))
            loaded = _measure(_LOAD, str(path), runs)
            found.append(_medians(f"load ({size})", "ms", loaded, 0))
            if len(entry.onnx) > 1e6:
                found.append(_medians(f"peak memory while loading ({size})", "MB", loaded, 1))
                found.append(_medians(f"memory after loading ({size})", "MB", loaded, 2))
    return found


def _medians(what: str, unit: str, rows: Rows, column: int) -> tuple[str, str, float, float]:
    ours, theirs = (statistics.median(row[column] for row in rows[each]) for each in RUNTIMES)
    scale = 1e3 if unit == "ms" else 1
    return what, unit, ours * scale, theirs * scale


def main() -> None:
    """One line a question."""
    print(f"{'':60} {'celeris':>13} {'onnxruntime':>13} {'ratio':>9}")
    ratios = []
    for what, unit, ours, theirs in figures(sys.argv[1:] or list(MODELS)):
        ratio = theirs / max(ours, 1e-9)
        print(f"{what:60} {ours:10.1f} {unit} {theirs:10.1f} {unit} {ratio:8.1f}x", flush=True)
        if unit == "ms":
            ratios.append(ratio)
    print(f"worst {min(ratios):.2f}x, geometric mean {statistics.geometric_mean(ratios):.1f}x over {len(ratios)} times")


if __name__ == "__main__":
    main()

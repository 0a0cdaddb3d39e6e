"""How long until the first prediction, to import, to load, and in how much memory? `python -m bench.start`

Each figure is a process of its own, the two runtimes in turn.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.zoo import load

_IMPORT = "import time, numpy; t = time.perf_counter(); import {runtime}; print(time.perf_counter() - t)"
_FIRST = """
import time; t = time.perf_counter()
import numpy, {runtime} as rt
s = rt.InferenceSession({path!r}, providers=["CPUExecutionProvider"])
s.run(None, {{s.get_inputs()[0].name: numpy.zeros((1, s.get_inputs()[0].shape[1]), numpy.float32)}})
print(time.perf_counter() - t)
"""
_LOAD = """
import time, resource, numpy, {runtime} as rt
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def now(): return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
before, t = now(), time.perf_counter()
s = rt.InferenceSession({path!r}, providers=["CPUExecutionProvider"])
print(time.perf_counter() - t, peak() - before, now() - before)
"""
_RUNS = 7


def _measure(code: str, path: str = "") -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {"celeris": [], "onnxruntime": []}
    for run in range(_RUNS + 1):
        for runtime, rows in found.items():
            done = subprocess.run(
                [sys.executable, "-c", code.format(runtime=runtime, path=path)],
                capture_output=True,
                text=True,
                check=True,
            )
            if run:  # the first warms the file cache
                rows.append([float(v) for v in done.stdout.split()])
    return found


def _print(what: str, found: dict[str, list[list[float]]], column: int, unit: str, scale: float) -> float:
    ours, theirs = (statistics.median(row[column] for row in found[r]) * scale for r in ("celeris", "onnxruntime"))
    ratio = theirs / max(ours, 1e-9)
    print(f"{what:44} {ours:10.1f} {unit} {theirs:10.1f} {unit} {ratio:8.1f}x", flush=True)
    return ratio


def main() -> None:
    """One line a question."""
    print(f"{'':44} {'celeris':>13} {'onnxruntime':>13} {'ratio':>9}")
    ratios = [_print("import, NumPy apart", _measure(_IMPORT), 0, "ms", 1e3)]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("logistic", "forest_deep"):
            entry = load(name)
            path = Path(folder) / f"{name}.onnx"
            path.write_bytes(entry.onnx)
            size = f"{name}, {len(entry.onnx) / 1e6:.1f} MB"
            ratios.append(
                _print(f"process start to first prediction ({size})", _measure(_FIRST, str(path)), 0, "ms", 1e3)
            )
            found = _measure(_LOAD, str(path))
            ratios.append(_print(f"load ({size})", found, 0, "ms", 1e3))
            if len(entry.onnx) > 1e6:
                _print(f"peak memory while loading ({size})", found, 1, "MB", 1)
                _print(f"memory after loading ({size})", found, 2, "MB", 1)
    print(f"worst {min(ratios):.2f}x, geometric mean {statistics.geometric_mean(ratios):.1f}x over {len(ratios)} times")


if __name__ == "__main__":
    main()

"""How near is one row to the least a C function can cost? `python -m bench.floor`, on iris.onnx, one thread.

The floor (floor.c, built here with `cc`) takes the same arguments and makes the same outputs, and does nothing else.
Results are kept, a hundred at a time, or dropped as a service drops them: then Celeris uses small output arrays again,
which the floor does not. Lists of one output and keyword arguments are timed too: none may be much dearer.
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from types import ModuleType
from typing import Any

import numpy as np
import onnx

from bench.sides import sessions
from celeris import datasets

_ROUNDS, _CYCLE = 400, 100


def build(folder: str) -> ModuleType:
    path = Path(folder) / f"floor{sysconfig.get_config_var('EXT_SUFFIX')}"
    headers = [f"-I{sysconfig.get_path('include')}", f"-I{np.get_include()}"]
    source = str(Path(__file__).with_name("floor.c"))
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", *headers, source, "-o", str(path), "-lm"], check=True)
    spec = importlib.util.spec_from_file_location("floor", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _coefficients(model: bytes) -> tuple[np.ndarray, np.ndarray]:
    node = next(n for n in onnx.load_from_string(model).graph.node if n.op_type == "LinearClassifier")
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return np.array(values["coefficients"]).reshape(3, 4), np.array(values["intercepts"])


def main() -> None:
    """One line a way of calling: median and minimum of one call, and how often the floor goes into it."""
    model = Path(datasets.get_example("iris.onnx")).read_bytes()
    ours, theirs = sessions(model, threads=1)
    rng = np.random.default_rng(0)
    rows = [rng.uniform(0, 8, (1, 4)).astype(np.float32) for _ in range(_CYCLE)]
    with tempfile.TemporaryDirectory() as folder:
        floor: Any = build(folder)
        floor.set(*_coefficients(model))
        for x in rows:
            for a, b in zip(floor.run(None, {"X": x}), theirs.run(None, {"X": x}), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5)
        ways: dict[str, Callable[[], object]] = {
            "the floor, result dropped": lambda: _drop(floor.run, rows),
            "run(None, {...}), result dropped": lambda: _drop(ours.run, rows),
            "onnxruntime, result dropped": lambda: _drop(theirs.run, rows),
            "the floor": lambda: [floor.run(None, {"X": x}) for x in rows],
            "run(None, {...})": lambda: [ours.run(None, {"X": x}) for x in rows],
            "run(['label'], {...})": lambda: [ours.run(["label"], {"X": x}) for x in rows],
            "run(output_names=, input_feed=)": lambda: [ours.run(output_names=None, input_feed={"X": x}) for x in rows],
            "onnxruntime": lambda: [theirs.run(None, {"X": x}) for x in rows],
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(_ROUNDS):
            for way, call in ways.items():
                start = perf_counter_ns()
                call()
                times[way].append((perf_counter_ns() - start) / _CYCLE)
    for way, spent in times.items():
        middle = statistics.median(spent)
        least = statistics.median(times["the floor, result dropped" if "dropped" in way else "the floor"])
        print(f"{way:34} {middle / 1e3:7.3f} us {min(spent) / 1e3:7.3f} us {middle / least:6.2f} floors")


def _drop(run: Callable[..., Any], rows: list[np.ndarray]) -> None:
    for x in rows:
        run(None, {"X": x})


if __name__ == "__main__":
    main()

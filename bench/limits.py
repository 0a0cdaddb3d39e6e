"""What no runtime on this machine can beat, by class of model: `python -m bench.limits [MODEL ...]`

One row: a call from Python that makes the same outputs (bench/floor.c). Many rows: the memory that must be read and
written, as fast as memcpy goes in this process (linear, strings); products and sums, as fast as registers go with
fused ones (arithmetic); nodes visited, as fast as 16 interleaved walks visit a tree in the first-level cache (trees; an
algorithm that does not walk may pass that). All on one thread, all measured here (bench/limits.c, built with `cc`).
"""

from __future__ import annotations

import ctypes
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from bench import floor
from bench.peers import open_peer
from bench.zoo import MODELS, Entry, pick
from celeris.explain.scored import forest_of_node
from celeris.ops.ml_trees import goes
from celeris.ops.trees import LEAF
from celeris.reader import read

_ROWS, _WALKED = 10_000, 200


@dataclass(frozen=True)
class Machine:
    """What was measured: nanoseconds, and per second."""

    call: float
    copy: float  # bytes read and written, beyond the caches
    near_copy: float  # within the third-level cache
    cached_copy: float  # within the second-level cache
    operations: float
    visits: float  # nodes, in the first-level cache
    far_visits: float  # in a tree of 32 MB


@cache
def machine() -> Machine:
    """Measured once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "limits.so"
        source = str(Path(__file__).with_name("limits.c"))
        flags = ["-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        subprocess.run(["cc", *flags, source, "-o", str(path)], check=True)
        library = ctypes.CDLL(str(path))
    for name, kinds in (("copy", [ctypes.c_size_t]), ("multiply_add", []), ("visits", [ctypes.c_int])):
        function = getattr(library, name)
        function.restype, function.argtypes = ctypes.c_double, kinds
    return Machine(
        _call(), library.copy(64 << 20), library.copy(2 << 20), library.copy(128 << 10), library.multiply_add(),
        library.visits(10), library.visits(22),
    )  # fmt: skip


def _call() -> float:
    """One row of iris by a C function that only makes the outputs, in nanoseconds."""
    with tempfile.TemporaryDirectory() as folder:
        built = floor.build(folder)
        built.set(np.ones((3, 4)), np.ones(3))
        feed = {"X": np.ones((1, 4), np.float32)}
        times = []
        for _ in range(200):
            start = perf_counter_ns()
            for _ in range(100):
                built.run(None, feed)
            times.append((perf_counter_ns() - start) / 100)
    return statistics.median(times)


@dataclass(frozen=True)
class Needs:
    """What so many rows of a model need at least."""

    moved: float  # bytes
    operations: float = 0  # products and sums
    visits: float = 0  # nodes
    nodes: int = 0  # of the whole ensemble

    def nanoseconds(self) -> tuple[float, str]:
        """The longest of its needs, and which that is."""
        at = machine()
        near = self.nodes * 8 < 1 << 20  # 8 bytes a node, within the second-level cache
        copy = at.copy if self.moved > 32 << 20 else at.near_copy if self.moved > 1 << 20 else at.cached_copy
        return max(
            (self.moved / copy * 1e9, "bytes moved"),
            (self.operations / at.operations * 1e9, "arithmetic"),
            (self.visits / (at.visits if near else at.far_visits) * 1e9, "node visits"),
        )


def needs(entry: Entry, rows: int) -> Needs:
    """From the file and the rows: inputs and outputs once, operations by the sizes of matrices, visits by walking."""
    feed = entry.rows(0, rows)
    results = open_peer("celeris", entry, 1).predict(feed)
    moved = sum(map(_bytes, [*feed.values(), *results]))
    walked, nodes = _walk(entry)
    operations = _operations(entry) if MODELS[entry.name].kind == "arithmetic" else 0
    return Needs(moved, rows * operations, rows * walked, nodes)


def _bytes(value: Any) -> int:
    """With those of the strings; a list of dictionaries as one array of their numbers would be."""
    if isinstance(value, list):
        return len(value) * len(value[0]) * 4
    return value.nbytes + (sum(map(sys.getsizeof, value.ravel())) if value.dtype == object else 0)


def _operations(entry: Entry) -> float:
    """A product and a sum for each number in a constant matrix: what a row meets them with."""
    import onnx

    model = onnx.load_from_string(entry.onnx)
    total = sum(2 * int(np.prod(each.dims)) for each in model.graph.initializer if len(each.dims) == 2)
    for node in model.graph.node:
        total += sum(2 * len(a.floats) for a in node.attribute if a.name in {"coefficients", "support_vectors"})
    return total


def _walk(entry: Entry) -> tuple[float, int]:
    """The nodes that a row visits, leaves apart (mean of a few rows), and how many there are in all."""
    graph = read(entry.onnx).graph
    node = next((each for each in graph.nodes if each.op_type.startswith("TreeEnsemble")), None)
    if node is None or node.inputs[0] not in entry.feeds:
        return 0, 0
    forest = forest_of_node(node)
    x = entry.rows(0, _WALKED)[node.inputs[0]]
    rows, at = np.repeat(np.arange(len(x)), len(forest.roots)), np.tile(forest.roots, len(x))
    visited = 0
    while rows.size:
        inner = forest.mode[at] != LEAF
        rows, at = rows[inner], at[inner]
        visited += rows.size
        true = goes(forest, at, x[rows, forest.feature[at]])
        at = np.where(true, forest.true[at], forest.false[at])
    return visited / len(x), int((forest.mode != LEAF).sum())


def main() -> None:
    """The machine's figures, then a line a model."""
    print(*(f"{name}: {value:.4g}" for name, value in asdict(machine()).items()), sep="\n")
    for entry in pick(sys.argv[1:]):
        needed = needs(entry, _ROWS)
        least, which = needed.nanoseconds()
        print(f"{entry.name:20} {MODELS[entry.name].kind:12} {least / 1e3:10.1f} us at {_ROWS} rows ({which})")


if __name__ == "__main__":
    main()

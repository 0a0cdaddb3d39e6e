"""How fast and in what memory does `celeris predict` go through a large Parquet file, against pyarrow alone reading it?

`python -m bench.shell [--rows 10000000] [--rounds 3]`. Four columns of float32, a logistic regression; both are whole
processes, start to end, alternating, after one run of each that is not counted: it compiles Python's modules where they
are not (pip compiles what it installs). pyarrow alone reads the same columns batch by batch and drops them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow
from pyarrow import parquet

_COLUMNS = ("a", "b", "c", "d")
_ALONE = """
import sys
from pyarrow import parquet
opened = parquet.ParquetFile(sys.argv[1])
groups = (opened.iter_batches(1 << 17, row_groups=[g], columns=sys.argv[2:]) for g in range(opened.num_row_groups))
print(sum(batch.num_rows for batches in groups for batch in batches))
"""


def make(folder: Path, rows: int) -> tuple[Path, Path]:
    """The model and the file."""
    from sklearn.linear_model import LogisticRegression

    from celeris.conversion import convert

    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, len(_COLUMNS))).astype(np.float32)
    import pandas

    frame = pandas.DataFrame(x, columns=list(_COLUMNS))
    model = folder / "model.onnx"
    model.write_bytes(convert(LogisticRegression().fit(frame, x.sum(axis=1) > 0), frame))
    data = folder / "rows.parquet"
    schema = pyarrow.schema([(name, pyarrow.float32()) for name in _COLUMNS])
    with parquet.ParquetWriter(data, schema) as writer:
        for start in range(0, rows, 1_000_000):
            block = rng.normal(size=(min(1_000_000, rows - start), len(_COLUMNS))).astype(np.float32)
            writer.write_table(pyarrow.table(list(block.T.copy()), schema=schema))
    return model, data


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds, and the peak of resident memory in MB."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    peak = 0.0
    while process.poll() is None:  # not getrusage: what it tells of a child is at least the parent's own size
        peak = max(peak, _peak_of(process.pid))
        time.sleep(0.005)
    if process.returncode:
        raise SystemExit(f"{command}: exit status {process.returncode}")
    return time.perf_counter() - start, peak


def _peak_of(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def main() -> None:
    """One line a way: rows a second and memory; then the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, data = make(folder, arguments.rows)
        predict = [sys.executable, "-m", "celeris", "predict", str(model), str(data), "-o", str(folder / "out.parquet")]
        ways = {
            "pyarrow reads": [sys.executable, "-c", _ALONE, str(data), *_COLUMNS],
            "predict, labels": [*predict, "--output", "labels"],
            "predict, all": predict,
        }
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for turn in range(arguments.rounds + 1):
            for way, command in ways.items():
                (folder / "out.parquet").unlink(missing_ok=True)  # giving back an old file's pages takes long
                times = measure(command)
                if turn:
                    found[way].append(times)
    alone = statistics.median(seconds for seconds, _ in found["pyarrow reads"])
    fastest = min(seconds for seconds, _ in found["pyarrow reads"])
    print(f"{'':16} {'rows/s median':>14} {'best':>12} {'peak MB':>8} {'of pyarrow':>10} {'best':>6}")
    for way, times in found.items():
        median, best = statistics.median(s for s, _ in times), min(s for s, _ in times)
        print(f"{way:16} {arguments.rows / median:14,.0f} {arguments.rows / best:12,.0f} "
              f"{max(m for _, m in times):8.0f} {alone / median:10.2f} {fastest / best:6.2f}")  # fmt: skip


if __name__ == "__main__":
    main()

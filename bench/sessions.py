"""How long does another session of a small file take? `python -m bench.sessions [MODEL ...]`, against onnxruntime.

Made and dropped, in a process that has made others: the first one of a process is `bench.start`'s.
"""

from __future__ import annotations

import sys
from functools import partial

import onnxruntime

import celeris
from bench.sides import Report, alternate, session
from bench.zoo import pick

SMALL = (
    "logistic", "logistic_zipmap", "scaler_logistic", "ridge", "mlp", "svm", "knn", "gaussian_process", "pca_kmeans",
    "text", "columns", "forest_zipmap", "forest_small",
)  # fmt: skip


def main() -> None:
    """One line a model."""
    report = Report("model", "bytes")
    for entry in pick(sys.argv[1:] or list(SMALL)):
        ours, theirs = (partial(session, runtime, entry.onnx, 1) for runtime in (celeris, onnxruntime))
        report.add(entry.name, len(entry.onnx), times=alternate(ours, theirs, seconds=1.5))
    report.close()


if __name__ == "__main__":
    main()

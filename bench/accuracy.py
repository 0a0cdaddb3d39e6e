"""How far from the training library in float64? `python -m bench.accuracy [MODEL ...]`: each one's largest error."""

from __future__ import annotations

import sys

import numpy as np

from bench.sides import sessions
from bench.zoo import pick


def _last(results: list[object]) -> np.ndarray:
    last = results[-1]
    if isinstance(last, list):
        return np.array([list(row.values()) for row in last], np.float64)
    return np.asarray(last, np.float64)


def main() -> int:
    """One line a model; the exit code is 1 where Celeris is further away than onnxruntime."""
    worse = 0
    print(f"{'model':20} {'celeris':>12} {'onnxruntime':>12}")
    for entry in pick(sys.argv[1:]):
        feed = entry.rows(0, len(entry.expected))
        errors = []
        for session in sessions(entry.onnx, threads=1):
            found = _last(session.run(None, feed)).reshape(entry.expected.shape)
            errors.append(float(np.abs(found - entry.expected).max()))
        worse += errors[0] > errors[1]
        print(f"{entry.name:20} {errors[0]:12.3e} {errors[1]:12.3e}{'  worse' if errors[0] > errors[1] else ''}")
    return int(worse > 0)


if __name__ == "__main__":
    raise SystemExit(main())

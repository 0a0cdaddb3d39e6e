"""How long does one row take? `python -m bench.latency [MODEL ...]`, against onnxruntime, one thread.

Single rows cycle through different rows: repeating one flatters branch predictors.
"""

from __future__ import annotations

import sys

from bench.sides import Report, alternate, sessions
from bench.zoo import pick

_CYCLE = 100


def main() -> None:
    """One line a model."""
    report = Report("model", "rows")
    for entry in pick(sys.argv[1:]):
        ours, theirs = sessions(entry.onnx, threads=1)
        feeds = [entry.rows(i, i + 1) for i in range(_CYCLE)]
        times = alternate(
            lambda s=ours, f=feeds: [s.run(None, x) for x in f],
            lambda s=theirs, f=feeds: [s.run(None, x) for x in f],
            seconds=1.5,
        )
        report.add(entry.name, 1, times=times, per=_CYCLE)
    report.close()


if __name__ == "__main__":
    main()

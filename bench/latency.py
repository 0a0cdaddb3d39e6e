"""How long does one row take? `python -m bench.latency [MODEL ...]`, against onnxruntime, one thread.

Single rows cycle through different rows: repeating one flatters branch predictors. A result is dropped when the next
comes, as a service drops it; `bench.floor` keeps them too.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

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
            partial(_run_each, ours, feeds),
            partial(_run_each, theirs, feeds),
            seconds=1.5,
        )
        report.add(entry.name, 1, times=times, per=_CYCLE)
    report.close()


def _run_each(session: Any, feeds: list[dict[str, Any]]) -> None:
    for feed in feeds:
        session.run(None, feed)


if __name__ == "__main__":
    main()

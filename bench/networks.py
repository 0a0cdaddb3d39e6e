"""Are small networks usable? `python -m bench.networks [NAME ...]`, against onnxruntime, on one thread and two.

One call of each network at a time, as its kind is called. The error is the largest difference from onnxruntime,
relative to the largest value.
"""

from __future__ import annotations

import statistics
import sys
from functools import partial
from typing import Any

import numpy as np

from bench.nets import NETWORKS
from bench.sides import alternate, sessions


def main() -> None:
    """One line a network and thread count; `ratio` is how many times longer Celeris takes."""
    words = sys.argv[1:]
    print(f"{'network':20} threads {'theirs ms':>10} {'celeris ms':>10} {'median':>7} {'minimum':>7} {'error':>9}")
    worst = (0.0, "")
    for name, make in NETWORKS.items():
        if words and not any(word in name for word in words):
            continue
        made = make()
        if made is None:
            print(f"{name:20} its package is not installed")
            continue
        onnx, feeds = made
        for threads in (1, 2):
            ours, theirs = sessions(onnx, threads)
            wrong = error(ours.run(None, feeds), theirs.run(None, feeds))
            times = alternate(partial(ours.run, None, feeds), partial(theirs.run, None, feeds), seconds=1.5)
            mine, other = (statistics.median(t) / 1e6 for t in times)
            ratio, best = mine / other, min(times[0]) / min(times[1])
            worst = max(worst, (ratio, f"{name}, {threads} threads"))
            print(f"{name:20} {threads:7} {other:10.3f} {mine:10.3f} {ratio:7.2f} {best:7.2f} {wrong:9.1e}", flush=True)
    print(f"worst {worst[0]:.2f} ({worst[1]})")


def error(ours: list[Any], theirs: list[Any]) -> float:
    """The largest difference, relative to the largest value of an output."""
    differences = [float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) for a, b in zip(ours, theirs, strict=True)]
    return max(differences)


if __name__ == "__main__":
    main()

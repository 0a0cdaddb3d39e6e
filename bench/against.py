"""Who else is how fast? `python -m bench.against [MODEL ...] [--peers NAME,...] [--rows 1,100,10000] [--threads 1]`

Every peer that is installed and can run a model, in one process, taking turns; the rest say why not. Single rows cycle
through different ones. A ratio is the peer's median over Celeris'.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from bench.peers import PEERS, Loaded, Unable, open_peer
from bench.sides import Turns
from bench.zoo import Entry, pick

_CYCLE = 100
Faults = dict[str, str]


def opened(entry: Entry, threads: int, names: list[str]) -> tuple[dict[str, Loaded], Faults]:
    """The model in every peer's hands, and why it is not in some."""
    found: dict[str, Loaded] = {}
    faults: Faults = {}
    for name in names:
        try:
            with redirect_stdout(sys.stderr), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[name] = open_peer(name, entry, threads)
        except Unable as why:
            faults[name] = str(why)
    return found, faults


def call_of(loaded: Loaded, entry: Entry, rows: int) -> Callable[[], Any]:
    """One call on so many rows; one row is another every time."""
    if rows > 1:
        batch = loaded.prepare(entry.rows(0, rows))
        return lambda: loaded.predict(batch)
    cycle = itertools.cycle([loaded.prepare(entry.rows(i, i + 1)) for i in range(_CYCLE)])
    return lambda: loaded.predict(next(cycle))


def timed(peers: dict[str, Loaded], entry: Entry, rows: int, seconds: float) -> dict[str, list[float]]:
    """Nanoseconds a call, by peer."""
    with warnings.catch_warnings():  # of names of features, at every call
        warnings.simplefilter("ignore")
        return Turns({name: call_of(each, entry, rows) for name, each in peers.items()}, seconds).take()


def main() -> None:
    """A block of lines a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--rows", default="1,100,10000")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    names = arguments.peers.split(",")
    if unknown := set(names) - PEERS.keys():
        raise SystemExit(f"expected peers among {', '.join(PEERS)}; got {', '.join(sorted(unknown))}")
    from threadpoolctl import threadpool_limits

    for entry in pick(arguments.models):
        peers, faults = opened(entry, arguments.threads, names)
        print(f"{entry.name}, {arguments.threads} thread{'s' * (arguments.threads > 1)}")
        with threadpool_limits(arguments.threads):
            for rows in map(int, arguments.rows.split(",")):
                times = {n: statistics.median(t) for n, t in timed(peers, entry, rows, arguments.seconds).items()}
                for name, each in sorted(times.items(), key=lambda item: item[1]):
                    ratio = f"{each / times['celeris']:9.2f}x" if "celeris" in times else ""
                    print(f"  {rows:7} rows  {name:22} {each / 1e3:12.2f} us {ratio}", flush=True)
        for name, why in faults.items():
            print(f"  without {name}: {why}")


if __name__ == "__main__":
    main()

"""How long do many rows take? `python -m bench.throughput [MODEL ...]`, against onnxruntime, on 1 and 2 threads.

With `--rows N,N,...` other numbers of rows than 100, 1,000, 10,000 and 100,000; with `--threads N,N` other threads.
"""

from __future__ import annotations

import argparse

from bench.sides import Report, alternate, sessions
from bench.zoo import pick


def main() -> None:
    """One line for each model, threads and rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--rows", default="100,1000,10000,100000")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    report = Report("model", "threads", "rows")
    for entry in pick(arguments.models):
        for threads in map(int, arguments.threads.split(",")):
            ours, theirs = sessions(entry.onnx, threads)
            for rows in map(int, arguments.rows.split(",")):
                feed = entry.rows(0, rows)
                times = alternate(
                    lambda s=ours, f=feed: s.run(None, f), lambda s=theirs, f=feed: s.run(None, f), arguments.seconds
                )
                report.add(entry.name, threads, rows, times=times)
    report.close()


if __name__ == "__main__":
    main()

"""Is any converted model slower than in onnxruntime? `python -m bench.converters [WORDS ...] [--rows 1,100,10000]`.

Every file that `tests.converters` makes by skl2onnx, onnxmltools and CatBoost, on one thread; ratios of medians, and in
the end those below 1.5. With --open, the files of one table, as if converted for [None, None]. CELERIS_CASE_COLUMNS=100
in the environment: the same of tables of 100 columns, where there are 5.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial
from typing import Any

import numpy as np
from tests.converters.conversion import convert, feeds, left_open, quiet
from tests.converters.data import table
from tests.converters.families import CASES

from bench.sides import alternate, sessions


def repeated(feed: dict[str, Any], rows: int) -> dict[str, Any]:
    """So many rows, from the first on and over again."""
    return {
        name: np.ascontiguousarray(np.take(values, range(rows), axis=0, mode="wrap")) for name, values in feed.items()
    }


def main() -> None:
    """A line a file: the ratio at each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--rows", default="1,100,10000")
    parser.add_argument("--open", action="store_true", help="widths left open")
    parser.add_argument("--seconds", type=float, default=0.02)
    asked = parser.parse_args()
    counts = [int(rows) for rows in asked.rows.split(",")]
    cells: list[tuple[float, str]] = []
    print(*(f"{rows:>8,}" for rows in counts), " rows")
    for case in CASES:
        if not all(word in case.name for word in asked.words):
            continue
        for element in case.elements:
            name = f"{case.name} ({element})"
            try:
                model = convert(case, element)
                if asked.open:
                    model = left_open(model)
                    if model is None:
                        continue
                ours, theirs = sessions(model, threads=1)
                with quiet():
                    given = feeds(case, element, theirs, table(case.data).rows)
                ratios = []
                for rows in counts:
                    feed = repeated(given, rows)
                    calls = [partial(side.run, None, feed) for side in (ours, theirs)]
                    mine, other = map(statistics.median, alternate(*calls, asked.seconds))
                    ratios.append(other / mine)
                    cells.append(
                        (other / mine, f"{rows:7,} rows, {mine / 1e3:9.1f} us against {other / 1e3:9.1f}: {name}")
                    )
                print(*(f"{ratio:8.2f}" for ratio in ratios), f" {name}", flush=True)
            except Exception as problem:  # a converter or onnxruntime refuses
                print(f"  {type(problem).__name__}: {name}", flush=True)
    print("\nbelow 1.5:")
    for ratio, what in sorted(cell for cell in cells if cell[0] < 1.5):
        print(f"{ratio:8.2f} {what}")
    mean = statistics.geometric_mean([ratio for ratio, _ in cells])
    print(f"worst {min(cells)[0]:.2f}x, geometric mean {mean:.1f}x over {len(cells)} cells")


if __name__ == "__main__":
    main()

"""Everything at once: `python -m bench.report [--quick] [MODEL ...]` writes bench/report.md and bench/report/*.png.

All models against onnxruntime, all peers that are installed, more and deeper trees, cores, limits, start and load: some
20 minutes, or 2 with --quick; more where models must be trained and compiled first, which are kept (bench/zoo.py,
bench/peers/compiled.py). `--redraw` measures nothing: it writes page and pictures again from bench/report/results.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from bench.reporting.collect import Collector, Results
from bench.reporting.plots import draw
from bench.reporting.text import write

_PAGE = Path(__file__).parent / "report.md"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="only these")
    parser.add_argument("--quick", action="store_true", help="few models, few rows, short")
    parser.add_argument("--threads", type=int, default=1, help="of the comparison with all peers (default: 1)")
    parser.add_argument("--page", type=Path, default=_PAGE, help="where to write (default: bench/report.md)")
    parser.add_argument("--redraw", action="store_true", help="measure nothing, write again")
    given = parser.parse_args(arguments)
    folder = given.page.with_name("report")
    kept = folder / "results.json"
    if given.redraw:
        results = Results(**json.loads(kept.read_text()))
    else:
        results = Collector(given.models, quick=given.quick, threads=given.threads).run()
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(asdict(results), indent=1) + "\n")
    given.page.write_text(write(results, draw(results, folder)))
    print(f"{given.page} and {folder}")


if __name__ == "__main__":
    main()

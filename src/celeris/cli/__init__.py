"""The command `celeris`. This page is the list of its commands; each has a module of its own."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from importlib import import_module

from celeris.cli.errors import UsageError, one_line

COMMANDS = {
    "demo": "A few seconds' tour: a model that comes with Celeris, from file to labels and probabilities",
    "show": "Show what a model is and how Celeris runs it",
    "predict": "Predict from CSV, Parquet, Arrow or JSON lines files with a model",
    "explain": "Explain a model's scores: what each feature adds to them",
    "validate": "Validate a model file: does it answer as the trained model did?",
    "lint": "Look at a model file alone: what may change answers, and what costs time",
    "profile": "Profile a model on data: time per step, as a table, a picture, and a Chrome trace",
    "bench": "Measure a model: latency of one row, throughput by rows and threads, if asked beside onnxruntime",
}  # in the order in which --help lists them


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code: the command's, or 2 with one line on stderr where the input is at fault."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)  # modules are most of what a command makes: looked through again and again else
    try:
        return _run(arguments)
    finally:
        gc.set_threshold(*before)


def _run(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="celeris",
        description="Run trained models stored as ONNX files.",
        epilog="celeris COMMAND --help tells more.",
    )
    from celeris import __version__

    parser.add_argument("--version", action="version", version=f"celeris {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    given = sys.argv[1:] if arguments is None else list(arguments)
    chosen = next((each for each in given if not each.startswith("-")), None)
    for name, line in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line if line.endswith("?") else f"{line}.")
        if name == chosen:  # the others are not imported: a command starts sooner without them
            module = import_module(f"celeris.cli.{name}")
            module.add_arguments(command)
    parsed = parser.parse_args(given)
    try:
        code = module.run(parsed)
    except BrokenPipeError:
        sys.stderr.close()  # the reader left; nothing is wrong here
        return 0
    except (UsageError, OSError) as error:
        print(f"celeris {parsed.command}: {one_line(error)}", file=sys.stderr)
        return 2
    except Exception as error:
        from celeris.errors import EXCEPTIONS

        if not isinstance(error, EXCEPTIONS):
            raise
        print(f"celeris {parsed.command}: {one_line(error)}", file=sys.stderr)
        return 2
    return code or 0

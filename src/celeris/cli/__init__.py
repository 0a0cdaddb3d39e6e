"""The command `celeris`. This page is the list of its commands; each has a module of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from celeris.cli import bench, demo, explain, lint, predict, profile, show, validate
from celeris.cli.errors import UsageError

COMMANDS = {
    "demo": demo,
    "show": show,
    "predict": predict,
    "explain": explain,
    "validate": validate,
    "lint": lint,
    "profile": profile,
    "bench": bench,
}  # in the order in which --help lists them


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code: the command's, or 2 with one line on stderr where the input is at fault."""
    parser = argparse.ArgumentParser(
        prog="celeris",
        description="Run trained models stored as ONNX files.",
        epilog="celeris COMMAND --help tells more.",
    )
    from celeris import __version__

    parser.add_argument("--version", action="version", version=f"celeris {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        first_line = (module.__doc__ or "").splitlines()[0]
        module.add_arguments(commands.add_parser(name, help=first_line, description=first_line))
    parsed = parser.parse_args(arguments)
    try:
        code = COMMANDS[parsed.command].run(parsed)
    except BrokenPipeError:
        sys.stderr.close()  # the reader left; nothing is wrong here
        return 0
    except (UsageError, OSError) as error:
        print(f"celeris {parsed.command}: {_one_line(error)}", file=sys.stderr)
        return 2
    except Exception as error:
        from celeris.errors import EXCEPTIONS

        if not isinstance(error, EXCEPTIONS):
            raise
        print(f"celeris {parsed.command}: {_one_line(error)}", file=sys.stderr)
        return 2
    return code or 0


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

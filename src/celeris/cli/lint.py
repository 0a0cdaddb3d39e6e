"""Look at a model file alone: what may change answers, and what costs time.

Exit code 1 where it finds an error, 0 otherwise.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from celeris.cli.errors import UsageError
from celeris.reader import ReadError
from celeris.validation import lint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL [--json]."""
    parser.epilog = "example: celeris lint model.onnx"
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("--json", action="store_true", help="findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """A paragraph for each finding."""
    try:
        found = lint(arguments.model)
    except (ReadError, ValueError) as problem:
        raise UsageError(f"{arguments.model}: {problem}") from None
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            print(f"{finding.severity}: {finding.where} [{finding.rule}]\n  {finding.text}\n  fix: {finding.fix}")
        counts = {kind: sum(f.severity == kind for f in found) for kind in ("error", "warning", "note")}
        print(", ".join(f"{count} {kind}{'s' * (count != 1)}" for kind, count in counts.items()))
    return int(any(finding.severity == "error" for finding in found))

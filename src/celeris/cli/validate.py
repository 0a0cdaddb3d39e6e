"""Validate a model file: does it answer as the trained model did?

Exit code 0 where all rows agree within the tolerance, 1 where not, 2 where files are at fault.
"""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from celeris.cli.errors import UsageError
from celeris.cli.predict import open_model
from celeris.cli.tables import read_table, whole
from celeris.validation import validate
from celeris.validation.report import ENDINGS

_LABELS = ("label", "labels", "prediction", "predicted", "output_label")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL --data FILE --against FILE [--tolerance T] [--report FILE ...]."""
    parser.epilog = "example: celeris validate model.onnx --data rows.csv --against answers.csv"
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("--data", required=True, metavar="FILE", help="rows: a CSV, Parquet, Arrow or JSON lines file")
    parser.add_argument("--against", required=True, metavar="FILE", help="the trained estimator (.skops, or a pickle "
                        "with --unsafe-pickle), or a table of its predictions: a column of labels, and a column of "
                        "scores for each class, called like it or in their order")  # fmt: skip
    parser.add_argument("--label", metavar="COLUMN", help="the labels' column in a table of predictions (default: one "
                        "called label or prediction, or the one that is not of reals)")  # fmt: skip
    parser.add_argument("--tolerance", type=float, default=1e-5, help="the largest relative difference that passes "
                        "(default: 1e-5)")  # fmt: skip
    parser.add_argument("--report", action="append", default=[], metavar="FILE", help="write the report as .html, "
                        ".json, .txt, .png or .svg; may be given several times")  # fmt: skip
    parser.add_argument("--trust", action="append", default=[], metavar="TYPE", help="a type to trust in a .skops file "
                        "beyond those that skops knows; may be given several times")  # fmt: skip
    parser.add_argument("--unsafe-pickle", action="store_true", help="read --against as a pickle: loading one runs "
                        "whatever code its writer put in, so only for files you made yourself")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """The report as text; the exit code."""
    for path in arguments.report:
        if Path(path).suffix.lower() not in ENDINGS:
            raise UsageError(f"{path}: expected a name that ends in {', '.join(ENDINGS)}")
    X = read_table(arguments.data)
    predictor = open_model(arguments.model)
    against = _against(arguments, predictor.classes)
    try:
        report = validate(predictor, X, against, tolerance=arguments.tolerance)
        report.subject = f"{Path(arguments.model).name} against {Path(arguments.against).name}"
        for path in arguments.report:
            whole(path, report.save)
    except (ValueError, ImportError) as problem:
        raise UsageError(str(problem)) from None
    print(report.text())
    return 0 if report.passed else 1


def _against(arguments: argparse.Namespace, classes: np.ndarray | None) -> Any:
    path = arguments.against
    if Path(path).suffix.lower() == ".skops":
        return _from_skops(path, arguments.trust)
    if arguments.unsafe_pickle:
        with open(path, "rb") as file:
            return pickle.load(file)
    if Path(path).suffix.lower() in (".pkl", ".pickle", ".joblib"):
        raise UsageError(
            f"{path}: expected a .skops file or a table of predictions, got a pickle, which runs its writer's code "
            "when loaded; if you made it yourself, add --unsafe-pickle; better: skops.io.dump(estimator, 'model.skops')"
        )
    return predictions(read_table(path), arguments.label, path, [] if classes is None else classes.tolist())


def _from_skops(path: str, trusted: list[str]) -> Any:
    try:
        from skops import io
    except ImportError:
        raise UsageError(f"{path}: expected skops to be installed; pip install 'celeris[validate]'") from None
    unknown = sorted(set(io.get_untrusted_types(file=path)) - set(trusted))
    if unknown:
        flags = " ".join(f"--trust {name}" for name in unknown)
        raise UsageError(f"{path}: expected types that skops trusts, got {', '.join(unknown)}; if you do: {flags}")
    return io.load(path, trusted=trusted)


def predictions(table: Any, label: str | None, where: str, classes: list[Any]) -> dict[str, np.ndarray]:
    """Labels and scores from a table's columns; those of scores by the classes' names where they have them."""
    from pyarrow import types

    names = table.column_names
    if label is not None and label not in names:
        raise UsageError(f"{where}: expected a column '{label}', got {', '.join(names)}")
    reals = [n for n in names if types.is_floating(table.schema.field(n).type) and n != label]
    others = [n for n in names if n not in reals]
    called = [[n for n in reals if n == str(each) or n.endswith(f".{each}")] for each in classes]
    if called and all(len(found) == 1 for found in called) and len(called) == len(reals):
        reals = [name for [name] in called]
    found = label or next((n for n in others if n.lower() in _LABELS), others[0] if others else None)
    made: dict[str, np.ndarray] = {}
    if found is not None:
        made["labels"] = np.array(table[found].to_pylist())
    if reals:
        made["scores"] = np.column_stack([table[n].to_numpy() for n in reals]).astype(np.float64)
    return made

"""Explain a model's scores: what each feature adds to them.

Exact Shapley values (TreeSHAP) for tree ensembles, coefficient times value for linear models; a table of mean
influence, and if asked a file with a line a row, and a picture.
"""

from __future__ import annotations

import argparse

import numpy as np

from celeris.cli import pictures
from celeris.cli.errors import UsageError
from celeris.cli.table import table
from celeris.cli.tables import read_table, whole, write_table
from celeris.explain import Explainer, Explanation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL DATA [--background FILE] [-o OUT] [--plot FILE --kind KIND --row N --class NAME]."""
    parser.epilog = "example: celeris explain model.onnx rows.csv --plot influence.png"
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("data", help="rows to explain: a CSV, Parquet, Arrow or JSON lines file")
    parser.add_argument("--background", metavar="FILE", help="rows like those of the training, where the model file "
                        "does not tell how many of them came to each node")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write a line of contributions for each row")
    parser.add_argument("--plot", metavar="FILE", help="a picture, .png or .svg")
    parser.add_argument("--kind", choices=("bar", "waterfall", "beeswarm"), default="bar", help="which one: the mean "
                        "influence of features, the way to one row's score, or all rows (default: bar)")  # fmt: skip
    parser.add_argument("--row", type=int, default=0, help="which row a waterfall shows (default: 0)")
    parser.add_argument("--class", dest="output_name", metavar="NAME", help="which class or target to look at")
    parser.add_argument("--node", help="which node to explain, where the model has several")
    parser.add_argument("--top", type=int, default=12, help="how many features to show (default: 12)")


def run(arguments: argparse.Namespace) -> None:
    """A table of features; files where asked for."""
    pictures.check_name(arguments.plot)
    background = None if arguments.background is None else read_table(arguments.background)
    try:
        explainer = Explainer(arguments.model, background, node=arguments.node)
        explanation = explainer(read_table(arguments.data))
        shown = explanation if arguments.output_name is None else explanation.output(arguments.output_name)
        if arguments.plot is not None:
            _plot(arguments, shown)
    except (ValueError, ImportError) as problem:
        raise UsageError(str(problem)) from None
    if arguments.output is not None:
        write_table(arguments.output, shown.columns())
    print(summary(shown, arguments.top))


def summary(explanation: Explanation, top: int) -> str:
    """Rows, base, and the features that move the score most, with the direction in which they do."""
    base = np.ravel(explanation.base)
    names = explanation.outputs or ["score"]
    bases = ", ".join(f"{name} {value:.4g}" for name, value in zip(names, base, strict=True))
    sizes = explanation.importance()
    total = sum(size for _, size in sizes) or 1.0
    rows = [(name, f"{size:.4g}", f"{100 * size / total:.1f}%", "#" * round(40 * size / (sizes[0][1] or 1)))
            for name, size in sizes[:top]]  # fmt: skip
    text = table(["feature", "mean |contribution|", "share", ""], rows, right=(1, 2))
    more = f"\n... and {len(sizes) - top} more features" if len(sizes) > top else ""
    return f"{len(explanation.values):,} rows; base: {bases}\n\n{text}{more}"


def _plot(arguments: argparse.Namespace, explanation: Explanation) -> None:
    from celeris.explain import plots

    if arguments.kind == "bar":
        figure = plots.bar(explanation, arguments.top)
    elif arguments.kind == "waterfall":
        figure = plots.waterfall(explanation, arguments.row, top=arguments.top)
    else:
        figure = plots.beeswarm(explanation, top=arguments.top)
    whole(arguments.plot, lambda name: plots.save(figure, name))

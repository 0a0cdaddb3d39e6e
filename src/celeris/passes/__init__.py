"""Rewrites that leave a model's answers as they are and make them cheaper. This page is their order.

A pass is a generator: it changes the model in place and yields one line for each rewrite made, so that the runner can
count, name and stop. onnxruntime's names for the same work switch a pass off too (`disabled_optimizers`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Set
from functools import cache
from importlib import import_module

from celeris.graph.graph import Model
from celeris.records import Record


class Pass(Record):
    """A row of the table. `name` is that of the function and of its module, which is imported when it first runs."""

    name: str
    alias: tuple[str, ...] = ()  # onnxruntime's names
    sought: frozenset[str] = frozenset()  # operators: in a graph without any of them the pass has nothing to do
    functions: bool = False  # it has nothing to do in a model without local functions

    def is_among(self, names: Collection[str]) -> bool:
        """Whether one of these is a name of it."""
        return self.name in names or not set(self.alias).isdisjoint(names)

    def concerns(self, model: Model, operators: Set[str]) -> bool:
        """Whether the model, in whose graph are these operators, has what the pass looks for."""
        if self.functions and not model.functions:
            return False
        return not self.sought or not self.sought.isdisjoint(operators)

    def run(self, model: Model) -> Iterator[str]:
        """A line for each rewrite made."""
        return _function(self.name)(model)


@cache
def _function(name: str) -> Callable[[Model], Iterator[str]]:
    function: Callable[[Model], Iterator[str]] = getattr(import_module(f"celeris.passes.{name}"), name)
    return function


PASSES: tuple[Pass, ...] = (
    Pass("inline_functions", (), functions=True),  # local functions' nodes are nodes like others
    Pass("fold_constants", ("ConstantFolding",)),  # what depends on no input is computed once
    Pass("keep_rows", (), frozenset(("Flatten",))),  # a table that is flattened for a while stays a table
    Pass(
        "remove_identity",
        ("EliminateIdentity", "CastElimination", "EliminateDropout", "NoopElimination"),
        frozenset(("Cast", "Dropout", "Identity", "Reshape", "Transpose")),
    ),
    Pass("find_distances", (), frozenset(("Scan",))),  # a loop over constant points is one operator
    Pass("gather_labels", (), frozenset(("ArrayFeatureExtractor",))),  # labels of neighbours stay in the row
    Pass("fill_like", (), frozenset(("ConstantOfShape",))),  # a constant in a table's shape stays in its rows
    Pass("fold_row_counts", (), frozenset(("Shape",))),  # a shape that only names the number of rows is a constant
    Pass("scatter_in_rows", (), frozenset(("ScatterElements",))),  # hashed words are counted row by row
    # normalised weights instead of normalised results
    Pass("fold_batch_norm", ("ConvBNFusion",), frozenset(("BatchNormalization",))),
    Pass("merge_duplicates", ("CommonSubexpressionElimination",)),  # the same node on the same inputs runs once
    Pass("remove_dead"),  # what no output needs is not computed
)

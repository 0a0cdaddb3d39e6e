"""Rewrites that leave a model's answers as they are and make them cheaper. This page is their order.

A pass is a generator: it changes the model in place and yields one line for each rewrite made, so that the runner can
count, name and stop. onnxruntime's names for the same work switch a pass off too (`disabled_optimizers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from celeris.graph.graph import Model
from celeris.passes.fill_like import fill_like
from celeris.passes.find_distances import find_distances
from celeris.passes.fold_batch_norm import fold_batch_norm
from celeris.passes.fold_constants import fold_constants
from celeris.passes.gather_labels import gather_labels
from celeris.passes.merge_duplicates import merge_duplicates
from celeris.passes.remove_dead import remove_dead
from celeris.passes.remove_identity import remove_identity
from celeris.records import Record


class Pass(Record):
    """A row of the table."""

    run: Callable[[Model], Iterator[str]]
    alias: tuple[str, ...]  # onnxruntime's names

    @property
    def name(self) -> str:
        return self.run.__name__


PASSES: tuple[Pass, ...] = (
    Pass(fold_constants, ("ConstantFolding",)),  # what depends on no input is computed once
    Pass(remove_identity, ("EliminateIdentity", "CastElimination", "EliminateDropout", "NoopElimination")),
    Pass(find_distances, ()),  # a loop over constant points is one operator
    Pass(gather_labels, ()),  # labels of neighbours stay in the row
    Pass(fill_like, ()),  # a constant in a table's shape stays in its rows
    Pass(fold_batch_norm, ("ConvBNFusion",)),  # normalised weights instead of normalised results
    Pass(merge_duplicates, ("CommonSubexpressionElimination",)),  # the same node on the same inputs runs once
    Pass(remove_dead, ()),  # what no output needs is not computed
)

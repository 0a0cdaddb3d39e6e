"""What makes a model legal, in onnxruntime's words."""

from __future__ import annotations

from celeris.graph import edit
from celeris.graph.graph import Model


class GraphError(Exception):
    """An illegal model: `code` is onnxruntime's status, such as INVALID_GRAPH; `text` says what is wrong."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def check(model: Model) -> None:
    """Brings the nodes into topological order; GraphError where the model is not legal."""
    if not edit.sort_nodes(model.graph):
        raise GraphError("FAIL", "This is an invalid model. Error: the graph is not acyclic.")

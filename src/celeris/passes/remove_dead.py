"""remove_dead: nodes and constants that no output needs go."""

from __future__ import annotations

from collections.abc import Iterator

from celeris.graph import edit
from celeris.graph.graph import Model


def remove_dead(model: Model) -> Iterator[str]:
    """In subgraphs too. Graph inputs stay: the caller must feed them all the same."""
    dropped = edit.prune(model.graph)
    yield from (f"{dropped} nodes and constants",) if dropped else ()

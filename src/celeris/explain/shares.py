"""Which share of rows goes either way at each node: what a feature outside the coalition does.

Shares come from the rows that a file counts in `nodes_hitrates` (see covers.py), or from background rows.
"""

from __future__ import annotations

import numpy as np

from celeris.ops.ml_trees import goes
from celeris.ops.trees import LEAF, Forest

_CELLS = 1 << 20  # rows times trees that walk at once
_TOLERANCE = 1e-3  # of shares that should add up to 1; trainers keep float32 sums


def shares_of_hits(forest: Forest, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Shares (true, false) of each node; None where `hits` are not those of trees: converters write 1 everywhere.

    A node that several nodes lead to has its hits from each of them alike.
    """
    inner = forest.mode != LEAF
    if len(hits) != len(forest.mode) or not np.isfinite(hits).all() or (hits < 0).any():
        return None
    parents = np.bincount(forest.true[inner], minlength=len(hits))
    parents += np.bincount(forest.false[inner], minlength=len(hits))
    each = hits / np.maximum(parents, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        true = np.where(inner & (hits > 0), each[forest.true] / hits, 0.5)
        false = np.where(inner & (hits > 0), each[forest.false] / hits, 0.5)
    if (np.abs(true + false - 1) > _TOLERANCE).any():
        return None
    return np.minimum(true, 1.0), np.minimum(false, 1.0)


def shares_of_rows(forest: Forest, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the rows X at each node; halves where none comes."""
    seen, went = np.zeros(len(forest.mode)), np.zeros(len(forest.mode))
    step = max(1, _CELLS // max(1, len(forest.roots)))
    for start in range(0, len(X), step):
        part = X[start : start + step]
        rows = np.repeat(np.arange(len(part)), len(forest.roots))
        node = np.tile(forest.roots, len(part))
        while rows.size:
            still = forest.mode[node] != LEAF
            rows, node = rows[still], node[still]
            true = goes(forest, node, part[rows, forest.feature[node]])
            seen += np.bincount(node, minlength=len(seen))
            went += np.bincount(node[true], minlength=len(seen))
            node = np.where(true, forest.true[node], forest.false[node])
    share = np.divide(went, seen, out=np.full(len(seen), 0.5), where=seen > 0)
    return share, 1 - share

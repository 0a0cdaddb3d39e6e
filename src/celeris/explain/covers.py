"""Covers: how many training rows (or how much weight) came to each node, kept from a trainer in `nodes_hitrates`.

skl2onnx leaves them out, though TreeSHAP needs them. scikit-learn's trees are walked side by side with the file's;
boosters are converted here with their covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from celeris.explain.scored import TREES, forest_of_node
from celeris.explain.shares import shares_of_hits
from celeris.ops.trees import LEAF, Forest
from celeris.reader import read
from celeris.records import Record


class _Mismatch(Exception):
    """The file's trees are not the trainer's."""


class _Tree(Record):
    """A trainer's tree: children by position, -1 at leaves."""

    left: list[int]
    right: list[int]
    feature: list[int]
    cover: list[float]


def remember_covers(model: Any, estimator: Any) -> bool:
    """Writes covers into the one tree ensemble of an onnx.ModelProto; False where its trees are not the estimator's."""
    trees = list(_of_sklearn(_final(estimator)))
    ours = [node for node in read(model.SerializeToString()).graph.nodes if node.op_type in TREES]
    nodes = [node for node in model.graph.node if node.op_type in TREES]
    if not trees or len(nodes) != 1 or len(ours) != 1 or ours[0].op_type == "TreeEnsemble":
        return False
    forest = forest_of_node(ours[0])
    if len(trees) != len(forest.roots):
        return False
    hits = np.zeros(len(forest.mode))
    try:
        for root, tree in zip(forest.roots.tolist(), trees, strict=True):
            _walk(forest, root, tree, hits)
    except _Mismatch:
        return False
    hits = hits.astype(np.float32)
    if shares_of_hits(forest, hits) is None:
        return False
    kept = [a for a in nodes[0].attribute if a.name not in ("nodes_hitrates", "nodes_hitrates_as_tensor")]
    del nodes[0].attribute[:]
    nodes[0].attribute.extend(kept)
    added = nodes[0].attribute.add(name="nodes_hitrates", type=6)  # FLOATS
    added.floats.extend(hits.tolist())
    return True


def _walk(forest: Forest, root: int, tree: _Tree, hits: np.ndarray) -> None:
    waiting = [(root, 0)]
    while waiting:
        at, theirs = waiting.pop()
        left, right = tree.left[theirs], tree.right[theirs]
        hits[at] = tree.cover[theirs]
        if (forest.mode[at] == LEAF) != (left < 0):
            raise _Mismatch
        if left < 0:
            continue
        if forest.feature[at] != tree.feature[theirs]:
            raise _Mismatch
        waiting.append((int(forest.true[at]), left))
        waiting.append((int(forest.false[at]), right))


def _final(estimator: Any) -> Any:
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    return estimator


def _of_sklearn(estimator: Any) -> Iterator[_Tree]:
    if hasattr(estimator, "_predictors"):  # HistGradientBoosting
        for predictor in (p for round_ in estimator._predictors for p in round_):
            nodes = predictor.nodes
            leaf = nodes["is_leaf"].astype(bool)
            left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)).tolist() for side in ("left", "right"))
            yield _Tree(left, right, nodes["feature_idx"].tolist(), nodes["count"].tolist())
        return
    found = [estimator] if hasattr(estimator, "tree_") else np.ravel(getattr(estimator, "estimators_", ())).tolist()
    if not all(hasattr(each, "tree_") for each in found):
        return
    for tree in (each.tree_ for each in found):
        yield _Tree(
            tree.children_left.tolist(), tree.children_right.tolist(), tree.feature.tolist(),
            tree.weighted_n_node_samples.tolist(),
        )  # fmt: skip

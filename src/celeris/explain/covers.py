"""Covers: how many training rows (or how much weight) came to each node, kept from a trainer in `nodes_hitrates`.

Converters leave them out, though TreeSHAP needs them. The trainer's trees are walked side by side with the file's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from celeris.explain.scored import TREES, forest_of_node
from celeris.explain.shares import shares_of_hits
from celeris.ops.trees import LEAF, Forest
from celeris.reader import read


class _Mismatch(Exception):
    """The file's trees are not the trainer's."""


@dataclass(slots=True)
class _Tree:
    """A trainer's tree: children by position, -1 at leaves; `categories` is how many == a node stands for."""

    left: list[int]
    right: list[int]
    feature: list[int]
    cover: list[float]
    categories: list[int]


def remember_covers(model: Any, estimator: Any) -> bool:
    """Writes covers into the one tree ensemble of an onnx.ModelProto; False where its trees are not the estimator's."""
    trees = list(_trees_of(estimator))
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
    """A node of k categories is a chain of k nodes in the file, whose true branches are copies, or one and the same."""
    waiting = [(root, 0, 1.0)]
    while waiting:
        at, theirs, part = waiting.pop()
        left, right, cover = tree.left[theirs], tree.right[theirs], tree.cover[theirs] * part
        if left < 0:
            if forest.mode[at] != LEAF:
                raise _Mismatch
            hits[at] = cover
            continue
        many = tree.categories[theirs]
        first = forest.true[at]
        for done in range(many):
            if forest.mode[at] == LEAF or forest.feature[at] != tree.feature[theirs]:
                raise _Mismatch
            hits[at] = tree.cover[right] * part + tree.cover[left] * part * (many - done) / many
            shared = many > 1 and forest.true[at] == first and done > 0
            if not shared:
                same = many > 1 and forest.true[forest.false[at]] == first
                waiting.append((int(forest.true[at]), left, part if same else part / many))
            at = int(forest.false[at])
        waiting.append((at, right, part))


def _trees_of(estimator: Any) -> Iterator[_Tree]:
    """The trees in the order in which converters write them; none for what is not known here."""
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    library = type(estimator).__module__.split(".")[0]
    if library == "lightgbm":
        yield from _of_lightgbm(getattr(estimator, "booster_", estimator))
    elif library == "xgboost":
        yield from _of_xgboost(estimator.get_booster() if hasattr(estimator, "get_booster") else estimator)
    elif library == "sklearn":
        yield from _of_sklearn(estimator)


def _of_lightgbm(booster: Any) -> Iterator[_Tree]:
    for info in booster.dump_model()["tree_info"]:
        tree = _Tree([], [], [], [], [])
        waiting: list[tuple[dict[str, Any], list[int] | None, int]] = [(info["tree_structure"], None, 0)]
        while waiting:
            node, into, at = waiting.pop()
            if into is not None:
                into[at] = len(tree.left)
            here = len(tree.left)
            leaf = "split_feature" not in node
            tree.left.append(-1)
            tree.right.append(-1)
            tree.feature.append(-1 if leaf else int(node["split_feature"]))
            tree.cover.append(float(node.get("leaf_count" if leaf else "internal_count", 0)))
            tree.categories.append(1 if leaf else str(node["threshold"]).count("||") + 1)
            if not leaf:
                waiting.append((node["left_child"], tree.left, here))
                waiting.append((node["right_child"], tree.right, here))
        yield tree


def _of_xgboost(booster: Any) -> Iterator[_Tree]:
    names = {name: at for at, name in enumerate(booster.feature_names or ())}
    for text in booster.get_dump(with_stats=True, dump_format="json"):
        tree = _Tree([], [], [], [], [])
        waiting: list[tuple[dict[str, Any], list[int] | None, int]] = [(json.loads(text), None, 0)]
        while waiting:
            node, into, at = waiting.pop()
            if into is not None:
                into[at] = len(tree.left)
            here = len(tree.left)
            split = str(node.get("split", "f-1"))
            tree.left.append(-1)
            tree.right.append(-1)
            tree.feature.append(names[split] if split in names else int(split[1:]))
            tree.cover.append(float(node["cover"]))
            condition = node.get("split_condition")
            tree.categories.append(len(condition) if isinstance(condition, list) else 1)
            for child in node.get("children", ()):
                waiting.append((child, tree.left if child["nodeid"] == node["yes"] else tree.right, here))
        yield tree


def _of_sklearn(estimator: Any) -> Iterator[_Tree]:
    if hasattr(estimator, "_predictors"):  # HistGradientBoosting
        for predictor in (p for round_ in estimator._predictors for p in round_):
            nodes = predictor.nodes
            leaf = nodes["is_leaf"].astype(bool)
            left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)).tolist() for side in ("left", "right"))
            yield _Tree(left, right, nodes["feature_idx"].tolist(), nodes["count"].tolist(), [1] * len(nodes))
        return
    found = [estimator] if hasattr(estimator, "tree_") else np.ravel(getattr(estimator, "estimators_", ())).tolist()
    if not all(hasattr(each, "tree_") for each in found):
        return
    for tree in (each.tree_ for each in found):
        yield _Tree(
            tree.children_left.tolist(), tree.children_right.tolist(), tree.feature.tolist(),
            tree.weighted_n_node_samples.tolist(), [1] * tree.node_count,
        )  # fmt: skip

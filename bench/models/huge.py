"""A forest of 3 million nodes, written array by array: skl2onnx would take minutes and many gigabytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.models.made import ROWS, Made

_TREES, _ROWS, _FEATURES = 50, 30_000, 20


def forest_huge() -> Made:
    """Trained on noise, so that every row has a leaf of its own: 50 trees of 60,000 nodes."""
    from sklearn.ensemble import ExtraTreesRegressor

    rng = np.random.default_rng(0)
    x = rng.normal(size=(_ROWS, _FEATURES)).astype(np.float32)
    y = rng.normal(size=_ROWS)
    model = ExtraTreesRegressor(_TREES, max_features=1, random_state=0, n_jobs=2).fit(x, y)
    return Made(_file([each.tree_ for each in model.estimators_]), {"X": x[:ROWS]}, model.predict(x[:ROWS]), model)


def _file(trees: list[Any]) -> bytes:
    from onnx import TensorProto, helper

    sizes = [tree.node_count for tree in trees]
    ids = np.concatenate([np.arange(size) for size in sizes])
    at = np.repeat(np.arange(len(trees)), sizes)
    left, right, feature, threshold = (
        np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("children_left", "children_right", "feature", "threshold")
    )
    leaf = left < 0
    value = np.concatenate([tree.value[:, 0, 0] for tree in trees])[leaf] / len(trees)
    split = threshold.astype(np.float32)
    # the largest float32 that is not above: x <= it is x <= threshold for every float32 x
    split = np.where(split > threshold, np.nextafter(split, np.float32(-np.inf)), split)
    node = helper.make_node(
        "TreeEnsembleRegressor", ["X"], ["Y"], domain="ai.onnx.ml", n_targets=1, post_transform="NONE",
        nodes_treeids=at.tolist(), nodes_nodeids=ids.tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_featureids=np.where(leaf, 0, feature).tolist(), nodes_values=np.where(leaf, 0, split).tolist(),
        nodes_truenodeids=np.where(leaf, 0, left).tolist(), nodes_falsenodeids=np.where(leaf, 0, right).tolist(),
        target_treeids=at[leaf].tolist(), target_nodeids=ids[leaf].tolist(), target_ids=[0] * int(leaf.sum()),
        target_weights=value.tolist(),
    )  # fmt: skip
    graph = helper.make_graph(
        [node], "huge",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, _FEATURES])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 1])],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())

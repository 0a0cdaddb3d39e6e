"""Boosted trees over categories: as chains of BRANCH_EQ, and as sets of TreeEnsemble-5."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.models.made import ROWS, Made, lightgbm

_CATEGORICAL, _NUMBERS, _CATEGORIES = 10, 10, 30


def _table() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, _CATEGORIES, (ROWS, _CATEGORICAL))
    numbers = rng.normal(size=(ROWS, _NUMBERS))
    effects = rng.normal(size=(_CATEGORICAL, _CATEGORIES))
    score = effects[np.arange(_CATEGORICAL), codes].sum(axis=1) + numbers[:, :3].sum(axis=1)
    y = (score + rng.normal(size=ROWS) > 0).astype(np.int64)
    return np.column_stack([codes, numbers]).astype(np.float32), y


def lightgbm_categorical() -> Made:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_estimators=100, num_leaves=31, verbose=-1, n_jobs=1)
    return lightgbm(model, *_table(), categorical_feature=list(range(_CATEGORICAL)))


def sets() -> Made:
    """The same trees as TreeEnsemble-5 with set members; its answer is the score before the sigmoid."""
    from lightgbm import LGBMClassifier

    x, y = _table()
    model = LGBMClassifier(n_estimators=100, num_leaves=31, verbose=-1, n_jobs=1)
    model.fit(x, y, categorical_feature=list(range(_CATEGORICAL)))
    onnx = _Ensemble(model.booster_.dump_model()).model(x.shape[1])
    return Made(onnx, {"X": x}, np.asarray(model.predict(x, raw_score=True)))


class _Ensemble:
    """The arrays of TreeEnsemble-5 (branches and leaves apart, roots by index), filled tree by tree."""

    def __init__(self, dump: dict[str, Any]) -> None:
        self._nodes: dict[str, list[Any]] = {
            name: []
            for name in ("feature", "mode", "value", "true", "true_is_leaf", "false", "false_is_leaf", "missing")
        }
        self._roots: list[int] = []
        self._leaves: list[float] = []
        self._members: list[float] = []
        for tree in dump["tree_info"]:
            self._roots.append(len(self._nodes["mode"]))
            self._branch(tree["tree_structure"])

    def _branch(self, node: dict[str, Any]) -> int:
        at = len(self._nodes["mode"])
        of_set = node["decision_type"] == "=="
        for name, value in {
            "feature": node["split_feature"],
            "mode": 6 if of_set else 0,  # BRANCH_MEMBER, BRANCH_LEQ
            "value": 0.0 if of_set else _below(node["threshold"]),
            "missing": int(not of_set and node["default_left"]),
        }.items():
            self._nodes[name].append(value)
        for side in ("true", "false"):
            self._nodes[side].append(0)
            self._nodes[f"{side}_is_leaf"].append(0)
        if of_set:
            self._members += [*map(float, node["threshold"].split("||")), float("nan")]
        for side, child in (("true", node["left_child"]), ("false", node["right_child"])):
            leaf = "leaf_value" in child
            self._nodes[f"{side}_is_leaf"][at] = int(leaf)
            if leaf:
                self._leaves.append(child["leaf_value"])
            self._nodes[side][at] = len(self._leaves) - 1 if leaf else self._branch(child)
        return at

    def model(self, features: int) -> bytes:
        from onnx import TensorProto, helper, numpy_helper

        nodes = self._nodes
        node = helper.make_node(
            "TreeEnsemble", ["X"], ["Y"], domain="ai.onnx.ml", n_targets=1, aggregate_function=1, post_transform=0,
            tree_roots=self._roots, nodes_featureids=nodes["feature"],
            nodes_modes=numpy_helper.from_array(np.array(nodes["mode"], np.uint8)),
            nodes_splits=numpy_helper.from_array(np.array(nodes["value"], np.float32)),
            nodes_truenodeids=nodes["true"], nodes_trueleafs=nodes["true_is_leaf"],
            nodes_falsenodeids=nodes["false"], nodes_falseleafs=nodes["false_is_leaf"],
            nodes_missing_value_tracks_true=nodes["missing"], leaf_targetids=[0] * len(self._leaves),
            leaf_weights=numpy_helper.from_array(np.array(self._leaves, np.float32)),
            membership_values=numpy_helper.from_array(np.array(self._members, np.float32)),
        )  # fmt: skip
        graph = helper.make_graph(
            [node], "sets",
            [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, features])],
            [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 1])],
        )  # fmt: skip
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


def _below(threshold: float) -> np.float32:
    """The largest float32 that is not above: x <= it is x <= threshold for every float32 x."""
    value = np.float32(threshold)
    return value if value <= threshold else np.nextafter(value, np.float32(-np.inf))

"""Attributes of ai.onnx.ml that contradict one another, or point outside, are refused when the model is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto as T

import celeris
from celeris.capi.onnxruntime_pybind11_state import Fail
from celeris.graph.graph import Attribute
from celeris.ops.ml_trees import classifier_forest
from celeris.ops.trees import forest_of
from tests.api_models import tensor
from tests.graph.faults import ML, node, one

_TREE = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_featureids": [3, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_values": [0.5, 0.0, 0.0],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
}
_CLASSES = {
    "class_treeids": [0, 0],
    "class_nodeids": [1, 2],
    "class_ids": [0, 1],
    "class_weights": [1.0, 1.0],
    "classlabels_int64s": [0, 1],
}
_TARGETS = {"target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [1.0, 2.0]}
_LEGAL: dict[str, dict[str, Any]] = {
    "TreeEnsembleClassifier": {**_TREE, **_CLASSES},
    "TreeEnsembleRegressor": {**_TREE, **_TARGETS},
    "LinearClassifier": {"coefficients": [1.0] * 8, "intercepts": [0.0, 1.0], "classlabels_ints": [4, 5]},
    "LinearRegressor": {"coefficients": [1.0] * 8, "intercepts": [0.0, 1.0], "targets": 2},
    "SVMClassifier": {
        "coefficients": [1.0, -1.0, 0.5], "support_vectors": [1.0] * 12, "vectors_per_class": [2, 1], "rho": [0.1],
        "kernel_type": "RBF", "kernel_params": [0.5, 0.0, 3.0], "classlabels_ints": [0, 1],
    },
    "SVMRegressor": {
        "coefficients": [1.0, -1.0], "support_vectors": [1.0] * 8, "n_supports": 2, "rho": [0.1],
        "kernel_type": "LINEAR",
    },
    "Scaler": {"offset": [1.0] * 4, "scale": [2.0]},
    "Normalizer": {"norm": "L2"},
    "LabelEncoder": {"keys_floats": [1.0, 2.0], "values_int64s": [3, 4]},
    "FeatureVectorizer": {"inputdimensions": [4]},
}  # fmt: skip
_OUTPUTS = {"TreeEnsembleClassifier": "l y", "LinearClassifier": "l y", "SVMClassifier": "l y"}

_FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("TreeEnsembleClassifier", {"nodes_truenodeids": [3, 0, 0]}, "name a node of its tree, got node 3"),
    ("TreeEnsembleClassifier", {"nodes_falsenodeids": [-1, 0, 0]}, "nodes_falsenodeids to name a node"),
    ("TreeEnsembleClassifier", {"nodes_truenodeids": [0, 0, 0]}, "nodes that lead back to themselves"),
    ("TreeEnsembleClassifier", {"nodes_featureids": [-1, 0, 0]}, "nodes_featureids of at least 0"),
    ("TreeEnsembleClassifier", {"nodes_featureids": [4, 0, 0]}, "nodes_featureids below 4, got 4"),
    ("TreeEnsembleClassifier", {"nodes_modes": ["BRANCH_LEQ", "LEAF", "TREE"]}, "nodes_modes among"),
    ("TreeEnsembleClassifier", {"nodes_values": [0.5, 0.0]}, "expected 3 elements in nodes_values"),
    ("TreeEnsembleClassifier", {"nodes_nodeids": [0, 1, 1]}, "each node once"),
    ("TreeEnsembleClassifier", {"class_ids": [0, 2]}, "class_ids from 0 to 1, got 2"),
    ("TreeEnsembleClassifier", {"class_nodeids": [1, 7]}, "class_nodeids to name a node"),
    ("TreeEnsembleClassifier", {"class_treeids": [0, 9]}, "class_nodeids to name a node"),
    ("TreeEnsembleClassifier", {"class_weights": [1.0]}, "expected as many class_treeids"),
    ("TreeEnsembleClassifier", {"base_values": [1.0, 2.0, 3.0]}, "expected no base_values, one, or"),
    ("TreeEnsembleClassifier", {"post_transform": "SOFT"}, "expected a post_transform of"),
    ("TreeEnsembleRegressor", {"target_ids": [0, -1]}, "target_ids from 0 to 0, got -1"),
    ("TreeEnsembleRegressor", {"target_nodeids": [1, 2**40]}, "target_nodeids to name a node"),
    ("LinearClassifier", {"coefficients": [1.0] * 7}, "expected coefficients for 2 classes or targets, got 7"),
    ("LinearClassifier", {"coefficients": [1.0] * 6}, "expected 2 x 4 coefficients, got 6"),
    ("LinearClassifier", {"classlabels_ints": [4]}, "a label for each of 2 classes, got 1"),
    ("LinearClassifier", {"post_transform": "SOFT"}, "expected a post_transform of"),
    ("LinearRegressor", {"targets": 3}, "expected coefficients for 3"),
    ("LinearRegressor", {"targets": 0}, "expected coefficients for 0"),
    ("LinearRegressor", {"intercepts": [1.0] * 3}, "an intercept for each of 2 targets, got 3"),
    ("SVMClassifier", {"vectors_per_class": [3, -1]}, "vectors_per_class of at least 0"),
    ("SVMClassifier", {"vectors_per_class": [2, 2]}, "expected 4 coefficients, got 3"),
    ("SVMClassifier", {"support_vectors": [1.0] * 11}, "expected 3 support_vectors of 4 features, got 11"),
    ("SVMClassifier", {"classlabels_ints": [0]}, "a label for each of 2 classes"),
    ("SVMClassifier", {"rho": []}, "a rho for each of 1 pairs of classes, got 0"),
    ("SVMClassifier", {"prob_a": [1.0]}, "a prob_b for each of 1 pairs of classes, got 0"),
    ("SVMClassifier", {"kernel_type": "COSINE"}, "expected a kernel_type of"),
    ("SVMClassifier", {"kernel_params": [1.0]}, "kernel_params gamma, coef0 and degree"),
    ("SVMRegressor", {"n_supports": 3}, "expected 3 coefficients, got 2"),
    ("SVMRegressor", {"support_vectors": [1.0] * 9}, "expected 2 support_vectors of 4 features, got 9"),
    ("Scaler", {"offset": [1.0] * 3}, "one offset, or one for each of 4 columns, got 3"),
    ("Normalizer", {"norm": "L3"}, "expected a norm of MAX, L1, L2, got 'L3'"),
    ("LabelEncoder", {"values_int64s": [3]}, "as many values as keys, got 1 and 2"),
    ("FeatureVectorizer", {"inputdimensions": [4, 4]}, "inputdimensions of at least 0 for 1 inputs"),
    ("FeatureVectorizer", {"inputdimensions": [-4]}, "inputdimensions of at least 0 for 1 inputs"),
]  # fmt: skip


def _model(op: str, changes: dict[str, Any] | None = None) -> bytes:
    outputs = _OUTPUTS.get(op, "y")
    made = node(op, "x", outputs, domain=ML, name="n")
    attributes = {**_LEGAL[op], **(changes or {})}
    typed = node(op, "x", outputs, domain=ML, name="n", **{k: v for k, v in attributes.items() if v != []})
    made.attribute.extend(typed.attribute)
    shown = [tensor(name, T.INT64 if name == "l" or op == "LabelEncoder" else T.FLOAT) for name in outputs.split()]
    return one(made, [tensor("x", T.FLOAT, ["N", 4])], shown, opsets={"": 17, ML: 3})


@pytest.mark.parametrize("op", _LEGAL)
def test_legal_attributes_are_accepted(op: str) -> None:
    session = celeris.InferenceSession(_model(op))
    found = session.run(None, {"x": np.ones((2, 4), np.float32)})
    assert len(found[-1]) == 2


@pytest.mark.parametrize("op, changes, fault", _FAULTS)
def test_faults_are_refused_at_load(op: str, changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(Fail) as caught:
        celeris.InferenceSession(_model(op, changes))
    assert f"FAIL : Node (n) Op ({op}) " in str(caught.value)
    assert fault in str(caught.value)


def test_the_forest_that_was_verified_is_handed_on_once() -> None:
    from celeris.graph.check import check
    from celeris.graph.infer import infer
    from celeris.reader import read

    model = read(_model("TreeEnsembleClassifier"))
    check(model)
    infer(model)
    held: dict[str, Attribute] = model.graph.nodes[0].attributes
    given = {name: attribute.value for name, attribute in held.items()}
    first, second = classifier_forest(given), classifier_forest(given)
    assert first is not second
    assert forest_of("again", given, "class", 2) is not first
    assert np.array_equal(first.feature, second.feature)

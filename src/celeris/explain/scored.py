"""The node of a model that can be explained, a tree ensemble or a linear model, in the form that explaining needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.attributes import python_value
from celeris.graph.graph import Model, Node
from celeris.ops.ml_trees import binary_case, classifier_forest, regressor_forest
from celeris.ops.trees import LEAF, Forest, forest_of_5
from celeris.records import Record

TREES = ("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor")
LINEAR = ("LinearClassifier", "LinearRegressor")
_ARRAYS = {"INTS", "FLOATS", "STRINGS", "TENSOR"}


class ExplainError(ValueError):
    """A model or its rows cannot be explained, and why."""


def explainable(model: Model) -> list[Node]:
    """The nodes of the main graph that Explainer knows."""
    return [n for n in model.graph.nodes if n.domain == "ai.onnx.ml" and n.op_type in (*TREES, *LINEAR)]


def pick(model: Model, name: str | None) -> Node:
    """The node called so, or the only one there is."""
    found = explainable(model)
    if name is not None:
        found = [node for node in found if node.name == name]
    if len(found) != 1:
        kinds = ", ".join((*TREES, *LINEAR))
        names = ", ".join(repr(node.name) for node in explainable(model))
        got = f"{names}: name one of them" if names else f"none; an Explainer knows {kinds}"
        raise ExplainError(f"model: expected one node to explain, got {got}")
    return found[0]


class Trees(Record):
    """A forest, and how its targets are shown: `shown[k]` is the forest's target of output k, of base value base[k]."""

    forest: Forest
    shown: list[int]
    base: np.ndarray  # float64 [outputs]
    names: list[str]  # of the outputs
    ids: np.ndarray  # int64 [n]: what the file calls each node


class Linear(Record):
    """Scores X.W + b: coefficients [outputs, F]."""

    coefficients: np.ndarray
    intercepts: np.ndarray
    names: list[str]


def given(node: Node) -> dict[str, Any]:
    """A node's attributes as forest_of takes them."""
    return {name: a.value if a.kind in _ARRAYS else python_value(a) for name, a in node.attributes.items()}


def forest_of_node(node: Node) -> Forest:
    """The forest of a tree ensemble's node."""
    attributes = given(node)
    if node.op_type == "TreeEnsemble":
        return forest_of_5("TreeEnsemble", attributes)
    return (classifier_forest if node.op_type == "TreeEnsembleClassifier" else regressor_forest)(attributes)


def trees_of(node: Node) -> Trees:
    """What there is to explain in a tree ensemble. Two classes that share one score are one output: the second's."""
    forest = forest_of_node(node)
    if forest.aggregate not in ("SUM", "AVERAGE"):
        raise ExplainError(f"{node.op_type}: expected trees that add up, got aggregate_function {forest.aggregate}")
    labels = _labels(node)
    shown, case = list(range(forest.targets)), binary_case(forest) if labels else "classes"
    if case in ("score", "second"):
        shown, labels = [0 if case == "score" else 1], labels[1:]
    elif case == "single":
        labels = labels[-1:]
    base = _base(forest, case)
    names = labels or ([] if forest.targets == 1 else [str(k) for k in shown])
    ids = node.attr("nodes_nodeids")
    count = len(forest.mode)
    if ids is None:  # TreeEnsemble-5: leaves are numbered from 0, after the inner nodes
        inner = len(node.attr("nodes_featureids"))
        ids = np.concatenate((np.arange(inner), np.arange(count - inner)))
    return Trees(forest, shown, base, names, np.asarray(ids, np.int64))


def ways_down(forest: Forest) -> float:
    """Edges of all paths from the roots: many more than nodes where nodes share subtrees."""
    node: np.ndarray = forest.roots
    times: np.ndarray = np.ones(len(forest.roots))
    total = 0.0
    while node.size:
        inner = forest.mode[node] != LEAF
        node, times = node[inner], times[inner]
        total += 2 * float(times.sum())
        below = np.concatenate((forest.true[node], forest.false[node]))
        node, at = np.unique(below, return_inverse=True)
        times = np.bincount(at, np.concatenate((times, times)), len(node))
    return total


def _base(forest: Forest, case: str) -> np.ndarray:
    """Base values of the outputs shown, as ops/ml_trees.py adds them."""
    given_base = forest.base
    if case == "second":
        return given_base[1:] if len(given_base) == 2 else np.zeros(1)
    if case in ("score", "single"):
        return given_base[:1] if len(given_base) else np.zeros(1)
    return np.zeros(forest.targets) + (given_base if len(given_base) else 0)


def linear_of(node: Node) -> Linear:
    """What there is to explain in a linear model."""
    labels = _labels(node)
    coefficients = np.asarray(node.attr("coefficients"), np.float64)
    intercepts = np.asarray(node.attr("intercepts", ()), np.float64).reshape(-1)
    outputs = int(node.attr("targets", 1)) if node.op_type == "LinearRegressor" else len(intercepts) or 1
    if not len(intercepts):
        intercepts = np.zeros(outputs)
    if outputs < 1 or coefficients.size % outputs:
        raise ExplainError(f"{node.op_type}: expected coefficients for {outputs} outputs, got {coefficients.size}")
    if labels and len(labels) == 2 and outputs == 1:
        labels = labels[1:]
    names = labels or ([] if outputs == 1 else [str(k) for k in range(outputs)])
    return Linear(coefficients.reshape(outputs, -1), intercepts, names)


def _labels(node: Node) -> list[str]:
    for name in ("classlabels_strings", "classlabels_int64s", "classlabels_ints"):
        found = node.attr(name)
        if found is not None and len(found):
            return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in found]
    return []

"""Why a row's answers differ, in words: the cause's name, where it is, and how to mend it."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.explain import Explainer
from celeris.explain.names import column_names, input_names
from celeris.explain.scored import ExplainError, Trees
from celeris.frames import table_of
from celeris.graph.graph import Node
from celeris.ops.ml_trees import goes
from celeris.ops.trees import LEAF
from celeris.predictor import Predictor

THRESHOLD, MISSING, CATEGORY = "float32 rounding at a threshold", "missing-value route", "unseen category"
INPUT, LABEL = "an input that float32 does not hold", "labels of another type"
SUMMATION, ENCODING = "float32 rounding of sums", "unexplained"
FIXES = {
    THRESHOLD: "convert with float64 inputs and thresholds: celeris.load(estimator, double=True), or in skl2onnx an "
    "input of DoubleTensorType; or train on values that are float32 already",
    MISSING: "the file sends NaN the false way at every node: use a converter that keeps the learned side "
    "(nodes_missing_value_tracks_true), or impute in the pipeline",
    CATEGORY: "decide what an unseen category means before conversion: OneHotEncoder(handle_unknown='ignore'), or "
    "OrdinalEncoder(handle_unknown='use_encoded_value')",
    INPUT: "convert with float64 inputs: celeris.load(estimator, double=True), or in skl2onnx an input of "
    "DoubleTensorType; or train on smaller numbers, such as the days since a date instead of its nanoseconds",
    LABEL: "compare with labels of the model's type: text with text, numbers with numbers",
    SUMMATION: "raise the tolerance to what float32 can hold (about 1e-5), or convert with float64 inputs",
    ENCODING: "look at the row: is it the same model, are columns in the same order, is text encoded alike?",
}
_SMALL = 1e-4  # what sums of many float32 leaves can be off by
_MOVED = 1e-5  # of a column's spread: more than the rounding of an input to float32 moves most columns
_NEAR = 2  # float32 spacings between a value and a threshold that a rounding can cross


class Causes:
    """Looks into rows of X for the model behind a predictor."""

    def __init__(self, predictor: Predictor, X: Any) -> None:
        self._table = table_of(X)
        self._graph = predictor._file.graph
        try:
            self._explainer: Explainer | None = Explainer(predictor)
            self._values: np.ndarray | None = self._explainer._rows(X)
        except ExplainError:
            self._explainer = self._values = None
        self._unseen = _unseen_categories(predictor, X)
        self._rounded = _rounded_inputs(predictor, X)

    def of(self, row: int, difference: float) -> tuple[str, str]:
        """(cause, where) of a row."""
        if row in self._unseen:
            return CATEGORY, self._unseen[row]
        if self._values is not None and self._explainer is not None:
            scored = self._explainer._scored
            if isinstance(scored, Trees):
                found = self._in_trees(scored, self._values[row])
                if found is not None:
                    return found
        if difference <= _SMALL:
            return SUMMATION, ""
        return (INPUT, self._rounded[row]) if row in self._rounded else (ENCODING, "")

    def _in_trees(self, trees: Trees, x: np.ndarray) -> tuple[str, str] | None:
        """The nodes on the row's way at which NaN has no route of its own, or a rounding decides."""
        forest = trees.forest
        node, tree = forest.roots.copy(), np.arange(len(forest.roots))
        routed = bool(forest.missing.any())
        best: tuple[float, str] | None = None
        while True:
            still = forest.mode[node] != LEAF
            node, tree = node[still], tree[still]
            if not node.size:
                return None if best is None else (THRESHOLD, best[1])
            value, limit = x[forest.feature[node]], forest.threshold[node]
            lost = np.isnan(value)
            if lost.any() and not routed:
                at = int(np.flatnonzero(lost)[0])
                return MISSING, self._place(trees, tree[at], node[at], value[at])
            at, distance = _nearest(value, limit)
            if distance <= _NEAR and (best is None or distance < best[0]):
                best = distance, self._place(trees, tree[at], node[at], value[at])
            node = np.where(goes(forest, node, value), forest.true[node], forest.false[node])

    def _place(self, trees: Trees, tree: int, node: int, value: float) -> str:
        feature, limit = int(trees.forest.feature[node]), trees.forest.threshold[node]
        explainer = self._explainer
        assert explainer is not None and self._values is not None
        width = self._values.shape[1]
        name = column_names(explainer._graph, explainer._node.inputs[0], width, explainer._inputs)[feature]
        if value == limit:
            return f"tree {tree}, node {trees.ids[node]}: {name} = {value:.9g}, as its threshold"
        said = [f"{each:.9g}" for each in (value, limit)]
        if said[0] == said[1]:
            said = [repr(float(each)) for each in (value, limit)]
        return f"tree {tree}, node {trees.ids[node]}: {name} = {said[0]} against {said[1]}"


def _nearest(value: np.ndarray, limit: np.ndarray) -> tuple[int, float]:
    """Where a value is nearest to its threshold, and how near, in spacings of float32."""
    with np.errstate(all="ignore"):
        distance = np.abs(value.astype(np.float64) - limit) / np.spacing(np.abs(limit).astype(np.float32))
    distance = np.where(np.isnan(distance), np.inf, distance)
    at = int(distance.argmin())
    return at, float(distance[at])


def _unseen_categories(predictor: Predictor, X: Any) -> dict[int, str]:
    """Rows that hold text which the encoder of that column does not know."""
    graph, table = predictor._file.graph, table_of(X)
    if table.names is None:
        return {}
    known = {each.name: None if each.columns is None else list(each.columns) for each in predictor._signature.inputs}
    inputs = input_names(graph, known)
    found: dict[int, str] = {}
    for node in graph.nodes:
        texts = _known_texts(node)
        [name] = column_names(graph, node.inputs[0], 1, inputs) if texts else [""]
        if name not in table.names:
            continue
        for row, text in enumerate(_listed(X, name)):
            if isinstance(text, str) and text not in texts:
                found.setdefault(row, f"column '{name}': {text!r} was not met in training")
    return found


def _rounded_inputs(predictor: Predictor, X: Any) -> dict[int, str]:
    """Rows with a number that rounding to float32 moves far, beside how far the column's numbers lie apart."""
    names, found = table_of(X).names, dict[int, str]()
    for each in predictor._signature.inputs if names is not None or isinstance(X, np.ndarray) else []:
        columns = range(X.shape[1]) if names is None else [name for name in each.columns or () if name in names]
        for column in columns if each.element == "float" else []:
            values = np.asarray(_listed(X, column) if isinstance(column, str) else X[:, column])
            if values.dtype.kind not in "iuf":
                continue
            with np.errstate(all="ignore"):
                moved = np.abs(values - values.astype(np.float32).astype(np.float64))
                far = moved > _MOVED * np.nanstd(values, dtype=np.float64)
            for row in np.flatnonzero(far):
                value = values[row].item()
                found.setdefault(int(row), f"column '{column}': {value!r} becomes {float(np.float32(value))!r}")
    return found


def _known_texts(node: Node) -> set[str]:
    if node.domain != "ai.onnx.ml" or node.op_type not in ("OneHotEncoder", "LabelEncoder"):
        return set()
    keys = node.attr("cats_strings", node.attr("keys_strings", node.attr("keys_tensor", ())))
    return {v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in keys if isinstance(v, (bytes, str))}


def _listed(X: Any, name: str) -> list[Any]:
    column = X[name]
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, method):
            return list(getattr(column, method)())
    return list(column)

"""Writes Boosted as nodes of ONNX: a tree ensemble, and what makes predictions of its sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count
from typing import Any, Protocol

import numpy as np

from celeris.conversion.boosted import LEQ, Boosted, Link, Tree
from celeris.conversion.problem import ConversionError, library
from celeris.records import replace

_ML = "ai.onnx.ml"
_POST: dict[Link, str] = {"sigmoid": "LOGISTIC", "softmax": "SOFTMAX"}
_ONE: dict[Link, str] = {"sigmoid": "Sigmoid", "exp": "Exp", "softplus": "Softplus", "softmax": "Softmax"}
OPSETS = {"": 18, _ML: 3}


class Sink(Protocol):
    """Where nodes and constants go: a graph of its own, or skl2onnx's."""

    def node(
        self, op_type: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any
    ) -> None: ...
    def constant(self, values: np.ndarray) -> str: ...
    def name(self) -> str: ...


class Graph:
    """A sink of its own."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._numbers = count()

    def node(self, op_type: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any) -> None:
        helper = library("onnx.helper")
        self.nodes.append(helper.make_node(op_type, inputs, outputs, outputs[0], domain=domain, **attributes))

    def constant(self, values: np.ndarray) -> str:
        self.constants.append(library("onnx.numpy_helper").from_array(values, self.name()))
        return str(self.constants[-1].name)

    def name(self) -> str:
        return f"value_{next(self._numbers)}"


def model(boosted: Boosted, names: list[str] | None, classes: Sequence[Any] | None, double: bool, scores: bool) -> Any:
    """An onnx.ModelProto of its own: one input X, or one a column where some hold categories."""
    onnx, graph = library("onnx"), Graph()
    number = onnx.TensorProto.DOUBLE if double else onnx.TensorProto.FLOAT
    info = onnx.helper.make_tensor_value_info
    if boosted.columns:
        if names is None:
            raise ConversionError("categories: expected names of columns, got none")
        X, inputs = _columns(boosted, names, double, graph), []
        for at, name in enumerate(names):
            text = any(isinstance(value, str) for value in boosted.columns.get(at, ()))
            inputs.append(info(name, onnx.TensorProto.STRING if text else number, [None, 1]))
    else:
        X, inputs = "X", [info("X", number, [None, boosted.features])]
    if classes is None:
        outputs = [info("variable", number, [None, boosted.targets])]
    elif boosted.several:
        width = [None, boosted.targets]
        outputs = [info("label", onnx.TensorProto.INT64, width), info("probabilities", number, width)]
    else:
        kind = onnx.TensorProto.STRING if isinstance(classes[0], str) else onnx.TensorProto.INT64
        outputs = [info("label", kind, [None]), info("probabilities", number, [None, len(classes)])]
    write(boosted, graph, X, [each.name for each in outputs], classes, double=double, scores=scores)
    made = onnx.helper.make_graph(graph.nodes, "boosted", inputs, outputs, graph.constants)
    opsets = [onnx.helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    return onnx.helper.make_model(made, opset_imports=opsets, ir_version=8, producer_name="celeris")


def _columns(boosted: Boosted, names: list[str], double: bool, sink: Sink) -> str:
    """Columns side by side, categories as their numbers; a category that training had not seen is missing."""
    parts = []
    for at, name in enumerate(names):
        known = boosted.columns.get(at)
        if known is not None:
            text = any(isinstance(value, str) for value in known)
            if text and not all(isinstance(value, str) for value in known):
                raise ConversionError(f"column '{name}': expected categories of text or of numbers, got both")
            if not text and any(float(np.float32(value)) != float(value) for value in known):
                raise ConversionError(f"column '{name}': expected categories that float32 holds, got {known[:5]}")
            if not text and double:
                name = _cast(sink, name, "FLOAT")
            made, keys = sink.name(), "keys_strings" if text else "keys_floats"
            keyed = {keys: [value if text else float(value) for value in known]}
            sink.node("LabelEncoder", [name], [made], _ML, default_float=float("nan"), **keyed,
                      values_floats=[float(k) for k in range(len(known))])  # fmt: skip
            name = _cast(sink, made, "DOUBLE") if double else made
        parts.append(name)
    joined = sink.name()
    sink.node("Concat", parts, [joined], axis=1)
    return joined


def write(
    boosted: Boosted,
    sink: Sink,
    X: str,
    outputs: list[str],
    classes: Sequence[Any] | None,
    *,
    double: bool,
    scores: bool,
) -> None:
    """The nodes from X to the outputs: [label, probabilities] where there are classes, else [prediction].

    Trainers that compare in float32 do so here too, whatever X is; where thresholds are float64, float32 inputs meet
    them rounded down, which sends every float32 the same way.
    """
    wide = double and not boosted.single
    if double and not wide:
        X = _cast(sink, X, "FLOAT")
    last = sink.name() if double else outputs[-1]
    link = boosted.link
    if scores:
        link, boosted = "identity", replace(boosted, scale=1.0)
    if boosted.weights is not None:
        X = _filled(boosted, sink, X)
    if classes is None:
        _predict(boosted, link, sink, X, last, wide)
    elif boosted.several:
        _predict(boosted, link, sink, X, last, wide)
        above, middle = sink.name(), 0.0 if scores else 0.5
        sink.node("Greater", [last, sink.constant(np.full(1, middle, np.float32))], [above])
        sink.node("Cast", [above], [outputs[0]], to=library("onnx").TensorProto.INT64)
    elif link in _POST or scores:
        _classify(boosted, _POST.get(link, "NONE"), sink, X, [outputs[0], last], classes, wide)
    else:
        _judge(boosted, link, sink, X, [outputs[0], last], classes, wide)
    if double:
        sink.node("Cast", [last], [outputs[-1]], to=library("onnx").TensorProto.DOUBLE)


def _cast(sink: Sink, value: str, kind: str) -> str:
    made = sink.name()
    sink.node("Cast", [value], [made], to=getattr(library("onnx").TensorProto, kind))
    return made


def _filled(boosted: Boosted, sink: Sink, X: str) -> str:
    """Zeros in the place of missing features."""
    for absent in {math.nan, boosted.absent}:
        made = sink.name()
        sink.node("Imputer", [X], [made], _ML, imputed_value_floats=[0.0], replaced_value_float=absent)
        X = made
    return X


def _predict(boosted: Boosted, link: Link, sink: Sink, X: str, output: str, wide: bool) -> None:
    plain = link == "identity"
    sums = output if plain else sink.name()
    if boosted.weights is not None:
        sink.node("LinearRegressor", [X], [sums], _ML, targets=boosted.targets, post_transform="NONE",
                  coefficients=np.ravel(boosted.weights).tolist(), intercepts=boosted.base)  # fmt: skip
    else:
        sink.node("TreeEnsembleRegressor", [X], [sums], _ML, n_targets=boosted.targets, post_transform="NONE",
                  **_attributes(boosted, "target", wide, False))  # fmt: skip
    if not plain:
        _link(sink, link, sums, output)


def _link(sink: Sink, link: Link, sums: str, output: str) -> None:
    if link == "square":
        size = sink.name()
        sink.node("Abs", [sums], [size])
        sink.node("Mul", [sums, size], [output])
    elif link == "step":
        above = sink.name()
        sink.node("Greater", [sums, sink.constant(np.zeros(1, np.float32))], [above])
        sink.node("Cast", [above], [output], to=library("onnx").TensorProto.FLOAT)
    else:
        sink.node(_ONE[link], [sums], [output])


def _classify(
    boosted: Boosted, post: str, sink: Sink, X: str, outputs: list[str], classes: Sequence[Any], wide: bool
) -> None:
    if boosted.targets != (1 if len(classes) == 2 else len(classes)):
        raise ConversionError(f"expected sums for {len(classes)} classes, got {boosted.targets}")
    if boosted.weights is not None:
        weights, base = np.array(boosted.weights), np.array(boosted.base)
        if boosted.targets == 1:
            weights, base = np.concatenate([-weights, weights]), np.concatenate([-base, base])
        labels = {name.replace("int64s", "ints"): values for name, values in _labels(classes).items()}
        sink.node("LinearClassifier", [X], outputs, _ML, post_transform=post, **labels,
                  coefficients=weights.ravel().tolist(), intercepts=base.tolist())  # fmt: skip
        return
    sink.node("TreeEnsembleClassifier", [X], outputs, _ML, post_transform=post, **_labels(classes),
              **_attributes(boosted, "class", wide, boosted.targets == 1))  # fmt: skip


def _labels(classes: Sequence[Any]) -> dict[str, list[Any]]:
    if all(isinstance(each, str) for each in classes):
        return {"classlabels_strings": list(classes)}
    if all(isinstance(each, (bool, int, float)) and int(each) == each for each in classes):
        return {"classlabels_int64s": [int(each) for each in classes]}
    raise ConversionError(f"expected classes of text, whole numbers or booleans, got {list(classes)[:5]}")


def _judge(
    boosted: Boosted, link: Link, sink: Sink, X: str, outputs: list[str], classes: Sequence[Any], wide: bool
) -> None:
    """Two classes of which the second is what is above a half."""
    if boosted.targets != 1 or len(classes) != 2:
        raise ConversionError(f"expected two classes of one sum, got {len(classes)} of {boosted.targets}")
    onnx = library("onnx")
    second, first, above = sink.name(), sink.name(), sink.name()
    _predict(boosted, link, sink, X, second, wide)
    sink.node("Sub", [sink.constant(np.ones(1, np.float32)), second], [first])
    sink.node("Concat", [first, second], [outputs[1]], axis=1)
    sink.node("Greater", [second, sink.constant(np.full(1, 0.5, np.float32))], [above])
    place, flat = sink.name(), sink.name()
    sink.node("Reshape", [above, sink.constant(np.array([-1], np.int64))], [flat])
    sink.node("Cast", [flat], [place], to=onnx.TensorProto.INT64)
    (labels,) = _labels(classes).values()
    known = np.array(labels, object if isinstance(labels[0], str) else np.int64)
    sink.node("Gather", [sink.constant(known), place], [outputs[0]], axis=0)


def _attributes(boosted: Boosted, prefix: str, wide: bool, shared: bool) -> dict[str, Any]:
    """Of the tree ensemble. shared: two classes have one sum."""
    trees = list(boosted.trees)
    weights = [weight for tree in trees for _, _, weight in tree.leaves]
    if not trees or (shared and min(weights, default=0.0) >= 0):
        # The operator tells two classes apart at 0.5 and not at 0 where all weights are positive: one is made not so.
        trees.append(Tree())
        trees[-1].leaf([], [(0, -1e-30)], 1.0)
    made: dict[str, Any] = {
        "nodes_treeids": [at for at, tree in enumerate(trees) for _ in tree.mode],
        "nodes_nodeids": [node for tree in trees for node in range(len(tree.mode))],
        "nodes_featureids": [v for tree in trees for v in tree.feature],
        "nodes_modes": [v for tree in trees for v in tree.mode],
        "nodes_truenodeids": [v for tree in trees for v in tree.true],
        "nodes_falsenodeids": [v for tree in trees for v in tree.false],
        "nodes_missing_value_tracks_true": [int(v) for tree in trees for v in tree.missing],
        f"{prefix}_treeids": [at for at, tree in enumerate(trees) for _ in tree.leaves],
        f"{prefix}_nodeids": [node for tree in trees for node, _, _ in tree.leaves],
        f"{prefix}_ids": [target for tree in trees for _, target, _ in tree.leaves],
    }
    values = np.array([v for tree in trees for v in tree.value], np.float64)
    if not wide and not boosted.single:
        values = np.where(np.array(made["nodes_modes"]) == LEQ, rounded_down(values), values)
    reals = {
        "nodes_values": values,
        "nodes_hitrates": np.array([v for tree in trees for v in tree.cover], np.float64),
        f"{prefix}_weights": np.array([w for tree in trees for _, _, w in tree.leaves], np.float64) * boosted.scale,
    }
    if any(boosted.base):
        reals["base_values"] = np.array(boosted.base, np.float64) * boosted.scale
    if wide:
        from_array = library("onnx.numpy_helper").from_array
        return {**made, **{f"{name}_as_tensor": from_array(values, name) for name, values in reals.items()}}
    return {**made, **{name: values.tolist() for name, values in reals.items()}}


def rounded_down(values: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above each float64: x <= value and x <= rounded are one for any float32 x."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    lower: np.ndarray = np.where(near.astype(np.float64) > values, np.nextafter(near, np.float32(-np.inf)), near)
    return lower.astype(np.float64)

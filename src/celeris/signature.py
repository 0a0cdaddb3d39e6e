"""What a model takes and gives, in the words of people with tables: columns, classes, predictions, probabilities."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Graph, Model, Node
from celeris.graph.types import Tensor
from celeris.records import Record, replace

# Keys of the model's metadata, written by `celeris.load(estimator)` and read back from the file.
COLUMNS, CLASSES, ROLES, NAN = "celeris.columns", "celeris.classes", "celeris.outputs", "celeris.nan"

# Operators that do something sensible with NaN. An input from which none can be reached has no route for it.
_NAN_ROUTES = {"TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor", "Imputer", "IsNaN", "LabelEncoder"}
_CLASSIFIERS = {"TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier"}
_NATIVE = {"float", "double", "int64", "int32", "bool", "string"}


class Input(Record, frozen=True):
    """One model input. `read_as` is the element its columns are read as, cast to `element` afterwards if it differs."""

    name: str
    element: str
    read_as: str
    matrix: bool  # [N, columns]; otherwise [N]
    width: int | None
    columns: tuple[str, ...] | None
    refuse_nan: bool


class Signature(Record):
    """Inputs, outputs, classes of a model. `roles`: predict, predict_proba, ... -> the output's position."""

    inputs: list[Input]
    outputs: list[str]
    roles: dict[str, int]
    classes: list[Any] | None
    missing_text: str | None
    score_column: int  # of two decision scores, the one that scikit-learn shows
    names: list[str] | None  # of all columns, in the order of the inputs

    @property
    def width(self) -> int | None:
        """Columns in all; None where the model does not say."""
        widths = [each.width for each in self.inputs]
        return None if any(w is None for w in widths) else sum(w or 0 for w in widths)


def without_zipmaps(model: Model) -> Model:
    """The model, its outputs of ZipMaps being the tables behind them."""
    graph = model.graph
    plain = replace(graph, nodes=list(graph.nodes), outputs=list(graph.outputs), types=dict(graph.types))
    made = edit.producers(graph)
    for at, output in enumerate(graph.outputs):
        node = made.get(output)
        if node is not None and _is_zipmap(node):
            plain.outputs[at] = node.inputs[0]
            edit.remove_node(plain, node)
    return replace(model, graph=plain)


def _is_zipmap(node: Node) -> bool:
    return node.op_type == "ZipMap" and node.domain == "ai.onnx.ml"


def signature_of(model: Model, *, columns: Sequence[str] | None, missing: str, missing_text: str | None) -> Signature:
    """The signature of a checked model with inferred types, as it is in the file. ValueError for wrong settings."""
    graph = without_zipmaps(model).graph
    roles = _roles(graph, model.graph.outputs, _json(model, ROLES))
    classes = _json(model, CLASSES)
    if classes is None and "predict_proba" in roles:
        classes = _classes(model.graph)
    required = [name for name in graph.inputs if name not in graph.initializers]
    known = _json(model, COLUMNS) or {}
    if columns is not None:
        if len(required) != 1:
            raise ValueError(
                f"columns: expected a model of one input, got one of {len(required)}, whose names they have"
            )
        known = {required[0]: list(columns)}
    if missing == "auto" and _json(model, NAN):
        missing = "allow"
    inputs = [_input(graph, name, known.get(name), len(required), missing) for name in required]
    text = _missing_text(graph) if missing_text is None else missing_text
    found = [each.columns for each in inputs]
    names = None if any(c is None for c in found) else [name for c in found for name in c or ()]
    return Signature(inputs, list(model.graph.outputs), roles, classes, text, _score_column(graph), names)


def _json(model: Model, key: str) -> Any:
    text = model.metadata.get(key)
    try:
        return None if text is None else json.loads(text)
    except json.JSONDecodeError as problem:
        raise ValueError(f"metadata '{key}': expected JSON, got {text!r}") from problem


def _input(graph: Graph, name: str, columns: list[str] | None, count: int, missing: str) -> Input:
    type_ = graph.types[name]
    if not isinstance(type_, Tensor) or (type_.shape is not None and len(type_.shape) > 2):
        raise ValueError(f"input '{name}': expected a table [N, columns], got {type_}; use celeris.InferenceSession")
    shape = type_.shape or (None, None)
    matrix = len(shape) == 2
    last = shape[-1] if matrix else 1
    width = last if isinstance(last, int) else None
    if columns is None and count > 1 and width == 1:
        columns = [name]
    if columns is not None and width is not None and len(columns) != width:
        raise ValueError(f"input '{name}': expected {width} column names, got {len(columns)}")
    if columns is not None:
        width = len(columns)
    read_as = type_.element if type_.element in _NATIVE else "double" if "float" in type_.element else "int64"
    refuse = missing == "refuse" or (missing == "auto" and not _routes_nan(graph, name))
    return Input(name, type_.element, read_as, matrix, width, None if columns is None else tuple(columns), refuse)


def _routes_nan(graph: Graph, name: str) -> bool:
    users = edit.users(graph)
    seen, waiting = {name}, [name]
    while waiting:
        for node in users.get(waiting.pop(), ()):
            if node.op_type in _NAN_ROUTES or node.domain not in ("", "ai.onnx.ml"):
                return True
            for output in node.outputs:
                if output not in seen:
                    seen.add(output)
                    waiting.append(output)
    return False


def reaching(graph: Graph, node_name: str, op_type: str) -> list[str]:
    """The graph inputs from which the node's inputs come."""
    made = edit.producers(graph)
    found = [n for n in graph.nodes if n.op_type == op_type and (n.name == node_name or not node_name)]
    waiting = [name for node in found[:1] for name in node.inputs]
    seen = set(waiting)
    while waiting:
        node = made.get(waiting.pop())
        new = set() if node is None else edit.reads(node) - seen
        seen |= new
        waiting.extend(new)
    return [name for name in graph.inputs if name in seen]


def _roles(graph: Graph, outputs: list[str], remembered: dict[str, str] | None) -> dict[str, int]:
    if remembered is not None:
        return {role: outputs.index(name) for role, name in remembered.items() if name in outputs}
    types = [graph.types.get(name) for name in graph.outputs]
    elements = [type_.element if isinstance(type_, Tensor) else "" for type_ in types]
    labels = [at for at, element in enumerate(elements) if element in ("int64", "string")]
    reals = [at for at, type_ in enumerate(types) if type_ is None or elements[at] in ("float", "double")]
    if labels:
        scores = {"decision_function" if outputs[at].startswith(("score", "decision")) else "predict_proba": at
                  for at in reals[:1]}  # fmt: skip
        return {"predict": labels[0], **scores}
    if not reals:
        return {}
    at, type_ = reals[0], types[reals[0]]
    narrow = isinstance(type_, Tensor) and type_.shape is not None and (len(type_.shape) == 1 or type_.shape[-1] == 1)
    return {"predict": at} if narrow else {"predict": at, "transform": at}


def _labels(values: Any) -> list[Any] | None:
    if values is None or len(values) == 0:
        return None
    return [
        v.decode() if isinstance(v, bytes) else v for v in (values.tolist() if hasattr(values, "tolist") else values)
    ]


def _classes(graph: Graph) -> list[Any] | None:
    """Of a ZipMap, or of a classifier node, or the constant from which skl2onnx takes labels by position."""
    for node in graph.nodes:
        if _is_zipmap(node):
            return _labels(node.attr("classlabels_strings")) or _labels(node.attr("classlabels_int64s"))
    for node in graph.nodes:
        if node.op_type in _CLASSIFIERS and node.domain == "ai.onnx.ml":
            names = ("classlabels_strings", "classlabels_ints", "classlabels_int64s")
            return next((found for name in names if (found := _labels(node.attr(name)))), None)
    for node in graph.nodes:
        if node.op_type == "ArrayFeatureExtractor" and node.inputs[0] in graph.initializers:
            constant = graph.initializers[node.inputs[0]]
            if isinstance(constant, np.ndarray) and constant.ndim <= 2 and "class" in node.inputs[0]:
                return _labels(constant.reshape(-1))
    return None


def _score_column(graph: Graph) -> int:
    """skl2onnx writes [-s, s] for two classes, but [s, -s] for support vectors."""
    return 0 if any(node.op_type == "SVMClassifier" for node in graph.nodes) else -1


def _missing_text(graph: Graph) -> str | None:
    """What a missing text was called in training: scikit-learn's converters write such a category as text."""
    texts: set[str] = set()
    for node in graph.nodes:
        for name in ("cats_strings", "keys_strings"):
            texts.update(_labels(node.attr(name)) or ())
        keys = node.attr("keys_tensor")
        if isinstance(keys, np.ndarray) and keys.dtype == object:
            texts.update(_labels(keys.reshape(-1)) or ())
    found = next((text for text in ("nan", "None", "<NA>") if text in texts), None)
    if found is None and "" not in texts:
        return ""
    return found

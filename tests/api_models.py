"""Small models for the tests of the API, as bytes."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto as T
from onnx import helper as h

OPSETS = {"": 17, "ai.onnx.ml": 3}


def tensor(name: str, element: int = T.FLOAT, shape: Any = None) -> Any:
    return h.make_tensor_value_info(name, element, shape)


def model(nodes: Any, inputs: Any, outputs: Any, *, opsets: Any = None, ir: int = 8, **rest: Any) -> bytes:
    """A model of nodes between inputs and outputs."""
    graph_args = {key: rest.pop(key) for key in ("initializer", "doc_string", "value_info") if key in rest}
    graph = h.make_graph(nodes, "g", inputs, outputs, **graph_args)
    imports = [h.make_opsetid(*each) for each in (opsets or OPSETS).items()]
    made: bytes = h.make_model(graph, opset_imports=imports, ir_version=ir, **rest).SerializeToString()
    return made


def value(name: str, type_: onnx.TypeProto) -> Any:
    return h.make_value_info(name, type_)


def identity(element: int = T.FLOAT, shape: Any = None) -> bytes:
    """x -> y, the same."""
    return model(
        [h.make_node("Identity", ["x"], ["y"], name="i")], [tensor("x", element, shape)], [tensor("y", element)]
    )


def add(shape: Any = (2,)) -> bytes:
    """a + b -> y."""
    node = h.make_node("Add", ["a", "b"], ["y"], name="add")
    return model([node], [tensor("a", T.FLOAT, shape), tensor("b", T.FLOAT, shape)], [tensor("y", T.FLOAT, shape)])


def loop() -> bytes:
    """n rounds of x = cos(exp(x))."""
    body = h.make_graph(
        [
            h.make_node("Identity", ["c"], ["d"]),
            h.make_node("Exp", ["s"], ["e"]),
            h.make_node("Cos", ["e"], ["t"]),
        ],
        "body", [tensor("i", T.INT64, []), tensor("c", T.BOOL, []), tensor("s", T.FLOAT, [4])],
        [tensor("d", T.BOOL, []), tensor("t", T.FLOAT, [4])],
    )  # fmt: skip
    node = h.make_node("Loop", ["n", "", "x"], ["y"], name="loop", body=body)
    return model([node], [tensor("n", T.INT64, []), tensor("x", T.FLOAT, [4])], [tensor("y", T.FLOAT, [4])])


def sequence() -> bytes:
    """s -> y, a sequence of float tensors."""
    type_ = h.make_sequence_type_proto(h.make_tensor_type_proto(T.FLOAT, None))
    return model([h.make_node("Identity", ["s"], ["y"])], [value("s", type_)], [value("y", type_)])


def dictionary(key: int = T.INT64) -> bytes:
    """m, a map to float -> y [1, 3]."""
    type_ = h.make_map_type_proto(key, h.make_tensor_type_proto(T.FLOAT, None))
    vocabulary = {"int64_vocabulary": [1, 2, 3]} if key == T.INT64 else {"string_vocabulary": ["a", "b", "c"]}
    node = h.make_node("DictVectorizer", ["m"], ["y"], domain="ai.onnx.ml", **vocabulary)
    return model([node], [value("m", type_)], [tensor("y")])


def optional() -> bytes:
    """o, an optional float [2] -> o again, and whether it is there."""
    type_ = h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, [2]))
    nodes = [h.make_node("Identity", ["o"], ["y"]), h.make_node("OptionalHasElement", ["o"], ["there"])]
    return model(nodes, [value("o", type_)], [value("y", type_), tensor("there", T.BOOL, [])], opsets={"": 18})


def classifier(*, strings: bool = False) -> bytes:
    """x [N, 3] -> label [N], probabilities as a list of dicts."""
    labels: dict[str, Any] = {"classlabels_strings": ["b", "a"]} if strings else {"classlabels_ints": [7, 3]}
    keys = {"classlabels_strings": ["b", "a"]} if strings else {"classlabels_int64s": [7, 3]}
    nodes = [
        h.make_node(
            "LinearClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml", post_transform="SOFTMAX",
            coefficients=[1.0, 2.0, 3.0, -1.0, -2.0, -3.0], intercepts=[0.0, 0.0], **labels,
        ),
        h.make_node("ZipMap", ["scores"], ["probabilities"], domain="ai.onnx.ml", **keys),
    ]  # fmt: skip
    key = T.STRING if strings else T.INT64
    maps = h.make_sequence_type_proto(h.make_map_type_proto(key, h.make_tensor_type_proto(T.FLOAT, None)))
    outputs = [tensor("label", key, [None]), value("probabilities", maps)]
    return model(nodes, [tensor("x", T.FLOAT, [None, 3])], outputs)


def reshape() -> bytes:
    """data [N] reshaped to `shape` -> y."""
    node = h.make_node("Reshape", ["data", "shape"], ["y"], name="r")
    return model([node], [tensor("data", T.FLOAT, ["N"]), tensor("shape", T.INT64, [2])], [tensor("y")])


def overridable() -> bytes:
    """x * w -> y, where w = [2, 3] may be fed."""
    weights = h.make_tensor("w", T.FLOAT, [2], [2.0, 3.0])
    node = h.make_node("Mul", ["x", "w"], ["y"])
    inputs = [tensor("x", T.FLOAT, ["N", 2]), tensor("w", T.FLOAT, [2])]
    return model([node], inputs, [tensor("y")], initializer=[weights])

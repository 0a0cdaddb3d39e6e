"""Models with one fault each, as bytes: what onnxruntime refuses when it loads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from tests.api_models import model, tensor, value

ML = "ai.onnx.ml"
X, Y = tensor("x", T.FLOAT, [3]), tensor("y", T.FLOAT, [3])


def node(op: str, inputs: str, outputs: str, **rest: Any) -> onnx.NodeProto:
    """A node; names separated by blanks, `_` for a missing one."""
    spell = [["" if name == "_" else name for name in names.split()] for names in (inputs, outputs)]
    return h.make_node(op, spell[0], spell[1], **rest)


def one(made: onnx.NodeProto, inputs: Any = (X,), outputs: Any = (Y,), **rest: Any) -> bytes:
    """A model of one node."""
    return model([made], list(inputs), list(outputs), **rest)


def edited(data: bytes, change: Any) -> bytes:
    """The model after `change(proto)`."""
    proto = onnx.load_from_string(data)
    change(proto)
    made: bytes = proto.SerializeToString()
    return made


def attribute(name: str, kind: Any, **fields: Any) -> onnx.AttributeProto:
    """An attribute as a file may hold it, however wrong."""
    return onnx.AttributeProto(name=name, type=kind, **fields)


def with_attribute(op: str, *attributes: onnx.AttributeProto, **rest: Any) -> bytes:
    """x -> y by `op` with raw attributes."""
    made = node(op, "x", "y")
    made.attribute.extend(attributes)
    return one(made, **rest)


def initializer(name: str, array: Any) -> onnx.TensorProto:
    """A constant."""
    return numpy_helper.from_array(np.asarray(array), name)


def subgraph(nodes: Any, outputs: Any, inputs: Any = (), **rest: Any) -> onnx.GraphProto:
    """A body."""
    return h.make_graph(list(nodes), "body", list(inputs), list(outputs), **rest)


def branching(then: onnx.GraphProto, other: onnx.GraphProto | None = None) -> bytes:
    """c, x -> y by If."""
    made = node("If", "c", "y", then_branch=then, else_branch=other or then)
    return one(made, [tensor("c", T.BOOL, []), X])


def function_model(body: Any, call: onnx.NodeProto, outputs: Any = (Y,)) -> bytes:
    """x -> y by the local function f.d:F of a -> b."""
    local = h.make_function("f.d", "F", ["a"], ["b"], body, [h.make_opsetid("", 17)])
    return one(call, outputs=outputs, functions=[local], opsets={"": 17, "f.d": 1})


NEG = one(node("Neg", "x", "y"))
SEQUENCE = h.make_sequence_type_proto(h.make_tensor_type_proto(T.FLOAT, None))
W = initializer("w", np.ones(3, np.float32))
INNER = tensor("b", T.FLOAT, [3])

VERSIONS: dict[str, bytes] = {
    "no ir version": edited(NEG, lambda m: m.ClearField("ir_version")),
    "no opset": edited(NEG, lambda m: m.ClearField("opset_import")),
    "opset of nothing": edited(NEG, lambda m: m.opset_import[0].ClearField("version")),
}
OPERATORS: dict[str, bytes] = {
    "unknown op": one(node("NoSuchOp", "x", "y", name="nn")),
    "unknown op of ml": one(node("NoSuchOp", "x", "y", domain=ML)),
    "unknown op, untyped between": model([node("Neg", "x", "t"), node("NoSuchOp", "t _ x", "y z")], [X], [Y]),
    "op of a later opset": one(node("Gelu", "x", "y"), opsets={"": 17}),
    "removed op": one(node("Upsample", "x s", "y"), [X, tensor("s", T.FLOAT, [1])]),
    "unknown domain": one(node("Foo", "x", "y", domain="my.dom"), opsets={"": 17, "my.dom": 1}),
    "unknown domain, named": one(node("Foo", "x", "y", domain="my.dom", name="n"), opsets={"": 17, "my.dom": 1}),
    "unknown op of com.microsoft": one(
        node("Foo", "x", "y", domain="com.microsoft"), opsets={"": 17, "com.microsoft": 1}
    ),
    "domain not imported": one(node("Foo", "x", "y", domain="my.dom")),
    "ml not imported": one(node("Binarizer", "x", "y", domain=ML), opsets={"": 17}),
    "ai.onnx not imported": one(node("Neg", "x", "y"), opsets={ML: 3}),
    "empty op": one(node("", "x", "y")),
}
ATTRIBUTES: dict[str, bytes] = {
    "unknown attribute": one(node("Neg", "x", "y", foo=1)),
    "unknown attribute of ml": one(node("Binarizer", "x", "y", domain=ML, foo=1.0, name="b")),
    "required attribute": one(node("Cast", "x", "y")),
    "wrong kind": one(node("Cast", "x", "y", to="float")),
    "wrong kind: float for int": one(node("Softmax", "x", "y", axis=1.0)),
    "wrong kind: int for float": with_attribute("LeakyRelu", attribute("alpha", onnx.AttributeProto.INT, i=1)),
    "wrong kind: ints for int": one(node("Softmax", "x", "y", axis=[1, 2])),
    "required graph": one(node("If", "c", "y", then_branch=subgraph([node("Neg", "x", "b")], [INNER])),
                          [tensor("c", T.BOOL, []), X]),
    "attribute twice": with_attribute("Softmax", attribute("axis", 2, i=0), attribute("axis", 2, i=0)),
    "attribute without name": with_attribute("Softmax", attribute("", 2, i=0)),
    "reference outside a function": with_attribute(
        "Softmax", onnx.AttributeProto(name="axis", type="INT", ref_attr_name="a")),
}  # fmt: skip
ARITY: dict[str, bytes] = {
    "too many inputs": one(node("Neg", "x x", "y")),
    "too few inputs": one(node("Add", "x", "y")),
    "no inputs": one(node("Neg", "", "y")),
    "too many outputs": one(node("Neg", "x", "y z")),
    "no outputs": model([node("Neg", "x", "")], [X], []),
    "required input empty": one(node("Add", "x _", "y")),
    "required output empty": model([node("Neg", "x", "_")], [X], []),
    "too many of ml": one(node("Binarizer", "x x", "y", domain=ML)),
    "variadic without inputs": one(node("Concat", "", "y", axis=0)),
}
TYPES: dict[str, bytes] = {
    "types differ": one(node("Add", "x d", "y"), [X, tensor("d", T.DOUBLE, [3])]),
    "types differ, named": one(node("Add", "x d", "y", name="n"), [X, tensor("d", T.DOUBLE, [3])]),
    "types differ, variadic": one(node("Concat", "x d", "y", axis=0), [X, tensor("d", T.DOUBLE, [3])]),
    "type not allowed": one(node("And", "x x", "y"), outputs=[tensor("y", T.BOOL, [3])]),
    "type not allowed: string": one(node("Neg", "x", "y"), [tensor("x", T.STRING, [3])]),
    "type not allowed of ml": one(
        node("Scaler", "x", "y", domain=ML, offset=[0.0], scale=[1.0]), [tensor("x", T.STRING, [3])]),
    "sequence for tensor": one(node("Neg", "x", "y"), [value("x", SEQUENCE)]),
    "output of another type": one(node("Neg", "x", "y"), outputs=[tensor("y", T.DOUBLE, [3])]),
    "output of another type, between": model(
        [node("Neg", "x", "t"), node("Neg", "t", "y")], [X], [Y], value_info=[tensor("t", T.DOUBLE, [3])]),
    "cast to another": one(node("Cast", "x", "y", to=T.INT64)),
    "output sequence for tensor": one(node("Neg", "x", "y"), outputs=[value("y", SEQUENCE)]),
    "initializer of another type": one(node("Add", "x w", "y"), initializer=[initializer("w", np.ones(3))]),
    "input and initializer disagree": one(
        node("Add", "x w", "y"), [X, tensor("w", T.FLOAT, [3])], initializer=[initializer("w", np.ones(3))]),
    "input without type": one(node("Neg", "x", "y"), [onnx.ValueInfoProto(name="x")]),
    "input without element type": one(node("Neg", "x", "y"), [tensor("x", T.UNDEFINED, [3])]),
}  # fmt: skip
WIRING: dict[str, bytes] = {
    "input of nobody": one(node("Add", "x q", "y")),
    "output of nobody": one(node("Neg", "x", "z")),
    "defined twice": model([node("Neg", "x", "y"), node("Abs", "x", "y")], [X], [Y]),
    "defined twice by one": model([node("Split", "x", "y y")], [X], [Y]),
    "same node name": model([node("Neg", "x", "t", name="a"), node("Neg", "t", "y", name="a")], [X], [Y]),
    "cycle": model([node("Add", "x u", "t"), node("Neg", "t", "u"), node("Neg", "t", "y")], [X], [Y]),
    "own output": one(node("Add", "x y", "y")),
    "input made again": model([node("Neg", "x", "x"), node("Neg", "x", "y")], [X], [Y]),
    "initializer made again": model([node("Neg", "x", "w"), node("Neg", "w", "y")], [X], [Y], initializer=[W]),
    "input twice": one(node("Neg", "x", "y"), [X, X]),
    "input twice, other types": one(node("Neg", "x", "y"), [X, tensor("x", T.DOUBLE, [3])]),
    "input without name": one(node("Neg", "x", "y"), [X, tensor("", T.FLOAT, [3])]),
    "output twice": one(node("Neg", "x", "y"), outputs=[Y, Y]),
    "initializer twice": one(node("Add", "x w", "y"), initializer=[W, W]),
}  # fmt: skip
SUBGRAPHS: dict[str, bytes] = {
    "branch: unknown op": branching(subgraph([node("NoSuchOp", "x", "b")], [INNER])),
    "branch: unknown attribute": branching(subgraph([node("Neg", "x", "b", foo=1)], [INNER])),
    "branch: input of nobody": branching(subgraph([node("Neg", "q", "b")], [INNER])),
    "branch: output of nobody": branching(subgraph([node("Neg", "x", "k")], [INNER])),
    "branch: types differ": branching(
        subgraph([node("Neg", "x", "b")], [INNER]),
        subgraph([node("Cast", "x", "b", to=T.DOUBLE)], [tensor("b", T.DOUBLE, [3])])),
    "branch: more outputs": branching(
        subgraph([node("Neg", "x", "b")], [INNER]),
        subgraph([node("Neg", "x", "b"), node("Neg", "x", "k")], [INNER, tensor("k", T.FLOAT, [3])])),
    "branch: outer name made again": branching(subgraph([node("Neg", "x", "x")], [tensor("x", T.FLOAT, [3])])),
    "branch: has inputs": branching(subgraph([node("Neg", "i", "b")], [INNER], [tensor("i", T.FLOAT, [3])])),
    "branch: cycle": branching(subgraph([node("Add", "x u", "b"), node("Neg", "b", "u")], [INNER])),
    "loop: too few inputs": one(
        node("Loop", "m c x", "y", body=subgraph([node("Identity", "k", "o")], [tensor("o", T.BOOL, [])],
             [tensor("i", T.INT64, []), tensor("k", T.BOOL, [])])),
        [tensor("m", T.INT64, []), tensor("c", T.BOOL, []), X]),
}  # fmt: skip
CALL = node("F", "x", "y", domain="f.d")
FUNCTIONS: dict[str, bytes] = {
    "function: unknown op": function_model([node("NoSuchOp", "a", "b")], CALL),
    "function: unknown attribute": function_model([node("Neg", "a", "b", foo=1)], CALL),
    "function: input of nobody": function_model([node("Neg", "q", "b")], CALL),
    "function: output of nobody": function_model([node("Neg", "a", "k")], CALL),
    "function: too many inputs": function_model([node("Neg", "a", "b")], node("F", "x x", "y", domain="f.d")),
    "function: too many outputs": function_model([node("Neg", "a", "b")], node("F", "x", "y z", domain="f.d")),
    "function: unknown": function_model([node("Neg", "a", "b")], node("G", "x", "y", domain="f.d")),
    "function: calls itself": function_model([node("F", "a", "b", domain="f.d")], CALL),
    "function: types differ": function_model([node("And", "a a", "b")], CALL),
}
FAULTS: dict[str, bytes] = {
    **VERSIONS, **OPERATORS, **ATTRIBUTES, **ARITY, **TYPES, **WIRING, **SUBGRAPHS, **FUNCTIONS,
}  # fmt: skip

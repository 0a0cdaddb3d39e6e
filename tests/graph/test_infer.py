"""What sessions tell of inputs and outputs is what onnxruntime tells: names, types, shapes."""

from __future__ import annotations

import ast
from collections import Counter
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper as h

import celeris
from celeris.capi.onnxruntime_pybind11_state import Fail
from celeris.graph.check import check
from celeris.graph.errors import GraphError
from celeris.graph.infer import infer
from celeris.graph.types import Tensor
from celeris.metadata import NodeArg
from celeris.reader import read
from celeris.records import replace
from tests.api_models import model, tensor, value
from tests.graph.faults import SEQUENCE, W, X, Y, function_model, initializer, node, one, subgraph
from tests.onnx_models import all_models, node_models

# Where Celeris knows more than onnxruntime.
MORE = {
    "shape arithmetic": "products of known sizes are followed",
    "loop": "a state's rank is that of the body's output",
}
# Where onnxruntime knows more than Celeris, which is none the worse for it at a run.
WEAKER = {
    "symbolic": {
        "test_col2im_strides": "the rank of the image is told by its strides",
        "test_col2im_pads": "the rank of the image is told by its pads",
        "test_col2im_dilations": "the rank of the image is told by its dilations",
    },
}


def _theirs(data: bytes) -> list[str] | None:
    try:
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    except Exception:
        return None
    return [str(each) for each in session.get_inputs() + session.get_outputs()]


def _ours(data: bytes) -> list[str]:
    made = read(data)
    check(made)
    infer(made)
    names = [name for name in made.graph.inputs if name not in made.graph.initializers]
    return [str(NodeArg.of(name, made.graph.types.get(name))) for name in [*names, *made.graph.outputs]]


def _tells_at_least(ours: str, theirs: str) -> bool:
    """The same name and type, and every size that onnxruntime knows."""
    (mine, my_shape), (other, other_shape) = (text[:-1].split(", shape=") for text in (ours, theirs))
    dims, known = ast.literal_eval(my_shape), ast.literal_eval(other_shape)
    fits = not known or (len(dims) == len(known) and all(b is None or a == b for a, b in zip(dims, known, strict=True)))
    return mine == other and fits


def _undeclared(data: bytes, *, symbolic: bool) -> bytes | None:
    """The model without types of its outputs; None where onnxruntime does not know its opset."""
    proto = onnx.load_from_string(data)
    if any(each.version > 26 for each in proto.opset_import if not each.domain):
        return None
    proto.ir_version = min(proto.ir_version, 13)
    for output in proto.graph.output:
        output.ClearField("type")
    for given in proto.graph.input if symbolic else ():
        if given.type.HasField("tensor_type") and given.type.tensor_type.shape.dim:
            given.type.tensor_type.shape.dim[0].dim_param = "N"
    stripped: bytes = proto.SerializeToString()
    return stripped


@pytest.mark.parametrize("kind", ["undeclared", pytest.param("symbolic", marks=pytest.mark.long)])
def test_outputs_of_onnx_s_node_models_without_declarations(kind: str) -> None:
    compared = Counter[str]()
    wrong: dict[str, list[Any]] = {}
    for name, data in node_models().items():
        stripped = None if "_expanded" in name else _undeclared(data, symbolic=kind == "symbolic")
        theirs = None if stripped is None else _theirs(stripped)
        if stripped is None or theirs is None:
            continue
        pairs = list(zip(_ours(stripped), theirs, strict=True))
        compared["same" if all(a == b for a, b in pairs) else "more"] += 1
        if not all(_tells_at_least(a, b) for a, b in pairs):
            wrong[name] = pairs
    assert compared["same"] > 1000
    assert set(wrong) == set(WEAKER.get(kind, {})), wrong


@pytest.mark.long
def test_models_of_the_onnx_package() -> None:
    count = 0
    for name, data in all_models().items():
        theirs = _theirs(data)
        if theirs is not None:
            assert _ours(data) == theirs, name
            count += 1
    assert count > 1500


# Symbolic sizes, declarations, overrides.

F = T.FLOAT
BARE = [onnx.ValueInfoProto(name="y")]


def _shapes(op: str, *shapes: Any, outputs: Any = BARE, constants: Any = (), **attributes: Any) -> bytes:
    """`op` of float inputs of these shapes (None: an input that is the next of `constants`)."""
    names = [f"x{at}" for at in range(len(shapes))]
    left = iter(constants)
    held = [initializer(name, np.array(next(left))) for name, s in zip(names, shapes, strict=True) if s is None]
    inputs = [tensor(name, F, shape) for name, shape in zip(names, shapes, strict=True) if shape is not None]
    return one(node(op, " ".join(names), "y", **attributes), inputs, outputs, initializer=held)


_CASES: dict[str, bytes] = {
    "undeclared": _shapes("Neg", [3, "N"]),
    "a size beats a name": _shapes("Neg", [3, 4], outputs=[tensor("y", F, ["A", "B"])]),
    "a declared name beats another": _shapes("Neg", ["N", 2], outputs=[tensor("y", F, ["M", None])]),
    "matrices": _shapes("MatMul", ["B", 2], [2, 5]),
    "batches of matrices": _shapes("MatMul", ["B", 1, 3, 2], [4, 2, 5]),
    "broadcast": _shapes("Add", ["B", 1, 4], [3, 1]),
    "broadcast of names": _shapes("Add", ["A"], ["B"]),
    "contradicted size": _shapes("Neg", [3], outputs=[tensor("y", F, [4])]),
    "contradicted rank": _shapes("Neg", [3], outputs=[tensor("y", F, [3, 1])]),
    "contradicted in part": _shapes("Neg", [3, 5], outputs=[tensor("y", F, ["N", 4])]),
    "contradicted before a name": _shapes("Neg", [3, 5], outputs=[tensor("y", F, [4, "N"])]),
    "transposed": _shapes("Transpose", ["A", "B", 3]),
    "flattened": _shapes("Flatten", ["A", 2, 3]),
    "flattened names": _shapes("Flatten", ["A", "B", 3]),
    "joined": _shapes("Concat", ["A", 2], ["A", 3], axis=1),
    "joined names": _shapes("Concat", ["A", 2], ["B", 2], axis=0),
    "reshaped": _shapes("Reshape", ["N", 4], None, constants=[[0, 2, -1]]),
    "reshaped known": _shapes("Reshape", [6, 4], None, constants=[[3, -1]]),
    "gathered": _shapes("Gather", ["N", 4], None, constants=[[0, 1]], axis=1),
    "reduced": _shapes("ReduceMean", ["N", 4, 5], axes=[1]),
    "reduced away": _shapes("ReduceSum", ["N", 4, 5], None, constants=[[1]], keepdims=0),
    "unsqueezed": _shapes("Unsqueeze", ["N", 4], None, constants=[[0, 3]]),
    "sliced": _shapes("Slice", ["N", 8], None, None, None, constants=[[1], [5], [1]]),
    "convolved": _shapes("Conv", ["N", 3, 32, "W"], [8, 3, 3, 3], pads=[1, 1, 1, 1]),
    "pooled": _shapes("MaxPool", ["N", 3, 32, 32], kernel_shape=[2, 2], strides=[2, 2]),
    "rank unknown": one(node("Neg", "x", "y"), [tensor("x", F, None)], BARE),
    "a scalar": _shapes("Neg", []),
    "sequence": one(node("SequenceAt", "s i", "y"), [value("s", SEQUENCE), tensor("i", T.INT64, [])], BARE),
    "cast": one(node("Cast", "x", "y", to=T.INT64), [tensor("x", F, ["N"])], BARE),
    "shape, gather, concat, reshape": model(
        [node("Shape", "x", "s"), node("Gather", "s zero", "n", axis=0), node("Unsqueeze", "n axes", "u"),
         node("Concat", "u rest", "t", axis=0), node("Reshape", "x t", "y")],
        [tensor("x", F, ["N", 4, 6])], BARE,
        initializer=[initializer("zero", np.array(0)), initializer("axes", np.array([0])),
                     initializer("rest", np.array([-1]))]),
    "shape arithmetic": model(
        [node("Shape", "x", "s"), node("Gather", "s one", "n", axis=0), node("Mul", "n two", "m"),
         node("Concat", "m m", "t", axis=0), node("ConstantOfShape", "t", "y")],
        [tensor("x", F, ["N", 4])], BARE,
        initializer=[initializer("one", np.array([1])), initializer("two", np.array([2]))]),
    "constant node": model(
        [node("Constant", "", "t", value_ints=[0, 2, 2]), node("Reshape", "x t", "y")],
        [tensor("x", F, ["N", 4])], BARE),
    "function": function_model(
        [node("Concat", "a a", "t", axis=0), node("Neg", "t", "b")], node("F", "x", "y", domain="f.d"), BARE),
    "initializer as output": model([node("Neg", "x", "y")], [X], [Y, tensor("w", F, None)], initializer=[W]),
    "unused input": model([node("Neg", "x", "y")], [X, tensor("unused", T.STRING, ["K"])], [Y]),
    "if": one(
        node("If", "c", "y", then_branch=subgraph([node("Neg", "x", "b")], [tensor("b", F, None)]),
             else_branch=subgraph([node("Concat", "x x", "b", axis=0)], [tensor("b", F, None)])),
        [tensor("c", T.BOOL, []), X], BARE),
    "loop": one(
        node("Loop", "m c x", "y z", body=subgraph(
            [node("Identity", "k", "o"), node("Concat", "v x", "w", axis=0), node("Neg", "x", "e")],
            [tensor("o", T.BOOL, []), tensor("w", F, None), tensor("e", F, None)],
            [tensor("i", T.INT64, []), tensor("k", T.BOOL, []), tensor("v", F, ["L"])])),
        [tensor("m", T.INT64, []), tensor("c", T.BOOL, []), X], [*BARE, onnx.ValueInfoProto(name="z")]),
    "scan": one(
        node("Scan", "x v", "y z", num_scan_inputs=1, body=subgraph(
            [node("Add", "a b", "c"), node("Neg", "c", "d")], [tensor("c", F, None), tensor("d", F, None)],
            [tensor("a", F, None), tensor("b", F, None)])),
        [X, tensor("v", F, ["L", 3])], [*BARE, onnx.ValueInfoProto(name="z")]),
}  # fmt: skip


@pytest.mark.parametrize("name", _CASES)
def test_types_and_shapes(name: str) -> None:
    theirs = _theirs(_CASES[name])
    assert theirs is not None
    ours = _ours(_CASES[name])
    assert (ours != theirs) == (name in MORE), f"{ours} / {theirs}"
    assert all(map(_tells_at_least, ours, theirs))


def test_sizes_of_free_dimensions() -> None:
    data = model(
        [node("Neg", "x", "y"), node("NonZero", "x", "z"), node("Reshape", "x s", "w")],
        [tensor("x", F, ["N", 2]), tensor("s", T.INT64, [2])],
        [tensor("y", F, ["N", 2]), tensor("z", T.INT64, ["N", "K"]), tensor("w", F, ["N", None])],
    )
    told = []
    for module in (onnxruntime, celeris):
        options = module.SessionOptions()
        options.add_free_dimension_override_by_name("N", 7)
        options.add_free_dimension_override_by_name("unknown", 9)
        session = module.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        told.append([str(each) for each in session.get_inputs() + session.get_outputs()])
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "name, data",
    {
        "matrices": _shapes("MatMul", ["B", 2], [3, 5]),
        "broadcast": _shapes("Add", [3], [4]),
        "axis": _shapes("Concat", [3], [3], axis=5),
        "squeeze": _shapes("Squeeze", [3], None, constants=[[0]]),
        "order": _shapes("Transpose", [3], perm=[1, 0]),
    }.items(),
)
def test_sizes_that_cannot_be_are_refused_at_load_or_at_the_run(name: str, data: bytes) -> None:
    """onnxruntime refuses each at load; Celeris' rules refuse what they look at, the run refuses the rest."""
    assert _theirs(data) is None
    try:
        session = celeris.InferenceSession(data)
    except Fail as problem:
        assert "[ShapeInferenceError]" in str(problem)
    else:
        feeds = {
            each.name: np.zeros([d if isinstance(d, int) else 2 for d in each.shape], np.float32)
            for each in session.get_inputs()
        }
        with pytest.raises(Fail):
            session.run(None, feeds)


def test_a_function_is_inferred_for_each_call() -> None:
    body = [node("Neg", "a", "b")]
    local = h.make_function("f.d", "F", ["a"], ["b"], body, [h.make_opsetid("", 17)])
    calls = [node("F", "x", "y", domain="f.d"), node("F", "d", "z", domain="f.d")]
    outputs = [*BARE, onnx.ValueInfoProto(name="z")]
    data = model(calls, [X, tensor("d", T.DOUBLE, ["N"])], outputs, functions=[local], opsets={"": 17, "f.d": 1})
    assert _ours(data) == _theirs(data)


def test_types_inside_bodies_are_known() -> None:
    made = read(_CASES["scan"])
    check(made)
    infer(made)
    body = made.graph.nodes[0].attributes["body"].value
    assert body.types["d"] == Tensor("float", (3,))


def test_a_loop_of_no_steps_has_scan_outputs_of_the_body_s_types() -> None:
    session = celeris.InferenceSession(_CASES["loop"])
    feeds = {"m": np.array(0), "c": np.array(True), "x": np.zeros(3, np.float32)}
    state, scanned = session.run(None, feeds)
    assert state.shape == (3,)
    assert scanned.shape == (0, 3)
    assert scanned.dtype == np.float32


def test_a_rule_that_cannot_cope_leaves_the_type_to_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    from celeris import ops

    def rule(facts: Any) -> Any:
        raise IndexError("out of its depth")

    found = ops.find("", "Neg", 17)
    assert found is not None
    monkeypatch.setattr(ops, "find", lambda *_: replace(found, infer=rule))
    assert _ours(_shapes("Neg", ["N", 2]))[1] == "NodeArg(name='y', type='tensor(float)', shape=[])"


def test_a_verdict_refuses_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from celeris import ops

    found = ops.find("", "Neg", 17)
    assert found is not None
    monkeypatch.setattr(ops, "find", lambda *_: replace(found, verify=lambda facts: "expected better"))
    with pytest.raises(GraphError, match=r"Node \(\) Op \(Neg\) expected better"):
        _ours(_shapes("Neg", [2]))

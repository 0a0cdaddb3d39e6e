"""inline_functions: what a local function does stands in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from celeris.graph.infer import infer
from celeris.passes.inline_functions import inline_functions
from celeris.passes.run import verify
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from celeris.reader import read
from tests.api_models import model, tensor
from tests.graph.faults import node, subgraph

_X = np.array([[1, -2, 3]], np.float32)


def function(name: str, inputs: str, outputs: str, nodes: Any, attributes: Any = (), opset: int = 17) -> Any:
    opsets = [h.make_opsetid("", opset), h.make_opsetid("f.d", 1)]
    defaults = [a for a in attributes if isinstance(a, onnx.AttributeProto)]
    required = [a for a in attributes if isinstance(a, str)]
    return h.make_function("f.d", name, inputs.split(), outputs.split(), nodes, opsets, required, defaults)


def call(name: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    return node(name, inputs, outputs, domain="f.d", **attributes)


def model_of(functions: Any, nodes: Any, outputs: str = "y") -> Any:
    given = [tensor("x", T.FLOAT, ["N", 3])]
    made = [tensor(name, T.FLOAT, ["N", 3]) for name in outputs.split()]
    found = read(model(nodes, given, made, functions=functions, opsets={"": 17, "f.d": 1}))
    infer(found)
    return found


def inlined(functions: Any, nodes: Any, outputs: str = "y") -> list[str]:
    """The operators of the graph after the pass, whose answers are those of before."""
    made = model_of(functions, nodes, outputs)
    plain = compile_model(made, disabled=["inline_functions"]).execute({"x": _X})
    program = compile_model(made)
    for mine, other in zip(program.execute({"x": _X}), plain, strict=True):
        assert np.allclose(mine, other, rtol=1e-5, atol=0)
    said = list(inline_functions(made))
    verify(made.graph, "inline_functions")
    assert bool(said) == all(found.domain == "" for found in made.graph.nodes)
    assert list(inline_functions(made)) == []
    return [found.op_type for found in made.graph.nodes]


_NEGATIVE = function("F", "a", "b", [node("Neg", "a", "t"), node("Exp", "t", "b")])


def test_each_call_has_values_of_its_own() -> None:
    nodes = [call("F", "x", "t"), call("F", "t", "t_1"), node("Add", "t_1 x", "y")]
    assert inlined([_NEGATIVE], nodes) == ["Neg", "Exp", "Neg", "Exp", "Add"]
    program = compile_model(model_of([_NEGATIVE], nodes))
    assert [type(step) for step in program.plan.steps] == [PipelineStep]


def test_functions_of_functions() -> None:
    outer = function("G", "a", "b", [call("F", "a", "t"), call("F", "t", "b")])
    assert inlined([_NEGATIVE, outer], [call("G", "x", "y")]) == ["Neg", "Exp", "Neg", "Exp"]


def test_attributes_are_the_callers_or_the_defaults() -> None:
    leaky = node("LeakyRelu", "a", "b")
    leaky.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT))
    made = function("F", "a", "b", [leaky], [h.make_attribute("slope", 0.5)])
    nodes = [call("F", "x", "t", slope=0.25), call("F", "t", "y")]
    assert inlined([made], nodes) == ["LeakyRelu", "LeakyRelu"]
    assert np.array_equal(compile_model(model_of([made], nodes)).execute({"x": _X})[0], [[1, -0.25, 3]])


def test_outputs_that_are_inputs_or_are_not_asked_for() -> None:
    both = function("F", "a", "b c d", [node("Neg", "a", "b"), node("Abs", "a", "d")])
    both.output[1] = "a"
    assert inlined([both], [call("F", "x", "y z")], "y z") == ["Neg", "Abs", "Identity"]
    assert inlined([both], [call("F", "x", "_ _ y")]) == ["Neg", "Abs"]


def test_an_input_may_be_left_out() -> None:
    clip = function("F", "a low high", "b", [node("Clip", "a low high", "b")])
    assert inlined([clip], [node("Constant", "", "two", value_float=2.0), call("F", "x _ two", "y")]) == [
        "Constant",
        "Clip",
    ]


def test_what_branches_read_is_not_hidden_by_what_they_make() -> None:
    """The branch makes an `x`, as the caller calls what it reads."""
    then = subgraph([call("N", "a", "x")], [tensor("x", T.FLOAT, None)])
    other = subgraph([node("Abs", "a", "x")], [tensor("x", T.FLOAT, None)])
    nodes = [
        node("ReduceMax", "a", "m", keepdims=0),
        node("Cast", "m", "c", to=T.BOOL),
        node("If", "c", "b", then_branch=then, else_branch=other),
    ]
    chooses = function("F", "a", "b", nodes)
    negative = function("N", "v", "w", [node("Neg", "v", "w")])
    made = [call("F", "x", "t"), call("F", "t", "y")]
    assert inlined([chooses, negative], made) == ["ReduceMax", "Cast", "If"] * 2


@pytest.mark.parametrize("opset", [16, 18])
def test_functions_of_other_opsets_stay(opset: int) -> None:
    other = function("F", "a", "b", [node("Neg", "a", "b")], opset=opset)
    assert inlined([other], [call("F", "x", "y")]) == ["F"]

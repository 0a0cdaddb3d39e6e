"""What a failing node says."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import celeris
from celeris.graph.graph import Attribute, Node
from celeris.interpret import NodeError, Scope, bind

_SCOPE = Scope({"": 20})
_X = np.zeros((2, 3), np.float32)


def _fail(node: Node, *inputs: object) -> str:
    with pytest.raises(NodeError) as caught:
        bind(node, _SCOPE).function(*inputs)
    return str(caught.value)


def test_an_operator_s_own_words_stand() -> None:
    node = Node("Transpose", ["x"], ["y"], {"perm": Attribute("INTS", np.array([0, 0]))}, name="t")
    assert _fail(node, _X) == "Transpose node 't': Transpose: expected perm to order axes 0 to 1, got [0, 0]"


def test_what_numpy_refuses_is_told_with_the_inputs() -> None:
    text = _fail(Node("Add", ["a", "b"], ["c"], name="sum"), _X, np.zeros(4, np.float32))
    assert text == "Add node 'sum': Add: expected shapes that broadcast, got [2, 3] and [4]"


def test_an_operator_that_is_not_there() -> None:
    with pytest.raises(NodeError, match="has no such operator"):
        bind(Node("NoSuch", [], ["y"]), _SCOPE)


def test_constants_of_a_body_are_its_own_whatever_callers_do_to_results() -> None:
    """They are made once for all runs."""
    made = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.array([1.0, 2.0], np.float32)))
    answer = helper.make_tensor_value_info("c", TensorProto.FLOAT, [2])
    branch = helper.make_graph([made], "branch", [], [answer])
    node = helper.make_node("If", ["flag"], ["y"], then_branch=branch, else_branch=branch)
    flag = helper.make_tensor_value_info("flag", TensorProto.BOOL, [])
    graph = helper.make_graph([node], "g", [flag], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = celeris.InferenceSession(model.SerializeToString())
    for _ in range(2):
        (y,) = session.run(None, {"flag": np.array(True)})
        assert y.tolist() == [1.0, 2.0]
        y += 1

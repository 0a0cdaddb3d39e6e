"""Which nodes of a network run as one step."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import celeris
from celeris.plan.plan import TensorStep


def _steps(nodes: list[tuple[str, list[str], str]], outputs: list[str], shape: list[int | str]) -> list[list[str]]:
    w = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
    b = numpy_helper.from_array(np.ones(4, np.float32), "b")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    made = [helper.make_node(name, inputs, [output]) for name, inputs, output in nodes]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(made, "g", [x], infos, [w, b])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    plan = celeris.InferenceSession(model.SerializeToString())._sess._program.plan
    return [[node.op_type for node in step.nodes] for step in plan.steps if isinstance(step, TensorStep)]


def test_a_product_takes_its_bias_and_function() -> None:
    nodes = [("MatMul", ["x", "w"], "m"), ("Add", ["b", "m"], "a"), ("Gelu", ["a"], "y")]
    assert _steps(nodes, ["y"], ["N", "T", 4]) == [["MatMul", "Add", "Gelu"]]


def test_the_later_product_takes_the_sum_of_two() -> None:
    nodes = [("MatMul", ["x", "w"], "p"), ("MatMul", ["p", "w"], "q"), ("Add", ["p", "q"], "y")]
    assert _steps(nodes, ["y"], ["N", "T", 4]) == [["MatMul"], ["MatMul", "Add"]]


def test_an_output_in_the_middle_is_made() -> None:
    nodes = [("MatMul", ["x", "w"], "m"), ("Relu", ["m"], "r"), ("Tanh", ["r"], "y")]
    assert _steps(nodes, ["y", "r"], ["N", "T", 4]) == [["MatMul", "Relu"], ["Tanh"]]


def test_a_graph_of_rows_has_no_steps_on_whole_tensors() -> None:
    assert _steps([("MatMul", ["x", "w"], "m"), ("Relu", ["m"], "y")], ["y"], ["N", 4]) == []

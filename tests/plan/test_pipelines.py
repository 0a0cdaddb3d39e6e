"""What is fused into row pipelines, what stays out, and in which steps."""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep, TensorStep
from tests.native.tables import Feeds, model, node

X: Feeds = {"x": np.zeros((3, 4), np.float32)}


def _steps(nodes: list[Node], feeds: Feeds, constants: Feeds, outputs: list[str], **options: list[str]) -> list[str]:
    """A word a step: its operators, those of a pipeline in brackets."""
    words = []
    for step in compile_model(model(nodes, feeds, constants, outputs), **options).plan.steps:
        if isinstance(step, PipelineStep):
            words.append(f"[{' '.join(n.op_type for n in step.nodes)}]")
        else:
            words += [n.op_type for n in (step.nodes if isinstance(step, TensorStep) else [step.node])]
    return words


def test_a_chain_is_one_pipeline() -> None:
    nodes = [node("Neg", ["x"], ["a"]), node("Exp", ["a"], ["b"]), node("ArgMax", ["b"], ["y"], axis=1)]
    assert _steps(nodes, X, {}, ["y", "b"]) == ["[Neg Exp ArgMax]"]
    assert _steps(nodes, X, {}, ["y"], disabled=["native"]) == ["Neg", "Exp", "ArgMax"]


def test_a_node_on_whole_tensors_parts_two_pipelines() -> None:
    nodes = [
        node("Neg", ["x"], ["a"]),
        node("ReduceSum", ["a", "all"], ["b"]),
        node("Sub", ["a", "b"], ["c"]),
        node("Exp", ["a"], ["d"]),
        node("Mul", ["c", "d"], ["y"]),
    ]
    assert _steps(nodes, X, {"all": np.array([0])}, ["y"]) == ["[Neg Exp]", "ReduceSum", "Sub", "[Mul]"]


def test_arithmetic_on_shapes_is_not_mixed_with_rows() -> None:
    nodes = [
        node("Neg", ["x"], ["a"]),
        node("Shape", ["x"], ["s"]),
        node("Neg", ["s"], ["t"]),
        node("Exp", ["a"], ["y"]),
    ]
    program = compile_model(model(nodes, X, {}, ["y", "t"]))
    pipelines = [[n.op_type for n in s.nodes] for s in program.plan.steps if isinstance(s, PipelineStep)]
    assert sorted(pipelines) == [["Neg"], ["Neg", "Exp"]]
    y, t = program.execute({"x": np.ones((5, 4), np.float32)})
    assert y.shape == (5, 4) and t.tolist() == [-5, -4]


def test_a_pipeline_gives_rows_that_come_second_but_takes_none() -> None:
    transposed = [node("Transpose", ["x"], ["t"], perm=[1, 0])]
    back = [*transposed, node("Neg", ["t"], ["n"]), node("Transpose", ["n"], ["y"], perm=[1, 0])]
    assert _steps(back, X, {}, ["y"]) == ["[Transpose Neg Transpose]"]
    assert _steps(back, X, {}, ["y", "t"]) == ["[Transpose Neg Transpose]"]
    late = [
        *transposed,
        node("Sin", ["x"], ["s"]),
        node("Transpose", ["s"], ["u"], perm=[1, 0]),
        node("Add", ["t", "u"], ["y"]),
    ]
    assert "Transpose" in _steps(late, X, {}, ["y"])


def test_inputs_of_another_number_of_rows_are_answered_by_the_reference_tier() -> None:
    feeds: Feeds = {**X, "u": np.zeros((3, 4), np.float32)}
    program = compile_model(model([node("Add", ["x", "u"], ["y"])], feeds, {}, ["y"]))
    ones = np.ones((1, 4), np.float32)
    assert program.execute({"x": np.ones((5, 4), np.float32), "u": ones})[0].tolist() == [[2] * 4] * 5


def test_dictionaries_are_a_step_of_their_own() -> None:
    nodes = [
        node("Softmax", ["x"], ["p"]),
        node("ZipMap", ["p"], ["z"], "ai.onnx.ml", classlabels_int64s=[0, 1, 2, 3]),
        node("Neg", ["p"], ["y"]),
    ]
    assert _steps(nodes, X, {}, ["z", "y"]) == ["[Softmax Neg]", "ZipMap"]

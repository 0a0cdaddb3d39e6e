"""Subgraphs run as programs of their own: the same answers as onnxruntime's, whatever shapes come in which order."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import celeris
from celeris.plan.bodies import Programs
from celeris.plan.plan import CallStep, TensorStep


def _info(name: str, shape: Any = None, element: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element, shape)


def _body(name: str, nodes: list[onnx.NodeProto], outputs: list[str], inputs: Any = (), constants: Any = ()) -> Any:
    held = [numpy_helper.from_array(np.asarray(value), key) for key, value in dict(constants).items()]
    return helper.make_graph(nodes, name, list(inputs), [_info(o) for o in outputs], held)


def _model(nodes: list[onnx.NodeProto], inputs: Any, outputs: Any, constants: Any = ()) -> bytes:
    graph = _body("g", nodes, outputs, inputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def _node(op: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), outputs.split(), op + outputs, **attributes)


def _both(model: bytes) -> tuple[celeris.InferenceSession, onnxruntime.InferenceSession]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return celeris.InferenceSession(model), onnxruntime.InferenceSession(model, options)


def _squeezing() -> bytes:
    """`if the last axis is 1: squeeze it` twice, around convolutions, with the same names in all branches."""
    small = {"one": np.array([2])}
    squeeze = _body("s", [_node("Squeeze", "h one", "b")], ["b"], constants=small)
    keep = _body("k", [_node("Identity", "h", "b")], ["b"])
    wide = _body("w", [_node("Identity", "r", "b")], ["b"])
    widen = _body("u", [_node("Unsqueeze", "r one", "b")], ["b"], constants=small)
    nodes = [
        _node("Conv", "x w", "c", pads=[1, 1]),
        _node("Relu", "c", "h"),
        _node("Shape", "h", "s"),
        _node("Gather", "s last", "n"),
        _node("Equal", "n unit", "thin"),
        _node("If", "thin", "r", then_branch=squeeze, else_branch=keep),
        _node("Shape", "r", "q"),
        _node("Size", "q", "rank"),
        _node("Equal", "rank three", "whole"),
        _node("If", "whole", "t", then_branch=wide, else_branch=widen),
        _node("Conv", "t v", "y", pads=[1, 1]),
    ]
    body = _body("then", nodes, ["y"])
    plain = _body("else", [_node("Conv", "x w", "y", pads=[1, 1])], ["y"])
    random = np.random.default_rng(0)
    constants = {
        "w": random.standard_normal((8, 4, 3)).astype(np.float32),
        "v": random.standard_normal((8, 8, 3)).astype(np.float32),
        "last": np.array(-1), "unit": np.array(1), "three": np.array(3),
    }  # fmt: skip
    return _model(
        [_node("If", "flag", "out", then_branch=body, else_branch=plain)],
        [_info("flag", [], TensorProto.BOOL), _info("x", ["N", 4, "T"])],
        ["out"],
        constants,
    )


def test_branches_are_decided_by_shapes_and_answers_stay_the_same() -> None:
    ours, theirs = _both(_squeezing())
    seen: dict[tuple[int, bool], np.ndarray] = {}
    for _ in range(2):
        for length in (5, 1, *range(2, 14)):
            for flag in (True, False):
                x = np.linspace(-1, 1, 2 * 4 * length, dtype=np.float32).reshape(2, 4, length)
                feeds = {"flag": np.array(flag), "x": x}
                (mine,), (other,) = ours.run(None, feeds), theirs.run(None, feeds)
                np.testing.assert_allclose(mine, other, atol=1e-5)
                first = seen.setdefault((length, flag), mine)
                assert np.array_equal(first, mine)


def test_nodes_in_a_branch_run_by_kernels() -> None:
    session = celeris.InferenceSession(_squeezing())
    session.run(None, {"flag": np.array(True), "x": np.ones((1, 4, 1), np.float32)})
    (step,) = session._sess._program.plan.steps
    assert isinstance(step, CallStep)
    run = step.bodies["then_branch"].run
    assert isinstance(run, Programs)
    (plan,) = run.plans
    assert [s.kernel for s in plan.steps if isinstance(s, TensorStep)] == ["conv", "conv"]
    assert not any(isinstance(s, CallStep) and s.node.op_type in ("If", "Shape", "Size") for s in plan.steps)


def test_without_passes_and_without_kernels() -> None:
    plain = celeris.SessionOptions()
    plain.graph_optimization_level = celeris.GraphOptimizationLevel.ORT_DISABLE_ALL
    feeds = {"flag": np.array(True), "x": np.ones((1, 4, 3), np.float32)}
    (expected,) = celeris.InferenceSession(_squeezing()).run(None, feeds)
    for session in (
        celeris.InferenceSession(_squeezing(), plain),
        celeris.InferenceSession(_squeezing(), disabled_optimizers=["native"]),
    ):
        np.testing.assert_allclose(session.run(None, feeds)[0], expected, atol=1e-5)


def _looping() -> bytes:
    """The state grows at each step; another one passes through; a layer with captured weights; a scan output."""
    nodes = [
        _node("Concat", "grown row", "longer", axis=0),
        _node("MatMul", "row weights", "moved"),
        _node("Identity", "kept", "passed"),
        _node("Identity", "going", "on"),
    ]
    inputs = [
        _info("i", [], TensorProto.INT64), _info("going", [], TensorProto.BOOL), _info("grown"), _info("row"),
        _info("kept"),
    ]  # fmt: skip
    body = _body("body", nodes, ["on", "longer", "moved", "passed", "moved"], inputs)
    body.output[0].type.tensor_type.elem_type = TensorProto.BOOL
    return _model(
        [_node("Loop", "count yes start x kept0", "grown_out row_out kept_out scanned", body=body)],
        [_info("count", [], TensorProto.INT64), _info("x", [1, 3]), _info("kept0", [2])],
        ["grown_out", "row_out", "kept_out", "scanned"],
        {
            "yes": np.array(True),
            "start": np.zeros((0, 3), np.float32),
            "weights": np.eye(3, dtype=np.float32)[::-1] * 2,
        },
    )


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_loop_whose_state_grows(count: int) -> None:
    ours, theirs = _both(_looping())
    feeds = {"count": np.array(count), "x": np.array([[1, 2, 3]], np.float32), "kept0": np.ones(2, np.float32)}
    for _ in range(2):
        for mine, other in zip(ours.run(None, feeds), theirs.run(None, feeds), strict=True):
            np.testing.assert_array_equal(mine, other)


def test_results_are_the_caller_s_own() -> None:
    """A body gives back what it was given; the caller of the model gets a copy."""
    session = celeris.InferenceSession(_looping())
    feeds = {"count": np.array(2), "x": np.ones((1, 3), np.float32), "kept0": np.ones(2, np.float32)}
    kept = session.run(["kept_out"], feeds)[0]
    kept += 1
    assert feeds["kept0"].tolist() == [1, 1]
    for out in session.run(None, feeds):
        out += 1
    assert session.run(["kept_out"], feeds)[0].tolist() == [1, 1]


def test_a_node_that_fails_inside_is_named() -> None:
    branch = _body("then", [_node("MatMul", "x w", "y")], ["y"])
    other = _body("else", [_node("Identity", "x", "y")], ["y"])
    model = _model(
        [_node("If", "flag", "out", then_branch=branch, else_branch=other)],
        [_info("flag", [], TensorProto.BOOL), _info("x")],
        ["out"],
        {"w": np.ones((3, 2), np.float32)},
    )
    session = celeris.InferenceSession(model)
    for _ in range(2):
        with pytest.raises(Exception, match=r"MatMul node.*'MatMuly'|MatMul.*MatMuly"):
            session.run(None, {"flag": np.array(True), "x": np.ones((2, 4), np.float32)})
    assert session.run(None, {"flag": np.array(False), "x": np.ones((2, 4), np.float32)})[0].shape == (2, 4)


def test_first_calls_from_many_threads() -> None:
    session = celeris.InferenceSession(_squeezing())

    def call(length: int) -> np.ndarray:
        x = np.ones((1, 4, length % 5 + 1), np.float32)
        return np.asarray(session.run(None, {"flag": np.array(length % 2 == 0), "x": x})[0])

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(call, range(40)))
    assert all(np.array_equal(value, call(at)) for at, value in enumerate(together))


def test_nothing_holds_on_to_a_program() -> None:
    """Bodies are compiled long after the model: what they need for that must not keep the model's program."""
    session = celeris.InferenceSession(_squeezing())
    session.run(None, {"flag": np.array(True), "x": np.ones((1, 4, 1), np.float32)})
    program = weakref.ref(session._sess._program)
    del session
    gc.collect()
    assert program() is None

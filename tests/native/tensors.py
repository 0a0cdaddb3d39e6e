"""What tests of whole-tensor kernels share: models of a few nodes, and how their answers are judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

import celeris
from celeris.plan.compile import build
from celeris.plan.plan import CallStep, TensorStep

RNG = np.random.default_rng(0)
MICROSOFT = "com.microsoft"
Arrays = dict[str, np.ndarray]


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def some_bytes(*shape: int, signed: bool = False) -> np.ndarray:
    low, high = (-128, 128) if signed else (0, 256)
    return RNG.integers(low, high, shape).astype(np.int8 if signed else np.uint8)


def model_of(nodes: list[onnx.NodeProto], feeds: Arrays, constants: Arrays, outputs: list[str]) -> bytes:
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in feeds.items()
    ]
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name=name) for name in outputs], held)
    opsets = [helper.make_opsetid(*each) for each in (("", 21), ("com.microsoft", 1), ("ai.onnx.ml", 3))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def check(
    nodes: list[onnx.NodeProto], feeds: Arrays, constants: Arrays | None = None, *, kernels: list[str],
    outputs: list[str] | None = None, close: float = 2e-6, steps: float = 0,
) -> None:  # fmt: skip
    """The kernels named run the nodes, and give what the reference tier gives: `close` to the largest value."""
    onnx_bytes = model_of(nodes, feeds, constants or {}, outputs or ["y"])
    reference = celeris.InferenceSession(onnx_bytes, disabled_optimizers=["native"]).run(None, feeds)
    before: list[np.ndarray] = []
    for threads in (1, 3):
        options = celeris.SessionOptions()
        options.intra_op_num_threads = threads
        session = celeris.InferenceSession(onnx_bytes, options)
        plan = session._sess._program.plan
        assert sorted(s.kernel for s in plan.steps if isinstance(s, TensorStep)) == sorted(kernels)
        assert not any(isinstance(s, CallStep) for s in plan.steps)
        found = without_reference(session, feeds)
        for one, other in zip(found, before or found, strict=True):
            np.testing.assert_array_equal(one, other)  # whatever the number of threads
        before = found
        for one, other in zip(found, reference, strict=True):
            assert one.dtype == other.dtype and one.shape == other.shape
            scale = np.abs(other[np.isfinite(other)]).max(initial=1e-30) if other.dtype.kind == "f" else 1
            np.testing.assert_allclose(one.astype(float), other.astype(float), rtol=0, atol=close * scale + steps)


def without_reference(session: Any, feeds: Arrays) -> list[np.ndarray]:
    """A run in which no step may fall back."""

    def refuse(*_: Any) -> None:
        raise AssertionError("fell back to the reference tier")

    program = session._sess._program
    for step in program.plan.steps:
        step.fallback = refuse
    core = build(program.plan)
    return list(core.run([feeds[name] for name, _ in program.inputs], None, session._sess.threads, None))

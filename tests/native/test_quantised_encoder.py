"""Quantised text encoders node by node: given the same inputs, each node answers as onnxruntime's.

Answers of the whole differ: where a number lies between two steps of 8 bits, its last place decides, and one step is
1/255 of all (docs/onnxruntime.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from bench.nets.quantized import encoder
from onnx import helper, numpy_helper

import celeris


def _plain_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _values(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> dict[str, Any]:
    """Every value of the graph as onnxruntime has it without its optimisations."""
    shown = onnx.ModelProto.FromString(model.SerializeToString())
    declared = {output.name for output in model.graph.output}
    names = [name for node in model.graph.node for name in node.output if name and name not in declared]
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = _plain_session(shown)
    return {**feeds, **dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds), strict=True))}


def _alone(node: onnx.NodeProto, model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> bytes:
    held = [value for value in model.graph.initializer if value.name in node.input]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in feeds.items()
    ]
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=name) for name in node.output], held)
    made = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return bytes(made.SerializeToString())


@pytest.mark.parametrize("tier", ["native", "reference"])
@pytest.mark.parametrize("form", ["dynamic", "qdq", "qoperator"])
def test_each_node_answers_as_onnxruntime_on_the_same_inputs(form: str, tier: str) -> None:
    given, feeds = encoder(form, bits=7, length=24, layers=2, width=64)
    model = onnx.load_from_string(given)
    values = _values(model, feeds)
    constants = {value.name: numpy_helper.to_array(value) for value in model.graph.initializer}
    off = total = 0
    for node in model.graph.node:
        fed = {name: values[name] for name in node.input if name in values and name not in constants}
        if not fed:
            continue
        session = celeris.InferenceSession(
            _alone(node, model, fed), disabled_optimizers=["native"] if tier == "reference" else []
        )
        for name, found in zip(node.output, session.run(None, fed), strict=True):
            expected = values[name]
            assert found.dtype == expected.dtype and found.shape == expected.shape
            distance = np.abs(found.astype(np.float64) - expected.astype(np.float64))
            if expected.dtype.kind == "f":
                assert distance.max(initial=0) <= 2e-6 * np.abs(expected).max(initial=1), node.name
            else:
                assert distance.max(initial=0) <= 1, node.name
                off, total = off + int((distance > 0).sum()), total + distance.size
    assert off <= 1e-5 * total + 1  # numbers that lie between two steps but for their last place

"""fold_batch_norm: a convolution's weights take the normalisation after it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import celeris

_RNG = np.random.default_rng(0)


def _model(*, variance: float = 1.0, read_twice: bool = False, bias: bool = True) -> bytes:
    values = {"w": _RNG.normal(size=(4, 3, 3, 3)), "b": _RNG.normal(size=4), "s": _RNG.normal(size=4)}
    values |= {"o": _RNG.normal(size=4), "m": _RNG.normal(size=4), "v": np.full(4, variance)}
    held = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()]
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"] if bias else ["x", "w"], ["c"]),
        helper.make_node("BatchNormalization", ["c", "s", "o", "m", "v"], ["y"], epsilon=0.01),
    ]
    outputs = [
        helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in (["y", "c"] if read_twice else ["y"])
    ]
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 3, 8, 8])
    graph = helper.make_graph(nodes, "g", [x], outputs, held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def _operators(model: bytes) -> list[str]:
    return [node.op_type for node in celeris.InferenceSession(model)._sess._program.optimized.graph.nodes]


@pytest.mark.parametrize("bias", [True, False])
def test_the_normalisation_goes_into_the_weights(bias: bool) -> None:
    model = _model(bias=bias)
    assert _operators(model) == ["Conv"]
    x = {"x": _RNG.normal(size=(2, 3, 8, 8)).astype(np.float32)}
    plain = celeris.InferenceSession(model, disabled_optimizers=["fold_batch_norm", "native"]).run(None, x)[0]
    np.testing.assert_allclose(celeris.InferenceSession(model).run(None, x)[0], plain, atol=1e-5)


def test_a_convolution_that_is_read_elsewhere_stays() -> None:
    assert _operators(_model(read_twice=True)) == ["Conv", "BatchNormalization"]


def test_a_variance_below_zero_stays_where_it_is_seen() -> None:
    assert _operators(_model(variance=-1.0)) == ["Conv", "BatchNormalization"]


def test_it_can_be_switched_off_by_onnxruntimes_name() -> None:
    session = celeris.InferenceSession(_model(), disabled_optimizers=["ConvBNFusion"])
    assert [n.op_type for n in session._sess._program.optimized.graph.nodes] == ["Conv", "BatchNormalization"]

"""Whole-tensor kernels (cpp/tensors.h) against the reference tier, on one thread and several, on each instruction set."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

import celeris
from celeris.plan.compile import build
from celeris.plan.plan import CallStep, TensorStep
from tests.native.tables import other_instruction_sets, run_on

_RNG = np.random.default_rng(0)
_MICROSOFT = "com.microsoft"
Arrays = dict[str, np.ndarray]


def _normal(*shape: int) -> np.ndarray:
    return _RNG.standard_normal(shape).astype(np.float32)


def _bytes(*shape: int, signed: bool = False) -> np.ndarray:
    low, high = (-128, 128) if signed else (0, 256)
    return _RNG.integers(low, high, shape).astype(np.int8 if signed else np.uint8)


def _model(nodes: list[onnx.NodeProto], feeds: Arrays, constants: Arrays, outputs: list[str]) -> bytes:
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in feeds.items()
    ]
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name=name) for name in outputs], held)
    opsets = [helper.make_opsetid(*each) for each in (("", 21), ("com.microsoft", 1), ("ai.onnx.ml", 3))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def _check(
    nodes: list[onnx.NodeProto], feeds: Arrays, constants: Arrays | None = None, *, kernels: list[str],
    outputs: list[str] | None = None, close: float = 2e-6, steps: float = 0,
) -> None:  # fmt: skip
    """The kernels named run the nodes, and give what the reference tier gives: `close` to the largest value."""
    onnx_bytes = _model(nodes, feeds, constants or {}, outputs or ["y"])
    reference = celeris.InferenceSession(onnx_bytes, disabled_optimizers=["native"]).run(None, feeds)
    before: list[np.ndarray] = []
    for threads in (1, 3):
        options = celeris.SessionOptions()
        options.intra_op_num_threads = threads
        session = celeris.InferenceSession(onnx_bytes, options)
        plan = session._sess._program.plan
        assert sorted(s.kernel for s in plan.steps if isinstance(s, TensorStep)) == sorted(kernels)
        assert not any(isinstance(s, CallStep) for s in plan.steps)
        found = _without_reference(session, feeds)
        for one, other in zip(found, before or found, strict=True):
            np.testing.assert_array_equal(one, other)  # whatever the number of threads
        before = found
        for one, other in zip(found, reference, strict=True):
            assert one.dtype == other.dtype and one.shape == other.shape
            scale = np.abs(other[np.isfinite(other)]).max(initial=1e-30) if other.dtype.kind == "f" else 1
            np.testing.assert_allclose(one.astype(float), other.astype(float), rtol=0, atol=close * scale + steps)


def _without_reference(session: Any, feeds: Arrays) -> list[np.ndarray]:
    """A run in which no step may fall back."""

    def refuse(*_: Any) -> None:
        raise AssertionError("fell back to the reference tier")

    program = session._sess._program
    for step in program.plan.steps:
        step.fallback = refuse
    core = build(program.plan)
    return list(core.run([feeds[name] for name, _ in program.inputs], None, session._sess.threads, None))


def _conv(x: Any, w: Any, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node("Conv", [x, w, "b"], ["y"], **attributes)


@pytest.mark.parametrize(
    ("size", "weights", "attributes"),
    [
        ((1, 3, 9, 11), (8, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
        ((2, 5, 7, 50), (13, 5, 3, 3), {"pads": [1, 0, 2, 1]}),
        ((1, 4, 10, 10), (17, 4, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ((1, 4, 11, 13), (6, 4, 3, 5), {"strides": [3, 2], "dilations": [2, 1], "pads": [2, 2, 2, 2]}),
        ((1, 16, 7, 7), (24, 16, 1, 1), {}),
        ((1, 16, 8, 8), (24, 16, 1, 1), {"strides": [2, 2]}),
        ((3, 16, 1, 1), (24, 16, 1, 1), {}),
        ((1, 6, 20, 20), (12, 3, 3, 3), {"group": 2, "auto_pad": "SAME_UPPER"}),
        ((1, 6, 20, 21), (6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}),
        ((2, 6, 20, 21), (12, 1, 5, 5), {"group": 6, "strides": [2, 1], "auto_pad": "SAME_LOWER"}),
        ((1, 2, 40, 60), (2, 1, 3, 3), {"group": 2}),
        ((1, 1, 576), (33, 1, 256), {"strides": [128]}),
        ((1, 7, 30), (9, 7, 3), {"pads": [1, 1], "dilations": [2]}),
        ((1, 64, 30, 30), (64, 64, 3, 3), {"pads": [1, 1, 1, 1]}),
        ((1, 3, 28, 29), (9, 3, 3, 3), {"pads": [6, 6, 6, 6], "dilations": [6, 6]}),
        *(((2, 5, *size), (11, 5, 3, 3), {"pads": [1, 1, 1, 1]}) for size in ((1, 1), (2, 3), (7, 1), (2, 4), (3, 5))),
        *(((2, 5, *size), (11, 5, 1, 1), {}) for size in ((1, 2), (2, 3), (1, 7), (2, 4), (3, 5), (4, 4), (1, 17))),
        ((1, 300, 3, 2), (20, 300, 3, 3), {"pads": [1, 1, 1, 1]}),
        ((1, 300, 5, 6), (20, 300, 2, 3), {}),
    ],
)
def test_conv(size: tuple[int, ...], weights: tuple[int, ...], attributes: dict[str, Any]) -> None:
    constants = {"w": _normal(*weights), "b": _normal(weights[0])}
    _check([_conv("x", "w", **attributes)], {"x": _normal(*size)}, constants, kernels=["conv"])


_DEEP = [
    ((1, 3, 5, 9, 11), (8, 3, 3, 3, 3), {"pads": [1, 1, 1, 1, 1, 1]}),
    ((2, 4, 6, 7, 20), (10, 2, 2, 3, 1), {"group": 2, "strides": [2, 1, 2], "pads": [1, 0, 2, 0, 1, 1]}),
    ((1, 2, 7, 8, 8), (3, 2, 3, 3, 3), {"dilations": [2, 1, 2], "auto_pad": "VALID"}),
    ((1, 6, 4, 5, 5), (6, 1, 1, 3, 3), {"group": 6}),
    ((1, 5, 1, 4, 4), (7, 5, 1, 1, 1), {}),
]


@pytest.mark.parametrize(("size", "weights", "attributes"), _DEEP)
def test_conv_over_three_axes(size: tuple[int, ...], weights: tuple[int, ...], attributes: dict[str, Any]) -> None:
    constants = {"w": _normal(*weights), "b": _normal(weights[0])}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], **attributes), helper.make_node("Relu", ["c"], ["y"])]
    _check(nodes, {"x": _normal(*size)}, constants, kernels=["conv"])


@pytest.mark.parametrize(
    ("size", "weights", "attributes"),
    [
        ((1, 3, 9, 11), (8, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
        ((2, 6, 10, 10), (6, 1, 3, 3), {"group": 6, "strides": [2, 2]}),
        ((1, 4, 30), (9, 4, 5), {}),
        *_DEEP,
    ],
)
@pytest.mark.parametrize("biased", [True, False])
def test_conv_by_weights_that_are_not_constant(
    size: tuple[int, ...], weights: tuple[int, ...], attributes: dict[str, Any], biased: bool
) -> None:
    feeds = {"x": _normal(*size), "w": _normal(*weights)} | ({"b": _normal(weights[0])} if biased else {})
    nodes = [helper.make_node("Conv", list(feeds), ["c"], **attributes), helper.make_node("Relu", ["c"], ["y"])]
    _check(nodes, feeds, kernels=["conv"])


@pytest.mark.parametrize(
    ("size", "weights", "attributes"),
    [
        ((1, 4, 5, 7), (4, 6, 2, 2), {"strides": [2, 2]}),
        ((2, 5, 6, 9), (5, 3, 4, 4), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ((1, 5, 6, 9), (5, 3, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
        ((1, 4, 8, 8), (4, 5, 3, 3), {}),
        ((1, 4, 8, 8), (4, 5, 3, 3), {"pads": [2, 2, 2, 2]}),
        ((1, 4, 8, 3), (4, 5, 3, 5), {"strides": [1, 3], "pads": [0, 2, 1, 0], "output_padding": [0, 2]}),
        ((1, 6, 9, 4), (6, 2, 3, 2), {"group": 3, "strides": [4, 3], "output_padding": [3, 0]}),
        ((1, 6, 5, 5), (6, 1, 4, 4), {"group": 6, "strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ((1, 4, 1, 1), (4, 5, 1, 1), {"strides": [3, 3]}),
        ((1, 4, 2, 3), (4, 5, 2, 2), {"strides": [2, 2]}),
        ((2, 4, 3, 2), (4, 5, 3, 3), {"strides": [2, 1], "pads": [1, 0, 1, 1]}),
        ((1, 4, 7, 1), (4, 5, 2, 2), {}),
        ((2, 8, 20), (8, 4, 16), {"strides": [8], "pads": [4, 4]}),
        ((1, 2, 7), (2, 3, 3), {"strides": [2], "pads": [1, 1], "output_padding": [1]}),
        ((1, 3, 4, 4), (3, 2, 3, 3), {"dilations": [2, 2]}),
        ((1, 3, 4, 5), (3, 2, 3, 2), {"dilations": [3, 2], "strides": [2, 2], "pads": [1, 0, 0, 1]}),
        ((1, 3, 4, 4), (3, 2, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ((1, 3, 4, 5), (3, 2, 4, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        ((1, 3, 4, 4), (3, 2, 2, 2), {"auto_pad": "VALID", "strides": [3, 2]}),
        ((2, 3, 9), (3, 2, 5), {"auto_pad": "SAME_UPPER", "strides": [3]}),
        ((1, 3, 4, 4), (3, 2, 3, 3), {"output_shape": [9, 8], "strides": [2, 2]}),
        ((1, 3, 4, 4), (3, 2, 3, 3), {"output_shape": [6, 6]}),
        ((1, 3, 4, 4), (3, 2, 3, 3), {"output_shape": [8, 7], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ((1, 3, 6), (3, 2, 3), {"output_shape": [11], "strides": [2]}),
    ],
)
def test_transposed_conv(size: tuple[int, ...], weights: tuple[int, ...], attributes: dict[str, Any]) -> None:
    outputs = weights[1] * attributes.get("group", 1)
    node = helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], **attributes)
    feeds, constants = {"x": _normal(*size)}, {"w": _normal(*weights), "b": _normal(outputs)}
    _check([node], feeds, constants, kernels=["conv"])
    made = _model([node], feeds, constants, ["y"])
    theirs = onnxruntime.InferenceSession(made).run(None, feeds)[0]
    np.testing.assert_allclose(celeris.InferenceSession(made).run(None, feeds)[0], theirs, atol=1e-5)


def test_transposed_conv_of_gaps_is_left_to_the_reference_tier() -> None:
    feeds, constants = {"x": _normal(1, 1, 2, 2)}, {"w": _normal(1, 1, 1, 1)}
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[9, 2])
    made = _model([node], feeds, constants, ["y"])
    theirs = onnxruntime.InferenceSession(made).run(None, feeds)[0]
    np.testing.assert_array_equal(celeris.InferenceSession(made).run(None, feeds)[0], theirs)


def test_what_follows_a_convolution_is_chained_to_it() -> None:
    constants = {
        "w": _normal(10, 4, 3, 3),
        "b": _normal(10),
        "s": _normal(1, 10, 1, 1),
        "two": np.float32(2).reshape(()),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["c"], ["g"]),
        helper.make_node("Mul", ["c", "g"], ["silu"]),
        helper.make_node("Add", ["skip", "silu"], ["sum"]),
        helper.make_node("Mul", ["sum", "s"], ["scaled"]),
        helper.make_node("Div", ["two", "scaled"], ["d"]),
        helper.make_node("Clip", ["d", "", "two"], ["y"]),
    ]
    feeds = {"x": _normal(2, 4, 9, 10), "skip": _normal(2, 10, 9, 10)}
    _check(nodes, feeds, constants, kernels=["conv"], close=2e-4)


@pytest.mark.parametrize("limits", ["Clip", "Relu"])
@pytest.mark.parametrize(
    ("size", "weights", "attributes"),
    [
        *(((1, 3, 5, width), (17, 3, 3, 3), {"pads": [1, 1, 1, 1]}) for width in (45, 46, 47, 48, 49, 95)),
        *(((1, 5, 40, width), (11, 5, 1, 1), {}) for width in (1, 12, 48, 49)),
        *(((1, 9, 6, width), (9, 1, 3, 3), {"pads": [1, 1, 1, 1], "group": 9}) for width in (1, 7, 16, 33, 110)),
        *(
            ((1, 9, 9, width), (9, 1, 3, 3), {"pads": [0, 1, 1, 0], "group": 9, "strides": [2, 2]})
            for width in (3, 14, 15, 16, 17, 31, 32, 33, 34, 35, 67)
        ),
    ],
)
def test_a_convolution_ends_between_limits(
    size: tuple[int, ...], weights: tuple[int, ...], attributes: dict[str, Any], limits: str
) -> None:
    """Tiles that are a part of the output, and those whose rows are copied to it; NaN stays."""
    constants = {"w": _normal(*weights), "b": _normal(weights[0]), "low": np.float32(-0.7), "high": np.float32(1.2)}
    after = ["low", "high"] if limits == "Clip" else []
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], **attributes),
        helper.make_node(limits, ["c", *after], ["y"]),
    ]
    x = _normal(*size)
    x[0, 1, 2, 0] = np.nan
    constants = {name: np.asarray(value) for name, value in constants.items()}
    _check(nodes, {"x": x}, constants, kernels=["conv"], close=4e-6)


def test_a_value_read_elsewhere_ends_a_chain() -> None:
    nodes = [
        _conv("x", "w", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["y"], ["r"]),
        helper.make_node("Add", ["r", "y"], ["z"]),
    ]
    constants = {"w": _normal(4, 4, 3, 3), "b": _normal(4)}
    _check(nodes, {"x": _normal(1, 4, 6, 6)}, constants, kernels=["conv", "elementwise"], outputs=["y", "z"])


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    ("size", "attributes"),
    [
        ((1, 3, 8, 9), {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ((2, 3, 11, 30), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ((1, 2, 20, 40), {"kernel_shape": [5, 5], "pads": [2, 2, 2, 2]}),
        ((1, 2, 12), {"kernel_shape": [3], "auto_pad": "SAME_UPPER"}),
    ],
)
def test_pool(kind: str, size: tuple[int, ...], attributes: dict[str, Any]) -> None:
    x = _normal(*size)
    x.flat[5] = np.nan if kind == "MaxPool" else 1
    _check([helper.make_node(kind, ["x"], ["y"], **attributes)], {"x": x}, kernels=["pool"])


def test_average_that_counts_its_padding() -> None:
    node = helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)
    _check([node], {"x": _normal(1, 2, 6, 7)}, kernels=["pool"])


@pytest.mark.parametrize(
    ("left", "right"),
    [((2, 5, 7), (7, 10)), ((1, 1, 300), (300, 97)), ((3, 70, 64), (64, 130)), ((2, 4, 9, 16), (16, 1))],
)
def test_matmul_by_a_constant(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["b", "m"], ["y"])]
    _check(nodes, {"x": _normal(*left)}, {"w": _normal(*right), "b": _normal(right[1])}, kernels=["product"])


@pytest.mark.parametrize(
    ("left", "right"),
    [((2, 3, 5, 7), (2, 3, 7, 60)), ((4, 9, 8), (8, 3)), ((2, 1, 20, 6), (3, 6, 50)), ((1, 0, 4), (4, 3))],
)
def test_matmul_of_two_values(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    _check([node], {"a": _normal(*left), "b": _normal(*right)}, kernels=["product"])


@pytest.mark.parametrize("turns", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("added", [None, (70, 97), (97,), (1, 97), (1,), ()])
@pytest.mark.parametrize("fixed", [True, False])
def test_gemm_of_values(turns: tuple[int, int], added: tuple[int, ...] | None, fixed: bool) -> None:
    """By what is no constant, or plus what is none."""
    sides = {"a": (70, 33), "b": (33, 97)}
    feeds = {n: _normal(*(s[::-1] if turn else s)) for (n, s), turn in zip(sides.items(), turns, strict=True)}
    feeds |= {} if added is None else {"c": _normal(*added)}
    node = helper.make_node("Gemm", list(feeds), ["g"], transA=turns[0], transB=turns[1], alpha=0.5, beta=-2.0)
    held = {"b": feeds.pop("b")} if fixed else {}
    pooled = helper.make_node("LayerNormalization", ["r", "scale"], ["y"])  # a network, whatever else
    nodes = [node, helper.make_node("Relu", ["g"], ["r"]), pooled]
    _check(nodes, feeds, held | {"scale": _normal(97)}, kernels=["product", "normalize"], close=1e-5)


def test_gemm_whose_c_has_a_value_a_row() -> None:
    feeds = {"a": _normal(5, 3), "b": _normal(3, 4), "c": _normal(5, 1)}
    made = _model([helper.make_node("Gemm", ["a", "b", "c"], ["y"])], feeds, {}, ["y"])
    expected = feeds["a"] @ feeds["b"] + feeds["c"]
    np.testing.assert_allclose(celeris.InferenceSession(made).run(None, feeds)[0], expected, atol=1e-5)


def test_products_of_rows_of_a_table_are_no_network() -> None:
    """Results of a model for tables do not depend on the batch: such products are left alone."""
    nodes = [
        helper.make_node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[0.0], scale=[2.0]),
        helper.make_node("MatMul", ["s", "w"], ["y"]),
    ]
    feeds = {"x": _normal(4, 3), "w": _normal(3, 2)}
    program = celeris.InferenceSession(_model(nodes, feeds, {}, ["y"]))._sess._program
    assert not any(isinstance(step, TensorStep) for step in program.plan.steps)


def test_gemm_in_a_network() -> None:
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Squeeze", ["p", "axes"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["g"], transB=1, alpha=0.5, beta=2.0),
        helper.make_node("Tanh", ["g"], ["y"]),
    ]
    constants = {"axes": np.array([2, 3]), "w": _normal(5, 6), "b": _normal(5)}
    session = celeris.InferenceSession(_model(nodes, feeds := {"x": _normal(3, 6, 4, 4)}, constants, ["y"]))
    kernels = [s.kernel for s in session._sess._program.plan.steps if isinstance(s, TensorStep)]
    assert kernels == ["mean", "product"]
    mean = feeds["x"].mean(axis=(2, 3))
    expected = np.tanh(0.5 * mean @ constants["w"].T + 2 * constants["b"])
    np.testing.assert_allclose(session.run(None, feeds)[0], expected, atol=1e-6)


_ONE = ["Abs", "Neg", "Exp", "Sqrt", "Reciprocal", "Relu", "Sigmoid", "Tanh", "Erf", "LeakyRelu", "HardSigmoid"]


@pytest.mark.parametrize("name", [*_ONE, "HardSwish", "Gelu", "Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Clip"])
@pytest.mark.parametrize("size", [1, 15, 16, 17, 1024, 5000])
def test_each_function(name: str, size: int) -> None:
    """Behind a product by 1, so that the graph is a network."""
    special = [0, -0.0, 1e-30, -1e-30, 90, -90, 1e30, np.inf, -np.inf, np.nan, 0.5, -0.5, 0.3, 87.5, -103]
    x = np.resize(np.concatenate([np.array(special, np.float32), 3 * _normal(200)]), (1, 1, size)).astype(np.float32)
    constants = {"one": np.ones((1, 1), np.float32), "b": np.float32(1.5), "two": np.float32(2), "high": np.float32(4)}
    inputs = {"Pow": ["x", "two"], "Clip": ["x", "b", "high"]}
    two = name in ("Add", "Sub", "Mul", "Div", "Max", "Min")
    feeds = {"x": x, "m": np.zeros((1, 1, 1), np.float32), **({"z": x[..., ::-1].copy()} if two else {})}
    nodes = [
        helper.make_node("MatMul", ["m", "one"], ["zero"]),
        helper.make_node(name, inputs.get(name, ["x", "z"] if two else ["x"]), ["y"]),
    ]
    made = _model(nodes, feeds, {k: np.asarray(v) for k, v in constants.items()}, ["y", "zero"])
    reference = celeris.InferenceSession(made, disabled_optimizers=["native"]).run(None, feeds)[0]
    session = celeris.InferenceSession(made)
    assert "elementwise" in [s.kernel for s in session._sess._program.plan.steps if isinstance(s, TensorStep)]
    np.testing.assert_allclose(session.run(None, feeds)[0], reference, rtol=2e-6, atol=4e-7)


@pytest.mark.parametrize(
    "shapes",
    [((2, 3, 40), (3, 1)), ((2, 3, 40), (40,)), ((2, 1, 40), (2, 5, 1)), ((4, 1, 1), (1, 700, 3)), ((1,), (2, 3, 4))],
)
def test_broadcasting(shapes: tuple[tuple[int, ...], ...]) -> None:
    one, other = shapes
    nodes = [
        helper.make_node("Sub", ["a", "b"], ["d"]),
        helper.make_node("Mul", ["d", "d"], ["s"]),
        helper.make_node("Add", ["s", "b"], ["e"]),
        helper.make_node("MaxPool", ["image"], ["z"], kernel_shape=[1, 1]),
        helper.make_node("Sqrt", ["e"], ["y"]),
    ]
    feeds = {"a": np.abs(_normal(*one)), "b": np.abs(_normal(*other)), "image": _normal(1, 1, 2, 2)}
    _check(nodes, feeds, kernels=["elementwise", "pool"], outputs=["y", "z"])


@pytest.mark.parametrize("width", [1, 5, 16, 48, 100])
def test_norms(width: int) -> None:
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale", "bias"], ["n"], axis=-1),
        helper.make_node("Softmax", ["n"], ["y"], axis=-1),
        helper.make_node("ReduceMean", ["x", "last"], ["m"], keepdims=0),
    ]
    constants = {"scale": _normal(width), "bias": _normal(width), "last": np.array([-1])}
    x = {"x": _normal(2, 7, width)}
    kernels = ["normalize", "mean", "normalize"]
    _check(nodes, x, constants, kernels=kernels, outputs=["y", "m", "n"], close=1e-5)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "GRU after"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("steps", "batch", "hidden"), [(1, 1, 16), (5, 3, 10), (4, 9, 33)])
def test_recurrent(kind: str, direction: str, steps: int, batch: int, hidden: int) -> None:
    name, ways, gates = kind[:4].strip(), 2 if direction == "bidirectional" else 1, 4 if kind == "LSTM" else 3
    extra = {"linear_before_reset": 1} if kind == "GRU after" else {}
    states = ["h", "c"] if name == "LSTM" else ["h"]
    made = ["y", "y_h", "y_c"][: 1 + len(states)]
    node = helper.make_node(
        name, ["x", "w", "r", "b", "", *states], made, hidden_size=hidden, direction=direction, **extra
    )
    constants = {"w": _normal(ways, gates * hidden, 7), "r": _normal(ways, gates * hidden, hidden) / 4}
    constants["b"] = _normal(ways, 2 * gates * hidden)
    feeds = {"x": _normal(steps, batch, 7), **{s: _normal(ways, batch, hidden) for s in states}}
    _check([node], feeds, constants, kernels=["recurrent"], outputs=made, close=1e-5)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("group", "channels"), [(1, 5), (3, 1)])
def test_integer_convolutions(signed: bool, group: int, channels: int) -> None:
    x, w = _bytes(2, group * channels, 9, 13, signed=signed), _bytes(2 * group * 3, channels, 3, 3, signed=True)
    constants = {"w": w, "wz": np.asarray(np.int8(3))}
    attributes = {"pads": [1, 1, 1, 1], "strides": [2, 1], "group": group}
    node = helper.make_node("ConvInteger", ["x", "w", "xz", "wz"], ["y"], **attributes)
    feeds = {"x": x, "xz": np.asarray(x.flat[0])}
    _check([node], feeds, constants, kernels=["conv_integer"])
    scales = {"xs": np.float32(0.02), "ws": np.abs(_normal(len(w))) * 0.01 + 0.001, "ys": np.float32(0.05)}
    constants = {
        "w": w,
        **{k: np.asarray(v) for k, v in scales.items()},
        "b": _RNG.integers(-999, 999, len(w)).astype(np.int32),
    }
    constants |= {
        "xz": np.asarray(x.dtype.type(7)),
        "wz": np.zeros(len(w), np.int8),
        "yz": np.asarray(x.dtype.type(20)),
    }
    node = helper.make_node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["y"], **attributes)
    _check([node], {"x": x}, constants, kernels=["conv_integer"], steps=1)


def test_a_dynamically_quantised_convolution_is_one_step() -> None:
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("ConvInteger", ["q", "w", "z"], ["c"]),
        helper.make_node("Cast", ["c"], ["f"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["f", "s"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["a"]),
        helper.make_node("Relu", ["a"], ["y"]),
    ]
    constants = {"w": _bytes(6, 3, 3, 3), "b": _normal(1, 6, 1, 1)}
    _check(nodes, {"x": _normal(1, 3, 12, 12)}, constants, kernels=["quantize", "conv_integer"])


@pytest.mark.parametrize("signed", [False, True])
def test_quantize(signed: bool) -> None:
    zero, scale = np.asarray((np.int8 if signed else np.uint8)(9)), np.asarray(np.float32(0.1))
    constants = {"z": zero, "s": scale, "s2": np.asarray(np.float32(0.07)), "w": np.ones((1, 1, 1, 1), np.float32)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("QLinearAdd", ["q", "s", "z", "other", "s2", "z", "s2", "z"], ["t"], domain="com.microsoft"),
        helper.make_node("DequantizeLinear", ["t", "s2", "z"], ["d"]),
        helper.make_node("Conv", ["d", "w"], ["y"]),
    ]
    x = 20 * _normal(1, 1, 30, 100)
    x.flat[:3] = np.nan, np.inf, -np.inf
    feeds = {"x": x, "other": _bytes(1, 1, 30, 100, signed=signed)}
    _check(nodes, feeds, constants, kernels=["quantize"] * 3 + ["conv"], outputs=["q", "t", "y"], close=0.003, steps=1)


_PRODUCTS = [
    ((1, 64), (64, 100), False), ((5, 7), (7, 48), True), ((2, 3, 9), (9, 50), False), ((70, 130), (130, 97), True),
    ((8, 1), (1, 1), False), ((3, 0), (0, 4), False),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "signed"), _PRODUCTS)
@pytest.mark.parametrize("fixed", [True, False])
def test_product_of_bytes(left: tuple[int, ...], right: tuple[int, ...], signed: bool, fixed: bool) -> None:
    """Exact, whatever the types, with B constant or not; extremes meet extremes."""
    a, b = _bytes(*left, signed=signed), _bytes(*right, signed=True)
    a.flat[:4], b.flat[:4] = -128 if signed else 255, -128
    held = {"b": b, "az": np.array(-3 if signed else 200, a.dtype), "bz": np.int8(5).reshape(())}
    feeds = {"a": a} | ({} if fixed else {"b": held.pop("b")})
    _check([helper.make_node("MatMulInteger", ["a", "b", "az", "bz"], ["y"])], feeds, held, kernels=["product_integer"])
    held |= {n: np.float32(v).reshape(()) for n, v in (("as", 0.02), ("bs", 0.013), ("ys", 0.7))}
    if fixed:
        held |= {"bs": _RNG.uniform(0.01, 0.02, right[1]).astype(np.float32), "bz": _bytes(right[1], signed=True)}
    held["yz"] = np.array(-7 if signed else 99, a.dtype)
    node = helper.make_node("QLinearMatMul", ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"])
    _check([node], feeds, held, kernels=["product_integer"], close=0)


@pytest.mark.parametrize(("left", "right", "signed"), _PRODUCTS)
def test_products_of_bytes_given_as_floats(left: tuple[int, ...], right: tuple[int, ...], signed: bool) -> None:
    columns = right[1]
    held = {
        "b": _bytes(*right, signed=signed), "bs": _RNG.uniform(0.01, 0.02, columns).astype(np.float32),
        "bz": _bytes(columns, signed=signed), "bias": _normal(columns),
    }  # fmt: skip
    ready = helper.make_node(
        "MatMulIntegerToFloat", ["a", "b", "as", "bs", "az", "bz", "bias"], ["y"], domain=_MICROSOFT
    )
    feeds = {"a": _bytes(*left), "as": np.float32(0.03).reshape(1), "az": np.uint8(77).reshape(1)}
    _check([ready], feeds, held, kernels=["product_integer"])
    fitted = helper.make_node("DynamicQuantizeMatMul", ["x", "b", "bs", "bz", "bias"], ["m"], domain=_MICROSOFT)
    nodes = [fitted, helper.make_node("Relu", ["m"], ["y"])]
    _check(nodes, {"x": _normal(*left)}, held, kernels=["product_integer"])


@pytest.mark.parametrize("scale", [(), (1,), (60,)])
def test_what_a_dynamic_quantizer_writes_is_one_product(scale: tuple[int, ...]) -> None:
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "b", "z", "bz"], ["i"]),
        helper.make_node("Cast", ["i"], ["c"], to=1),
        helper.make_node("Mul", ["s", "bs"], ["both"]),
        helper.make_node("Mul", ["c", "both"], ["m"]),
        helper.make_node("Add", ["m", "bias"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["y"]),
    ]
    held = {
        "b": _bytes(33, 60, signed=True), "bz": np.int8(0).reshape(()), "bias": _normal(60),
        "bs": _RNG.uniform(0.01, 0.02, scale).astype(np.float32),
    }  # fmt: skip
    kernels = ["quantize", "elementwise", "product_integer"]
    _check(nodes, {"x": _normal(2, 9, 33)}, held, kernels=kernels)


@pytest.mark.parametrize("turned", [0, 1])
@pytest.mark.parametrize("real", [True, False])
def test_qgemm(turned: int, real: bool) -> None:
    held = {
        "b": _bytes(*((50, 31) if turned else (31, 50)), signed=True), "bz": np.int8(3).reshape(()),
        "as": np.float32(0.02).reshape(()), "az": np.uint8(9).reshape(()), "bs": np.float32(0.01).reshape(()),
        "c": _RNG.integers(-999, 999, 50).astype(np.int32), "ys": np.float32(0.9).reshape(()),
        "yz": np.uint8(100).reshape(()),
    }  # fmt: skip
    names = ["a", "as", "az", "b", "bs", "bz", "c", *([] if real else ["ys", "yz"])]
    node = helper.make_node("QGemm", names, ["y"], domain=_MICROSOFT, transB=turned, alpha=0.5)
    _check([node], {"a": _bytes(10, 31)}, held, kernels=["product_integer"])


def test_zero_points_a_row_are_left_to_the_reference_tier() -> None:
    node = helper.make_node("MatMulInteger", ["a", "b", "az"], ["y"])
    feeds, held = {"a": _bytes(3, 4), "az": _bytes(3)}, {"b": _bytes(4, 5)}
    made = _model([node], feeds, held, ["y"])
    expected = (feeds["a"].astype(int) - feeds["az"][:, None]) @ held["b"].astype(int)
    np.testing.assert_array_equal(celeris.InferenceSession(made).run(None, feeds)[0], expected)


def test_other_shapes_than_declared_fall_back() -> None:
    """A sum that broadcasts a product's rows: no tile of it finds its elements."""
    nodes = [helper.make_node("MatMul", ["a", "w"], ["m"]), helper.make_node("Add", ["m", "skip"], ["y"])]
    inputs = [
        helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["N", d, 4]) for n, d in (("a", "A"), ("skip", "B"))
    ]
    w = numpy_helper.from_array(_normal(4, 4), "w")
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name="y")], [w])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    feeds = {"a": _normal(2, 1, 4), "skip": _normal(2, 5, 4)}
    ours = celeris.InferenceSession(made).run(None, feeds)[0]
    np.testing.assert_allclose(
        ours, celeris.InferenceSession(made, disabled_optimizers=["native"]).run(None, feeds)[0], 1e-5
    )


@pytest.mark.parametrize("isa", other_instruction_sets())
def test_on_each_instruction_set(isa: str) -> None:
    run_on(isa, __file__)

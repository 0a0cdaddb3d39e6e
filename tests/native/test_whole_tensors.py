"""Whole-tensor kernels (cpp/tensors.h) against the reference tier, on one thread and several, on each instruction set."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import celeris
from celeris.plan.plan import TensorStep
from tests.native.tables import other_instruction_sets, run_on
from tests.native.tensors import MICROSOFT, RNG, check, model_of, normal, some_bytes


@pytest.mark.parametrize(
    ("left", "right"),
    [((2, 5, 7), (7, 10)), ((1, 1, 300), (300, 97)), ((3, 70, 64), (64, 130)), ((2, 4, 9, 16), (16, 1))],
)
def test_matmul_by_a_constant(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["b", "m"], ["y"])]
    check(nodes, {"x": normal(*left)}, {"w": normal(*right), "b": normal(right[1])}, kernels=["product"])


@pytest.mark.parametrize(
    ("left", "right"),
    [((2, 3, 5, 7), (2, 3, 7, 60)), ((4, 9, 8), (8, 3)), ((2, 1, 20, 6), (3, 6, 50)), ((1, 0, 4), (4, 3))],
)
def test_matmul_of_two_values(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    check([node], {"a": normal(*left), "b": normal(*right)}, kernels=["product"])


@pytest.mark.parametrize("turns", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("added", [None, (70, 97), (97,), (1, 97), (1,), ()])
@pytest.mark.parametrize("fixed", [True, False])
def test_gemm_of_values(turns: tuple[int, int], added: tuple[int, ...] | None, fixed: bool) -> None:
    """By what is no constant, or plus what is none."""
    sides = {"a": (70, 33), "b": (33, 97)}
    feeds = {n: normal(*(s[::-1] if turn else s)) for (n, s), turn in zip(sides.items(), turns, strict=True)}
    feeds |= {} if added is None else {"c": normal(*added)}
    node = helper.make_node("Gemm", list(feeds), ["g"], transA=turns[0], transB=turns[1], alpha=0.5, beta=-2.0)
    held = {"b": feeds.pop("b")} if fixed else {}
    pooled = helper.make_node("LayerNormalization", ["r", "scale"], ["y"])  # a model_of, whatever else
    nodes = [node, helper.make_node("Relu", ["g"], ["r"]), pooled]
    check(nodes, feeds, held | {"scale": normal(97)}, kernels=["product", "normalize"], close=1e-5)


def test_gemm_whose_c_has_a_value_a_row() -> None:
    feeds = {"a": normal(5, 3), "b": normal(3, 4), "c": normal(5, 1)}
    made = model_of([helper.make_node("Gemm", ["a", "b", "c"], ["y"])], feeds, {}, ["y"])
    expected = feeds["a"] @ feeds["b"] + feeds["c"]
    np.testing.assert_allclose(celeris.InferenceSession(made).run(None, feeds)[0], expected, atol=1e-5)


def test_products_of_rows_of_a_table_are_no_network() -> None:
    """Results of a model for tables do not depend on the batch: such products are left alone."""
    nodes = [
        helper.make_node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[0.0], scale=[2.0]),
        helper.make_node("MatMul", ["s", "w"], ["y"]),
    ]
    feeds = {"x": normal(4, 3), "w": normal(3, 2)}
    program = celeris.InferenceSession(model_of(nodes, feeds, {}, ["y"]))._sess._program
    assert not any(isinstance(step, TensorStep) for step in program.plan.steps)


def test_gemm_in_a_network() -> None:
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Squeeze", ["p", "axes"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["g"], transB=1, alpha=0.5, beta=2.0),
        helper.make_node("Tanh", ["g"], ["y"]),
    ]
    constants = {"axes": np.array([2, 3]), "w": normal(5, 6), "b": normal(5)}
    session = celeris.InferenceSession(model_of(nodes, feeds := {"x": normal(3, 6, 4, 4)}, constants, ["y"]))
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
    x = np.resize(np.concatenate([np.array(special, np.float32), 3 * normal(200)]), (1, 1, size)).astype(np.float32)
    constants = {"one": np.ones((1, 1), np.float32), "b": np.float32(1.5), "two": np.float32(2), "high": np.float32(4)}
    inputs = {"Pow": ["x", "two"], "Clip": ["x", "b", "high"]}
    two = name in ("Add", "Sub", "Mul", "Div", "Max", "Min")
    feeds = {"x": x, "m": np.zeros((1, 1, 1), np.float32), **({"z": x[..., ::-1].copy()} if two else {})}
    nodes = [
        helper.make_node("MatMul", ["m", "one"], ["zero"]),
        helper.make_node(name, inputs.get(name, ["x", "z"] if two else ["x"]), ["y"]),
    ]
    made = model_of(nodes, feeds, {k: np.asarray(v) for k, v in constants.items()}, ["y", "zero"])
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
    feeds = {"a": np.abs(normal(*one)), "b": np.abs(normal(*other)), "image": normal(1, 1, 2, 2)}
    check(nodes, feeds, kernels=["elementwise", "pool"], outputs=["y", "z"])


@pytest.mark.parametrize("width", [1, 5, 16, 48, 100])
def test_norms(width: int) -> None:
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale", "bias"], ["n"], axis=-1),
        helper.make_node("Softmax", ["n"], ["y"], axis=-1),
        helper.make_node("ReduceMean", ["x", "last"], ["m"], keepdims=0),
    ]
    constants = {"scale": normal(width), "bias": normal(width), "last": np.array([-1])}
    x = {"x": normal(2, 7, width)}
    kernels = ["normalize", "mean", "normalize"]
    check(nodes, x, constants, kernels=kernels, outputs=["y", "m", "n"], close=1e-5)


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
    constants = {"w": normal(ways, gates * hidden, 7), "r": normal(ways, gates * hidden, hidden) / 4}
    constants["b"] = normal(ways, 2 * gates * hidden)
    feeds = {"x": normal(steps, batch, 7), **{s: normal(ways, batch, hidden) for s in states}}
    check([node], feeds, constants, kernels=["recurrent"], outputs=made, close=1e-5)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("group", "channels"), [(1, 5), (3, 1)])
def test_integer_convolutions(signed: bool, group: int, channels: int) -> None:
    x, w = some_bytes(2, group * channels, 9, 13, signed=signed), some_bytes(2 * group * 3, channels, 3, 3, signed=True)
    constants = {"w": w, "wz": np.asarray(np.int8(3))}
    attributes = {"pads": [1, 1, 1, 1], "strides": [2, 1], "group": group}
    node = helper.make_node("ConvInteger", ["x", "w", "xz", "wz"], ["y"], **attributes)
    feeds = {"x": x, "xz": np.asarray(x.flat[0])}
    check([node], feeds, constants, kernels=["conv_integer"])
    scales = {"xs": np.float32(0.02), "ws": np.abs(normal(len(w))) * 0.01 + 0.001, "ys": np.float32(0.05)}
    constants = {
        "w": w,
        **{k: np.asarray(v) for k, v in scales.items()},
        "b": RNG.integers(-999, 999, len(w)).astype(np.int32),
    }
    constants |= {
        "xz": np.asarray(x.dtype.type(7)),
        "wz": np.zeros(len(w), np.int8),
        "yz": np.asarray(x.dtype.type(20)),
    }
    node = helper.make_node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["y"], **attributes)
    check([node], {"x": x}, constants, kernels=["conv_integer"], steps=1)


def test_a_dynamically_quantised_convolution_is_one_step() -> None:
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("ConvInteger", ["q", "w", "z"], ["c"]),
        helper.make_node("Cast", ["c"], ["f"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["f", "s"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["a"]),
        helper.make_node("Relu", ["a"], ["y"]),
    ]
    constants = {"w": some_bytes(6, 3, 3, 3), "b": normal(1, 6, 1, 1)}
    check(nodes, {"x": normal(1, 3, 12, 12)}, constants, kernels=["quantize", "conv_integer"])


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
    x = 20 * normal(1, 1, 30, 100)
    x.flat[:3] = np.nan, np.inf, -np.inf
    feeds = {"x": x, "other": some_bytes(1, 1, 30, 100, signed=signed)}
    check(nodes, feeds, constants, kernels=["quantize"] * 3 + ["conv"], outputs=["q", "t", "y"], close=0.003, steps=1)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("operator", ["QLinearAdd", "QLinearMul"])
@pytest.mark.parametrize("other", [(2, 3, 30, 100), (100,), (1, 1, 30, 100), (), (1,), (2, 2, 3, 30, 100)])
def test_pairs_of_quantised_tensors(other: tuple[int, ...], operator: str, signed: bool) -> None:
    """Of one shape, or one comes again and again along the other."""
    zero = np.asarray((np.int8 if signed else np.uint8)(9))
    scales = {name: np.asarray(np.float32(scale)) for name, scale in (("s", 0.1), ("s2", 0.07), ("s3", 0.9))}
    nodes = [
        helper.make_node(operator, ["q", "s", "z", "other", "s2", "z", "s3", "z"], ["t"], domain="com.microsoft"),
        helper.make_node("Conv", ["x", "w"], ["c"]),
    ]
    feeds = {
        "q": some_bytes(2, 3, 30, 100, signed=signed),
        "other": some_bytes(*other, signed=signed),
        "x": normal(1, 1, 3, 3),
    }
    constants = {"z": zero, "w": np.ones((1, 1, 1, 1), np.float32), **scales}
    check(nodes, feeds, constants, kernels=["quantize", "conv"], outputs=["t", "c"], steps=1)


_PRODUCTS = [
    ((1, 64), (64, 100), False), ((5, 7), (7, 48), True), ((2, 3, 9), (9, 50), False), ((70, 130), (130, 97), True),
    ((8, 1), (1, 1), False), ((3, 0), (0, 4), False),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "signed"), _PRODUCTS)
@pytest.mark.parametrize("fixed", [True, False])
def test_product_of_bytes(left: tuple[int, ...], right: tuple[int, ...], signed: bool, fixed: bool) -> None:
    """Exact, whatever the types, with B constant or not; extremes meet extremes."""
    a, b = some_bytes(*left, signed=signed), some_bytes(*right, signed=True)
    a.flat[:4], b.flat[:4] = -128 if signed else 255, -128
    held = {"b": b, "az": np.array(-3 if signed else 200, a.dtype), "bz": np.int8(5).reshape(())}
    feeds = {"a": a} | ({} if fixed else {"b": held.pop("b")})
    check([helper.make_node("MatMulInteger", ["a", "b", "az", "bz"], ["y"])], feeds, held, kernels=["product_integer"])
    held |= {n: np.float32(v).reshape(()) for n, v in (("as", 0.02), ("bs", 0.013), ("ys", 0.7))}
    if fixed:
        held |= {"bs": RNG.uniform(0.01, 0.02, right[1]).astype(np.float32), "bz": some_bytes(right[1], signed=True)}
    held["yz"] = np.array(-7 if signed else 99, a.dtype)
    node = helper.make_node("QLinearMatMul", ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"])
    check([node], feeds, held, kernels=["product_integer"], close=0)


@pytest.mark.parametrize(("left", "right", "signed"), _PRODUCTS)
def test_products_of_bytes_given_as_floats(left: tuple[int, ...], right: tuple[int, ...], signed: bool) -> None:
    columns = right[1]
    held = {
        "b": some_bytes(*right, signed=signed), "bs": RNG.uniform(0.01, 0.02, columns).astype(np.float32),
        "bz": some_bytes(columns, signed=signed), "bias": normal(columns),
    }  # fmt: skip
    ready = helper.make_node(
        "MatMulIntegerToFloat", ["a", "b", "as", "bs", "az", "bz", "bias"], ["y"], domain=MICROSOFT
    )
    feeds = {"a": some_bytes(*left), "as": np.float32(0.03).reshape(1), "az": np.uint8(77).reshape(1)}
    check([ready], feeds, held, kernels=["product_integer"])
    fitted = helper.make_node("DynamicQuantizeMatMul", ["x", "b", "bs", "bz", "bias"], ["m"], domain=MICROSOFT)
    nodes = [fitted, helper.make_node("Relu", ["m"], ["y"])]
    check(nodes, {"x": normal(*left)}, held, kernels=["product_integer"])


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
        "b": some_bytes(33, 60, signed=True), "bz": np.int8(0).reshape(()), "bias": normal(60),
        "bs": RNG.uniform(0.01, 0.02, scale).astype(np.float32),
    }  # fmt: skip
    kernels = ["quantize", "elementwise", "product_integer"]
    check(nodes, {"x": normal(2, 9, 33)}, held, kernels=kernels)


@pytest.mark.parametrize("turned", [0, 1])
@pytest.mark.parametrize("real", [True, False])
def test_qgemm(turned: int, real: bool) -> None:
    held = {
        "b": some_bytes(*((50, 31) if turned else (31, 50)), signed=True), "bz": np.int8(3).reshape(()),
        "as": np.float32(0.02).reshape(()), "az": np.uint8(9).reshape(()), "bs": np.float32(0.01).reshape(()),
        "c": RNG.integers(-999, 999, 50).astype(np.int32), "ys": np.float32(0.9).reshape(()),
        "yz": np.uint8(100).reshape(()),
    }  # fmt: skip
    names = ["a", "as", "az", "b", "bs", "bz", "c", *([] if real else ["ys", "yz"])]
    node = helper.make_node("QGemm", names, ["y"], domain=MICROSOFT, transB=turned, alpha=0.5)
    check([node], {"a": some_bytes(10, 31)}, held, kernels=["product_integer"])


def test_zero_points_a_row_are_left_to_the_reference_tier() -> None:
    node = helper.make_node("MatMulInteger", ["a", "b", "az"], ["y"])
    feeds, held = {"a": some_bytes(3, 4), "az": some_bytes(3)}, {"b": some_bytes(4, 5)}
    made = model_of([node], feeds, held, ["y"])
    expected = (feeds["a"].astype(int) - feeds["az"][:, None]) @ held["b"].astype(int)
    np.testing.assert_array_equal(celeris.InferenceSession(made).run(None, feeds)[0], expected)


def test_other_shapes_than_declared_fall_back() -> None:
    """A sum that broadcasts a product's rows: no tile of it finds its elements."""
    nodes = [helper.make_node("MatMul", ["a", "w"], ["m"]), helper.make_node("Add", ["m", "skip"], ["y"])]
    inputs = [
        helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["N", d, 4]) for n, d in (("a", "A"), ("skip", "B"))
    ]
    w = numpy_helper.from_array(normal(4, 4), "w")
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name="y")], [w])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    feeds = {"a": normal(2, 1, 4), "skip": normal(2, 5, 4)}
    ours = celeris.InferenceSession(made).run(None, feeds)[0]
    np.testing.assert_allclose(
        ours, celeris.InferenceSession(made, disabled_optimizers=["native"]).run(None, feeds)[0], 1e-5
    )


@pytest.mark.parametrize("isa", other_instruction_sets())
def test_on_each_instruction_set(isa: str) -> None:
    run_on(isa, __file__)

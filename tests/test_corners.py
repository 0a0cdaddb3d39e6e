"""Corners that random models found, beside onnxruntime: ranks, signs of zero, no elements, strings without axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper as h
from onnx import numpy_helper

import celeris
from tests.peers import Raised, plain

ML = "ai.onnx.ml"
X = np.arange(6, dtype=np.float32).reshape(2, 3)
NETWORK = h.make_node("LayerNormalization", ["x", "scale"], ["network"])  # what makes a graph a network
SCALE = np.ones(3, np.float32)


def made(
    nodes: list[Any], feeds: dict[str, np.ndarray], outputs: list[str], constants: dict[str, np.ndarray], opset: int = 21,
    **shapes: Any,
) -> bytes:  # fmt: skip
    kinds = {name: 8 if x.dtype == object else h.np_dtype_to_tensor_dtype(x.dtype) for name, x in feeds.items()}
    inputs = [h.make_tensor_value_info(name, kinds[name], shapes.get(name, x.shape)) for name, x in feeds.items()]
    constant = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = h.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name=name) for name in outputs], constant)
    opsets = [h.make_opsetid("", opset), h.make_opsetid(ML, 3)]
    return h.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def answers(module: Any, model: bytes, feeds: dict[str, Any]) -> Any:
    try:
        return plain(module.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feeds))
    except Exception as problem:
        return Raised(problem).kind


def check(model: bytes, feeds: dict[str, Any]) -> Any:
    found = answers(celeris, model, feeds)
    assert found == answers(onnxruntime, model, feeds)
    return found


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (1, 1, 1)])
@pytest.mark.parametrize("name", ["Add", "Mul", "Pow"])
def test_a_constant_of_one_element_keeps_its_axes_in_a_network(name: str, shape: tuple[int, ...]) -> None:
    nodes = [NETWORK, h.make_node(name, ["x", "c"], ["y"])]
    check(made(nodes, {"x": X}, ["y"], {"scale": SCALE, "c": np.full(shape, 2, np.float32)}), {"x": X})


def test_powers_of_a_half_are_no_square_roots() -> None:
    x = np.array([[-np.inf, -0.0, 4]], np.float32)
    nodes = [NETWORK, h.make_node("Pow", ["x", "c"], ["y"])]
    check(made(nodes, {"x": x}, ["y"], {"scale": SCALE, "c": np.array(0.5, np.float32)}), {"x": x})


@pytest.mark.parametrize("name", ["Tanh", "Erf"])
def test_odd_functions_of_a_network_keep_the_sign_of_zero(name: str) -> None:
    x = np.array([[-0.0, 0.0, -np.inf]], np.float32)
    check(made([NETWORK, h.make_node(name, ["x"], ["y"])], {"x": x}, ["y"], {"scale": SCALE}), {"x": x})


def test_exp_of_a_network_is_finite_to_the_end() -> None:
    x = np.array([[88.7215, 88.73, -1]], np.float32)
    model = made([NETWORK, h.make_node("Exp", ["x"], ["y"])], {"x": x}, ["y"], {"scale": SCALE})
    got = celeris.InferenceSession(model).run(None, {"x": x})[0]
    np.testing.assert_allclose(got, onnxruntime.InferenceSession(model).run(None, {"x": x})[0], 1e-6)


@pytest.mark.parametrize("name", ["ReduceSum", "ReduceMax", "ReduceProd", "LpNormalization", "Softmax"])
def test_rows_of_no_columns_load(name: str) -> None:
    x = np.zeros((2, 0), np.float32)
    axes = ["axes"] if name.startswith("Reduce") else []
    model = made([h.make_node(name, ["x", *axes], ["y"])], {"x": x}, ["y"], {"axes": np.array([1])} if axes else {})
    check(model, {"x": x})


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_feature_vectorizer_takes_no_rows(dtype: Any) -> None:
    x = np.zeros((0, 3), dtype)
    one = h.make_node("FeatureVectorizer", ["x"], ["y"], domain=ML, inputdimensions=[3])
    check(made([one], {"x": x}, ["y"], {}, x=[None, 3]), {"x": x})


@pytest.mark.parametrize(
    ("one", "x"),
    [
        (h.make_node("Gather", ["x", "at"], ["y"]), np.array(["a", "b"], object)),
        (h.make_node("GatherND", ["x", "row"], ["y"]), np.array(["a", "b"], object)),
        (h.make_node("LabelEncoder", ["x"], ["y"], domain=ML, keys_int64s=[1], values_strings=["ü"]), np.array(1)),
        (h.make_node("CategoryMapper", ["x"], ["y"], domain=ML, cats_int64s=[1], cats_strings=["ü"]), np.array(1)),
    ],
)
def test_strings_without_axes_are_objects(one: Any, x: np.ndarray) -> None:
    used = {name: value for name, value in {"at": np.array(1), "row": np.array([1])}.items() if name in one.input}
    check(made([one], {"x": x}, ["y"], used), {"x": x})


def test_attributes_keep_the_sign_of_zero() -> None:
    nodes = [
        h.make_node("Constant", [], ["low"], value_float=-0.0),
        h.make_node("Constant", [], ["high"], value_float=0.0),
        h.make_node("Div", ["x", "low"], ["y"]),
        h.make_node("Div", ["x", "high"], ["z"]),
    ]
    check(made(nodes, {"x": X}, ["y", "z"], {}), {"x": X})


def test_a_saved_model_may_still_be_given_its_initializers(tmp_path: Path) -> None:
    x, c = np.ones(3, np.float32), np.arange(3, dtype=np.float32)
    model = made([h.make_node("Add", ["x", "c"], ["y"])], {"x": x, "c": c}, ["y"], {"c": c})
    options = celeris.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "saved.onnx")
    celeris.InferenceSession(model, options)
    saved = (tmp_path / "saved.onnx").read_bytes()
    for feeds in ({"x": x}, {"x": x, "c": x}):
        assert check(saved, feeds) == answers(onnxruntime, model, feeds)


@pytest.mark.parametrize("opset", [18, 21])
def test_group_normalization_of_every_opset(opset: int) -> None:
    x, scale = (
        np.random.default_rng(0).normal(size=(1, 4, 3)).astype(np.float32),
        np.ones(2 if opset < 21 else 4, np.float32),
    )
    one = h.make_node("GroupNormalization", ["x", "s", "b"], ["y"], num_groups=2)
    model = made([one], {"x": x}, ["y"], {"s": scale, "b": scale}, opset)
    got = celeris.InferenceSession(model).run(None, {"x": x})[0]
    np.testing.assert_allclose(got, onnxruntime.InferenceSession(model).run(None, {"x": x})[0], 1e-5)


@pytest.mark.parametrize("name", ["Conv", "MaxPool"])
@pytest.mark.parametrize("axes", [0, 1, 2, 3])
def test_an_image_has_the_axes_of_its_kernel(name: str, axes: int) -> None:
    x = np.ones((1, 1, *[2] * axes), np.float32)
    window = {} if name == "Conv" else {"kernel_shape": [1, 1]}
    one = h.make_node(name, ["x", "w"][: 2 if name == "Conv" else 1], ["y"], **window)
    weights = {"w": np.ones((1, 1, 1, 1), np.float32)} if name == "Conv" else {}
    graph_input = onnx.ValueInfoProto(name="x")
    graph_input.type.tensor_type.elem_type = 1  # of any rank
    parsed = onnx.load_from_string(made([one], {"x": x}, ["y"], weights))
    parsed.graph.input[0].CopyFrom(graph_input)
    model = parsed.SerializeToString()
    assert (answers(celeris, model, {"x": x}) == answers(onnxruntime, model, {"x": x})) or axes != 2
    assert (axes == 2) == isinstance(answers(celeris, model, {"x": x}), list)


def test_a_memoryview_of_several_axes_is_refused_as_any_object() -> None:
    model = made([h.make_node("Neg", ["x"], ["y"])], {"x": X}, ["y"], {})
    check(model, {"x": memoryview(X)})


@pytest.mark.parametrize("name", ["SequenceAt", "SequenceErase"])
def test_places_beyond_a_sequence(name: str) -> None:
    nodes = [h.make_node("SplitToSequence", ["x"], ["all"]), h.make_node(name, ["all", "at"], ["y"])]
    at = np.array(7)
    assert check(made(nodes, {"x": X, "at": at}, ["y"], {}), {"x": X, "at": at}) == "InvalidArgument"


@pytest.mark.parametrize("declared", [["N"], ["N", 5], ["N", 1], ["N", 2]])
@pytest.mark.parametrize("version", [1, 3])
@pytest.mark.parametrize(
    "name", ["TreeEnsembleRegressor", "Scaler", "Normalizer", "LinearRegressor", "Imputer", "Binarizer"]
)
def test_outputs_are_shown_as_declared_where_onnxruntime_has_no_rule(
    name: str, version: int, declared: list[Any]
) -> None:
    """CatBoost declares [N] for what is [N, 1]."""
    attributes: dict[str, dict[str, Any]] = {
        "TreeEnsembleRegressor": {
            "nodes_treeids": [0], "nodes_nodeids": [0], "nodes_featureids": [0], "nodes_modes": ["LEAF"],
            "nodes_values": [0.0], "nodes_truenodeids": [0], "nodes_falsenodeids": [0], "target_treeids": [0],
            "target_nodeids": [0], "target_ids": [0], "target_weights": [1.0], "n_targets": 1,
        },
        "Scaler": {"offset": [0.0, 0.0], "scale": [1.0, 1.0]},
        "LinearRegressor": {"coefficients": [1.0, 2.0], "intercepts": [0.0]},
        "Imputer": {"imputed_value_floats": [0.0]},
    }  # fmt: skip
    one = h.make_node(name, ["x"], ["y"], domain=ML, **attributes.get(name, {}))
    graph = h.make_graph(
        [one], "g", [h.make_tensor_value_info("x", 1, ["N", 2])], [h.make_tensor_value_info("y", 1, declared)]
    )
    opsets = [h.make_opsetid("", 21), h.make_opsetid(ML, version)]
    model = h.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    ours, theirs = (module.InferenceSession(model).get_outputs()[0].shape for module in (celeris, onnxruntime))
    assert ours == theirs


def test_what_a_caller_s_own_iterator_says_is_heard() -> None:
    def items() -> Any:
        yield {1: 2.0}
        raise TypeError("mine")

    model = made([h.make_node("Neg", ["x"], ["y"])], {"x": X}, ["y"], {})
    with pytest.raises(TypeError, match="mine"):
        celeris.InferenceSession(model).run(None, {"x": items()})


def test_factors_that_a_layer_s_weights_cannot_take_stay_outside() -> None:
    x, weights = np.full((3, 20), 1e-30, np.float32), np.full((20, 24), 1e30, np.float32)
    nodes = [h.make_node("MatMul", ["x", "w"], ["p"]), h.make_node("Mul", ["p", "c"], ["y"])]
    check(made(nodes, {"x": x}, ["y"], {"w": weights, "c": np.full(24, 1e30, np.float32)}), {"x": x})


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_network_s_limits_may_have_an_axis(shape: tuple[int, ...]) -> None:
    limits = {"low": np.full(shape, 1, np.float32), "high": np.full(shape, 4, np.float32)}
    model = made(
        [NETWORK, h.make_node("Clip", ["x", "low", "high"], ["y"])], {"x": X}, ["y"], {"scale": SCALE, **limits}
    )
    check(model, {"x": X})

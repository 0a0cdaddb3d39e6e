"""Convolutions and pooling on whole tensors (cpp/tensors.h) against the reference tier, on each instruction set."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import celeris
from tests.native.tables import other_instruction_sets, run_on
from tests.native.tensors import check, model_of, normal


def _peer(made: bytes) -> Any:
    import onnxruntime  # tools/aarch64 runs the others where it cannot be loaded

    return onnxruntime.InferenceSession(made)


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
        *(
            ((2, 58, *size), (48, 58, 3, 3), {"pads": [1, 1, 1, 1]})
            for size in ((1, 1), (1, 3), (7, 7), (8, 9), (13, 41))
        ),
        *(((1, 120, 9, 9), (2 * m, 60, 3, 3), {"strides": [2, 1], "group": 2}) for m in (32, 64, 96, 112)),
        ((1, 300, 5, 6), (20, 300, 2, 3), {}),
    ],
)
def test_conv(size: tuple[int, ...], weights: tuple[int, ...], attributes: dict[str, Any]) -> None:
    constants = {"w": normal(*weights), "b": normal(weights[0])}
    check([_conv("x", "w", **attributes)], {"x": normal(*size)}, constants, kernels=["conv"])


_DEEP = [
    ((1, 3, 5, 9, 11), (8, 3, 3, 3, 3), {"pads": [1, 1, 1, 1, 1, 1]}),
    ((2, 4, 6, 7, 20), (10, 2, 2, 3, 1), {"group": 2, "strides": [2, 1, 2], "pads": [1, 0, 2, 0, 1, 1]}),
    ((1, 2, 7, 8, 8), (3, 2, 3, 3, 3), {"dilations": [2, 1, 2], "auto_pad": "VALID"}),
    ((1, 6, 4, 5, 5), (6, 1, 1, 3, 3), {"group": 6}),
    ((1, 5, 1, 4, 4), (7, 5, 1, 1, 1), {}),
]


@pytest.mark.parametrize(("size", "weights", "attributes"), _DEEP)
def test_conv_over_three_axes(size: tuple[int, ...], weights: tuple[int, ...], attributes: dict[str, Any]) -> None:
    constants = {"w": normal(*weights), "b": normal(weights[0])}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], **attributes), helper.make_node("Relu", ["c"], ["y"])]
    check(nodes, {"x": normal(*size)}, constants, kernels=["conv"])


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
    feeds = {"x": normal(*size), "w": normal(*weights)} | ({"b": normal(weights[0])} if biased else {})
    nodes = [helper.make_node("Conv", list(feeds), ["c"], **attributes), helper.make_node("Relu", ["c"], ["y"])]
    check(nodes, feeds, kernels=["conv"])


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
    feeds, constants = {"x": normal(*size)}, {"w": normal(*weights), "b": normal(outputs)}
    check([node], feeds, constants, kernels=["conv"])
    made = model_of([node], feeds, constants, ["y"])
    theirs = _peer(made).run(None, feeds)[0]
    np.testing.assert_allclose(celeris.InferenceSession(made).run(None, feeds)[0], theirs, atol=1e-5)


def test_transposed_conv_of_gaps_is_left_to_the_reference_tier() -> None:
    feeds, constants = {"x": normal(1, 1, 2, 2)}, {"w": normal(1, 1, 1, 1)}
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[9, 2])
    made = model_of([node], feeds, constants, ["y"])
    theirs = _peer(made).run(None, feeds)[0]
    np.testing.assert_array_equal(celeris.InferenceSession(made).run(None, feeds)[0], theirs)


@pytest.mark.parametrize(("channels", "outputs", "close"), [(4, 10, 2e-4), (58, 80, 1e-3)])
def test_what_follows_a_convolution_is_chained_to_it(channels: int, outputs: int, close: float) -> None:
    constants = {
        "w": normal(outputs, channels, 3, 3) / np.float32(channels),
        "b": normal(outputs),
        "s": normal(1, outputs, 1, 1),
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
    feeds = {"x": normal(2, channels, 9, 10), "skip": normal(2, outputs, 9, 10)}
    check(nodes, feeds, constants, kernels=["conv"], close=close)


@pytest.mark.parametrize("limits", ["Clip", "Relu"])
@pytest.mark.parametrize(
    ("size", "weights", "attributes"),
    [
        *(((1, 3, 5, width), (17, 3, 3, 3), {"pads": [1, 1, 1, 1]}) for width in (45, 46, 47, 48, 49, 95)),
        *(((1, 5, 40, width), (11, 5, 1, 1), {}) for width in (1, 12, 48, 49)),
        ((1, 58, 10, 11), (64, 58, 3, 3), {}),
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
    constants = {
        "w": normal(*weights) / np.float32(weights[1]),
        "b": normal(weights[0]),
        "low": np.float32(-0.7),
        "high": np.float32(1.2),
    }
    after = ["low", "high"] if limits == "Clip" else []
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], **attributes),
        helper.make_node(limits, ["c", *after], ["y"]),
    ]
    x = normal(*size)
    x[0, 1, 2, 0] = np.nan
    constants = {name: np.asarray(value) for name, value in constants.items()}
    check(nodes, {"x": x}, constants, kernels=["conv"], close=4e-6)


@pytest.mark.parametrize("after", ["Relu", "HardSwish", None])
@pytest.mark.parametrize("kernel", [(3, 3), (5, 5), (2, 4), (1, 3)])
@pytest.mark.parametrize(("height", "width"), [(1, 5), (1, 70), (2, 16), (3, 15), (4, 160), (5, 33), (7, 7), (9, 64)])
def test_each_channel_by_itself(height: int, width: int, kernel: tuple[int, int], after: str | None) -> None:
    """Rows of windows are summed four, two or one at a time, by vectors that may overlap, and end in a chain or not."""
    above, left = kernel[0] - 1, kernel[1] - 1
    pads = [above // 2, left // 2, above - above // 2, left - left // 2]
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c" if after else "y"], group=11, pads=pads)]
    nodes += [helper.make_node(after, ["c"], ["y"])] if after else []
    constants = {"w": normal(11, 1, *kernel), "b": normal(11)}
    check(nodes, {"x": normal(2, 11, height, width)}, constants, kernels=["conv"], close=4e-6)


def test_a_value_read_elsewhere_ends_a_chain() -> None:
    nodes = [
        _conv("x", "w", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["y"], ["r"]),
        helper.make_node("Add", ["r", "y"], ["z"]),
    ]
    constants = {"w": normal(4, 4, 3, 3), "b": normal(4)}
    check(nodes, {"x": normal(1, 4, 6, 6)}, constants, kernels=["conv", "elementwise"], outputs=["y", "z"])


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
    x = normal(*size)
    x.flat[5] = np.nan if kind == "MaxPool" else 1
    check([helper.make_node(kind, ["x"], ["y"], **attributes)], {"x": x}, kernels=["pool"])


def test_average_that_counts_its_padding() -> None:
    node = helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)
    check([node], {"x": normal(1, 2, 6, 7)}, kernels=["pool"])


@pytest.mark.parametrize("isa", other_instruction_sets())
def test_on_each_instruction_set(isa: str) -> None:
    run_on(isa, __file__)

"""Functions of layers of neurons: by themselves, and as the end of a layer's product, each beside the reference tier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.graph.graph import Model
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from celeris.providers.native.elementwise import ACTIVATIONS
from tests.native.tables import Feeds, assert_independent, model, node, other_instruction_sets, parts, reals, run_on

_RNG = np.random.default_rng(0)
_ERROR = 6e-7  # relative, or absolute beside 1: a few units in the last place of float32


def _kernels(made: Model) -> list[str]:
    steps = compile_model(made).plan.steps
    return [call.kernel for step in steps if isinstance(step, PipelineStep) for call in step.kernels]


def _check(made: Model, feeds: Feeds, error: float = _ERROR) -> None:
    program, reference = compile_model(made), compile_model(made, disabled=["native"])
    for rows in (0, 1, 5, 63, 64, 300):
        some = parts(feeds, rows)
        with np.errstate(all="ignore"):
            expected = reference.execute(some)[0]
        np.testing.assert_allclose(program.execute(some)[0], expected, error, error)
    assert_independent(program.execute, parts(feeds, 300))


def _cases() -> list[Any]:
    given: dict[str, dict[str, Any]] = {
        "Celu": {"alpha": 2.0}, "Elu": {"alpha": 0.5}, "HardSigmoid": {"alpha": 0.3, "beta": 0.4},
        "LeakyRelu": {"alpha": 0.2}, "Selu": {"alpha": 1.5, "gamma": 1.25}, "ThresholdedRelu": {"alpha": 0.75},
        "Gelu": {"approximate": "tanh"},
    }  # fmt: skip
    return [(name, {}) for name in ACTIVATIONS if name != "PRelu"] + list(given.items())


@pytest.mark.parametrize(("name", "attributes"), _cases())
def test_by_itself(name: str, attributes: dict[str, Any]) -> None:
    x = reals(np.float32, 5)
    if name == "Gelu" or name in ("HardSwish", "Mish"):
        x[x == -np.inf] = -3e38  # where the tiers may differ: 0 times infinity
    feeds = {"x": x}
    made = model([node(name, ["x"], ["y"], **attributes)], feeds, {}, ["y"], opset=22)
    assert _kernels(made) == ["activation"]
    _check(made, feeds)


def test_one_slope_is_a_leaky_relu_and_several_are_left_alone() -> None:
    feeds = {"x": reals(np.float32, 5)}
    for slope, kernels in ((np.float32([0.25]), ["activation"]), (np.linspace(0, 1, 5, dtype=np.float32), [])):
        made = model([node("PRelu", ["x", "s"], ["y"])], feeds, {"s": slope}, ["y"])
        assert _kernels(made) == kernels
        _check(made, feeds)


@pytest.mark.parametrize("name", ["Celu", "Elu", "Selu"])
def test_little_below_zero_is_as_exact_as_elsewhere(name: str) -> None:
    x = -np.geomspace(1e-30, 80, 2000).astype(np.float32)[:, None]
    made = model([node(name, ["x"], ["y"])], {"x": x}, {}, ["y"], opset=22)
    exact = np.expm1(x.astype(np.float64)) * (
        1.67326319217681884765625 * 1.05070102214813232421875 if name == "Selu" else 1
    )
    np.testing.assert_allclose(compile_model(made).execute({"x": x})[0], exact, 3e-7)


def _layer(ends: list[Any], constants: Feeds, x: np.ndarray) -> Model:
    weights = {"w": _RNG.normal(size=(20, 24)).astype(np.float32) / 4, "b": _RNG.normal(size=24).astype(np.float32)}
    nodes = [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "b"], ["g"]), *ends]
    return model(nodes, {"x": x}, {**weights, **constants}, ["y"], opset=22)


def _number(value: float) -> np.ndarray:
    return np.array(value, np.float32)


_HALF, _ONE = {"half": _number(0.5)}, {"one": _number(1)}
_BELL = [node("Erf", ["d"], ["e"]), node("Add", ["e", "one"], ["o"])]
ENDS: dict[str, tuple[list[Any], Feeds]] = {
    "tanh": ([node("Tanh", ["g"], ["y"])], {}),
    "sigmoid": ([node("Sigmoid", ["g"], ["y"])], {}),
    "elu": ([node("Elu", ["g"], ["y"])], {}),
    "mish": ([node("Mish", ["g"], ["y"])], {}),
    "swish": ([node("Sigmoid", ["g"], ["s"]), node("Mul", ["g", "s"], ["y"])], {}),
    "swish, turned": ([node("Sigmoid", ["g"], ["s"]), node("Mul", ["s", "g"], ["y"])], {}),
    "gelu, halved at the end": (
        [node("Div", ["g", "root"], ["d"]), *_BELL, node("Mul", ["g", "o"], ["m"]), node("Mul", ["m", "half"], ["y"])],
        {"root": _number(2**0.5), **_HALF, **_ONE},
    ),
    "gelu, halved at the beginning": (
        [node("Mul", ["g", "half"], ["h"]), node("Mul", ["g", "root"], ["d"]), *_BELL, node("Mul", ["h", "o"], ["y"])],
        {"root": _number(0.5**0.5), **_HALF, **_ONE},
    ),
    "batch normalisation": (
        [node("BatchNormalization", ["g", "s", "o", "m", "v"], ["n"]), node("Relu", ["n"], ["y"])],
        {name: _RNG.uniform(0.5, 2, 24).astype(np.float32) for name in "somv"},
    ),
}


@pytest.mark.parametrize("name", list(ENDS))
def test_a_layer_with_its_activation_is_one_kernel(name: str) -> None:
    x = _RNG.normal(size=(300, 20)).astype(np.float32)
    x[7, 3] = np.nan
    made = _layer(*ENDS[name], x)
    assert _kernels(made) == ["gemm_narrow"]
    _check(made, {"x": x}, 2e-6)


@pytest.mark.parametrize(
    ("ends", "constants"),
    [
        ([node("Sigmoid", ["g"], ["s"]), node("Mul", ["p", "s"], ["y"])], {}),  # of another value
        (ENDS["gelu, halved at the end"][0], {"root": _number(1.5), **_HALF, **_ONE}),
        (ENDS["gelu, halved at the end"][0], {"root": _number(2**0.5), **_HALF, "one": _number(2)}),
        ([node("Div", ["root", "g"], ["d"]), *ENDS["gelu, halved at the end"][0][1:]], {"root": _number(2**0.5), **_HALF, **_ONE}),
    ],
)  # fmt: skip
def test_what_only_resembles_an_activation_stays_as_it_is(ends: list[Any], constants: Feeds) -> None:
    x = _RNG.normal(size=(300, 20)).astype(np.float32)
    made = _layer(ends, constants, x)
    assert len(_kernels(made)) > 1
    _check(made, {"x": x}, 2e-6)


def test_a_batch_normalisation_of_columns_alone() -> None:
    x = _RNG.normal(size=(300, 6)).astype(np.float32)
    constants = {name: _RNG.uniform(0.5, 2, 6).astype(np.float32) for name in "somv"}
    made = model([node("BatchNormalization", ["x", "s", "o", "m", "v"], ["y"])], {"x": x}, constants, ["y"])
    assert _kernels(made) == ["binary", "binary"]
    _check(made, {"x": x})


@pytest.mark.parametrize("isa", other_instruction_sets())
def test_on_each_instruction_set(isa: str) -> None:
    run_on(isa, __file__)

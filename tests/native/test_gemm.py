"""gemm and gemm_narrow, by MatMul, Gemm and the linear models: sums in double are exact to the last place or nearly."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import pytest

import celeris
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from tests.native.tables import Feeds, assert_independent, check, model, node, reals

_RNG = np.random.default_rng(0)
_SIZES = [(1, 1), (4, 3), (5, 4), (7, 6), (3, 21), (9, 33)]


def _weights(k: int, m: int, dtype: Any) -> np.ndarray:
    return _RNG.normal(size=(k, m)).astype(dtype)


def _table(k: int, dtype: Any) -> np.ndarray:
    """Rows whose sums do not cancel, and some with NaN and infinities."""
    x = _RNG.uniform(0.5, 2, (300, k)).astype(dtype)
    x[3, 0], x[70, -1] = np.nan, np.inf
    return x


@pytest.mark.parametrize(("k", "m"), _SIZES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matmul(k: int, m: int, dtype: Any) -> None:
    feeds = {"x": _table(k, dtype)}
    weights = np.abs(_weights(k, m, dtype))

    def expected(some: Feeds) -> list[np.ndarray]:
        return [(some["x"].astype(np.longdouble) @ weights).astype(dtype)]

    made = model([node("MatMul", ["x", "w"], ["y"])], feeds, {"w": weights}, ["y"])
    check(made, feeds, ulps=1 if dtype is np.float32 else 8, expected=expected)


def test_matmul_of_a_vector() -> None:
    feeds = {"x": _table(5, np.float32)}
    weights = np.abs(_weights(5, 1, np.float32))[:, 0]
    truth = lambda some: [(some["x"].astype(np.float64) @ weights).astype(np.float32)]  # noqa: E731
    check(model([node("MatMul", ["x", "w"], ["y"])], feeds, {"w": weights}, ["y"]), feeds, ulps=1, expected=truth)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (1,), (), None])
@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm(shape: tuple[int, ...] | None, transposed: int) -> None:
    feeds = {"x": _table(4, np.float32)}
    constants = {"w": np.abs(_weights(4, 3, np.float32))}
    if shape is not None:
        constants["c"] = np.asarray(np.abs(_RNG.normal(size=shape)), np.float32)

    def expected(some: Feeds) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            product = 0.5 * (some["x"].astype(np.float64) @ constants["w"])
        return [(product + 2.0 * (constants["c"] if shape is not None else 0)).astype(np.float32)]

    given = {**constants, "w": np.ascontiguousarray(constants["w"].T) if transposed else constants["w"]}
    one = node("Gemm", ["x", *given], ["y"], alpha=0.5, beta=2.0, transB=transposed)
    check(model([one], feeds, given, ["y"]), feeds, ulps=1, expected=expected)


def test_gemm_plus_rows() -> None:
    feeds = {"x": _table(4, np.float32), "c": np.abs(reals(np.float32, 1))}
    weights = np.abs(_weights(4, 3, np.float32))

    def expected(some: Feeds) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            return [(2 * (some["x"].astype(np.float64) @ weights)).astype(np.float32) + some["c"]]

    made = model([node("Gemm", ["x", "w", "c"], ["y"], alpha=2.0)], feeds, {"w": weights}, ["y"])
    check(made, feeds, ulps=1, expected=expected)


@pytest.mark.parametrize(
    ("k", "m"), [(16, 16), (17, 20), (40, 33), (64, 130), (300, 16), (64, 9), (200, 15), (64, 5), (101, 8)]
)
def test_sums_in_float32(k: int, m: int) -> None:
    """The error stays below that of a sum of all products one after the other."""
    feeds = {"x": _RNG.normal(size=(300, k)).astype(np.float32)}
    weights, bias = _weights(k, m, np.float32), _RNG.normal(size=m).astype(np.float32)

    made = model([node("Gemm", ["x", "w", "b"], ["y"])], feeds, {"w": weights, "b": bias}, ["y"])
    program = compile_model(made)
    step = program.plan.steps[0]
    assert isinstance(step, PipelineStep)
    assert [call.kernel for call in step.kernels] == ["gemm_narrow"]
    truth = feeds["x"].astype(np.float64) @ weights + bias
    scale = np.abs(feeds["x"]).astype(np.float64) @ np.abs(weights) + np.abs(bias)
    error = np.abs(program.execute(feeds)[0] - truth) / scale
    assert error.max() < (32 + k / 32 + 2) * 2.0**-24
    check(made, feeds, ulps=np.inf, expected=program.execute)


@pytest.mark.parametrize(("k", "m"), [(16, 16), (70, 64), (130, 200), (100, 9), (200, 30), (101, 48), (150, 130)])
def test_a_layer_is_one_kernel_with_the_bits_of_three(k: int, m: int) -> None:
    """Product, bias and positive part, on every batch and layout; NaN stays."""
    x = _RNG.normal(size=(300, k)).astype(np.float32)
    x[3, 0], x[70, -1] = np.nan, np.inf
    weights, bias = _weights(k, m, np.float32), _RNG.normal(size=m).astype(np.float32)
    nodes = [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "b"], ["s"]), node("Relu", ["s"], ["y"])]
    program = compile_model(model(nodes, {"x": x}, {"w": weights, "b": bias}, ["y"]))
    assert [c.kernel for s in program.plan.steps if isinstance(s, PipelineStep) for c in s.kernels] == ["gemm_narrow"]
    product = compile_model(model(nodes[:1], {"x": x}, {"w": weights}, ["p"])).execute({"x": x})[0]
    expected = np.where(product + bias < 0, np.float32(0), product + bias)
    for name, laid in {**_layouts(x), "columns far apart": np.asfortranarray(np.tile(x, (8, 1)))}.items():
        got = program.execute({"x": laid}, threads=2)[0]
        np.testing.assert_array_equal(got, np.tile(expected, (len(got) // 300, 1)), name)
    for size in (1, 2, 3, 5, 15, 16, 17, 31, 33, 63, 65, 100):
        parts = [program.execute({"x": x[i : i + size]})[0] for i in range(0, len(x), size)]
        np.testing.assert_array_equal(np.concatenate(parts), expected, f"batches of {size}")


def test_sums_in_float32_are_the_same_bits_where_there_are_fused_multiply_adds() -> None:
    """A checksum stands for the bits: this test runs under each instruction set. Elsewhere the error is as small."""
    rng = np.random.default_rng(7)
    x = (rng.normal(size=(130, 101)) * 10.0 ** rng.integers(-25, 12, (130, 101))).astype(np.float32)
    weights = (rng.normal(size=(101, 19)) * 10.0 ** rng.integers(-12, 12, (101, 19))).astype(np.float32)
    program = compile_model(model([node("MatMul", ["x", "w"], ["y"])], {"x": x}, {"w": weights}, ["y"]))
    got = program.execute({"x": x})[0]
    bound = np.abs(x).astype(np.float64) @ np.abs(weights).astype(np.float64)
    assert np.max(np.abs(got - x.astype(np.float64) @ weights.astype(np.float64)) / bound) < 3e-7
    if celeris.build_info()["instruction_set"] == "baseline" and platform.machine() in ("x86_64", "AMD64"):
        return
    bits = got.view(np.uint32)
    weighted = bits.reshape(-1) * np.arange(1, bits.size + 1, dtype=np.uint32)
    assert int(np.bitwise_xor.reduce(weighted)) == 1909164549


# Features, targets -> what stands for the bits of their sums in float32.
_WIDE = {
    (101, 11): 837702349, (210, 5): 1453525338, (64, 16): 761881723, (333, 32): 3811987870, (64, 40): 3220630603,
    (333, 33): 2638309946,
}  # fmt: skip


@pytest.mark.parametrize(("k", "m"), _WIDE)
def test_wide_linear_models_are_the_same_bits_everywhere(k: int, m: int) -> None:
    """Under each instruction set, whatever the batch and layout; as near as float32 can be where products differ in size."""
    rng = np.random.default_rng(k * m)
    x = (rng.normal(size=(300, k)) * 10.0 ** rng.integers(-25, 12, (300, k))).astype(np.float32)
    weights = (rng.normal(size=(m, k)) * 10.0 ** rng.integers(-12, 12, (m, k))).astype(np.float32)
    intercepts = rng.normal(size=m).astype(np.float32)
    given = {"coefficients": weights.ravel().tolist(), "intercepts": intercepts.tolist()}
    one = node("LinearRegressor", ["x"], ["y"], "ai.onnx.ml", targets=m, **given)
    program = compile_model(model([one], {"x": x}, {}, ["y"]))
    got = program.execute({"x": x})[0]
    truth = x.astype(np.float64) @ weights.T.astype(np.float64) + intercepts
    bound = np.abs(x).astype(np.float64) @ np.abs(weights.T).astype(np.float64) + np.abs(intercepts)
    assert np.max(np.abs(got - truth) / bound) < 3e-7
    assert_independent(program.execute, {"x": x})
    bits = got.view(np.uint32)
    weighted = bits.reshape(-1) * np.arange(1, bits.size + 1, dtype=np.uint32)
    assert int(np.bitwise_xor.reduce(weighted)) == _WIDE[k, m]


@pytest.mark.parametrize(("k", "m"), [(64, 5), (70, 10), (200, 16)])
def test_wide_products_of_doubles(k: int, m: int) -> None:
    feeds = {"x": _table(k, np.float64)}
    weights = np.abs(_weights(k, m, np.float64))

    def expected(some: Feeds) -> list[np.ndarray]:
        return [(some["x"].astype(np.longdouble) @ weights).astype(np.float64)]

    check(model([node("MatMul", ["x", "w"], ["y"])], feeds, {"w": weights}, ["y"]), feeds, ulps=8, expected=expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
@pytest.mark.parametrize("transform", ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"])
@pytest.mark.parametrize("labels", [{"classlabels_ints": [7, -2, 5]}, {"classlabels_strings": ["a", "b", "ü"]}])
def test_linear_classifier(labels: dict[str, Any], transform: str, dtype: Any) -> None:
    x = _RNG.normal(size=(300, 4)) * 3
    feeds = {"x": x.astype(dtype)}
    scale = 0.1 if transform == "PROBIT" else 1.0  # probabilities are what PROBIT takes
    one = node(
        "LinearClassifier",
        ["x"],
        ["l", "p"],
        "ai.onnx.ml",
        coefficients=[scale * v for v in _RNG.normal(size=12)],
        intercepts=[0.5, -0.1, 0.2],
        post_transform=transform,
        **labels,
    )
    made = model([one], feeds, {}, ["l", "p"])
    check(made, feeds, ulps=4)
    check(model([one], feeds, {}, ["l"]), feeds)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 3, 4, 5, 9])
@pytest.mark.parametrize("labels", ["classlabels_ints", "classlabels_strings"])
def test_linear_classifier_and_normalizer(labels: str, classes: int, dtype: Any) -> None:
    """The softmax and the Normalizer that skl2onnx writes after it are one kernel, if nobody reads what lies between."""
    feeds = {"x": (_RNG.normal(size=(300, 4)) * 10.0 ** _RNG.integers(-2, 5, (300, 1))).astype(dtype)}
    feeds["x"][3], feeds["x"][4, 1], feeds["x"][5, 2] = 0, np.nan, np.inf
    one = node(
        "LinearClassifier",
        ["x"],
        ["l", "p"],
        "ai.onnx.ml",
        coefficients=[float(v) for v in _RNG.normal(size=4 * classes)],
        intercepts=[0.5] * classes,
        post_transform="SOFTMAX",
        **{labels: [str(c) if "str" in labels else 3 - c for c in range(classes)]},
    )
    made = model([one, node("Normalizer", ["p"], ["n"], "ai.onnx.ml", norm="L1")], feeds, {}, ["l", "n"])
    check(made, feeds, ulps=4)
    step = compile_model(made).plan.steps[0]
    assert isinstance(step, PipelineStep) and [call.kernel for call in step.kernels][-1] == "post_transform"


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
@pytest.mark.parametrize("labels", [{"classlabels_ints": [0, 1]}, {"classlabels_strings": ["no", "yes"]}])
def test_linear_classifier_of_one_score(labels: dict[str, Any], transform: str) -> None:
    feeds = {"x": _RNG.normal(size=(300, 4)).astype(np.float32)}
    one = node(
        "LinearClassifier",
        ["x"],
        ["l", "p"],
        "ai.onnx.ml",
        coefficients=[0.3, -1.0, 0.5, 2.0],
        intercepts=[0.25],
        post_transform=transform,
        **labels,
    )
    check(model([one], feeds, {}, ["l", "p"]), feeds, ulps=4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("targets", [1, 3])
def test_linear_regressor(targets: int, dtype: Any) -> None:
    feeds = {"x": (_RNG.normal(size=(300, 4)) * 3).astype(dtype)}
    one = node(
        "LinearRegressor",
        ["x"],
        ["y"],
        "ai.onnx.ml",
        coefficients=[float(v) for v in _RNG.normal(size=4 * targets)],
        intercepts=[0.5] * targets,
        targets=targets,
    )
    check(model([one], feeds, {}, ["y"]), feeds, ulps=1)


def _by_lanes(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The sums of lane_sums.h: lane l adds the products of k = l, l + 8, ...; then halves are added to halves."""
    lanes = np.zeros((len(x), weights.shape[1], 8))
    with np.errstate(all="ignore"):
        for k in range(x.shape[1]):
            lanes[:, :, k % 8] += x[:, k, None].astype(np.float64) * weights[k].astype(np.float64)
        for half in (4, 2, 1):
            lanes = lanes[:, :, :half] + lanes[:, :, half:]
        return lanes[:, :, 0].astype(x.dtype)


def _layouts(x: np.ndarray) -> dict[str, np.ndarray]:
    """The same rows, differently in memory."""
    wide = np.zeros((2 * len(x), x.shape[1] + 3), x.dtype)
    wide[::2, 2:-1] = x
    spread = np.zeros((len(x), 2 * x.shape[1]), x.dtype)
    spread[:, ::2] = x
    return {
        "rows": x, "columns": np.asfortranarray(x), "rows apart": wide[::2, 2:-1], "reversed": x[::-1].copy()[::-1],
        "elements apart": spread[:, ::2], "columns reversed": x[:, ::-1].copy()[:, ::-1],
    }  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("k", [8, 9, 15, 16, 17, 50])
def test_few_outputs_are_summed_in_lanes(k: int, m: int, dtype: Any) -> None:
    """In that order to the last bit: in any layout and batch, and so under every instruction set."""
    x, weights = _RNG.normal(size=(300, k)).astype(dtype), _weights(k, m, dtype)
    x[3, 0], x[70, -1], x[71] = np.nan, np.inf, 0
    expected = _by_lanes(x, weights)
    program = compile_model(model([node("MatMul", ["x", "w"], ["y"])], {"x": x}, {"w": weights}, ["y"]))
    assert [c.kernel for s in program.plan.steps if isinstance(s, PipelineStep) for c in s.kernels] == ["gemm"]
    for name, laid in _layouts(x).items():
        np.testing.assert_array_equal(program.execute({"x": laid}, threads=2)[0], expected, name)
    for size in (1, 2, 3, 7, 8, 9, 63, 65):
        parts = [program.execute({"x": x[i : i + size]})[0] for i in range(0, len(x), size)]
        np.testing.assert_array_equal(np.concatenate(parts), expected, f"batches of {size}")
    same = program.execute({"x": np.broadcast_to(x[5], (100, k))})[0]
    np.testing.assert_array_equal(same, np.broadcast_to(expected[5], (100, m)))


def test_rows_that_other_kernels_read_too_become_columns() -> None:
    x, weights = _RNG.normal(size=(200, 20)).astype(np.float32), _weights(20, 2, np.float32)
    nodes = [node("MatMul", ["x", "w"], ["y"]), node("Neg", ["x"], ["z"])]
    program = compile_model(model(nodes, {"x": x}, {"w": weights}, ["y", "z"]))
    y, z = program.execute({"x": x})
    np.testing.assert_array_equal(y, _by_lanes(x, weights))
    np.testing.assert_array_equal(z, -x)
    np.testing.assert_array_equal(program.execute({"x": x}, ["y"])[0], y)

"""Support vector machines against the reference tier: all kernels, classes and votes, probabilities, one class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from tests.native.tables import assert_independent, check, model, node

_RNG = np.random.default_rng(0)
_KERNELS = {"LINEAR": [0.0, 0.0, 0.0], "POLY": [0.2, 1.0, 3.0], "RBF": [0.3, 0.0, 0.0], "SIGMOID": [0.1, -0.2, 0.0]}
# Sums of hyperbolic tangents in float32, of which little may be left; the others are in double.
_SIZES = {"LINEAR": 0, "POLY": 0, "RBF": 0, "SIGMOID": 1}
_FEATURES = 5


def _floats(n: int) -> list[float]:
    return [float(np.float32(v)) for v in _RNG.normal(size=n)]


def _machine(kernel: str, vectors: int) -> dict[str, Any]:
    return {
        "kernel_type": kernel,
        "kernel_params": _KERNELS[kernel],
        "support_vectors": _floats(vectors * _FEATURES),
    }


def _rows(dtype: Any) -> dict[str, np.ndarray]:
    x = _RNG.normal(size=(300, _FEATURES)) * 2
    if np.dtype(dtype).kind == "f":
        x[5, 1], x[80, 0] = np.nan, np.inf
    return {"x": x.astype(dtype)}


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"])
@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize("counts", [[3, 4], [3, 2, 4], [2, 3, 1, 4, 2]])
@pytest.mark.parametrize("kernel", sorted(_KERNELS))
def test_classifier(kernel: str, counts: list[int], probabilities: bool, transform: str) -> None:
    classes, pairs = len(counts), len(counts) * (len(counts) - 1) // 2
    attributes = {
        **_machine(kernel, sum(counts)),
        "coefficients": _floats((classes - 1) * sum(counts)),
        "rho": _floats(pairs),
        "vectors_per_class": counts,
        "post_transform": transform,
        "classlabels_ints": [10 * c - 10 for c in range(classes)],
    }
    if probabilities:
        attributes |= {"prob_a": [-abs(v) for v in _floats(pairs)], "prob_b": _floats(pairs)}
    feeds = _rows(np.float32)
    # An infinity's kernel values are sums of infinities or not, as vectors are multiplied one by one or all together.
    feeds["x"][80, 0] = 1e4 if kernel != "RBF" else np.inf
    check(
        model([node("SVMClassifier", ["x"], ["l", "p"], "ai.onnx.ml", **attributes)], feeds, {}, ["l", "p"]),
        feeds,
        ulps=4,
        size=_SIZES[kernel],
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_classifier_of_words(dtype: Any) -> None:
    attributes = {
        **_machine("RBF", 7),
        "coefficients": _floats(7),
        "rho": _floats(1),
        "vectors_per_class": [3, 4],
        "classlabels_strings": ["no", "yes"],
    }
    feeds = _rows(dtype)
    check(model([node("SVMClassifier", ["x"], ["l", "p"], "ai.onnx.ml", **attributes)], feeds, {}, ["l"]), feeds)


@pytest.mark.parametrize("one_class", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", sorted(_KERNELS))
def test_regressor(kernel: str, dtype: Any, one_class: int) -> None:
    attributes = {**_machine(kernel, 21), "coefficients": _floats(21), "rho": [0.25], "n_supports": 21}
    feeds = _rows(dtype)
    feeds["x"][80, 0] = 1e3
    one = node("SVMRegressor", ["x"], ["y"], "ai.onnx.ml", one_class=one_class, **attributes)
    check(model([one], feeds, {}, ["y"]), feeds, ulps=4, size=_SIZES[kernel])


# From 8 features and 16 vectors on inner products of float32 are summed in float32; K are then powers of float32, too.
@pytest.mark.parametrize(("features", "vectors"), [(8, 16), (100, 50), (7, 50), (100, 15)])
@pytest.mark.parametrize(
    "params", [[1e-3, 0.5, 3.0], [2e17, 0.0, 2.0], [1e-12, 1.0, 2.5], [1e-2, 1.0, 60.0], [-1e-2, 1.0, 2.0]]
)
@pytest.mark.parametrize("kernel", ["POLY", "SIGMOID"])
def test_wide_machines(kernel: str, params: list[float], features: int, vectors: int) -> None:
    """Whatever the size of what is multiplied: gamma goes with 1 / that squared."""
    gamma, coef0, degree = (np.float32(v).astype(np.float64) for v in params)
    size = (0.1 / abs(gamma)) ** 0.5
    table = (_RNG.normal(size=(vectors, features)) * size).astype(np.float32)
    x = (_RNG.normal(size=(300, features)) * size).astype(np.float32)
    weights, rho = np.array(_floats(vectors)), 0.25
    given = {"kernel_params": params, "support_vectors": table.ravel().tolist(), "coefficients": weights.tolist()}
    one = node("SVMRegressor", ["x"], ["y"], "ai.onnx.ml", kernel_type=kernel, rho=[rho], n_supports=vectors, **given)
    program = compile_model(model([one], {"x": x}, {}, ["y"]))
    step = program.plan.steps[0]
    assert isinstance(step, PipelineStep)
    assert (step.kernels[0].kernel == "gemm_narrow") == (features >= 8 and vectors >= 16)
    inner = gamma * (x.astype(np.float64) @ table.T.astype(np.float64)) + coef0
    with np.errstate(all="ignore"):
        values = np.tanh(inner) if kernel == "SIGMOID" else inner**degree
        # An inner product is off by a few of the roundings of float32 of its parts, and its power by so many times that.
        parts = abs(gamma) * (np.abs(x) @ np.abs(table.T)) + abs(coef0)
        slope = np.ones_like(inner) if kernel == "SIGMOID" else degree * np.abs(inner) ** (degree - 1)
        bound = (2e-7 * parts * slope + 3e-7 * np.abs(values)) @ np.abs(weights) + 1e-7 * (
            np.abs(values) @ np.abs(weights)
        )
    want = values @ weights + rho
    got = program.execute({"x": x})[0][:, 0]
    sure = np.isfinite(want) & (bound < 1e30)
    assert (np.abs(got - want) <= bound + 1e-6)[sure].all()
    assert_independent(program.execute, {"x": x})

"""Support vector machines of the reference tier against onnxruntime, which adds in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

import celeris
from tests.ops.one_node import agree, model_of, run

ML = "ai.onnx.ml"
KERNELS = ["LINEAR", "POLY", "RBF", "SIGMOID"]
TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]


def floats(rng: np.random.Generator, count: int, low: float = -1, high: float = 1) -> list[float]:
    return [float(np.float32(v)) for v in rng.uniform(low, high, count)]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("with_probabilities", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_classes(kernel: str, transform: str, classes: int, with_probabilities: bool, dtype: Any) -> None:
    rng = np.random.default_rng([classes, with_probabilities])
    vectors, pairs = 2 * classes, classes * (classes - 1) // 2
    given: dict[str, Any] = {
        "kernel_type": kernel, "kernel_params": [0.25, 0.25, 2.0], "post_transform": transform,
        "coefficients": floats(rng, (classes - 1) * vectors, -0.1, 0.1), "rho": floats(rng, pairs, 0, 0.1),
        "support_vectors": floats(rng, vectors * 3), "vectors_per_class": [2] * classes,
    }  # fmt: skip
    if with_probabilities:
        given |= {"prob_a": floats(rng, pairs, -1.5, -0.5), "prob_b": floats(rng, pairs, 0, 0.1)}
    given |= (
        {"classlabels_strings": list("wxyz")[:classes]}
        if classes == 3
        else {"classlabels_ints": [7, 3, 5, 1][:classes]}
    )
    x = rng.integers(-2, 3, (20, 3)).astype(dtype)
    model = model_of("SVMClassifier", [x], 2, ML, None, given)
    ours, theirs = run(celeris, model, [x])[0], run(onnxruntime, model, [x])[0]
    np.testing.assert_array_equal(ours[0], theirs[0])
    # With PROBIT of a single score, onnxruntime's second column is memory that nobody wrote.
    one = transform == "PROBIT" and classes == 2 and not with_probabilities
    columns = slice(0, 1) if one else slice(None)
    np.testing.assert_allclose(ours[1][:, columns], theirs[1][:, columns], rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("one_class", [0, 1])
def test_regression(kernel: str, transform: str, one_class: int) -> None:
    """onnxruntime makes no post_transform."""
    rng = np.random.default_rng(one_class)
    given: dict[str, Any] = {
        "kernel_type": kernel, "kernel_params": [0.25, 0.25, 2.0], "coefficients": floats(rng, 4), "rho": [0.125],
        "support_vectors": floats(rng, 12), "n_supports": 4, "post_transform": transform, "one_class": one_class,
    }  # fmt: skip
    agree("SVMRegressor", [rng.uniform(-1, 1, (20, 3)).astype(np.float32)], domain=ML, rtol=1e-4, types=False, **given)

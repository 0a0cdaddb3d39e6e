"""Linear models of the reference tier against onnxruntime, which adds in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

import celeris
from tests.ops.one_node import agree, model_of, run

ML = "ai.onnx.ml"
TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]
KINDS = [np.float32, np.float64, np.int64, np.int32]
LABELS: list[dict[str, Any]] = [{"classlabels_ints": [7, 3, 5]}, {"classlabels_strings": ["x", "y", "z"]}]


def floats(rng: np.random.Generator, count: int, low: float = -1, high: float = 1) -> list[float]:
    return [float(np.float32(v)) for v in rng.uniform(low, high, count)]


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("labels", LABELS, ids=["ints", "strings"])
@pytest.mark.parametrize("scores", [1, 2, 3])
@pytest.mark.parametrize("multi_class", [0, 1])
def test_classes(transform: str, dtype: Any, labels: dict[str, Any], scores: int, multi_class: int) -> None:
    """One score for two labels, too: its label is the second where the score is above 0."""
    rng = np.random.default_rng([scores, multi_class])
    names = {key: value[: max(2, scores)] for key, value in labels.items()}
    given: dict[str, Any] = {
        "coefficients": floats(rng, 4 * scores, -0.1, 0.1) if transform == "PROBIT" else floats(rng, 4 * scores),
        "intercepts": floats(rng, scores, 0.2, 0.5), "post_transform": transform, "multi_class": multi_class,
    }  # fmt: skip
    x = rng.integers(-3, 4, (40, 4)).astype(dtype)
    if scores == 1 and transform == "PROBIT":  # onnxruntime writes each row of scores over the one before
        model = model_of("LinearClassifier", [x], 2, ML, None, {**given, **names})
        ours, theirs = run(celeris, model, [x])[0], run(onnxruntime, model, [x])[0]
        np.testing.assert_array_equal(ours[0], theirs[0])
    else:
        agree("LinearClassifier", [x], 2, domain=ML, rtol=1e-3, atol=1e-4, types=False, **given, **names)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("based", [False, True])
def test_regression(transform: str, targets: int, based: bool) -> None:
    rng = np.random.default_rng(targets)
    given: dict[str, Any] = {"coefficients": floats(rng, 4 * targets), "targets": targets, "post_transform": transform}
    if based:
        given["intercepts"] = floats(rng, targets)
    x = rng.uniform(-0.3, 0.3, (9, 4)).astype(np.float32)
    agree("LinearRegressor", [x], domain=ML, rtol=1e-3, atol=1e-4, types=False, **given)
    agree("LinearRegressor", [x[0]], domain=ML, rtol=1e-3, atol=1e-4, types=False, **given)


@pytest.mark.parametrize("dtype", KINDS[1:])
def test_regression_of_kinds_that_onnxruntime_refuses(dtype: Any) -> None:
    x = np.arange(12).reshape(3, 4).astype(dtype)
    given = {"coefficients": [1.0, 2.0, 3.0, 4.0], "intercepts": [0.5]}
    (found,), _ = run(celeris, model_of("LinearRegressor", [x], 1, ML, None, given), [x])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, 0], x @ np.array([1, 2, 3, 4]) + 0.5)


def test_sums_are_rounded_once() -> None:
    """1e8 and -1e8 cancel in float64 and leave what float32 had lost."""
    x = np.array([[1e8, 1.0, -1e8]], np.float32)
    given = {"coefficients": [1.0, 0.25, 1.0], "intercepts": [0.0]}
    (found,), _ = run(celeris, model_of("LinearRegressor", [x], 1, ML, None, given), [x])
    assert found.tolist() == [[0.25]]

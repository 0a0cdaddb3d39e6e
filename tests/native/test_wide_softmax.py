"""A softmax over many columns is made along rows, though what makes its scores is a pipeline of rows."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep, TensorStep
from tests.native.tables import assert_independent, model, node


@pytest.mark.parametrize("classes", [64, 65, 100, 1000])
def test_scores_of_many_classes(classes: int) -> None:
    rng = np.random.default_rng(classes)
    x = rng.normal(size=(300, 20)).astype(np.float32)
    weights, bias = (rng.normal(size=size).astype(np.float32) for size in ((20, classes), classes))
    nodes = [node("Gemm", ["x", "w", "b"], ["s"]), node("Softmax", ["s"], ["p"]), node("ArgMax", ["p"], ["c"], axis=1)]
    program = compile_model(model(nodes, {"x": x}, {"w": weights, "b": bias}, ["p", "c"]))
    assert [type(step) for step in program.plan.steps] == [PipelineStep, TensorStep, PipelineStep]
    scores = np.exp(x.astype(np.float64) @ weights + bias)
    got, which = program.execute({"x": x})
    np.testing.assert_allclose(got, scores / scores.sum(axis=1, keepdims=True), rtol=1e-5, atol=1e-9)
    assert np.array_equal(which[:, 0], scores.argmax(axis=1))
    assert_independent(program.execute, {"x": x})


def test_extremes() -> None:
    x = np.zeros((6, 70), np.float32)
    x[0, 3], x[1, 69], x[2, 0], x[3] = 1e30, -np.inf, np.nan, 88.0
    x[4], x[5, 65:] = -1e30, 200
    program = compile_model(model([node("Softmax", ["x"], ["p"])], {"x": x}, {}, ["p"]))
    (got,) = program.execute({"x": x})
    with np.errstate(all="ignore"):
        scores = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True))
        np.testing.assert_allclose(got, scores / scores.sum(axis=1, keepdims=True), rtol=1e-6, atol=1e-30)

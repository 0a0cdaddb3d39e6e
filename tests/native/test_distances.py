"""distances, by CDist: against float64, where a row is a point, near to it, infinite or missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.plan.compile import compile_model
from tests.native.tables import Feeds, check, model, node


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize(("points", "columns"), [(1, 1), (5, 3), (37, 4), (64, 20)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cdist(dtype: Any, points: int, columns: int, metric: str) -> None:
    rng = np.random.default_rng(0)
    table = (rng.normal(size=(points, columns)) + 3).astype(dtype)
    x = (rng.normal(size=(300, columns)) + 3).astype(dtype)
    x[:points] = table[: len(x)]
    x[7], x[8, 0], x[9, 0] = table[0] + dtype(1e-4), np.inf, np.nan
    feeds: Feeds = {"x": x}
    one = node("CDist", ["x", "p"], ["y"], "com.microsoft", metric=metric)
    made = model([one], feeds, {"p": table}, ["y"])
    # Squares below 1e-6 of what they are a difference of are summed again, so that 10 places are always left.
    check(made, feeds, ulps=1 if dtype is np.float32 else 2.0**20)


@pytest.mark.parametrize("factor", [0.37, -0.37])
def test_what_falls_with_distances_has_the_bits_of_its_parts(factor: float) -> None:
    """CDist, Mul, Neg and Exp, as Gaussian processes have them, are one kernel; or by a negative number, without Neg."""
    rng = np.random.default_rng(1)
    points, x = rng.normal(size=(70, 6)).astype(np.float32), rng.normal(size=(300, 6)).astype(np.float32)
    x[7], x[8, 0], x[9, 0] = points[0], np.inf, np.nan
    nodes = [
        node("CDist", ["x", "p"], ["d"], "com.microsoft", metric="sqeuclidean"),
        node("Mul", ["d", "c"], ["s"]),
        node("Neg" if factor > 0 else "Identity", ["s"], ["n"]),
        node("Exp", ["n"], ["y"]),
    ]
    constants = {"p": points, "c": np.array([factor], np.float32)}
    together = compile_model(model(nodes, {"x": x}, constants, ["y"]))
    assert [call.kernel for step in together.plan.steps for call in step.kernels] == ["distances"]  # type: ignore[union-attr]
    apart = compile_model(model(nodes, {"x": x}, constants, ["d", "s", "n", "y"]))
    for rows in (1, 7, 8, 9, 31, 33, 64, 300):
        feeds = {"x": x[:rows]}
        np.testing.assert_array_equal(together.execute(feeds)[0], apart.execute(feeds)[3], f"{rows} rows")

"""Nearest points in one kernel: the same bits as distances and top_k one after the other, ties and all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.plan import joins
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from tests.native.tables import Feeds, assert_independent, model, node, parts, same


def chain(points: np.ndarray, metric: str, k: int, *, root: bool, outputs: tuple[str, ...] = ("v", "i")) -> Any:
    nodes = [node("CDist", ["x", "p"], ["d"], "com.microsoft", metric=metric)]
    if root:
        nodes.append(node("Sqrt", ["d"], ["s"]))
    nodes.append(node("TopK", ["s" if root else "d", "k"], ["v", "i"], largest=0))
    x: Feeds = {"x": np.zeros((1, points.shape[1]), points.dtype)}
    return model(nodes, x, {"p": points, "k": np.array([k])}, outputs)


def kernels(program: Any) -> list[str]:
    (step,) = program.plan.steps
    assert isinstance(step, PipelineStep)
    return [call.kernel for call in step.kernels]


def agree(monkeypatch: pytest.MonkeyPatch, made: Any, x: np.ndarray) -> None:
    """The joined kernel's answers are those of the kernels that it stands for."""
    joined = compile_model(made)
    assert kernels(joined) == ["nearest"]
    with monkeypatch.context() as patch:
        patch.setattr(joins, "RULES", {})
        apart = compile_model(made)
    assert kernels(apart)[0] == "distances" and kernels(apart)[-1] == "top_k"
    for rows in (0, 1, 2, 3, 4, 5, 63, 64, 65, len(x)):
        feeds = parts({"x": x}, rows)
        for mine, other in zip(joined.execute(feeds), apart.execute(feeds), strict=True):
            assert same(mine, other)
    assert_independent(joined.execute, {"x": x})


@pytest.mark.parametrize(("metric", "root"), [("sqeuclidean", False), ("sqeuclidean", True), ("euclidean", False)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("count", "columns", "k"), [(1, 1, 1), (5, 3, 5), (31, 2, 1), (33, 4, 3), (1000, 20, 5), (300, 70, 40), (900, 1, 7)]
)
def test_of_normal_points(
    monkeypatch: pytest.MonkeyPatch, metric: str, root: bool, dtype: Any, count: int, columns: int, k: int
) -> None:
    rng = np.random.default_rng(count)
    points = rng.normal(size=(count, columns)).astype(dtype)
    x = rng.normal(size=(150, columns)).astype(dtype)
    x[: min(count, 70)] = points[:70]
    x[71, 0], x[72, 0], x[73, -1] = np.nan, np.inf, 1e20
    agree(monkeypatch, chain(points, metric, k, root=root), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1e-22, 1e-18, 1e-3, 1e15, 1e18, 2e19, 1e30])
@pytest.mark.parametrize("offset", [0, 1, 1e6])
def test_of_points_of_any_size(monkeypatch: pytest.MonkeyPatch, dtype: Any, scale: float, offset: float) -> None:
    rng = np.random.default_rng(3)
    points = ((rng.normal(size=(500, 6)) + offset) * scale).astype(dtype)
    x = ((rng.normal(size=(100, 6)) + offset) * scale).astype(dtype)
    x[:30] = points[::7][:30]
    agree(monkeypatch, chain(points, "euclidean", 4, root=False), x)


@pytest.mark.parametrize("k", [1, 4, 9])
def test_of_equals_the_first_is_nearest(monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    grid = np.stack(np.meshgrid(*[np.arange(4.0)] * 4), axis=-1).reshape(-1, 4).astype(np.float32)
    points = np.concatenate([grid, grid, np.flipud(grid)])
    agree(monkeypatch, chain(points, "sqeuclidean", k, root=False), np.concatenate([grid, grid + np.float32(0.5)]))
    agree(monkeypatch, chain(np.zeros((100, 4), np.float32), "sqeuclidean", k, root=True), grid)


def test_points_that_are_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    points[3, 1], points[5, 0], points[7] = np.nan, np.inf, -np.inf
    agree(monkeypatch, chain(points, "sqeuclidean", 38, root=False), points)


def test_features_far_from_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbours that float32 cannot tell apart: all are measured in double."""
    rng = np.random.default_rng(0)
    base = np.array([1e7, 1, 1e-4])
    points = base + rng.normal(size=(400, 3)) * np.array([1e6, 1e-6, 1e-6])
    points[:, 0] = np.repeat(points[:20, 0], 20)
    agree(monkeypatch, chain(points, "euclidean", 6, root=False), points + rng.normal(size=points.shape) * 1e-7)


def test_what_others_read_is_made() -> None:
    points = np.eye(4, dtype=np.float32)
    for outputs in (("d", "i"), ("v", "i", "d")):
        made = compile_model(chain(points, "sqeuclidean", 2, root=False, outputs=outputs))
        assert kernels(made) == ["distances", "top_k"]
    assert kernels(compile_model(chain(points, "sqeuclidean", 2, root=True, outputs=("d", "i")))) != ["nearest"]

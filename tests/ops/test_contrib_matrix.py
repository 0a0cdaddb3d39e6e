"""Products, distances, activations and tensors of com.microsoft against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import celeris
from tests.ops.one_node import agree, model_of, run

RNG = np.random.default_rng(0)


def cdist(a: np.ndarray, b: np.ndarray, metric: str = "euclidean") -> np.ndarray:
    squares = np.square(a[:, None].astype(np.float64) - b[None]).sum(axis=2)
    return np.asarray(squares if metric == "sqeuclidean" else np.sqrt(squares))


def f32(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(5, 4, 7), (1, 1, 1), (0, 3, 2), (3, 0, 2), (3, 2, 0)], ids=str)
def test_distances(sizes: tuple[int, int, int], dtype: Any, metric: str) -> None:
    m, n, k = sizes
    a, b = f32(m, k).astype(dtype), f32(n, k).astype(dtype)
    model = model_of("CDist", [a, b], attributes={"metric": metric})
    (found,), types = run(celeris, model, [a, b])
    assert types[0][1] == [m, n]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, cdist(a, b, metric), rtol=1e-6, atol=1e-6)
    if m and n and k:
        agree("CDist", [a, b], metric=metric, types=False)


def test_distances_of_near_points_far_from_zero_do_not_cancel() -> None:
    a = np.array([[10000.0, 1.0]], np.float32)
    b = np.array([[10000.01, 1.0]], np.float32)
    (found,), _ = run(celeris, model_of("CDist", [a, b], attributes={"metric": "euclidean"}), [a, b])
    np.testing.assert_allclose(found, cdist(a.astype(np.float64), b.astype(np.float64)), rtol=1e-6)


def test_a_metric_that_nobody_knows_is_refused_at_load() -> None:
    with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail, match="got 'cosine'"):
        celeris.InferenceSession(model_of("CDist", [f32(2, 2), f32(2, 2)], attributes={"metric": "cosine"}))


@pytest.mark.parametrize("turned", [(0, 0), (0, 1), (1, 0), (1, 1)], ids=str)
@pytest.mark.parametrize("batches", [(0, 0), (1, 1)], ids=str)
@pytest.mark.parametrize("lead", [(2,), (2, 6)], ids=str)
def test_products_of_turned_matrices(turned: tuple[int, int], batches: tuple[int, int], lead: tuple[int, ...]) -> None:
    a, b = [(4, 3), (3, 4)][turned[0]], [(3, 5), (5, 3)][turned[1]]
    left = (a[0], *lead, a[1]) if batches[0] else (*lead, *a)
    right = (b[0], *lead, b[1]) if batches[1] else (*lead, *b)
    agree(
        "FusedMatMul",
        [f32(*left), f32(*right)],
        alpha=0.5,
        transA=turned[0],
        transB=turned[1],
        transBatchA=batches[0],
        transBatchB=batches[1],
    )
    if not any(batches):
        agree("TransposeMatMul", [f32(*left), f32(*right)], alpha=0.5, transA=turned[0], transB=turned[1])


def test_vectors_are_not_turned() -> None:
    agree("FusedMatMul", [f32(3), f32(3, 4)], transA=1)
    agree("FusedMatMul", [f32(2, 3), f32(3)], transB=1)
    agree("FusedMatMul", [f32(2, 3).astype(np.float64), f32(3, 2).astype(np.float64)])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Elu", {"alpha": 0.7}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        ("LeakyRelu", {"alpha": 0.2}),
        ("ParametricSoftplus", {"alpha": 0.7, "beta": 0.5}),
        ("Relu", {}),
        ("ScaledTanh", {"alpha": 0.7, "beta": 0.5}),
        ("Selu", {"alpha": 1.5, "gamma": 1.1}),
        ("Sigmoid", {}),
        ("Softplus", {}),
        ("Softsign", {}),
        ("Tanh", {}),
        ("ThresholdedRelu", {"alpha": 0.5}),
    ],
)
def test_products_with_an_activation(name: str, parameters: dict[str, Any]) -> None:
    given: dict[str, Any] = {f"activation_{key}": value for key, value in parameters.items()}
    agree("FusedGemm", [f32(3, 4), f32(4, 5), f32(5)], activation=name, **given)
    agree("FusedGemm", [f32(4, 3), f32(5, 4)], activation=name, transA=1, transB=1, alpha=0.5, **given)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Relu", []),
        ("Tanh", []),
        ("Sigmoid", []),
        ("LeakyRelu", [0.2]),
        ("HardSigmoid", [0.3, 0.4]),
        ("Clip", [-0.5, 0.5]),
    ],
)
def test_convolutions_with_an_activation(name: str, parameters: list[float]) -> None:
    given: dict[str, Any] = {"activation_params": parameters} if parameters else {}
    agree("FusedConv", [f32(1, 4, 6, 6), f32(8, 2, 3, 3), f32(8)], activation=name, group=2, pads=[1, 1, 1, 1], **given)
    agree("FusedConv", [f32(1, 4, 6, 6), f32(8, 4, 3, 3), f32(8), f32(1, 8, 4, 4)], activation=name, **given)


def test_an_activation_that_nobody_knows_is_named() -> None:
    inputs: list[np.ndarray | None] = [f32(2, 2), f32(2, 2)]
    with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail, match="got 'Nope'"):
        run(celeris, model_of("FusedGemm", inputs, attributes={"activation": "Nope"}), inputs)


def test_gelus() -> None:
    x = np.concatenate([f32(50), [0, -0.0, 1e-30, 20, -20, 3e38, -3e38, np.inf]]).astype(np.float32)[None]
    agree("Gelu", [x])
    agree("QuickGelu", [x])
    agree("QuickGelu", [x], alpha=0.5)
    agree("FastGelu", [f32(3, 4), f32(4)])
    agree("FastGelu", [f32(3, 4)])
    agree("BiasGelu", [f32(3, 4), f32(4)])


def test_inverses_and_integers() -> None:
    well = f32(3, 4, 4) + 4 * np.eye(4, dtype=np.float32)
    agree("Inverse", [well])
    agree("Inverse", [well.astype(np.float64)], rtol=1e-12)
    a, b = (RNG.integers(-30000, 30000, s).astype(np.int16) for s in ((3, 4), (4, 5)))
    agree("MatMulInteger16", [a, b])


def test_tensors() -> None:
    agree("ExpandDims", [f32(2, 3), np.array(-1, np.int32)], types=False)
    agree("ExpandDims", [f32(2, 3), np.array([1], np.int32)], types=False)
    for dtype in (np.int32, np.int64):
        agree("GatherND", [f32(2, 3, 4), np.array([[0, 1], [1, 2]], dtype)])
    agree("Pad", [f32(2, 3), np.array([0, 1, 1, 2])])
    agree("Pad", [f32(2, 3), np.array([[0, 1, 1, 2]]), np.array([2], np.float32)])
    agree("Pad", [f32(2, 3), np.array([0, 1, 0, 2])], mode="reflect")
    agree("Pad", [f32(2, 3), np.array([0, 1, 0, -1])], mode="edge")
    agree("Range", [np.array(1, np.int32), np.array(9, np.int32), np.array(3, np.int32)])
    agree("Range", [np.array([1], np.float32), np.array([4], np.float32)])
    agree("Trilu", [f32(3, 4)])
    agree("Trilu", [f32(2, 3, 4), np.array(1)], upper=0)
    agree("Unique", [np.array([3, 1, 3, 2, 1, 5], np.float32)], 3)
    agree("SampleOp", [f32(3)])
    for dim, size, step in ((-1, 2, 1), (1, 3, 2), (0, 2, 3)):
        agree("UnfoldTensor", [f32(4, 5, 6)], dim=dim, size=size, step=step)
    for size in (1, 3, 7):
        agree("NGramRepeatBlock", [np.array([[0, 1, 2, 0, 1], [3, 3, 3, 3, 3]]), f32(2, 6)], ngram_size=size)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_grids(mode: str, padding: str) -> None:
    agree("GridSample", [f32(1, 2, 4, 5), f32(1, 3, 3, 2)], mode=mode, padding_mode=padding)

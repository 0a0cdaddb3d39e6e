"""Normalizations of com.microsoft, and onnxruntime's own, against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest

import celeris
from tests.ops.one_node import agree, model_of, run

RNG = np.random.default_rng(1)


def f32(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def ids(limit: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, limit, shape).astype(np.int32)


@pytest.mark.parametrize(
    "shapes", [((2, 3, 8), (2, 3, 8)), ((2, 3, 8), (1, 3, 8)), ((2, 3, 8), (3, 8)), ((3, 8), (3, 8))], ids=str
)
def test_skips(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    x, skip = (f32(*shape) for shape in shapes)
    agree("SkipLayerNormalization", [x, skip, f32(8), f32(8), f32(8)], [0, 3])
    agree("SkipLayerNormalization", [x, skip, f32(8)], 3, epsilon=1e-3)
    agree("SkipSimplifiedLayerNormalization", [x, skip, f32(8), f32(8)], [0, 3])
    agree("SkipSimplifiedLayerNormalization", [x, skip, f32(8)])


def test_skips_of_halves() -> None:
    half = [
        f32(2, 3, 8).astype(np.float16),
        f32(2, 3, 8).astype(np.float16),
        *(f32(8).astype(np.float16) for _ in "ab"),
    ]
    agree("SkipLayerNormalization", [*half], rtol=2e-3, atol=2e-3)
    agree("SimplifiedLayerNormalization", [half[0], half[2]], domain="", rtol=2e-3, atol=2e-3)


def test_a_skip_that_does_not_fit_is_named() -> None:
    inputs: list[np.ndarray | None] = [f32(2, 3, 8), f32(2, 4, 8), f32(8)]
    with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail, match=r"got \[2, 3, 8\] and \[2, 4, 8\]"):
        run(celeris, model_of("SkipLayerNormalization", inputs), inputs)


def test_root_mean_squares() -> None:
    agree("SimplifiedLayerNormalization", [f32(2, 3, 8), f32(8)], 2, domain="")
    agree("SimplifiedLayerNormalization", [f32(2, 3, 8), f32(3, 8)], 2, domain="", axis=1, epsilon=1e-3, types=False)


def test_embeddings() -> None:
    tables = [f32(10, 8), f32(6, 8), f32(2, 8), f32(8), f32(8)]
    words, segments, mask = ids(10, 2, 4), ids(2, 2, 4), ids(2, 2, 4)
    agree("EmbedLayerNormalization", [words, segments, *tables, mask], 3)
    agree("EmbedLayerNormalization", [words, None, *tables[:2], None, *tables[3:]], 3)
    agree("EmbedLayerNormalization", [words, segments, *tables, None, ids(6, 2, 4)], 2)


def test_an_unknown_word_is_named() -> None:
    inputs: list[np.ndarray | None] = [ids(2, 1, 4) + 9, None, f32(10, 8), f32(6, 8), None, f32(8), f32(8)]
    inputs[0] = np.array([[0, 10]], np.int32)
    with pytest.raises(
        celeris.capi.onnxruntime_pybind11_state.Fail, match="expected input_ids from 0 to 9, got 0 to 10"
    ):
        run(celeris, model_of("EmbedLayerNormalization", inputs, 2), inputs)


@pytest.mark.parametrize("segmented", [False, True])
def test_quantized_embeddings(segmented: bool) -> None:
    tables = [RNG.integers(0, 255, s).astype(np.uint8) for s in ((10, 8), (6, 8), (2, 8), (8,), (8,))]
    scales = [np.array(v, np.float32) for v in (0.01, 0.02, 0.03, 0.01, 0.02)]
    zeros = [np.array(v, np.uint8) for v in (3, 4, 5, 6, 7)]
    segments, mask = (ids(2, 2, 4), ids(2, 2, 4)) if segmented else (None, None)

    def third(values: list[np.ndarray]) -> list[np.ndarray | None]:
        return [value if segmented or i != 2 else None for i, value in enumerate(values)]

    inputs = [ids(10, 2, 4), segments, *third(tables), mask, *third(scales), *third(zeros)]
    agree("QEmbedLayerNormalization", inputs, 2)

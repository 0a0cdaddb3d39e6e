"""GroupQueryAttention and RotaryEmbedding of com.microsoft against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import celeris
from tests.ops.one_node import agree, model_of, run

RNG = np.random.default_rng(4)
N, G, D = 4, 2, 16


def f32(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


COS, SIN = f32(20, D // 2), f32(20, D // 2)
Inputs = list[np.ndarray | None]


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("positions", [np.array([[0, 1, 2], [3, 4, 5]]), np.array([3])], ids=["each", "first"])
def test_rotation(interleaved: int, positions: np.ndarray) -> None:
    caches = [positions, COS, SIN]
    agree("RotaryEmbedding", [f32(2, 3, N * D), *caches], interleaved=interleaved)
    agree("RotaryEmbedding", [f32(2, N, 3, D), *caches], interleaved=interleaved)
    partly: Inputs = [f32(2, 3, N * D), positions, COS[:, :2].copy(), SIN[:, :2].copy()]
    agree("RotaryEmbedding", partly, interleaved=interleaved, num_heads=N, rotary_embedding_dim=4)


def test_a_position_beyond_the_cache_is_named() -> None:
    inputs: Inputs = [f32(1, 5, N * D), np.array([17]), COS, SIN]
    with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail, match="expected position_ids below 20, got 21"):
        run(celeris, model_of("RotaryEmbedding", inputs), inputs)


def inputs_of(
    batch: int, length: int, held: int, lengths: list[int], total: int, *more: Any, packed: bool = False
) -> Inputs:
    width = (N + 2 * G) * D if packed else N * D
    pair: Inputs = [None, None] if packed else [f32(batch, length, G * D), f32(batch, length, G * D)]
    past: Inputs = [f32(batch, G, held, D), f32(batch, G, held, D)] if held else [None, None]
    sizes: Inputs = [np.array(lengths, np.int32), np.array(total, np.int32)]
    return [f32(batch, length, width), *pair, *past, *sizes, *more]


_WAYS: dict[str, tuple[Inputs, dict[str, Any]]] = {
    "prompt": (inputs_of(2, 5, 0, [4, 4], 5), {}),
    "padded prompt": (inputs_of(2, 5, 0, [4, 2], 5), {}),
    "packed prompt": (inputs_of(2, 5, 0, [4, 4], 5, packed=True), {}),
    "token": (inputs_of(2, 1, 6, [6, 6], 7), {}),
    "ragged token": (inputs_of(2, 1, 6, [6, 3], 7), {}),
    "long buffer": (inputs_of(2, 1, 10, [6, 3], 7), {}),
    "chunk": (inputs_of(1, 3, 6, [8], 9), {}),
    "rotated prompt": (inputs_of(2, 5, 0, [4, 2], 5, COS, SIN, packed=True), {"do_rotary": 1}),
    "rotated token": (inputs_of(2, 1, 6, [6, 3], 7, COS, SIN), {"do_rotary": 1}),
    "rotated chunk": (inputs_of(1, 3, 6, [8], 9, COS, SIN), {"do_rotary": 1, "local_window_size": 4}),
    "interleaved": (inputs_of(2, 1, 6, [6, 3], 7, COS, SIN), {"do_rotary": 1, "rotary_interleaved": 1}),
    "prompt at": (
        inputs_of(2, 5, 0, [4, 4], 5, COS, SIN, np.array([[2, 9, 3, 4, 5], [0, 1, 2, 3, 4]])),
        {"do_rotary": 1},
    ),
    "token at": (inputs_of(2, 1, 6, [6, 3], 7, COS, SIN, np.array([[2], [5]])), {"do_rotary": 1}),
    "chunk at": (inputs_of(1, 3, 6, [8], 9, COS, SIN, np.array([[2, 7, 5]])), {"do_rotary": 1}),
    "window": (inputs_of(2, 5, 0, [4, 4], 5), {"local_window_size": 2}),
    "window of a token": (inputs_of(2, 1, 6, [6, 3], 7), {"local_window_size": 3}),
    "softcap": (inputs_of(2, 5, 0, [4, 4], 5), {"softcap": 0.5}),
    "scale": (inputs_of(2, 5, 0, [4, 4], 5), {"scale": 0.5}),
    "bias": (inputs_of(2, 5, 0, [4, 4], 5, None, None, None, f32(1, N, 5, 5)), {"softcap": 0.5}),
    "smooth": (inputs_of(2, 5, 0, [4, 4], 5), {"smooth_softmax": 1}),
    "sink": (inputs_of(2, 5, 0, [4, 4], 5, None, None, None, None, f32(N)), {}),
    "both ways": (inputs_of(2, 5, 0, [4, 4], 5), {"causal": 0}),
}


@pytest.mark.parametrize("name", _WAYS)
def test_groups(name: str) -> None:
    inputs, attributes = _WAYS[name]
    agree("GroupQueryAttention", inputs, 3, num_heads=N, kv_num_heads=G, types=False, **attributes)


def test_scores_after_the_softmax() -> None:
    agree(
        "GroupQueryAttention", inputs_of(2, 5, 0, [4, 4], 5), 4, num_heads=N, kv_num_heads=G, qk_output=2, types=False
    )


def test_lengths_beyond_the_total_are_named() -> None:
    inputs = inputs_of(1, 1, 6, [9], 7)
    with pytest.raises(
        celeris.capi.onnxruntime_pybind11_state.Fail, match=r"expected 1 seqlens_k from 0 to 6, got \[9\]"
    ):
        run(celeris, model_of("GroupQueryAttention", inputs, 3, attributes={"num_heads": N, "kv_num_heads": G}), inputs)

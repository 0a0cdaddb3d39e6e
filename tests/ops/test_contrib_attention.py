"""Attention of com.microsoft against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

import celeris
from tests.ops.one_node import agree, model_of, run

RNG = np.random.default_rng(3)
B, S, N, D = 2, 5, 3, 4
H = N * D
WEIGHTS = RNG.standard_normal((H, 3 * H)).astype(np.float32) * np.float32(0.3)
Inputs = list[np.ndarray | None]


def f32(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def i32(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def flags(*shape: int) -> np.ndarray:
    return RNG.integers(0, 2, shape).astype(np.int32)


_MASKS = {
    "none": None,
    "ends": i32(3, 5),
    "nothing is seen": i32(0, 5),
    "ends and starts": i32(4, 5, 1, 2),
    "lengths and offsets": i32(3, 5, 0, 3, 8, 0, 3, 8),
    "keys": flags(B, S),
    "queries and keys": flags(B, S, S),
}


@pytest.mark.parametrize("name", _MASKS)
@pytest.mark.parametrize("unidirectional", [0, 1])
def test_masks(name: str, unidirectional: int) -> None:
    inputs = [f32(B, S, H), WEIGHTS, f32(3 * H), _MASKS[name]]
    agree("Attention", inputs, num_heads=N, unidirectional=unidirectional)
    agree("Attention", inputs, num_heads=N, unidirectional=unidirectional, mask_filter_value=-3.0, scale=0.3)


@pytest.mark.parametrize("unidirectional", [0, 1])
def test_what_came_before_and_biases(unidirectional: int) -> None:
    x, bias, past = f32(B, S, H), f32(3 * H), f32(2, B, N, 3, D)
    agree("Attention", [x, WEIGHTS, bias, None, past], 2, num_heads=N, unidirectional=unidirectional)
    agree("Attention", [x, WEIGHTS, bias, flags(B, S + 3), past], 2, num_heads=N, unidirectional=unidirectional)
    agree("Attention", [x, WEIGHTS, bias], 2, num_heads=N, unidirectional=unidirectional, types=False)
    agree("Attention", [x, WEIGHTS, bias, None, None, f32(B, N, S, S)], num_heads=N)
    agree("Attention", [x, WEIGHTS, bias, i32(3, 5), None, f32(1, 1, S, S)], num_heads=N)


def test_values_may_be_narrower() -> None:
    agree("Attention", [f32(B, S, H), f32(H, 30), f32(30)], num_heads=N, qkv_hidden_sizes=[12, 12, 6])


def test_without_a_bias() -> None:
    """onnxruntime crashes here."""
    x = f32(B, S, H)
    (plain,), _ = run(celeris, model_of("Attention", [x, WEIGHTS], attributes={"num_heads": N}), [x, WEIGHTS])
    zero: Inputs = [x, WEIGHTS, np.zeros(3 * H, np.float32)]
    (same,), _ = run(celeris, model_of("Attention", zero, attributes={"num_heads": N}), zero)
    np.testing.assert_array_equal(plain, same)


def test_quantized_attention() -> None:
    def any_of(dtype: Any, *shape: int) -> np.ndarray:
        limits = np.iinfo(dtype)
        return RNG.integers(limits.min, int(limits.max) + 1, shape).astype(dtype)

    step, zeros = np.array(0.01, np.float32), [np.array(128, np.uint8), np.array(120, np.uint8)]
    x, weights, bias = any_of(np.uint8, B, S, H), any_of(np.uint8, H, 3 * H), f32(3 * H)
    seven_bits = any_of(np.int8, H, 3 * H) // 2  # more saturate in onnxruntime on processors without VNNI
    agree("QAttention", [x, seven_bits, bias, step, step], num_heads=N, atol=1e-4)
    by_column = (RNG.random(3 * H) * 0.01).astype(np.float32)
    agree("QAttention", [x, weights, bias, step, by_column, i32(3, 5), *zeros], num_heads=N)
    past = f32(2, B, N, 3, D)
    agree("QAttention", [x, weights, bias, step, step, None, *zeros, past], 2, num_heads=N, unidirectional=1)


L = 7


@pytest.mark.parametrize(
    "mask", [None, i32(3, 7), flags(B, L), flags(B, S, L)], ids=["none", "ends", "keys", "queries and keys"]
)
def test_many_heads(mask: np.ndarray | None) -> None:
    q, k, v = f32(B, S, H), f32(B, L, H), f32(B, L, H)
    agree("MultiHeadAttention", [q, k, v, None, mask], num_heads=N)
    agree("MultiHeadAttention", [q, k, v, f32(3 * H), mask], 3, num_heads=N, types=False)
    agree("MultiHeadAttention", [q, k, v, f32(3 * H), mask, f32(1, N, S, L)], num_heads=N, scale=0.4)
    agree("MultiHeadAttention", [q, k, f32(B, L, 6), f32(2 * H + 6), mask], num_heads=N)
    agree("MultiHeadAttention", [q, f32(B, N, L, D), f32(B, N, L, D), None, mask], num_heads=N)


@pytest.mark.parametrize("unidirectional", [0, 1])
def test_many_heads_with_a_past(unidirectional: int) -> None:
    q, k, v, bias = f32(B, S, H), f32(B, S, H), f32(B, S, H), f32(3 * H)
    past: Inputs = [f32(B, N, 3, D), f32(B, N, 3, D)]
    agree("MultiHeadAttention", [q, k, v], num_heads=N, unidirectional=unidirectional)
    agree("MultiHeadAttention", [q, k, v, bias, None, None, *past], 3, num_heads=N, unidirectional=unidirectional)
    inputs = [q, k, v, bias, flags(B, S + 3), f32(B, 1, S, S + 3), *past]
    agree("MultiHeadAttention", inputs, 3, num_heads=N, unidirectional=unidirectional)


def test_the_last_query_too_sees_nothing_after_itself() -> None:
    """onnxruntime's mask leaves the last query out: it is meant for as many keys as queries."""
    inputs: Inputs = [f32(B, S, H), f32(B, L, H), f32(B, L, H)]
    model = model_of("MultiHeadAttention", inputs, attributes={"num_heads": N, "unidirectional": 1})
    (ours,), _ = run(celeris, model, inputs)
    (theirs,), _ = run(onnxruntime, model, inputs)
    np.testing.assert_allclose(ours[:, :-1], theirs[:, :-1], rtol=1e-5, atol=1e-5)
    cut: Inputs = [inputs[0], *(x[:, :S] for x in inputs[1:] if x is not None)]
    (short,), _ = run(
        celeris, model_of("MultiHeadAttention", cut, attributes={"num_heads": N, "unidirectional": 1}), cut
    )
    np.testing.assert_allclose(ours, short, rtol=1e-6, atol=1e-6)


def test_packed_heads() -> None:
    """onnxruntime's CPU provider does not take them; they mean the same as split ones."""
    qkv, kv, query = f32(B, S, N, 3, D), f32(B, L, N, 2, D), f32(B, S, H)
    split: Inputs = [np.ascontiguousarray(qkv[:, :, :, i]).reshape(B, S, H) for i in range(3)]
    pair: Inputs = [query, *(np.ascontiguousarray(kv[:, :, :, i]).reshape(B, L, H) for i in range(2))]
    for packed, parts in (([qkv], split), ([query, kv], pair)):
        given: Inputs = [*packed]
        (ours,), _ = run(celeris, model_of("MultiHeadAttention", given, attributes={"num_heads": N}), given)
        (theirs,), _ = run(onnxruntime, model_of("MultiHeadAttention", parts, attributes={"num_heads": N}), parts)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)

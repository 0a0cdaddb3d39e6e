"""One token at a time: com.microsoft's cached attention, alignment and guesses, as onnxruntime has them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.calls import call
from tests.ops.one_node import agree

RNG = np.random.default_rng(3)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


@pytest.mark.parametrize("biased", [False, True])
def test_a_query_sees_its_cache_and_itself(biased: bool) -> None:
    """onnxruntime's kernel for CPUs wants the shared buffer; a cache of its true length gives the same output."""
    q, k, v = floats(2, 1, 8), floats(2, 1, 8), floats(2, 1, 8)
    past = [floats(2, 2, 6, 4), floats(2, 2, 6, 4)]
    bias = floats(24) if biased else None
    y, _, _ = agree(
        "DecoderMaskedMultiHeadAttention", [q, k, v, None, None, *past, ints(3), None, None, bias], 3,
        num_heads=2, past_present_share_buffer=1, types=False,
    )  # fmt: skip
    short = [x[:, :, :3] for x in past]
    alone, key, _, _ = call(
        "DecoderMaskedMultiHeadAttention", q, k, v, None, None, *short, None, None, None, bias,
        opset=1, domain="com.microsoft", num_heads=2,
    )  # fmt: skip
    np.testing.assert_array_equal(alone, y)
    assert key.shape == (2, 2, 4, 4)


def test_a_bias_of_scores() -> None:
    q, k, v = floats(2, 1, 8), floats(2, 1, 8), floats(2, 1, 8)
    past = [floats(2, 2, 6, 4), floats(2, 2, 6, 4)]
    y, key, _ = agree(
        "DecoderMaskedMultiHeadAttention", [q, k, v, None, floats(1, 2, 1, 4), *past, ints(3)], 3,
        num_heads=2, past_present_share_buffer=1, types=False,
    )  # fmt: skip
    assert y.shape == (2, 1, 8)
    assert key.shape == (2, 2, 6, 4)


def test_crossed_attention_to_finished_keys_with_a_mask() -> None:
    k, v = floats(2, 2, 5, 4), floats(2, 2, 5, 4)
    mask = ints(1, 1, 1, 0, 0, 1, 1, 1, 1, 1).reshape(2, 5)
    agree("DecoderMaskedMultiHeadAttention", [floats(2, 1, 8), k, v, mask], 1, num_heads=2, types=False)


def test_beams_take_the_past_of_where_they_came_from() -> None:
    q, k, v = floats(4, 1, 8), floats(4, 1, 8), floats(4, 1, 8)
    past = [floats(4, 2, 6, 4), floats(4, 2, 6, 4)]
    beams = RNG.integers(0, 2, (2, 2, 6)).astype(np.int32)
    agree(
        "DecoderMaskedMultiHeadAttention", [q, k, v, None, None, *past, ints(3), ints(2), beams], 3,
        num_heads=2, past_present_share_buffer=1, types=False,
    )  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (4, 6), (7, 5), (1, 6, 6)])
def test_the_cheapest_path(shape: tuple[int, ...]) -> None:
    agree("DynamicTimeWarping", [floats(*shape)], types=False)
    agree("DynamicTimeWarping", [np.ones(shape, np.float32)], types=False)


def test_guesses_are_kept_up_to_the_first_that_is_wrong() -> None:
    src = np.array([1, 5, 3, 4, 2], np.int64)
    cur = np.array([0], np.int64)
    start = np.array(0, np.int64)
    for predicted in ([1, 5, 3, 4, 2, 7], [1, 5, 3, 4, 2, 5], [1, 5, 9, 4, 2, 7], [2, 5, 3, 4, 2, 7]):
        agree("BifurcationDetector", [src, cur, start, np.array(predicted, np.int64)], 2, types=False)
    agree("BifurcationDetector", [src, np.array([2, 3, 5], np.int64), start], 2, types=False)
    repeated = np.array([1, 5, 1, 5, 2, 1, 5, 3], np.int64)
    agree("BifurcationDetector", [repeated, np.array([2, 1, 5], np.int64), start], 2, types=False)

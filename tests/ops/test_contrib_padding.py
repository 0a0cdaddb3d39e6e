"""Packing of padded tokens and biases of relative positions, by their definitions one token at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.ops.calls import call

RNG = np.random.default_rng(9)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def contrib(name: str, *inputs: np.ndarray | None, **attributes: object) -> tuple[np.ndarray, ...]:
    y = call(name, *inputs, opset=1, domain="com.microsoft", **attributes)
    return y if isinstance(y, tuple) else (y,)


def test_tokens_without_padding_and_back() -> None:
    x = floats(3, 4, 2)
    packed, offsets, sums, most = contrib("RemovePadding", x, np.array([2, 4, 1], np.int32))
    np.testing.assert_array_equal(packed, np.concatenate([x[0, :2], x[1], x[2, :1]]))
    assert offsets.tolist() == [[0, 1, 4, 5], [6, 7, 8, 2], [3, 9, 10, 11]]
    assert (sums.tolist(), most.tolist()) == ([0, 2, 6, 7], [4])
    (restored,) = contrib("RestorePadding", packed, offsets)
    x[0, 2:] = x[2, 1:] = 0
    np.testing.assert_array_equal(restored, x)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"expected input \[B,S,H\] and sequence_token_count \[B\]"):
        contrib("RemovePadding", floats(3, 4, 2), np.array([2, 4], np.int32))
    with pytest.raises(ValueError, match=r"expected input \[T,H\] and token_offset \[B,S\]"):
        contrib("RestorePadding", floats(9, 2), np.zeros((2, 4), np.int32))


def _bucket(distance: int, buckets: int, most: int, both: bool) -> int:
    """T5's bucket of a key's distance from its query, as the paper's code has it, for one pair."""
    bucket, n = 0, -distance
    if both:
        buckets //= 2
        bucket, n = (buckets if n < 0 else 0), abs(n)
    else:
        n = max(n, 0)
    exact = buckets // 2
    if n < exact:
        return bucket + n
    far = exact + int(math.log(n / exact) / math.log(most / exact) * (buckets - exact))
    return bucket + min(far, buckets - 1)


@pytest.mark.parametrize("both", [0, 1])
def test_buckets_of_distances(both: int) -> None:
    table = floats(16, 3)
    lengths = np.array([40], np.int64), np.array([37], np.int64)
    (y,) = contrib("RelativePositionBias", table, *lengths, is_bidirectional=both, max_distance=25)
    assert y.shape == (1, 3, 40, 37)
    for query in range(40):
        for key in range(37):
            np.testing.assert_array_equal(y[0, :, query, key], table[_bucket(key - query, 16, 25, bool(both))])


def test_gates_of_relative_positions() -> None:
    heads, size, length = 2, 4, 3
    query, bias, weight = floats(1, length, heads * size), floats(heads * size), floats(size, 6)
    positions, offset, eco = floats(1, heads, length, length), floats(6), floats(1, heads, 1, 1)
    (y,) = contrib("GatedRelativePositionBias", query, bias, positions, weight, offset, eco, num_heads=heads)
    for head in range(heads):
        for at in range(length):
            part = slice(head * size, (head + 1) * size)
            gates = (query[0, at, part] + bias[part]) @ weight + offset
            u, r = (1 / (1 + math.exp(-gates[g : g + 3].sum())) for g in (0, 3))
            expected = positions[0, head, at] * (u * (r * eco[0, head, 0, 0] - 1) + 2)
            np.testing.assert_allclose(y[0, head, at], expected, rtol=1e-5, atol=1e-6)

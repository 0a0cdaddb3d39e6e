"""Picking and putting: ranges of indices, negative steps, orders of distinct values, shapes, contents."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.graph.types import Tensor
from tests.ops.calls import call, floats, held, inferred, ints

_X = floats([1, 2, 3], [4, 5, 6])


def test_gather_counts_from_both_ends_and_says_what_is_out() -> None:
    assert call("Gather", _X, ints(-1, 0), axis=1).tolist() == [[3, 1], [6, 4]]
    assert call("Gather", _X, np.array(1)).tolist() == [4, 5, 6]
    with pytest.raises(ValueError, match=r"idx=3 must be within the inclusive range \[-2,1\]"):
        call("Gather", _X, ints(0, 3))
    assert call("GatherElements", _X, np.array([[2, 0]]), axis=1).tolist() == [[3, 1]]
    assert call("GatherND", _X, np.array([[1, 2], [-1, 0]])).tolist() == [6, 4]
    assert call("GatherND", _X, np.array([[0], [2]]), batch_dims=1).tolist() == [1, 6]


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [(0, 3, 1), (2, 0, -1), (-1, -100, -1), (2**31, -(2**31), -2), (1, 2**63 - 1, 1), (5, 9, 1)],
)
def test_slice_is_python_s_and_copies_nothing(start: int, end: int, step: int) -> None:
    part = call("Slice", _X, ints(start), ints(end), ints(1), ints(step))
    np.testing.assert_array_equal(part, _X[:, start:end:step])
    assert part.base is not None
    assert inferred("Slice", Tensor("float", (2, 3)), ints(start), ints(end), ints(1), ints(step)) == part.shape


def test_slice_refuses_a_step_of_0() -> None:
    with pytest.raises(ValueError, match="no step 0"):
        call("Slice", _X, ints(0), ints(1), ints(0), ints(0))


def test_sizes_flow_through_slices_and_gathers() -> None:
    shape = Tensor("int64", (3,))
    assert held("Gather", shape, np.array(0), dims=[("N", 3, 4), None]) == ("N",)
    assert held("Slice", shape, ints(1), ints(3), dims=[("N", 3, 4), None, None]) == (3, 4)
    assert held("Slice", shape, opset=1, dims=[("N", 3, 4)], starts=[0], ends=[1]) == ("N",)


def test_distinct_values_sorted_or_as_they_come() -> None:
    x = floats(3, 1, 3, 2)
    assert [part.tolist() for part in call("Unique", x)] == [[1, 2, 3], [1, 3, 0], [2, 0, 2, 1], [1, 1, 2]]
    assert [part.tolist() for part in call("Unique", x, sorted=0)] == [[3, 1, 2], [0, 1, 3], [0, 1, 0, 2], [2, 1, 1]]
    words = np.array([["b", "a"], ["b", "a"], ["a", "a"]], object)
    assert call("Unique", words, axis=0)[0].tolist() == [["a", "a"], ["b", "a"]]


def test_one_hot_leaves_out_what_is_out_of_range() -> None:
    assert call("OneHot", ints(0, -1, 5), np.array(2), floats(0, 1)).tolist() == [[1, 0], [0, 1], [0, 0]]
    assert call("OneHot", ints(0, 1), ints(2), ints(7, 9), axis=0).tolist() == [[9, 7], [7, 9]]
    assert inferred("OneHot", Tensor("int64", ("N",)), np.array(3), floats(0, 1)) == ("N", 3)


def test_the_rest() -> None:
    assert call("Compress", _X, np.array([True])).tolist() == [1]
    assert call("Compress", _X, np.array([False, True]), axis=0).tolist() == [[4, 5, 6]]
    assert call("NonZero", np.array([[0, 1], [1, 0]])).tolist() == [[0, 1], [1, 0]]
    assert call("ReverseSequence", _X, ints(2, 3), batch_axis=0, time_axis=1).tolist() == [[2, 1, 3], [6, 5, 4]]


def test_scatter_puts_and_combines() -> None:
    assert call("ScatterElements", _X, np.array([[2, 0]]), floats([9, 8]), axis=1).tolist() == [[8, 2, 9], [4, 5, 6]]
    twice = call("ScatterElements", _X, np.array([[0, 0]]), floats([1, 1]), axis=1, reduction="add")
    assert twice.tolist() == [[3, 2, 3], [4, 5, 6]]
    assert call("ScatterND", _X, np.array([[1]]), floats([0, 0, 0])).tolist() == [[1, 2, 3], [0, 0, 0]]
    assert _X.tolist() == [[1, 2, 3], [4, 5, 6]], "the input is as it was"
    with pytest.raises(ValueError, match="ScatterElements: expected indices and updates of one shape"):
        call("ScatterElements", _X, np.array([[0]]), floats([1, 2]))
    with pytest.raises(ValueError, match="expected a reduction of none, add, mul, max or min"):
        call("ScatterND", _X, np.array([[1]]), floats([0, 0, 0]), reduction="mean")


def test_a_cache_is_written_around_its_end() -> None:
    past = np.zeros((1, 3, 1), np.float32)
    new = floats([[1], [2]])
    assert call("TensorScatter", past, new, ints(2), mode="circular").ravel().tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match="use mode=circular"):
        call("TensorScatter", past, new, ints(2))

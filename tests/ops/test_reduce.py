"""Reductions: axes of either generation, accuracy, wrapping, empty sets, equals, messages."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.graph.types import Tensor
from tests.ops.calls import call, floats, held, inferred, ints

_X = floats([1, 2, 3], [4, 5, 6])
_NAMES = [
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
]


@pytest.mark.parametrize("name", _NAMES)
def test_axes_are_an_attribute_then_an_input(name: str) -> None:
    older = call(name, _X, axes=[1], keepdims=0, opset=11)
    newer = call(name, _X, ints(1), keepdims=0, opset=20)
    np.testing.assert_array_equal(older, newer)
    assert newer.dtype == np.float32
    assert call(name, _X, opset=11).shape == call(name, _X).shape == (1, 1)
    np.testing.assert_array_equal(call(name, _X, ints(-1), keepdims=0), newer)


@pytest.mark.parametrize("name", _NAMES)
def test_the_rule_says_what_the_function_does(name: str) -> None:
    kind = Tensor("float", ("N", 3))
    assert inferred(name, kind, ints(1)) == ("N", 1)
    assert inferred(name, kind, ints(1), keepdims=0) == ("N",)
    assert inferred(name, kind, opset=11, axes=[0]) == (1, 3)
    assert inferred(name, kind) == (1, 1)
    assert inferred(name, kind, Tensor("int64", (1,))) is None


def test_no_axes_reduce_all_or_nothing() -> None:
    assert call("ReduceSum", _X, ints(), keepdims=0) == 21
    np.testing.assert_array_equal(call("ReduceSum", _X, ints(), noop_with_empty_axes=1), _X)
    np.testing.assert_array_equal(call("ReduceSumSquare", _X, noop_with_empty_axes=1), _X * _X)


def test_sums_are_rounded_once() -> None:
    many = np.full((1 << 20, 1), 0.1, np.float32)
    assert call("ReduceSum", many, ints(0), keepdims=0)[0] == np.float32(float(np.float32(0.1)) * (1 << 20))
    tiny = floats([1e-30] * 4)
    assert call("ReduceL2", tiny, ints(1))[0, 0] == pytest.approx(2e-30)


def test_integers_wrap_and_means_truncate() -> None:
    assert call("ReduceSum", np.array([2**31 - 1, 1], np.int32), keepdims=0) == -(2**31)
    assert call("ReduceMean", np.array([-3, 0], np.int32), keepdims=0) == -1


def test_logsumexp_neither_overflows_nor_invents_nan() -> None:
    np.testing.assert_allclose(call("ReduceLogSumExp", floats([1000, 1000]), ints(1))[0, 0], 1000 + np.log(2))
    assert call("ReduceLogSumExp", floats([-np.inf, -np.inf]), ints(1))[0, 0] == -np.inf


def test_extremes_of_nothing() -> None:
    nothing = np.zeros((0, 2), np.float32)
    assert call("ReduceMax", nothing, ints(0)).tolist() == [[-np.inf, -np.inf]]
    assert call("ReduceMin", nothing.astype(np.int8), ints(0)).tolist() == [[127, 127]]


def test_places_of_extremes() -> None:
    x = floats([3, 7, 7, 1])
    assert call("ArgMax", x[0]).tolist() == [1]
    assert call("ArgMax", x, axis=1, select_last_index=1, keepdims=0).tolist() == [2]
    assert call("ArgMin", x, axis=-1).tolist() == [[3]]
    with pytest.raises(ValueError, match="ArgMax: expected an axis in"):
        call("ArgMax", x, axis=2)


def test_running_sums_and_products() -> None:
    x = floats(1, 2, 3)
    assert call("CumSum", x, ints(0)).tolist() == [1, 3, 6]
    assert call("CumSum", x, np.array(0), exclusive=1, reverse=1).tolist() == [5, 3, 0]
    assert call("CumProd", x, np.array(0), exclusive=1).tolist() == [1, 1, 2]


def test_a_product_of_sizes_flows() -> None:
    assert held("ReduceProd", Tensor("int64", (2,)), dims=[("N", 1)], keepdims=0) == ("N",)
    assert held("ReduceProd", Tensor("int64", (2,)), dims=[(2, 3)]) == (6,)


def test_axes_out_of_range_or_twice() -> None:
    with pytest.raises(ValueError, match=r"ReduceSum: expected an axis in \[-2, 1\], got 2"):
        call("ReduceSum", _X, ints(2))
    with pytest.raises(ValueError, match="ReduceSum: expected distinct axes"):
        call("ReduceSum", _X, ints(1, -1))

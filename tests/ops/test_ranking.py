"""Softmax and its kin before and after opset 13; TopK's order among equals."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.graph.types import Tensor
from tests.ops.calls import call, floats, inferred, ints


def test_before_opset_13_all_dimensions_from_axis_on_are_one() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    old = call("Softmax", x, opset=11)
    np.testing.assert_allclose(old.reshape(2, 6).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(call("Softmax", x).sum(axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(call("LogSoftmax", x, opset=11), np.log(old), rtol=1e-5)
    assert call("Hardmax", x, opset=11).sum() == 2
    assert call("Hardmax", x).sum() == 6


def test_large_numbers_do_not_overflow() -> None:
    assert call("Softmax", floats([1e30, 0])).tolist() == [[1, 0]]
    assert np.isfinite(call("LogSoftmax", floats([1e4, 0]))).all()


def test_top_k_of_equals_takes_the_first() -> None:
    x = floats([1, 3, 3, 2, 3])
    values, places = call("TopK", x, ints(2))
    assert (values.tolist(), places.tolist()) == ([[3, 3]], [[1, 2]])
    values, places = call("TopK", x, ints(3), largest=0)
    assert (values.tolist(), places.tolist()) == ([[1, 2, 3]], [[0, 3, 1]])
    assert call("TopK", np.array([250, 3, 255], np.uint8), ints(1))[1].tolist() == [2]
    assert call("TopK", x, k=1, opset=1)[1].tolist() == [[1]]
    with pytest.raises(ValueError, match="TopK: expected K from 0 to 5"):
        call("TopK", x, ints(6))


def test_top_k_s_shape() -> None:
    assert inferred("TopK", Tensor("float", ("N", 5)), ints(2)) == ("N", 2)
    assert inferred("TopK", Tensor("float", ("N", 5)), opset=1, k=3) == ("N", 3)

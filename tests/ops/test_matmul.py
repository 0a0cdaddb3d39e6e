"""Products: sums in float64, broadcasting, transposition, ranks, messages."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.graph.types import Tensor
from tests.ops.calls import call, floats, inferred


def test_dot_products_are_rounded_once() -> None:
    a, b = floats([1e8, 1, -1e8]), floats([1], [1], [1])
    assert call("MatMul", a, b).tolist() == [[1]]
    assert call("Gemm", a, b).tolist() == [[1]]


def test_a_row_is_the_same_alone_and_among_others() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((64, 33)).astype(np.float32), rng.standard_normal((33, 7)).astype(np.float32)
    whole = call("MatMul", a, b)
    np.testing.assert_array_equal(np.concatenate([call("MatMul", a[i : i + 1], b) for i in range(64)]), whole)


def test_a_large_right_side_goes_by_columns() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((2, 3, 700)).astype(np.float32), rng.standard_normal((700, 1601)).astype(np.float32)
    expected = (a.astype(np.float64) @ b.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(call("MatMul", a, b), expected, rtol=1e-6)
    np.testing.assert_allclose(call("Gemm", a[0], np.ascontiguousarray(b.T), transB=1), expected[0], rtol=1e-6)


def test_gemm_s_attributes() -> None:
    a, b, c = floats([1, 2], [3, 4]), floats([1, 0], [0, 2]), floats(1, 1)
    expected = 0.5 * a.T @ b.T + 2 * c
    np.testing.assert_allclose(call("Gemm", a, b, c, alpha=0.5, beta=2.0, transA=1, transB=1), expected)
    assert call("Gemm", np.array([[3]], np.int32), np.array([[4]], np.int32)).dtype == np.int32
    with pytest.raises(ValueError, match=r"Gemm: expected C of shape \[2, 2\], got \[2\]; set broadcast=1"):
        call("Gemm", a, b, c, opset=6)
    np.testing.assert_array_equal(call("Gemm", a, b, c, opset=6, broadcast=1), call("Gemm", a, b, c))


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match=r"MatMul: expected A \[...,M,K\] and B \[...,K,N\], got shapes \[1, 2\] and"):
        call("MatMul", floats([1, 2]), floats([1, 2]))
    with pytest.raises(ValueError, match="Gemm: expected C to broadcast to"):
        call("Gemm", floats([1]), floats([1]), floats([1, 2]))
    with pytest.raises(ValueError, match="Det: expected square matrices"):
        call("Det", floats([1, 2]))


def test_shapes() -> None:
    n, m = Tensor("float", ("N", 3)), Tensor("float", (3, 4))
    assert inferred("MatMul", n, m) == ("N", 4)
    assert inferred("MatMul", Tensor("float", (3,)), m) == (4,)
    assert inferred("MatMul", Tensor("float", (2, 5, 3)), Tensor("float", (3,))) == (2, 5)
    assert inferred("Gemm", n, Tensor("float", (4, 3)), transB=1) == ("N", 4)
    assert inferred("Einsum", n, m, equation="ij,jk->ik") == ("N", 4)
    assert inferred("Einsum", Tensor("float", (2, "N", 3)), m, equation="...j,jk") == (2, "N", 4)
    assert inferred("Einsum", m, equation="ij->ji") == (4, 3)
    assert inferred("Det", Tensor("float", ("N", 3, 3))) == ("N",)

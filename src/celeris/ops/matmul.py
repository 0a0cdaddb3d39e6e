"""Products of matrices: MatMul, Gemm, Einsum, Det. Dot products are accumulated in float64 and rounded once."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.precision import narrow, quiet
from celeris.ops.reduce import in_double
from celeris.ops.table import Facts, Op

_TILE = 1 << 20  # elements of the right side that are widened at a time: 8 MB, where a whole layer may be gigabytes


def _in_double(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """numpy.matmul, floats in float64; a large right matrix is widened some columns at a time."""
    left = in_double(a)
    if b.ndim != 2 or b.size <= _TILE or b.dtype == left.dtype:
        return np.asarray(np.matmul(left, in_double(b)))
    depth, columns = b.shape
    result = np.empty((*a.shape[:-1], columns), left.dtype)
    width = max(1, _TILE // depth)
    for at in range(0, columns, width):
        result[..., at : at + width] = np.matmul(left, in_double(b[:, at : at + width]))
    return result


@quiet
def MatMul(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Y = A @ B as numpy.matmul: A [...,M,K], B [...,K,N] -> Y [...,M,N]. Source: ai.onnx MatMul-13."""
    if not A.ndim or not B.ndim or A.shape[-1] != B.shape[-2 if B.ndim > 1 else 0]:
        raise ValueError(
            f"MatMul: expected A [...,M,K] and B [...,K,N], got shapes {list(A.shape)} and {list(B.shape)}"
        )
    return narrow(_in_double(A, B), A.dtype)


def _shapes_meet(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    padded = (1,) * (len(target) - len(shape)) + shape
    return len(padded) == len(target) and all(a in (1, b) for a, b in zip(padded, target, strict=True))


@quiet
def Gemm(
    A: np.ndarray,
    B: np.ndarray,
    C: np.ndarray | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> np.ndarray:
    """Y = alpha * A' @ B' + beta * C: A' [M,K], B' [K,N], C broadcasts to [M,N]. Source: ai.onnx Gemm-13."""
    if A.ndim != 2 or B.ndim != 2:
        raise ValueError(f"Gemm: expected matrices A and B, got ranks {A.ndim} and {B.ndim}")
    left, right = (A.T if transA else A), (B.T if transB else B)
    if left.shape[1] != right.shape[0]:
        raise ValueError(f"Gemm: expected A [M,K] and B [K,N], got shapes {list(left.shape)} and {list(right.shape)}")
    result = _in_double(left, right)
    if alpha != 1:
        result = result * alpha
    if C is not None and beta != 0:
        if not _shapes_meet(C.shape, result.shape):
            raise ValueError(f"Gemm: expected C to broadcast to {list(result.shape)}, got shape {list(C.shape)}")
        result = result + (in_double(C) if beta == 1 else in_double(C) * beta)
    return narrow(result, A.dtype)


def Gemm_7(
    A: np.ndarray,
    B: np.ndarray,
    C: np.ndarray,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> np.ndarray:
    """Gemm whose C must be given. Source: ai.onnx Gemm-9."""
    return Gemm(A, B, C, alpha=alpha, beta=beta, transA=transA, transB=transB)


def Gemm_1(
    A: np.ndarray,
    B: np.ndarray,
    C: np.ndarray,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    broadcast: int = 0,
    transA: int = 0,
    transB: int = 0,
) -> np.ndarray:
    """Gemm whose C may broadcast only where `broadcast` says so. Source: ai.onnx Gemm-6."""
    wanted = (A.shape[1 if transA else 0], B.shape[0 if transB else 1])
    if not broadcast and C.shape != wanted:
        raise ValueError(f"Gemm: expected C of shape {list(wanted)}, got {list(C.shape)}; set broadcast=1")
    return Gemm(A, B, C, alpha=alpha, beta=beta, transA=transA, transB=transB)


@quiet
def Einsum(*Inputs: np.ndarray, equation: str) -> np.ndarray:
    """Sums of products as numpy.einsum, a letter of the equation being one size. Source: ai.onnx Einsum-28."""
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    ranks = [(len(term.replace("...", "")), "..." in term) for term in terms]
    if len(terms) != len(Inputs) or any(
        x.ndim < rank or (x.ndim > rank and not more) for x, (rank, more) in zip(Inputs, ranks, strict=True)
    ):
        given = ", ".join(str(list(x.shape)) for x in Inputs)
        raise ValueError(f"Einsum: expected inputs that fit {equation!r}, got shapes {given}")
    result = np.einsum(equation.replace(" ", ""), *[in_double(x) for x in Inputs], optimize=True)
    return narrow(result, Inputs[0].dtype)


@quiet
def Det(X: np.ndarray) -> np.ndarray:
    """The determinant of each matrix: X [...,M,M] -> Y [...]. Source: ai.onnx Det-22."""
    if X.ndim < 2 or X.shape[-1] != X.shape[-2]:
        raise ValueError(f"Det: expected square matrices [...,M,M], got shape {list(X.shape)}")
    return narrow(np.linalg.det(in_double(X)), X.dtype)


def matmul_shape(a: tuple[Dim, ...] | None, b: tuple[Dim, ...] | None) -> tuple[Dim, ...] | None:
    """The shape of numpy.matmul's result; None where a rank is not known."""
    if not a or not b:
        return None
    lead = shapes.broadcast_shapes(a[:-2], b[:-2])
    return None if lead is None else (*lead, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


def _product(facts: Facts) -> list[Type | None]:
    a, b = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    known = a or b
    return [known and Tensor(known.element, matmul_shape(shapes.shape_of(facts, 0), shapes.shape_of(facts, 1)))]


def gemm_type(facts: Facts) -> list[Type | None]:
    """Y [M,N]."""
    known = shapes.tensor(facts, 0) or shapes.tensor(facts, 1)
    if known is None:
        return [None]
    sizes: list[Dim] = []
    for index, transposed, flag in ((0, 1, "transA"), (1, 0, "transB")):
        shape = shapes.shape_of(facts, index)
        at = transposed if facts.attributes.get(flag) else 1 - transposed
        sizes.append(shape[at] if shape is not None and len(shape) == 2 else None)
    return [Tensor(known.element, tuple(sizes))]


def _ellipsis_rank(term: str, rank: int) -> int:
    return rank - len(term.replace("...", "")) if "..." in term else 0


def _einsum(facts: Facts) -> list[Type | None]:
    known = next((t for t in facts.types if isinstance(t, Tensor)), None)
    if known is None:
        return [None]
    left, arrow, right = str(facts.attributes["equation"]).replace(" ", "").partition("->")
    terms = left.split(",")
    given = [shapes.shape_of(facts, i) for i in range(len(facts.types))]
    if any(shape is None for shape in given) or len(given) != len(terms):
        rank = None if "..." in right or not arrow else len(right)
        return [Tensor(known.element, None if rank is None else (None,) * rank)]
    sizes: dict[str, Dim] = {}
    wide: tuple[Dim, ...] = ()
    for term, shape in zip(terms, given, strict=True):
        shape = shape or ()
        start, _, _ = term.partition("...")
        extra = _ellipsis_rank(term, len(shape))
        wide = shapes.broadcast_shapes(wide, shape[len(start) : len(start) + extra]) or ()
        letters = term.replace("...", "")
        for letter, size in zip(letters, shape[: len(start)] + shape[len(start) + extra :], strict=False):
            sizes[letter] = size if letter not in sizes else shapes.join(sizes[letter], size)
    if not arrow:
        right = "..." + "".join(sorted(c for c in sizes if left.count(c) == 1))
    before, dots, after = right.partition("...")
    named = [[sizes.get(letter) for letter in part] for part in (before, after)]
    return [Tensor(known.element, (*named[0], *(wide if dots else ()), *named[1]))]


def _det(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    return [data and Tensor(data.element, None if data.shape is None else data.shape[:-2])]


OPS: tuple[Op, ...] = (
    Op("Det", 11, Det, _det),
    Op("Einsum", 12, Einsum, _einsum),
    Op("Gemm", 1, Gemm_1, gemm_type),
    Op("Gemm", 7, Gemm_7, gemm_type),
    Op("Gemm", 11, Gemm, gemm_type),
    Op("MatMul", 1, MatMul, _product),
)

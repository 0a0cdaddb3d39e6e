"""Products, distances and inverses of matrices of com.microsoft. Dot products are accumulated in float64."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Shape, Tensor, Type
from celeris.ops import shapes
from celeris.ops.contrib_activation import activated
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.matmul import Gemm, gemm_type, matmul_shape
from celeris.ops.precision import narrow, quiet
from celeris.ops.reduce import in_double
from celeris.ops.table import Facts, Op

_CELLS = 1 << 17  # distances that are added up at once: a megabyte of float64


@quiet
def CDist(A: np.ndarray, B: np.ndarray, *, metric: str = "sqeuclidean") -> np.ndarray:
    """Distances between rows: A [M,K], B [N,K] -> C [M,N], euclidean or its square. Source: com.microsoft CDist-1."""
    if A.ndim != 2 or B.ndim != 2 or A.shape[1] != B.shape[1]:
        raise ValueError(f"CDist: expected A [M,K] and B [N,K], got shapes {list(A.shape)} and {list(B.shape)}")
    a, b = in_double(A), np.ascontiguousarray(in_double(B).T)
    out = np.zeros((len(A), len(B)))
    step = max(1, _CELLS // max(1, len(B)))
    for start in range(0, len(a), step):
        part, rows = out[start : start + step], a[start : start + step]
        for k in range(a.shape[1]):  # differences, not |a|^2 - 2ab + |b|^2, which cancels
            part += np.square(rows[:, k, None] - b[k])
    return narrow(out if metric == "sqeuclidean" else np.sqrt(out), A.dtype)


def _metric_fault(facts: Facts) -> str | None:
    metric = facts.attributes.get("metric", "sqeuclidean")
    known = metric in ("sqeuclidean", "euclidean")
    return None if known else f"CDist: expected metric euclidean or sqeuclidean, got {metric!r}"


def _turned(x: np.ndarray, transposed: int, batched: int) -> np.ndarray:
    """The matrices of x: [M,K] of x [M,*batch,K] where `batched`, and then turned where `transposed`."""
    if batched and x.ndim > 2:
        x = np.moveaxis(x, 0, -2)
    return x.swapaxes(-1, -2) if transposed and x.ndim > 1 else x


@quiet
def FusedMatMul(
    A: np.ndarray,
    B: np.ndarray,
    *,
    alpha: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    transBatchA: int = 0,
    transBatchB: int = 0,
) -> np.ndarray:
    """Y = alpha * A' @ B', of transposed matrices where asked: Y [...,M,N]. Source: com.microsoft FusedMatMul-1."""
    left, right = _turned(A, transA, transBatchA), _turned(B, transB, transBatchB)
    if not left.ndim or not right.ndim or left.shape[-1] != right.shape[-2 if right.ndim > 1 else 0]:
        raise ValueError(
            f"FusedMatMul: expected A' [...,M,K] and B' [...,K,N], got {list(left.shape)} and {list(right.shape)}"
        )
    return narrow(alpha * np.matmul(in_double(left), in_double(right)), A.dtype)


def TransposeMatMul(
    A: np.ndarray, B: np.ndarray, *, alpha: float = 1.0, transA: int = 0, transB: int = 0
) -> np.ndarray:
    """FusedMatMul under its older name. Source: com.microsoft TransposeMatMul-1."""
    return FusedMatMul(A, B, alpha=alpha, transA=transA, transB=transB)


def FusedGemm(
    A: np.ndarray,
    B: np.ndarray,
    C: np.ndarray | None = None,
    *,
    activation: str | None = None,
    activation_alpha: float | None = None,
    activation_beta: float | None = None,
    activation_gamma: float | None = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> np.ndarray:
    """Y = activation(alpha * A' @ B' + beta * C): A' [M,K], B' [K,N] -> Y [M,N]. Source: com.microsoft FusedGemm-1."""
    y = Gemm(A, B, C, alpha=alpha, beta=beta, transA=transA, transB=transB)
    given = (activation_alpha, activation_beta, activation_gamma)
    return activated("FusedGemm", y, activation, [p for p in given if p is not None])


@quiet
def Inverse(X: np.ndarray) -> np.ndarray:
    """The inverse of each matrix: X [...,M,M] -> Y as X. Source: com.microsoft Inverse-1."""
    if X.ndim < 2 or X.shape[-1] != X.shape[-2]:
        raise ValueError(f"Inverse: expected square matrices [...,M,M], got shape {list(X.shape)}")
    return narrow(np.linalg.inv(in_double(X)), X.dtype)


def MatMulInteger16(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Y = A @ B of 16-bit integers, 32-bit sums that wrap around. Source: com.microsoft MatMulInteger16-1."""
    kind = np.uint32 if A.dtype.kind == B.dtype.kind == "u" else np.int32
    return np.asarray(np.matmul(A.astype(np.int64), B.astype(np.int64))).astype(kind)


def _distance_type(facts: Facts) -> list[Type | None]:
    a, b = shapes.tensor(facts, 0), shapes.shape_of(facts, 1)
    if a is None:
        return [None]
    rows = a.shape[0] if a.shape is not None and len(a.shape) == 2 else None
    return [Tensor(a.element, (rows, b[0] if b is not None and len(b) == 2 else None))]


def _turned_shape(shape: Shape | None, transposed: int, batched: int) -> Shape | None:
    if shape is None or len(shape) < 2:
        return shape
    if batched and len(shape) > 2:
        shape = (*shape[1:-1], shape[0], shape[-1])
    return (*shape[:-2], shape[-1], shape[-2]) if transposed else shape


def _product_type(facts: Facts) -> list[Type | None]:
    a, given = shapes.tensor(facts, 0), facts.attributes
    if a is None:
        return [None]
    left = _turned_shape(a.shape, given.get("transA", 0), given.get("transBatchA", 0))
    right = _turned_shape(shapes.shape_of(facts, 1), given.get("transB", 0), given.get("transBatchB", 0))
    return [Tensor(a.element, matmul_shape(left, right))]


def _wide_type(facts: Facts) -> list[Type | None]:
    a, b = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    unsigned = a is not None and b is not None and a.element == b.element == "uint16"
    shape = matmul_shape(shapes.shape_of(facts, 0), shapes.shape_of(facts, 1))
    return [Tensor("uint32" if unsigned else "int32", shape)]


OPS: tuple[Op, ...] = (
    Op("CDist", 1, CDist, _distance_type, MICROSOFT, verify=_metric_fault),
    Op("FusedGemm", 1, FusedGemm, gemm_type, MICROSOFT),
    Op("FusedMatMul", 1, FusedMatMul, _product_type, MICROSOFT),
    Op("Inverse", 1, Inverse, shapes.same, MICROSOFT),
    Op("MatMulInteger16", 1, MatMulInteger16, _wide_type, MICROSOFT),
    Op("TransposeMatMul", 1, TransposeMatMul, _product_type, MICROSOFT),
)

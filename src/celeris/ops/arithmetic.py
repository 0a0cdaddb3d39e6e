"""Arithmetic, element by element: sums, products, powers, rounding, extremes. Integers stay integers."""

from __future__ import annotations

from functools import reduce

import numpy as np

from celeris.graph.types import Dim
from celeris.ops import shapes
from celeris.ops.erf import erf
from celeris.ops.older import aligned, consuming
from celeris.ops.precision import narrow, quiet, rounded_once, widen
from celeris.ops.table import Op


@quiet
def Add(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A + B, broadcast. Source: ai.onnx Add-14."""
    return np.asarray(np.add(A, B))


@quiet
def Sub(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A - B, broadcast. Source: ai.onnx Sub-14."""
    return np.asarray(np.subtract(A, B))


@quiet
def Mul(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A * B, broadcast. Source: ai.onnx Mul-14."""
    return np.asarray(np.multiply(A, B))


@quiet
def Div(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A / B, broadcast; integers truncate toward zero, and refuse a divisor of 0. Source: ai.onnx Div-14."""
    if B.dtype.kind not in "iu":
        return np.asarray(np.true_divide(A, B))
    if not B.all() and A.size:
        raise ValueError("Div: expected integer divisors other than 0, got 0; guard them with Where")
    quotient = np.floor_divide(A, B)
    if A.dtype.kind == "u":
        return np.asarray(quotient)
    inexact = np.not_equal(np.multiply(quotient, B), A) & (np.less(A, 0) != np.less(B, 0))
    return narrow(quotient + inexact, A.dtype)


@quiet
def Mod(A: np.ndarray, B: np.ndarray, *, fmod: int = 0) -> np.ndarray:
    """C = A - floor(A / B) * B, or with `fmod` A - trunc(A / B) * B; broadcast. Source: ai.onnx Mod-28."""
    if B.dtype.kind in "iu" and not B.all() and A.size:
        raise ValueError("Mod: expected integer divisors other than 0, got 0; guard them with Where")
    return narrow((np.fmod if fmod else np.mod)(widen(A), widen(B)), A.dtype)


def _integer_power(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    if Y.dtype.kind in "iu" and not (Y < 0).any():
        common = np.uint64 if X.dtype.kind == "u" else np.int64
        return np.power(X.astype(common), Y.astype(common))
    return np.trunc(np.power(X.astype(np.float64), Y.astype(np.float64)))


@quiet
def Pow(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Z = X ** Y, broadcast, in the type of X; an integer X truncates. Source: ai.onnx Pow-15."""
    if X.dtype.kind in "iu":
        return narrow(_integer_power(X, Y), X.dtype)
    if Y.size == 1 and Y.ndim <= X.ndim and Y.reshape(-1)[0] == 2:
        base = widen(X)
        return narrow(base * base, X.dtype)
    return narrow(np.power(widen(X), widen(Y)), X.dtype)


@quiet
def Neg(X: np.ndarray) -> np.ndarray:
    """Y = -X. Source: ai.onnx Neg-13."""
    return np.asarray(np.negative(X))


@quiet
def Abs(X: np.ndarray) -> np.ndarray:
    """Y = |X|. Source: ai.onnx Abs-13."""
    return np.asarray(np.absolute(X))


@rounded_once
def Sign(input: np.ndarray) -> np.ndarray:
    """-1, 0 or 1; NaN stays NaN. Source: ai.onnx Sign-13."""
    return np.sign(input)


@rounded_once
def Sqrt(X: np.ndarray) -> np.ndarray:
    """Y = X ** 0.5; NaN below 0. Source: ai.onnx Sqrt-13."""
    return np.sqrt(X)


@rounded_once
def Reciprocal(X: np.ndarray) -> np.ndarray:
    """Y = 1 / X. Source: ai.onnx Reciprocal-13."""
    return np.reciprocal(X)


@rounded_once
def Exp(input: np.ndarray) -> np.ndarray:
    """Y = e ** X. Source: ai.onnx Exp-13."""
    return np.exp(input)


@rounded_once
def Log(input: np.ndarray) -> np.ndarray:
    """Y = ln X; NaN below 0. Source: ai.onnx Log-13."""
    return np.log(input)


@quiet
def Erf(input: np.ndarray) -> np.ndarray:
    """The error function. Source: ai.onnx Erf-13."""
    return narrow(erf(widen(input)), input.dtype)


@rounded_once
def Floor(X: np.ndarray) -> np.ndarray:
    """The greatest whole number up to X. Source: ai.onnx Floor-13."""
    return np.floor(X)


@rounded_once
def Ceil(X: np.ndarray) -> np.ndarray:
    """The least whole number from X. Source: ai.onnx Ceil-13."""
    return np.ceil(X)


@rounded_once
def Round(X: np.ndarray) -> np.ndarray:
    """The nearest whole number, halves to even. Source: ai.onnx Round-22."""
    return np.rint(X)


def _some(where: str, inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    if not inputs:
        raise ValueError(f"{where}: expected at least one input, got none")
    return inputs


@quiet
def Max(*data_0: np.ndarray) -> np.ndarray:
    """The greatest of all inputs, broadcast; NaN where one is NaN. Source: ai.onnx Max-13."""
    return np.asarray(reduce(np.maximum, _some("Max", data_0)))


@quiet
def Min(*data_0: np.ndarray) -> np.ndarray:
    """The least of all inputs, broadcast; NaN where one is NaN. Source: ai.onnx Min-13."""
    return np.asarray(reduce(np.minimum, _some("Min", data_0)))


@rounded_once
def Sum(*data_0: np.ndarray) -> np.ndarray:
    """The sum of all inputs, broadcast. Source: ai.onnx Sum-13."""
    return reduce(np.add, _some("Sum", data_0))


@rounded_once
def Mean(*data_0: np.ndarray) -> np.ndarray:
    """The mean of all inputs, broadcast. Source: ai.onnx Mean-13."""
    return reduce(np.add, _some("Mean", data_0)) / len(data_0)


@quiet
def Clip(input: np.ndarray, min: np.ndarray | None = None, max: np.ndarray | None = None) -> np.ndarray:
    """Min(max, Max(input, min)): a NaN stays, and `max` wins where it is below `min`. Source: ai.onnx Clip-13."""
    for name, bound in (("min", min), ("max", max)):
        if bound is not None and bound.size != 1:
            raise ValueError(f"Clip: expected {name} to be a scalar, got shape {list(bound.shape)}")
    result = input
    if min is not None:
        result = np.maximum(result, min.reshape(()))
    if max is not None:
        result = np.minimum(result, max.reshape(()))
    return np.asarray(result)


_LARGEST = float(np.finfo(np.float32).max)


@quiet
def Clip_6(input: np.ndarray, *, max: float = _LARGEST, min: float = -_LARGEST) -> np.ndarray:
    """Clip with its limits as attributes. Source: ai.onnx Clip-6."""
    return Clip(input, np.asarray(min).astype(input.dtype), np.asarray(max).astype(input.dtype))


@quiet
def Clip_1(
    input: np.ndarray,
    *,
    consumed_inputs: list[int] | None = None,
    max: float | None = None,
    min: float | None = None,
) -> np.ndarray:
    """Clip with limits that may be missing. Source: ai.onnx Clip-1."""
    low, high = [None if limit is None else np.asarray(limit).astype(input.dtype) for limit in (min, max)]
    return Clip(input, low, high)


def _added(a: Dim, b: Dim) -> Dim:
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    return a if b == 0 else b if a == 0 else None


def _subtracted(a: Dim, b: Dim) -> Dim:
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    return a if b == 0 else 0 if a == b and a is not None else None


def _multiplied(a: Dim, b: Dim) -> Dim:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    return a if b == 1 else b if a == 1 else None


def _divided(a: Dim, b: Dim) -> Dim:
    if isinstance(a, int) and isinstance(b, int) and b:
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return a if b == 1 else None


_ADDED, _SUBTRACTED = shapes.paired(_added), shapes.paired(_subtracted)
_MULTIPLIED, _DIVIDED = shapes.paired(_multiplied), shapes.paired(_divided)

OPS: tuple[Op, ...] = (
    Op("Abs", 1, consuming(Abs), shapes.same),
    Op("Abs", 6, Abs, shapes.same),
    Op("Add", 1, consuming(aligned(Add)), shapes.same),
    Op("Add", 6, aligned(Add), shapes.same),
    Op("Add", 7, Add, shapes.broadcast, propagate=_ADDED),
    Op("Ceil", 1, consuming(Ceil), shapes.same),
    Op("Ceil", 6, Ceil, shapes.same),
    Op("Clip", 1, Clip_1, shapes.same),
    Op("Clip", 6, Clip_6, shapes.same),
    Op("Clip", 11, Clip, shapes.same),
    Op("Div", 1, consuming(aligned(Div)), shapes.same),
    Op("Div", 6, aligned(Div), shapes.same),
    Op("Div", 7, Div, shapes.broadcast, propagate=_DIVIDED),
    Op("Erf", 9, Erf, shapes.same),
    Op("Exp", 1, consuming(Exp), shapes.same),
    Op("Exp", 6, Exp, shapes.same),
    Op("Floor", 1, consuming(Floor), shapes.same),
    Op("Floor", 6, Floor, shapes.same),
    Op("Log", 1, consuming(Log), shapes.same),
    Op("Log", 6, Log, shapes.same),
    Op("Max", 1, consuming(Max), shapes.broadcast),
    Op("Max", 6, Max, shapes.broadcast),
    Op("Mean", 1, consuming(Mean), shapes.broadcast),
    Op("Mean", 6, Mean, shapes.broadcast),
    Op("Min", 1, consuming(Min), shapes.broadcast),
    Op("Min", 6, Min, shapes.broadcast),
    Op("Mod", 10, Mod, shapes.broadcast),
    Op("Mul", 1, consuming(aligned(Mul)), shapes.same),
    Op("Mul", 6, aligned(Mul), shapes.same),
    Op("Mul", 7, Mul, shapes.broadcast, propagate=_MULTIPLIED),
    Op("Neg", 1, consuming(Neg), shapes.same),
    Op("Neg", 6, Neg, shapes.same),
    Op("Pow", 1, aligned(Pow), shapes.same),
    Op("Pow", 7, Pow, shapes.broadcast),
    Op("Reciprocal", 1, consuming(Reciprocal), shapes.same),
    Op("Reciprocal", 6, Reciprocal, shapes.same),
    Op("Round", 11, Round, shapes.same),
    Op("Sign", 9, Sign, shapes.same),
    Op("Sqrt", 1, consuming(Sqrt), shapes.same),
    Op("Sqrt", 6, Sqrt, shapes.same),
    Op("Sub", 1, consuming(aligned(Sub)), shapes.same),
    Op("Sub", 6, aligned(Sub), shapes.same),
    Op("Sub", 7, Sub, shapes.broadcast, propagate=_SUBTRACTED),
    Op("Sum", 1, consuming(Sum), shapes.broadcast),
    Op("Sum", 6, Sum, shapes.broadcast),
)

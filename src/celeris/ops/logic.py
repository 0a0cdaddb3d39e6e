"""Truth and bits, element by element: comparisons, logic, tests for NaN and infinity, Where, bit operations."""

from __future__ import annotations

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.older import aligned
from celeris.ops.precision import widen
from celeris.ops.table import Dims, Facts, Op


def And(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A and B, broadcast. Source: ai.onnx And-7."""
    return np.asarray(np.logical_and(A, B))


def Or(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A or B, broadcast. Source: ai.onnx Or-7."""
    return np.asarray(np.logical_or(A, B))


def Xor(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = either A or B, broadcast. Source: ai.onnx Xor-7."""
    return np.asarray(np.logical_xor(A, B))


def Not(X: np.ndarray) -> np.ndarray:
    """Y = not X. Source: ai.onnx Not-1."""
    return np.asarray(np.logical_not(X))


def Equal(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A is B, broadcast, bool; strings too. Source: ai.onnx Equal-19."""
    return np.asarray(np.equal(A, B), bool)


def Less(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A < B, broadcast, bool. Source: ai.onnx Less-13."""
    return np.asarray(np.less(A, B))


def LessOrEqual(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A <= B, broadcast, bool. Source: ai.onnx LessOrEqual-16."""
    return np.asarray(np.less_equal(A, B))


def Greater(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A > B, broadcast, bool. Source: ai.onnx Greater-13."""
    return np.asarray(np.greater(A, B))


def GreaterOrEqual(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A >= B, broadcast, bool. Source: ai.onnx GreaterOrEqual-16."""
    return np.asarray(np.greater_equal(A, B))


def IsNaN(X: np.ndarray) -> np.ndarray:
    """Y = X is NaN. Source: ai.onnx IsNaN-20."""
    return np.asarray(np.isnan(widen(X)))


def IsInf(X: np.ndarray, *, detect_negative: int = 1, detect_positive: int = 1) -> np.ndarray:
    """Y = X is an infinity of a sign that is looked for. Source: ai.onnx IsInf-20."""
    wide = widen(X)
    if detect_negative and detect_positive:
        return np.asarray(np.isinf(wide))
    if detect_negative:
        return np.asarray(np.isneginf(wide))
    return np.asarray(np.isposinf(wide)) if detect_positive else np.zeros(X.shape, bool)


def Where(condition: np.ndarray, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """X where the condition holds, else Y; all three broadcast. Source: ai.onnx Where-16."""
    return np.asarray(np.where(condition, X, Y))


def BitShift(X: np.ndarray, Y: np.ndarray, *, direction: str) -> np.ndarray:
    """Z = X shifted by Y bits, broadcast; a signed right shift fills with the sign. Source: ai.onnx BitShift-28."""
    if direction not in ("LEFT", "RIGHT"):
        raise ValueError(f"BitShift: expected direction LEFT or RIGHT, got {direction!r}")
    return np.asarray((np.left_shift if direction == "LEFT" else np.right_shift)(X, Y))


def BitwiseAnd(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A & B, broadcast. Source: ai.onnx BitwiseAnd-18."""
    return np.asarray(np.bitwise_and(A, B))


def BitwiseOr(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A | B, broadcast. Source: ai.onnx BitwiseOr-18."""
    return np.asarray(np.bitwise_or(A, B))


def BitwiseXor(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """C = A ^ B, broadcast. Source: ai.onnx BitwiseXor-18."""
    return np.asarray(np.bitwise_xor(A, B))


def BitwiseNot(X: np.ndarray) -> np.ndarray:
    """Y = ~X. Source: ai.onnx BitwiseNot-18."""
    return np.asarray(np.invert(X))


def _chosen(facts: Facts) -> list[Type | None]:
    known = shapes.tensor(facts, 1) or shapes.tensor(facts, 2)
    if known is None:
        return [None]
    return [Tensor(known.element, shapes.broadcast_shapes(*[shapes.shape_of(facts, i) for i in range(3)]))]


def _picked(facts: Facts) -> list[Dims | None]:
    """Which dimensions a constant condition picks."""
    condition, a, b = shapes.value(facts, 0), shapes.contents(facts, 1), shapes.contents(facts, 2)
    if condition is None or a is None or b is None or not condition.size == len(a) == len(b):
        return [None]
    picked: list[Dim] = [x if c else y for c, x, y in zip(condition.reshape(-1).tolist(), a, b, strict=True)]
    return [tuple(picked)]


OPS: tuple[Op, ...] = (
    Op("And", 1, aligned(And), shapes.same_as_bool),
    Op("And", 7, And, shapes.compare),
    Op("BitShift", 11, BitShift, shapes.broadcast),
    Op("BitwiseAnd", 18, BitwiseAnd, shapes.broadcast),
    Op("BitwiseNot", 18, BitwiseNot, shapes.same),
    Op("BitwiseOr", 18, BitwiseOr, shapes.broadcast),
    Op("BitwiseXor", 18, BitwiseXor, shapes.broadcast),
    Op("Equal", 1, aligned(Equal), shapes.same_as_bool),
    Op("Equal", 7, Equal, shapes.compare),
    Op("Greater", 1, aligned(Greater), shapes.same_as_bool),
    Op("Greater", 7, Greater, shapes.compare),
    Op("GreaterOrEqual", 12, GreaterOrEqual, shapes.compare),
    Op("IsInf", 10, IsInf, shapes.same_as_bool),
    Op("IsNaN", 9, IsNaN, shapes.same_as_bool),
    Op("Less", 1, aligned(Less), shapes.same_as_bool),
    Op("Less", 7, Less, shapes.compare),
    Op("LessOrEqual", 12, LessOrEqual, shapes.compare),
    Op("Not", 1, Not, shapes.same_as_bool),
    Op("Or", 1, aligned(Or), shapes.same_as_bool),
    Op("Or", 7, Or, shapes.compare),
    Op("Where", 9, Where, _chosen, propagate=_picked),
    Op("Xor", 1, aligned(Xor), shapes.same_as_bool),
    Op("Xor", 7, Xor, shapes.compare),
)

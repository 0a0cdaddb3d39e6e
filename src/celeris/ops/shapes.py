"""Type and shape rules that many operators share. Each takes Facts and gives the outputs' types, None where unknown."""

from __future__ import annotations

from celeris.graph.types import Dim, Shape, Tensor, Type
from celeris.ops.table import Facts


def tensor(facts: Facts, index: int) -> Tensor | None:
    """Input `index` as a tensor type, or None where it is missing, unknown or no tensor."""
    found = facts.types[index] if index < len(facts.types) else None
    return found if isinstance(found, Tensor) else None


def same(facts: Facts) -> list[Type | None]:
    """Output 0 is as input 0."""
    return [facts.types[0]]


def join(a: Dim, b: Dim) -> Dim:
    """The size that dimensions `a` and `b` broadcast to; None where it cannot be known."""
    if a == 1:
        return b
    if b == 1 or a == b:
        return a
    if isinstance(a, int):
        return a
    return b if isinstance(b, int) else None


def broadcast_shapes(*shapes: Shape | None) -> Shape | None:
    """NumPy's broadcasting over symbolic shapes; None where a rank is unknown."""
    result: Shape = ()
    for shape in shapes:
        if shape is None:
            return None
        longer, shorter = (result, shape) if len(result) >= len(shape) else (shape, result)
        lead = len(longer) - len(shorter)
        result = longer[:lead] + tuple(join(a, b) for a, b in zip(longer[lead:], shorter, strict=True))
    return result


def broadcast(facts: Facts) -> list[Type | None]:
    """All inputs broadcast together; the element type is input 0's."""
    types = [tensor(facts, i) for i in range(len(facts.types))]
    if types[0] is None:
        return [None]
    shapes = [None if t is None else t.shape for t in types]
    return [Tensor(types[0].element, broadcast_shapes(*shapes))]


def compare(facts: Facts) -> list[Type | None]:
    """All inputs broadcast together; the result is bool."""
    types = [tensor(facts, i) for i in range(len(facts.types))]
    return [Tensor("bool", broadcast_shapes(*[None if t is None else t.shape for t in types]))]

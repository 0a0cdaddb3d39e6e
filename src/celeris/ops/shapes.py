"""Type and shape rules that many operators share, and how the contents of shape tensors flow.

Rules take Facts and give the outputs' types, None where unknown. `contents` and the rules below it speak of small
integer tensors whose elements are dimensions: what goes from Shape into Reshape.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Seq
from math import prod

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, Dim, Shape, Tensor, Type
from celeris.ops.table import Dims, Facts

_LONGEST = 64  # a tensor of more elements is no shape


def tensor(facts: Facts, index: int) -> Tensor | None:
    """Input `index` as a tensor type, or None where it is missing, unknown or no tensor."""
    found = facts.types[index] if index < len(facts.types) else None
    return found if isinstance(found, Tensor) else None


def shape_of(facts: Facts, index: int) -> Shape | None:
    """The shape of input `index`, or None where it is missing or its rank is unknown."""
    found = tensor(facts, index)
    return None if found is None else found.shape


def value(facts: Facts, index: int) -> np.ndarray | None:
    """Input `index` where it is constant, else None."""
    return facts.values[index] if index < len(facts.values) else None


def given(facts: Facts, index: int) -> bool:
    """The node has input `index` (its type may still be unknown)."""
    return tensor(facts, index) is not None or value(facts, index) is not None


def same(facts: Facts) -> list[Type | None]:
    """Output 0 is as input 0."""
    return [facts.types[0] if facts.types else None]


def same_as_bool(facts: Facts) -> list[Type | None]:
    """Output 0 is bool, in the shape of input 0."""
    return [Tensor("bool", shape_of(facts, 0))]


def retyped(facts: Facts, number: int | None) -> list[Type | None]:
    """Output 0 is as input 0, of the element type `number` where that is given."""
    found = tensor(facts, 0)
    if number is None:
        return [found]
    return [Tensor(ELEMENT_NAMES[number], None if found is None else found.shape)]


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
        if not shorter or longer == shorter:
            result = longer
            continue
        lead = len(longer) - len(shorter)
        result = longer[:lead] + tuple([join(a, b) for a, b in zip(longer[lead:], shorter, strict=True)])
    return result


def broadcast(facts: Facts) -> list[Type | None]:
    """All inputs broadcast together; the element type is that of the first whose type is known."""
    types = [tensor(facts, i) for i in range(len(facts.types))]
    known = next((t for t in types if t is not None), None)
    if known is None:
        return [None]
    return [Tensor(known.element, broadcast_shapes(*[None if t is None else t.shape for t in types]))]


def compare(facts: Facts) -> list[Type | None]:
    """All inputs broadcast together; the result is bool."""
    return [Tensor("bool", broadcast_shapes(*[shape_of(facts, i) for i in range(len(facts.types))]))]


def product(dims: Seq[Dim]) -> Dim:
    """How many elements; a symbol where it stands alone beside ones, None where it cannot be told."""
    numbers = prod(d for d in dims if isinstance(d, int))
    others = [d for d in dims if not isinstance(d, int)]
    if not others or numbers == 0:
        return numbers
    return others[0] if len(others) == 1 and numbers == 1 else None


def unify(*dims: Dim) -> Dim:
    """What is known of one size by several accounts: a number before a symbol before nothing."""
    return next((d for d in dims if isinstance(d, int)), next((d for d in dims if d is not None), None))


def axis_in(where: str, axis: int, rank: int) -> int:
    """`axis` counted from the front. Raises ValueError where it is out of range."""
    if not -rank <= axis < rank:
        raise ValueError(f"{where}: expected an axis in [{-rank}, {rank - 1}], got {axis}")
    return axis % rank


def axes_in(where: str, axes: Seq[int] | np.ndarray, rank: int) -> tuple[int, ...]:
    """Axes counted from the front, in the order given. Raises ValueError for one out of range or given twice."""
    found = tuple(axis_in(where, int(axis), rank) for axis in axes)
    if len(set(found)) != len(found):
        raise ValueError(f"{where}: expected distinct axes, got {[int(a) for a in axes]}")
    return found


def replaced(shape: Shape, axis: int, size: Dim) -> Shape:
    """`shape` with another size along `axis`."""
    return (*shape[:axis], size, *shape[axis + 1 :])


def contents(facts: Facts, index: int) -> Dims | None:
    """What the integer tensor at input `index` holds, flat, as dimensions; None where it is not known."""
    constant = value(facts, index)
    if constant is not None:
        if constant.dtype.kind not in "iu" or constant.size > _LONGEST:
            return None
        return tuple(constant.reshape(-1).tolist())
    return facts.dims[index] if index < len(facts.dims) else None


def numbers(facts: Facts, index: int) -> list[int] | None:
    """As `contents`, where every element is a number."""
    found = contents(facts, index)
    if found is None or not all(isinstance(d, int) for d in found):
        return None
    return [d for d in found if isinstance(d, int)]


def length(facts: Facts, index: int) -> int | None:
    """How many elements the vector at input `index` has; None where it is not known."""
    found = contents(facts, index)
    if found is not None:
        return len(found)
    shape = shape_of(facts, index)
    return shape[0] if shape is not None and len(shape) == 1 and isinstance(shape[0], int) else None


def carried(facts: Facts) -> list[Dims | None]:
    """Output 0 holds what input 0 holds."""
    return [contents(facts, 0)]


def paired(rule: Callable[[Dim, Dim], Dim]) -> Callable[[Facts], list[Dims | None]]:
    """Output 0 holds `rule(a, b)` of the elements of inputs 0 and 1, which broadcast."""

    def propagate(facts: Facts) -> list[Dims | None]:
        a, b = contents(facts, 0), contents(facts, 1)
        if a is None or b is None or not (len(a) == len(b) or 1 in (len(a), len(b))):
            return [None]
        size = max(len(a), len(b)) if a and b else 0
        wide = zip(a * size if len(a) == 1 else a, b * size if len(b) == 1 else b, strict=True)
        return [tuple(rule(x, y) for x, y in wide)]

    return propagate

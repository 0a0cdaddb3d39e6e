"""What two accounts of one value's type say together."""

from __future__ import annotations

from celeris.graph.types import Dim, Optional, Sequence, Shape, SparseTensorType, Tensor, Type


def merged(declared: Type, inferred: Type) -> Type:
    """The declaration with what inference adds: a size before a name, a declared name before an inferred one.

    Where they contradict one another, what they do not share is unknown, as in onnxruntime (which warns).
    """
    if isinstance(declared, (Tensor, SparseTensorType)) and isinstance(inferred, (Tensor, SparseTensorType)):
        if declared.shape is None or inferred.shape is None:
            return inferred if declared.shape is None else declared
        if declared.shape == inferred.shape:
            return declared
        shape = _merged_shapes(declared.shape, inferred.shape)
        return declared if shape == declared.shape else type(declared)(declared.element, shape)
    if isinstance(declared, Sequence) and isinstance(inferred, Sequence):
        return Sequence(merged(declared.element, inferred.element))
    if isinstance(declared, Optional) and isinstance(inferred, Optional):
        return Optional(merged(declared.element, inferred.element))
    return declared


def _merged_shapes(declared: Shape, inferred: Shape) -> Shape | None:
    if len(declared) != len(inferred):
        return None
    pairs = list(zip(declared, inferred, strict=True))
    if any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs):
        return _shared(pairs)
    return tuple(b if a is None or (isinstance(b, int) and isinstance(a, str)) else a for a, b in pairs)


def _shared(pairs: list[tuple[Dim, Dim]]) -> Shape:
    """onnxruntime merges dimension by dimension up to the contradiction, then keeps what both say."""
    found: list[Dim] = [a for a, _ in pairs]
    for at, (a, b) in enumerate(pairs):
        if isinstance(a, int) and isinstance(b, int) and a != b:
            break
        if a is None or (isinstance(b, int) and isinstance(a, str)):
            found[at] = b
    return tuple(a if a == b else None for a, (_, b) in zip(found, pairs, strict=True))

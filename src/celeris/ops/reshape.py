"""Tensors in other shapes, and their shapes: Reshape, Transpose, Expand, Squeeze, Shape, and their kind.

What can be a view is one: nothing is copied that need not be.
"""

from __future__ import annotations

from math import prod
from typing import TypeVar

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.graph.types import Shape as Sizes
from celeris.ops import shapes
from celeris.ops.older import axes_attribute, without
from celeris.ops.table import Dims, Facts, Op

D = TypeVar("D", int, Dim)  # sizes, known or symbolic


def Shape(data: np.ndarray, *, end: int | None = None, start: int = 0) -> np.ndarray:
    """The sizes of dimensions start to end, i64. Source: ai.onnx Shape-15."""
    return np.array(data.shape[start:end], np.int64)


def Size(data: np.ndarray) -> np.ndarray:
    """How many elements, i64 []. Source: ai.onnx Size-13."""
    return np.array(data.size, np.int64)


def _asked(facts: Facts) -> Sizes | None:
    shape = shapes.shape_of(facts, 0)
    return None if shape is None else shape[facts.attributes.get("start", 0) : facts.attributes.get("end")]


def _shape_type(facts: Facts) -> list[Type | None]:
    known = _asked(facts)
    return [Tensor("int64", (None if known is None else len(known),))]


def _sizes(facts: Facts) -> list[Dims | None]:
    return [_asked(facts)]


def _count(facts: Facts) -> list[Dims | None]:
    shape = shapes.shape_of(facts, 0)
    return [None if shape is None else (shapes.product(shape),)]


def Reshape(data: np.ndarray, shape: np.ndarray, *, allowzero: int = 0) -> np.ndarray:
    """The elements in another shape: 0 keeps a dimension (unless allowzero), -1 takes the rest. Source: Reshape-14."""
    asked = [int(size) for size in shape.reshape(-1)]
    wanted = asked
    if not allowzero:
        wanted = [data.shape[i] if size == 0 and i < data.ndim else size for i, size in enumerate(asked)]
    if min(wanted, default=0) < -1 or wanted.count(-1) > 1 or (allowzero and -1 in wanted and 0 in wanted):
        raise ValueError(f"Reshape: expected sizes of at least 0, and one -1 at most (none beside a 0), got {asked}")
    others = prod(size for size in wanted if size != -1)
    if -1 in wanted:
        rest = data.size // others if others else 0
        wanted = [rest if size == -1 else size for size in wanted]
    if prod(wanted) != data.size:
        raise ValueError(
            "Reshape: The input tensor cannot be reshaped to the requested shape. "
            f"Input shape:{{{','.join(map(str, data.shape))}}}, requested shape:{{{','.join(map(str, asked))}}}"
        )
    return data.reshape(wanted)


def Reshape_1(
    data: np.ndarray, *, consumed_inputs: list[int] | None = None, shape: list[int] | None = None
) -> np.ndarray:
    """The shape as an attribute. Source: ai.onnx Reshape-1."""
    return Reshape(data, np.array(shape or [], np.int64))


def _reshaped(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    if data is None:
        return [None]
    wanted = tuple(facts.attributes["shape"]) if "shape" in facts.attributes else shapes.contents(facts, 1)
    if wanted is None:
        length = shapes.length(facts, 1)
        return [Tensor(data.element, None if length is None else (None,) * length)]
    found: list[Dim] = list(wanted)
    if not facts.attributes.get("allowzero"):
        whole = data.shape or ()
        found = [(whole[at] if at < len(whole) else None) if size == 0 else size for at, size in enumerate(wanted)]
    if -1 in found:
        found[found.index(-1)] = _rest(data.shape, [size for size in found if size != -1])
    return [Tensor(data.element, tuple(found))]


def _rest(shape: Sizes | None, others: list[Dim]) -> Dim:
    """The size that -1 stands for: what is left of `shape` after `others`, equal symbols cancelled."""
    if shape is None or None in others:
        return None
    left = list(shape)
    for other in [size for size in others if isinstance(size, str)]:
        if other not in left:
            return None
        left.remove(other)
    named = [size for size in left if not isinstance(size, int)]
    total, known = prod(d for d in left if isinstance(d, int)), prod(d for d in others if isinstance(d, int))
    if not named:
        return total // known if known else None
    return named[0] if len(named) == 1 and total == known else None


def Flatten(input: np.ndarray, *, axis: int = 1) -> np.ndarray:
    """A matrix: the dimensions before `axis` by those from it on. Source: ai.onnx Flatten-13."""
    at = _cut_at(axis, input.ndim)
    return input.reshape(prod(input.shape[:at]), prod(input.shape[at:]))


def _cut_at(axis: int, rank: int) -> int:
    if not -rank <= axis <= rank:
        raise ValueError(f"Flatten: expected an axis in [{-rank}, {rank}], got {axis}")
    return axis + rank if axis < 0 else axis


def _flattened(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    if data is None or data.shape is None:
        return [data and Tensor(data.element, (None, None))]
    at = _cut_at(int(facts.attributes.get("axis", 1)), len(data.shape))
    return [Tensor(data.element, (shapes.product(data.shape[:at]), shapes.product(data.shape[at:])))]


def Squeeze(data: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
    """Without dimensions of size 1: all, or those named. Source: ai.onnx Squeeze-13."""
    if axes is None:
        return data.reshape([size for size in data.shape if size != 1])
    gone = shapes.axes_in("Squeeze", axes.reshape(-1), data.ndim)
    wrong = next((axis for axis in gone if data.shape[axis] != 1), None)
    if wrong is not None:
        raise ValueError(f"Squeeze: expected dimensions of size 1, got {data.shape[wrong]} at axis {wrong}")
    return data.reshape([size for at, size in enumerate(data.shape) if at not in gone])


def Unsqueeze(data: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """With new dimensions of size 1 at these axes of the result. Source: ai.onnx Unsqueeze-13."""
    return data.reshape(_widened(data.shape, axes.reshape(-1).tolist()))


def _widened(shape: tuple[D, ...], axes: list[int]) -> tuple[D | int, ...]:
    rank = len(shape) + len(axes)
    new = shapes.axes_in("Unsqueeze", axes, rank)
    old = iter(shape)
    return tuple(1 if at in new else next(old) for at in range(rank))


def _named(facts: Facts) -> list[int] | None:
    """The axes of Squeeze and Unsqueeze, as attribute or input; None where they are not known."""
    if facts.attributes.get("axes") is not None:
        return list(facts.attributes["axes"])
    return shapes.numbers(facts, 1)


def _squeezed(facts: Facts) -> list[Type | None]:
    data, axes = shapes.tensor(facts, 0), _named(facts)
    if data is None or data.shape is None or (axes is None and shapes.given(facts, 1)):
        return [data and Tensor(data.element)]
    if axes is None:
        known = all(isinstance(size, int) for size in data.shape)
        return [Tensor(data.element, tuple(d for d in data.shape if d != 1) if known else None)]
    gone = shapes.axes_in("Squeeze", axes, len(data.shape))
    return [Tensor(data.element, tuple(size for at, size in enumerate(data.shape) if at not in gone))]


def _unsqueezed(facts: Facts) -> list[Type | None]:
    data, axes = shapes.tensor(facts, 0), _named(facts)
    if data is None or data.shape is None:
        return [data]
    if axes is None:
        return [Tensor(data.element)]
    return [Tensor(data.element, _widened(data.shape, axes))]


def Expand(input: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Broadcast to a shape, both ways; a view. Source: ai.onnx Expand-13."""
    wanted = tuple(shape.reshape(-1).tolist())
    try:
        return np.broadcast_to(input, np.broadcast_shapes(input.shape, wanted))
    except ValueError:
        raise ValueError(
            f"Expand: expected a shape that {list(input.shape)} broadcasts with, got {list(wanted)}"
        ) from None


def _expanded(facts: Facts) -> list[Type | None]:
    data, wanted = shapes.tensor(facts, 0), shapes.contents(facts, 1)
    if data is None:
        return [None]
    if wanted is None:
        length = shapes.length(facts, 1)
        wanted = None if length is None else (None,) * length
    return [Tensor(data.element, shapes.broadcast_shapes(data.shape, wanted))]


def Transpose(data: np.ndarray, *, perm: list[int] | None = None) -> np.ndarray:
    """Dimensions in another order, reversed by default; a view. Source: ai.onnx Transpose-13."""
    if perm is not None and sorted(perm) != list(range(data.ndim)):
        raise ValueError(f"Transpose: expected perm to order axes 0 to {data.ndim - 1}, got {perm}")
    return data.transpose(perm)


def _transposed(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    perm = facts.attributes.get("perm")
    if data is None or data.shape is None:
        return [data and Tensor(data.element, None if perm is None else (None,) * len(perm))]
    order = list(range(len(data.shape)))[::-1] if perm is None else list(perm)
    if sorted(order) != list(range(len(data.shape))):
        raise ValueError(f"Transpose: expected perm to order axes 0 to {len(data.shape) - 1}, got {order}")
    return [Tensor(data.element, tuple(data.shape[at] for at in order))]


def _scalar(facts: Facts) -> list[Type | None]:
    return [Tensor("int64", ())]


OPS: tuple[Op, ...] = (
    Op("Expand", 8, Expand, _expanded),
    Op("Flatten", 1, Flatten, _flattened),
    Op("Reshape", 1, Reshape_1, _reshaped, propagate=shapes.carried),
    Op("Reshape", 5, without(Reshape, "allowzero"), _reshaped, propagate=shapes.carried),
    Op("Reshape", 14, Reshape, _reshaped, propagate=shapes.carried),
    Op("Shape", 1, without(Shape, "end", "start"), _shape_type, propagate=_sizes),
    Op("Shape", 15, Shape, _shape_type, propagate=_sizes),
    Op("Size", 1, Size, _scalar, propagate=_count),
    Op("Squeeze", 1, axes_attribute(Squeeze), _squeezed, propagate=shapes.carried),
    Op("Squeeze", 13, Squeeze, _squeezed, propagate=shapes.carried),
    Op("Transpose", 1, Transpose, _transposed),
    Op("Unsqueeze", 1, axes_attribute(Unsqueeze, required=True), _unsqueezed, propagate=shapes.carried),
    Op("Unsqueeze", 13, Unsqueeze, _unsqueezed, propagate=shapes.carried),
)

"""Sequences (Python lists of arrays) and optionals (None where empty)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from celeris.graph import types as t
from celeris.graph.types import Dim, Tensor, Type
from celeris.ops.control import merge, output_types
from celeris.ops.table import Facts, Op

Items = list[Any]


def _position(where: str, position: np.ndarray, low: int, high: int) -> int:
    at = int(np.asarray(position).item())
    if not low <= at <= high:
        raise IndexError(f"{where}: expected a position from {low} to {high}, got {at}")
    return at


def SequenceConstruct(*inputs: Any) -> Items:
    """output_sequence = [inputs...]. Source: ai.onnx SequenceConstruct-11."""
    if not inputs:
        raise ValueError("SequenceConstruct: expected at least 1 input, got 0; use SequenceEmpty")
    return list(inputs)


def SequenceEmpty(*, dtype: int | None = None) -> Items:
    """output = []; `dtype` is the type its items will have. Source: ai.onnx SequenceEmpty-11."""
    return []


def SequenceAt(input_sequence: Items, position: np.ndarray) -> Any:
    """tensor = input_sequence[position]. Raises IndexError. Source: ai.onnx SequenceAt-11."""
    size = len(input_sequence)
    return input_sequence[_position("SequenceAt", position, -size, size - 1)]


def SequenceErase(input_sequence: Items, position: np.ndarray | None = None) -> Items:
    """A copy without the item at `position`, the last by default. Raises IndexError. Source: SequenceErase-11."""
    size = len(input_sequence)
    at = _position("SequenceErase", np.array(-1) if position is None else position, -size, size - 1) % size
    return input_sequence[:at] + input_sequence[at + 1 :]


def SequenceInsert(input_sequence: Items, tensor: Any, position: np.ndarray | None = None) -> Items:
    """A copy with `tensor` before `position`, at the end by default. Raises IndexError. Source: SequenceInsert-11."""
    size = len(input_sequence)
    at = size if position is None else _position("SequenceInsert", position, -size, size)
    at += size if at < 0 else 0
    return [*input_sequence[:at], tensor, *input_sequence[at:]]


def SequenceLength(input_sequence: Items) -> np.ndarray:
    """length = len(input_sequence), a scalar. Source: ai.onnx SequenceLength-11."""
    return np.array(len(input_sequence), np.int64)


def SequenceMap(
    input_sequence: Items, *additional_inputs: Any, body: Callable[..., list[Any]], _outputs: int = 1
) -> tuple[Items, ...]:
    """out[j][i] = body(input_sequence[i], additional items...)[j]; tensors go in whole. Source: SequenceMap-17."""
    for extra in additional_inputs:
        if isinstance(extra, list) and len(extra) != len(input_sequence):
            raise ValueError(f"SequenceMap: expected sequences of {len(input_sequence)} items, got {len(extra)}")
    results: list[Items] = [[] for _ in range(_outputs)]
    for i, item in enumerate(input_sequence):
        extras = [extra[i] if isinstance(extra, list) else extra for extra in additional_inputs]
        for column, value in zip(results, body(item, *extras), strict=False):
            column.append(value)
    return tuple(results)


def ConcatFromSequence(input_sequence: Items, *, axis: int, new_axis: int = 0) -> np.ndarray:
    """The items joined along `axis`, or stacked along a new one. Source: ai.onnx ConcatFromSequence-11."""
    if not input_sequence:
        raise ValueError("ConcatFromSequence: expected a sequence with items, got an empty one")
    return np.stack(input_sequence, axis) if new_axis else np.concatenate(input_sequence, axis)


def SplitToSequence(input: np.ndarray, split: np.ndarray | None = None, *, axis: int = 0, keepdims: int = 1) -> Items:
    """The parts of `input` along `axis`: of `split` sizes, of one size, or of size 1. Source: SplitToSequence-24."""
    if not -input.ndim <= axis < input.ndim:
        raise ValueError(f"SplitToSequence: expected an axis within rank {input.ndim}, got {axis}")
    size = input.shape[axis]
    if split is None:
        parts = np.split(input, range(1, size), axis) if size else []
        return parts if keepdims else [np.squeeze(part, axis) for part in parts]
    if split.ndim == 0:
        step = int(split)
        if step <= 0:
            raise ValueError(f"SplitToSequence: expected a positive split, got {step}")
        return np.split(input, range(step, size, step), axis) if size else []
    lengths = [int(n) for n in split]
    if min(lengths, default=0) < 0 or sum(lengths) != size:
        raise ValueError(f"SplitToSequence: expected sizes of at least 0 that add up to {size}, got {lengths}")
    return np.split(input, np.cumsum(lengths)[:-1], axis) if lengths else []


def Optional(input: Any = None, *, type: Type | None = None) -> Any:
    """output = input, or an empty optional of `type`. Source: ai.onnx Optional-28."""
    return input


def OptionalGetElement(input: Any) -> Any:
    """output = the element of `input`. Raises ValueError where it is empty. Source: OptionalGetElement-28."""
    if input is None:
        raise ValueError("OptionalGetElement: expected an optional with an element, got an empty one")
    return input


def OptionalHasElement(input: Any = None) -> np.ndarray:
    """output = input is there, a bool scalar. Source: ai.onnx OptionalHasElement-28."""
    return np.array(input is not None)


def OptionalHasElement_15(input: Any) -> np.ndarray:
    """OptionalHasElement where the input must be given. Source: ai.onnx OptionalHasElement-15."""
    return OptionalHasElement(input)


def _sequence_type(facts: Facts) -> list[Type | None]:
    """The first input's sequence type; it stays where the item inserted is of a compatible type."""
    return [facts.types[0] if facts.types else None]


def _construct_type(facts: Facts) -> list[Type | None]:
    item = facts.types[0] if facts.types else None
    for other in facts.types[1:]:
        item = merge(item, other)
    return [None if item is None else t.Sequence(item)]


def _empty_type(facts: Facts) -> list[Type | None]:
    return [t.Sequence(Tensor(t.ELEMENT_NAMES[facts.attributes.get("dtype") or 1]))]


def _insert_type(facts: Facts) -> list[Type | None]:
    known = facts.types[0]
    item = merge(known.element, facts.types[1]) if isinstance(known, t.Sequence) else facts.types[1]
    return [None if item is None else t.Sequence(item)]


def _item_type(facts: Facts) -> list[Type | None]:
    known = facts.types[0]
    return [known.element if isinstance(known, t.Sequence) else None]


def _length_type(facts: Facts) -> list[Type | None]:
    return [Tensor("int64", ())]


def _map_types(facts: Facts) -> list[Type | None]:
    known = output_types(facts.attributes.get("body"))
    known += [None] * (facts.outputs - len(known))
    return [None if item is None else t.Sequence(item) for item in known]


def _map_feeds(facts: Facts) -> dict[str, list[Type | None]]:
    return {"body": [known.element if isinstance(known, t.Sequence) else known for known in facts.types]}


def _concat_type(facts: Facts) -> list[Type | None]:
    known = facts.types[0]
    item = known.element if isinstance(known, t.Sequence) else None
    if not isinstance(item, Tensor) or item.shape is None:
        return [item]
    shape: list[Dim] = list(item.shape)
    axis = int(facts.attributes.get("axis", 0))
    if facts.attributes.get("new_axis"):
        shape.insert(axis + len(shape) + 1 if axis < 0 else axis, None)
    elif -len(shape) <= axis < len(shape):
        shape[axis] = None
    return [Tensor(item.element, tuple(shape))]


def _split_type(facts: Facts) -> list[Type | None]:
    known = facts.types[0]
    if not isinstance(known, Tensor) or known.shape is None:
        return [t.Sequence(known) if isinstance(known, Tensor) else None]
    shape: list[Dim] = list(known.shape)
    axis = int(facts.attributes.get("axis", 0))
    if not -len(shape) <= axis < len(shape):
        return [t.Sequence(Tensor(known.element))]
    if len(facts.types) > 1 and facts.types[1] is not None:
        shape[axis] = None
    elif facts.attributes.get("keepdims", 1):
        shape[axis] = 1
    else:
        del shape[axis]
    return [t.Sequence(Tensor(known.element, tuple(shape)))]


def _optional_type(facts: Facts) -> list[Type | None]:
    known = (facts.types[0] if facts.types else None) or facts.attributes.get("type")
    return [None if known is None else t.Optional(known)]


def _element_type(facts: Facts) -> list[Type | None]:
    known = facts.types[0]
    return [known.element if isinstance(known, t.Optional) else known]


def _has_type(facts: Facts) -> list[Type | None]:
    return [Tensor("bool", ())]


OPS: tuple[Op, ...] = (
    Op("ConcatFromSequence", 11, ConcatFromSequence, _concat_type),
    Op("Optional", 15, Optional, _optional_type),
    Op("OptionalGetElement", 15, OptionalGetElement, _element_type),
    Op("OptionalHasElement", 15, OptionalHasElement_15, _has_type),
    Op("OptionalHasElement", 18, OptionalHasElement, _has_type),
    Op("SequenceAt", 11, SequenceAt, _item_type),
    Op("SequenceConstruct", 11, SequenceConstruct, _construct_type),
    Op("SequenceEmpty", 11, SequenceEmpty, _empty_type),
    Op("SequenceErase", 11, SequenceErase, _sequence_type),
    Op("SequenceInsert", 11, SequenceInsert, _insert_type),
    Op("SequenceLength", 11, SequenceLength, _length_type),
    Op("SequenceMap", 17, SequenceMap, _map_types, feeds=_map_feeds),
    Op("SplitToSequence", 11, SplitToSequence, _split_type),
)

"""Shorter ways for nodes that only move elements (Reshape, Slice, Transpose, Pad, ...).

What a node does to a small tensor of known shape is found once, by giving it the numbers of its elements: its results
are views of its input, or elements taken by number. That takes a tenth of the time in which an operator looks at its
arguments. Of any tensor, what NumPy does by the same rule is left to it, until it refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from celeris.graph.graph import Graph, Node
from celeris.graph.types import Tensor, dtype_of
from celeris.interpret import NodeError
from celeris.providers.native.whole import ELEMENTS

_MOVES = {
    "DepthToSpace", "Expand", "Flatten", "Gather", "Pad", "Reshape", "Slice", "SpaceToDepth", "Split", "Squeeze",
    "Tile", "Transpose", "Unsqueeze",
}  # fmt: skip
_MOST = 1 << 16  # elements: in larger tensors the work outweighs the looking

Function = Callable[..., tuple[Any, ...]]
Move = Callable[[np.ndarray], np.ndarray]


def shortcut(graph: Graph, node: Node, function: Function) -> Function:
    """The node's function, with a shorter way for the inputs that its types promise."""
    if node.domain or not node.inputs or not all(node.outputs):
        return function
    if node.op_type == "Concat":
        return _joined(graph, node, function)
    sizes = _sizes(graph, node.inputs[0])
    constants = [graph.initializers.get(name) if name else None for name in node.inputs[1:]]
    known = all(value is not None or not name for value, name in zip(constants, node.inputs[1:], strict=True))
    if node.op_type not in _MOVES or not known or node.inputs[0] in graph.initializers:
        return function
    moves = None if sizes is None else _moves(node, function, sizes, constants)
    if moves is not None and sizes is not None:
        return _moving(moves, sizes, function)
    move = _plain(node, constants)
    return function if move is None else _tried(move, function)


def _sizes(graph: Graph, name: str) -> tuple[int, ...] | None:
    """The dimensions of a small tensor of plain numbers, where all are known."""
    found = graph.types.get(name)
    if not isinstance(found, Tensor) or found.shape is None or found.element not in ELEMENTS:
        return None
    sizes = tuple(size for size in found.shape if isinstance(size, int))
    return sizes if len(sizes) == len(found.shape) and 0 < prod(sizes) <= _MOST else None


def _moves(node: Node, function: Function, sizes: tuple[int, ...], constants: list[Any]) -> list[Move] | None:
    """What makes each output; None where elements are not only moved."""
    if node.op_type == "Pad":
        mode = node.attr("mode", b"constant")
        if mode in (b"constant", "constant"):
            return None
    numbers = np.arange(prod(sizes)).reshape(sizes)
    try:
        places = function(numbers, *constants)
    except NodeError:
        return None
    if not all(isinstance(each, np.ndarray) and 0 < each.size <= _MOST for each in places):
        return None
    return [_reshaping(each, numbers.size) or _viewing(each) or _taking(each) for each in places]


def _reshaping(places: np.ndarray, count: int) -> Move | None:
    """Where elements stay in their order."""
    shape = places.shape
    ordered = places.size == count and np.array_equal(places.reshape(-1), np.arange(count))
    return (lambda x: x.reshape(shape)) if ordered else None


def _viewing(places: np.ndarray) -> Move | None:
    """Where elements lie at equal distances along each axis: a view of contiguous memory."""
    first = places[(0,) * places.ndim]
    steps = [int(places[tuple(int(a == axis) for a in range(places.ndim))] - first) if size > 1 else 0
             for axis, size in enumerate(places.shape)]  # fmt: skip
    expected = first + sum((np.arange(size) * step).reshape(-1, *[1] * (places.ndim - 1 - axis))
                           for axis, (size, step) in enumerate(zip(places.shape, steps, strict=True)))  # fmt: skip
    if not np.array_equal(np.broadcast_to(expected, places.shape), places):
        return None
    shape, start = places.shape, int(first)

    def view(x: np.ndarray) -> np.ndarray:
        size = x.itemsize
        return np.ndarray(shape, x.dtype, x, start * size, tuple(step * size for step in steps))

    return view


def _taking(places: np.ndarray) -> Move:
    return lambda x: x.reshape(-1).take(places)


def _moving(moves: list[Move], sizes: tuple[int, ...], function: Function) -> Function:
    def moving(x: Any, *rest: Any) -> tuple[Any, ...]:
        if not isinstance(x, np.ndarray) or x.shape != sizes or not x.flags.c_contiguous:
            return function(x, *rest)
        return tuple([move(x) for move in moves])

    return moving


def _plain(node: Node, constants: list[Any]) -> Move | None:
    """NumPy's method, where it means the same whatever the shape."""
    given = [value.reshape(-1).tolist() for value in constants if isinstance(value, np.ndarray)]
    if node.op_type == "Reshape" and len(given) == 1 and 0 not in given[0] and min(given[0], default=1) >= -1:
        shape = tuple(given[0])
        return lambda x: x.reshape(shape)
    if node.op_type == "Transpose" and (order := node.attr("perm")) is not None:
        axes = tuple(int(axis) for axis in order)
        return lambda x: x.transpose(axes)
    if node.op_type == "Squeeze" and len(given) == 1:
        places = tuple(given[0])
        return lambda x: x.squeeze(places)
    return None


def _tried(move: Move, function: Function) -> Function:
    """The move; where NumPy refuses it, the function knows why."""

    def trying(x: Any, *rest: Any) -> tuple[Any, ...]:
        try:
            return (move(x),)
        except (AttributeError, ValueError):
            return function(x, *rest)

    return trying


def _joined(graph: Graph, node: Node, function: Function) -> Function:
    """Concat by NumPy's function and no other: of known shapes, or of values of one element type."""
    sizes = [_sizes(graph, name) for name in node.inputs]
    axis = node.attr("axis", 1)
    if any(each is None for each in sizes):
        types = [graph.types.get(name) for name in node.inputs]
        elements = {found.element if isinstance(found, Tensor) else None for found in types}
        return _concatenating(axis, function) if len(elements) == 1 and elements <= {*ELEMENTS} else function
    dtypes = [dtype_of(found.element) for name in node.inputs if isinstance(found := graph.types.get(name), Tensor)]

    def joined(*values: Any) -> tuple[Any, ...]:
        fits = all(isinstance(v, np.ndarray) and v.shape == each for v, each in zip(values, sizes, strict=True))
        return (np.concatenate(values, axis),) if fits else function(*values)

    try:
        joined(*(np.zeros(each or (), dtype) for each, dtype in zip(sizes, dtypes, strict=True)))
    except ValueError:
        return function
    return joined


def _concatenating(axis: int, function: Function) -> Function:
    def concatenating(*values: Any) -> tuple[Any, ...]:
        try:
            return (np.concatenate(values, axis),)
        except (TypeError, ValueError):
            return function(*values)

    return concatenating

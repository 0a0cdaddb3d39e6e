"""Claims of operators that rename rows: other shapes of the same columns, for which no kernel runs."""

from __future__ import annotations

from math import prod

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows

ROWS = -1  # stands for N in a list of all dimensions


def columns_of(rows: Rows) -> np.ndarray:
    """The numbers of the register's columns, as they lie in the tail."""
    return np.arange(rows.width).reshape(rows.tail)


def dims_of(rows: Rows) -> list[int]:
    """All dimensions, ROWS for N."""
    return [*rows.tail[: rows.axis], ROWS, *rows.tail[rows.axis :]]


def integers_of(node: Node, context: Context, at: int, attribute: str) -> list[int] | Refusal | None:
    """An argument that older opsets have as an attribute."""
    name = node.inputs[at] if at < len(node.inputs) else ""
    if name:
        value = context.constant(name)
        return Refusal(f"expected constant {attribute}") if value is None else [int(v) for v in value.reshape(-1)]
    found = node.attr(attribute)
    return None if found is None else [int(v) for v in np.asarray(found).reshape(-1)]


def renamed(node: Node, rows: Rows, dims: list[int]) -> Claim:
    """The input under another name and shape."""
    axis = dims.index(ROWS)
    out = Rows(rows.element, tuple(d for at, d in enumerate(dims) if at != axis), axis=axis)
    return Claim([], {node.outputs[0]: out}, {node.outputs[0]: node.inputs[0]})


def claim_identity(node: Node, context: Context) -> Claim | Refusal:
    """Y = X."""
    rows = context.rows(node.inputs[0])
    return Refusal("its input is a constant") if rows is None else renamed(node, rows, dims_of(rows))


def claim_reshape(node: Node, context: Context) -> Claim | Refusal:
    """A shape in which N stays a dimension: as many elements before it and behind it as there were."""
    rows = context.rows(node.inputs[0])
    shape = integers_of(node, context, 1, "shape")
    if rows is None or not isinstance(shape, list) or not shape:
        return Refusal("expected rows and a constant shape")
    if 0 in shape and node.attr("allowzero", 0):
        return Refusal("no kernel for shapes with zeros")
    was = dims_of(rows)
    dims = [was[at] if d == 0 and at < len(was) else d for at, d in enumerate(shape)]
    if dims.count(ROWS) == 2:  # N was copied, and the other is to be found
        at = next(at for at, d in enumerate(shape) if d == -1)
        known = prod(d for d in dims if d != ROWS)
        dims[at] = rows.width // known if known else 0
    elif ROWS not in dims and rows.fixed in dims[:1]:
        dims[0] = ROWS
    if ROWS not in dims or min((d for d in dims if d != ROWS), default=1) < 1:
        return Refusal(f"shape {shape} does not keep rows")
    at = dims.index(ROWS)
    if prod(dims[:at]) != prod(was[: rows.axis]) or prod(dims[at + 1 :]) != prod(was[rows.axis + 1 :]):
        return Refusal(f"shape {shape} does not keep rows")
    return renamed(node, rows, dims)


def claim_flatten(node: Node, context: Context) -> Claim | Refusal:
    """A matrix, one of whose sides is N."""
    rows = context.rows(node.inputs[0])
    if rows is None:
        return Refusal("its input is a constant")
    dims, axis = dims_of(rows), int(node.attr("axis", 1))
    axis = axis + rows.rank if axis < 0 else axis
    sides = dims[:axis], dims[axis:]
    mine = 0 if ROWS in sides[0] else 1
    if prod(d for d in sides[mine] if d != ROWS) != 1:
        return Refusal(f"axis {axis} does not keep rows")
    other = prod(sides[1 - mine])
    return renamed(node, rows, [ROWS, other] if mine == 0 else [other, ROWS])


def claim_squeeze(node: Node, context: Context) -> Claim | Refusal:
    """Without some axes of size 1."""
    rows = context.rows(node.inputs[0])
    axes = integers_of(node, context, 1, "axes")
    if rows is None or not isinstance(axes, list):
        return Refusal("expected rows and constant axes")
    places = {rows.place(axis) for axis in axes}
    if any(at is None or rows.tail[at] != 1 for at in places):
        return Refusal("it does not keep rows")
    gone = {axis % rows.rank for axis in axes}
    return renamed(node, rows, [d for at, d in enumerate(dims_of(rows)) if at not in gone])


def claim_unsqueeze(node: Node, context: Context) -> Claim | Refusal:
    """With more axes of size 1."""
    rows = context.rows(node.inputs[0])
    axes = integers_of(node, context, 1, "axes")
    if rows is None or not isinstance(axes, list):
        return Refusal("expected rows and constant axes")
    rank = rows.rank + len(axes)
    places = {axis + rank if axis < 0 else axis for axis in axes}
    if len(places) != len(axes) or not all(0 <= at < rank for at in places):
        return Refusal("expected axes that differ, within the rank")
    left = iter(dims_of(rows))
    return renamed(node, rows, [1 if at in places else next(left) for at in range(rank)])


def claim_transpose(node: Node, context: Context) -> Claim | Refusal:
    """Dimensions in another order; the columns move only if theirs changes."""
    rows = context.rows(node.inputs[0])
    if rows is None:
        return Refusal("its input is a constant")
    given = node.attr("perm")
    perm = [*range(rows.rank)][::-1] if given is None else [int(p) for p in given]
    if sorted(perm) != list(range(rows.rank)):
        return Refusal("its order is not one of its axes")
    dims = [dims_of(rows)[p] for p in perm]
    order = [at for p in perm if (at := rows.place(p)) is not None]
    columns = np.transpose(columns_of(rows), order).reshape(-1)
    if np.array_equal(columns, np.arange(rows.width)):
        return renamed(node, rows, dims)
    claim = renamed(node, rows, dims)
    params = {"inputs": np.zeros(rows.width, np.int64), "columns": np.ascontiguousarray(columns, np.int64)}
    return Claim([KernelCall("select_columns", params, [node.inputs[0]], [node.outputs[0]])], claim.rows)

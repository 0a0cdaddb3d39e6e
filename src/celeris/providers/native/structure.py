"""Claims of operators that move, copy or rename columns, rows staying rows."""

from __future__ import annotations

from math import prod

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows
from celeris.providers.native.elementwise import constant_values


def renamed(node: Node, rows: Rows, tail: tuple[int, ...]) -> Claim:
    """The input under another name and tail: no kernel runs."""
    return Claim([], {node.outputs[0]: Rows(rows.element, tail)}, {node.outputs[0]: node.inputs[0]})


def select(out: str, element: str, sources: list[tuple[str, np.ndarray]], tail: tuple[int, ...]) -> Claim:
    """Columns of the sources, one after the other, as a value with this tail."""
    names = list(dict.fromkeys(name for name, _ in sources))
    inputs = np.concatenate([np.full(columns.size, names.index(name), np.int64) for name, columns in sources])
    columns = np.concatenate([columns.reshape(-1).astype(np.int64) for _, columns in sources])
    call = KernelCall("select_columns", {"inputs": inputs, "columns": columns}, names, [out])
    return Claim([call], {out: Rows(element, tail)})


def columns_of(rows: Rows) -> np.ndarray:
    """The numbers of the register's columns, as they lie in the tail."""
    return np.arange(rows.width).reshape(rows.tail)


def axis_of(axis: int, rank: int) -> int | None:
    """The axis among the tail's, or None where it is the rows' or none at all."""
    axis = axis + rank if axis < 0 else axis
    return axis - 1 if 0 < axis < rank else None


def integers_of(node: Node, context: Context, at: int, attribute: str) -> list[int] | Refusal | None:
    """An argument that older opsets have as an attribute."""
    name = node.inputs[at] if at < len(node.inputs) else ""
    if name:
        value = context.constant(name)
        return Refusal(f"expected constant {attribute}") if value is None else [int(v) for v in value.reshape(-1)]
    found = node.attr(attribute)
    return None if found is None else [int(v) for v in np.asarray(found).reshape(-1)]


def claim_identity(node: Node, context: Context) -> Claim | Refusal:
    """Y = X."""
    rows = context.rows(node.inputs[0])
    return Refusal("its input is a constant") if rows is None else renamed(node, rows, rows.tail)


def claim_reshape(node: Node, context: Context) -> Claim | Refusal:
    """[N, *tail] as [N, *other]: shapes whose first size stands for the rows and whose others keep the columns."""
    rows = context.rows(node.inputs[0])
    shape = integers_of(node, context, 1, "shape")
    if rows is None or not isinstance(shape, list) or not shape:
        return Refusal("expected rows and a constant shape")
    first, *tail = shape
    if not node.attr("allowzero", 0):
        tail = [rows.tail[at] if d == 0 and at < len(rows.tail) else d for at, d in enumerate(tail)]
    elif 0 in shape:
        return Refusal("no kernel for shapes with zeros")
    if -1 in tail and first == 0:
        known = prod(d for d in tail if d != -1)
        tail = [rows.width // known if d == -1 and known else d for d in tail]
    keeps = first in (0, -1) or (first == rows.count and first > 0)
    if not keeps or min(tail, default=1) < 1 or prod(tail) != rows.width:
        return Refusal(f"shape {shape} does not keep rows")
    return renamed(node, rows, tuple(tail))


def claim_flatten(node: Node, context: Context) -> Claim | Refusal:
    """[N, *tail] as [N, columns]."""
    rows = context.rows(node.inputs[0])
    axis = int(node.attr("axis", 1))
    if rows is None or (axis + len(rows.tail) + 1 if axis < 0 else axis) != 1:
        return Refusal(f"axis {axis} does not keep rows")
    return renamed(node, rows, (rows.width,))


def claim_squeeze(node: Node, context: Context) -> Claim | Refusal:
    """Without some axes of size 1."""
    rows = context.rows(node.inputs[0])
    axes = integers_of(node, context, 1, "axes")
    if rows is None or not isinstance(axes, list):
        return Refusal("expected rows and constant axes")
    places = {axis_of(axis, len(rows.tail) + 1) for axis in axes}
    if any(at is None or rows.tail[at] != 1 for at in places):
        return Refusal("it does not keep rows")
    return renamed(node, rows, tuple(d for at, d in enumerate(rows.tail) if at not in places))


def claim_unsqueeze(node: Node, context: Context) -> Claim | Refusal:
    """With more axes of size 1."""
    rows = context.rows(node.inputs[0])
    axes = integers_of(node, context, 1, "axes")
    if rows is None or not isinstance(axes, list):
        return Refusal("expected rows and constant axes")
    rank = len(rows.tail) + 1 + len(axes)
    places = {axis_of(axis, rank) for axis in axes}
    if None in places or len(places) != len(axes):
        return Refusal("it does not keep rows")
    left = iter(rows.tail)
    return renamed(node, rows, tuple(1 if at in places else next(left) for at in range(rank - 1)))


def claim_concat(node: Node, context: Context) -> Claim | Refusal:
    """Blocks of columns side by side."""
    found = [context.rows(name) for name in node.inputs]
    blocks = [rows for rows in found if rows is not None]
    if len(blocks) < len(found):
        return Refusal("one of its inputs is a constant")
    axis = axis_of(int(node.attr("axis", 1)), len(blocks[0].tail) + 1)
    if axis is None or len({rows.element for rows in blocks}) > 1 or len({len(rows.tail) for rows in blocks}) > 1:
        return Refusal("it joins rows")
    if len(blocks) == 1:
        return renamed(node, blocks[0], blocks[0].tail)
    try:
        numbers = np.concatenate(
            [np.stack([np.full(rows.tail, at), columns_of(rows)]) for at, rows in enumerate(blocks)], axis=axis + 1
        )
    except ValueError:
        return Refusal("expected blocks of equal sizes along the other axes")
    tail = numbers.shape[1:]
    inputs, columns = numbers.reshape(2, -1).astype(np.int64)
    names = list(dict.fromkeys(node.inputs))
    inputs = np.array([names.index(node.inputs[at]) for at in range(len(blocks))], np.int64)[inputs]
    params = {"inputs": np.ascontiguousarray(inputs), "columns": np.ascontiguousarray(columns)}
    call = KernelCall("select_columns", params, names, [node.outputs[0]])
    return Claim([call], {node.outputs[0]: Rows(blocks[0].element, tail)})


def claim_feature_vectorizer(node: Node, context: Context) -> Claim | Refusal:
    """Blocks of real columns side by side, as float32."""
    found = [context.rows(name) for name in node.inputs]
    if any(rows is None or rows.element != "float" or len(rows.tail) != 1 for rows in found):
        return Refusal("expected rows of float")
    widths = [rows.width for rows in found if rows is not None]
    sizes = integers_of(node, context, len(node.inputs), "inputdimensions")
    if sizes != widths:
        return Refusal("its dimensions are not those of its inputs")
    sources = [(name, np.arange(width)) for name, width in zip(node.inputs, widths, strict=True)]
    return select(node.outputs[0], "float", sources, (sum(widths),))


def _lookup(node: Node, indices: Rows, table: np.ndarray, *, wrap: bool) -> Claim | Refusal:
    """Entries of a constant table [entries, ...] by the rows' indices."""
    elements = {"float32": "float", "float64": "double", "int64": "int64", "int32": "int32", "bool": "bool"}
    element = "string" if table.dtype == object else elements.get(table.dtype.name, "")
    if indices.element not in ("int64", "int32") or not element or not table.size or not indices.width:
        return Refusal(f"no kernel for a table of {table.dtype}")
    params = {"table": constant_values(table), "each": table.size // len(table), "wrap": int(wrap)}
    call = KernelCall("lookup", params, [node.inputs[1]], [node.outputs[0]])
    return Claim([call], {node.outputs[0]: Rows(element, (*indices.tail, *table.shape[1:]))})


def claim_gather(node: Node, context: Context) -> Claim | Refusal:
    """Columns by constant indices, or entries of a constant by the rows' indices."""
    rows, indices = context.rows(node.inputs[0]), context.constant(node.inputs[1])
    table, places = context.constant(node.inputs[0]), context.rows(node.inputs[1])
    if table is not None and places is not None and table.ndim and node.attr("axis", 0) in (0, -table.ndim):
        return _lookup(node, places, table, wrap=True)
    if rows is None or indices is None:
        return Refusal("expected constant indices, or a constant and its first axis")
    axis = axis_of(int(node.attr("axis", 0)), len(rows.tail) + 1)
    if axis is None:
        return Refusal("it gathers rows")
    if indices.size and not (-rows.tail[axis] <= indices.min() and indices.max() < rows.tail[axis]):
        return Refusal("index out of range")
    columns = np.take(columns_of(rows), indices, axis=axis)
    return select(node.outputs[0], rows.element, [(node.inputs[0], columns)], columns.shape)


def claim_array_feature_extractor(node: Node, context: Context) -> Claim | Refusal:
    """Columns by constant indices."""
    rows, indices = context.rows(node.inputs[0]), context.constant(node.inputs[1])
    if rows is None or indices is None:
        return Refusal("expected constant indices")
    if len(rows.tail) != 1:
        return Refusal("expected rows of one dimension")
    if not indices.size or indices.min() < 0 or indices.max() >= rows.width:
        return Refusal("index out of range")
    flat = indices.reshape(-1)
    return select(node.outputs[0], rows.element, [(node.inputs[0], flat)], (flat.size,))


def claim_slice(node: Node, context: Context) -> Claim | Refusal:
    """Columns from, to, by step."""
    rows = context.rows(node.inputs[0])
    starts, ends = integers_of(node, context, 1, "starts"), integers_of(node, context, 2, "ends")
    axes, steps = integers_of(node, context, 3, "axes"), integers_of(node, context, 4, "steps")
    if rows is None or not isinstance(starts, list) or not isinstance(ends, list):
        return Refusal("expected rows and constant limits")
    if isinstance(axes, Refusal) or isinstance(steps, Refusal):
        return Refusal("expected constant axes and steps")
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        return Refusal("expected as many starts as ends, axes and steps")
    columns = columns_of(rows)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = axis_of(axis, len(rows.tail) + 1)
        if at is None or step == 0:
            return Refusal("it takes a part of the rows")
        index: list[slice] = [slice(None)] * columns.ndim
        stop = None if step < 0 and end < -rows.tail[at] else end
        index[at] = slice(start, stop, step)
        columns = columns[tuple(index)]
    return select(node.outputs[0], rows.element, [(node.inputs[0], columns)], columns.shape)


def claim_split(node: Node, context: Context) -> Claim | Refusal:
    """Blocks of columns apart."""
    rows = context.rows(node.inputs[0])
    sizes = integers_of(node, context, 1, "split")
    if rows is None or isinstance(sizes, Refusal):
        return Refusal("expected rows and constant sizes")
    axis = axis_of(int(node.attr("axis", 0)), len(rows.tail) + 1)
    if axis is None:
        return Refusal("it splits rows")
    count, total = len(node.outputs), rows.tail[axis]
    if sizes is None:
        each = -(-total // count)
        sizes = [max(0, min(each, total - at * each)) for at in range(count)]
    if len(sizes) != count or sum(sizes) != total:
        return Refusal("expected sizes that sum up to the columns")
    merged = Claim([], {})
    for out, block in zip(node.outputs, np.split(columns_of(rows), np.cumsum(sizes)[:-1], axis=axis), strict=True):
        if out:
            one = select(out, rows.element, [(node.inputs[0], block)], block.shape)
            merged.kernels += one.kernels
            merged.rows.update(one.rows)
    return merged


def claim_tile(node: Node, context: Context) -> Claim | Refusal:
    """Columns repeated."""
    rows = context.rows(node.inputs[0])
    repeats = integers_of(node, context, 1, "repeats")
    if rows is None or not isinstance(repeats, list) or len(repeats) != len(rows.tail) + 1 or repeats[0] != 1:
        return Refusal("expected constant repeats of columns")
    columns = np.tile(columns_of(rows), repeats[1:])
    return select(node.outputs[0], rows.element, [(node.inputs[0], columns)], columns.shape)


def claim_expand(node: Node, context: Context) -> Claim | Refusal:
    """Columns broadcast."""
    rows = context.rows(node.inputs[0])
    shape = integers_of(node, context, 1, "shape")
    if rows is None or not isinstance(shape, list) or len(shape) > len(rows.tail) + 1:
        return Refusal("expected a constant shape")
    if len(shape) == len(rows.tail) + 1 and shape.pop(0) != 1:
        return Refusal("it repeats rows")
    try:
        tail = np.broadcast_shapes(rows.tail, tuple(shape))
    except ValueError:
        return Refusal("expected a shape to which the columns can be broadcast")
    columns = np.broadcast_to(columns_of(rows), tail)
    return select(node.outputs[0], rows.element, [(node.inputs[0], columns)], columns.shape)

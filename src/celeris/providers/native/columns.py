"""Claims of operators that copy columns, side by side, by index or apart, and of look-ups in constant tables."""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows
from celeris.providers.native.elementwise import constant_values
from celeris.providers.native.linear import text
from celeris.providers.native.structure import columns_of, dims_of, integers_of, renamed
from celeris.records import replace


def select(out: str, rows: Rows, source: str, columns: np.ndarray, axis: int | None = None) -> Claim:
    """Columns of one source, laid out as `columns` is."""
    flat = np.ascontiguousarray(columns.reshape(-1), np.int64)
    call = KernelCall("select_columns", {"inputs": np.zeros_like(flat), "columns": flat}, [source], [out])
    return Claim([call], {out: Rows(rows.element, columns.shape, axis=rows.axis if axis is None else axis)})


def _side_by_side(node: Node, blocks: list[Rows], place: int) -> Claim | Refusal:
    names = list(dict.fromkeys(node.inputs))
    if {len(rows.tail) for rows in blocks} == {1}:
        widths = [rows.width for rows in blocks]
        inputs = np.repeat(np.array([names.index(name) for name in node.inputs]), widths)
        columns = np.concatenate([np.arange(width) for width in widths])
        call = KernelCall("select_columns", {"inputs": inputs, "columns": columns}, names, [node.outputs[0]])
        return Claim([call], {node.outputs[0]: Rows(blocks[0].element, (len(inputs),), axis=blocks[0].axis)})
    pairs = [
        np.stack([np.full(rows.tail, names.index(name)), columns_of(rows)])
        for name, rows in zip(node.inputs, blocks, strict=True)
    ]
    try:
        table = np.concatenate(pairs, axis=place + 1)
    except ValueError:
        return Refusal("expected blocks of equal sizes along the other axes")
    inputs, columns = (np.ascontiguousarray(part, np.int64) for part in table.reshape(2, -1))
    call = KernelCall("select_columns", {"inputs": inputs, "columns": columns}, names, [node.outputs[0]])
    return Claim([call], {node.outputs[0]: Rows(blocks[0].element, table.shape[1:], axis=blocks[0].axis)})


def claim_concat(node: Node, context: Context) -> Claim | Refusal:
    """Blocks of columns side by side."""
    blocks = [rows for name in node.inputs if (rows := context.rows(name)) is not None]
    if len(blocks) < len(node.inputs):
        return Refusal("one of its inputs is a constant")
    if len({(rows.element, rows.rank, rows.axis) for rows in blocks}) > 1:
        return Refusal("its inputs differ in type, rank or in the axis of their rows")
    place = blocks[0].place(int(node.attr("axis", 1)))
    if place is None:
        return Refusal("it joins rows")
    if len(blocks) == 1:
        return renamed(node, blocks[0], dims_of(blocks[0]))
    return _side_by_side(node, blocks, place)


def claim_feature_vectorizer(node: Node, context: Context) -> Claim | Refusal:
    """Blocks of columns side by side, as float32."""
    blocks = [rows for name in node.inputs if (rows := context.rows(name)) is not None]
    if len(blocks) < len(node.inputs) or any(rows.element != "float" or len(rows.tail) != 1 for rows in blocks):
        return Refusal("expected rows of float")
    if integers_of(node, context, len(node.inputs), "inputdimensions") != [rows.width for rows in blocks]:
        return Refusal("its dimensions are not those of its inputs")
    return _side_by_side(node, blocks, 0)


def _lookup(node: Node, indices: Rows, table: np.ndarray, out: Rows, *, wrap: bool) -> Claim | Refusal:
    """Entries of a constant table [entries, ...] by the rows' indices."""
    elements = {"float32": "float", "float64": "double", "int64": "int64", "int32": "int32", "bool": "bool"}
    element = "string" if table.dtype == object else elements.get(table.dtype.name, "")
    if indices.element not in ("int64", "int32") or not element or not table.size or not indices.width:
        return Refusal(f"no kernel for a table of {table.dtype}")
    params = {"table": constant_values(table), "each": table.size // len(table), "wrap": int(wrap)}
    call = KernelCall("lookup", params, [node.inputs[1]], [node.outputs[0]])
    return Claim([call], {node.outputs[0]: replace(out, element=element)})


def claim_gather(node: Node, context: Context) -> Claim | Refusal:
    """Columns by constant indices, or entries of a constant by the rows' indices."""
    rows, indices = context.rows(node.inputs[0]), context.constant(node.inputs[1])
    table, places = context.constant(node.inputs[0]), context.rows(node.inputs[1])
    axis = int(node.attr("axis", 0))
    if table is not None and places is not None and table.ndim and axis in (0, -table.ndim):
        out = Rows("", (*places.tail, *table.shape[1:]), axis=places.axis)
        return _lookup(node, places, table, out, wrap=True)
    if rows is None or indices is None:
        return Refusal("expected constant indices, or a constant and its first axis")
    place = rows.place(axis)
    if place is None:
        return Refusal("it gathers rows")
    if indices.size and not (-rows.tail[place] <= indices.min() and indices.max() < rows.tail[place]):
        return Refusal("index out of range")
    columns = np.take(columns_of(rows), indices, axis=place)
    return select(node.outputs[0], rows, node.inputs[0], columns, rows.axis + (indices.ndim - 1) * (place < rows.axis))


def claim_gather_elements(node: Node, context: Context) -> Claim | Refusal:
    """Each row's own columns, by its indices."""
    rows, places = context.rows(node.inputs[0]), context.rows(node.inputs[1])
    if rows is None or places is None or rows.rank != 2 or places.rank != 2 or rows.axis or places.axis:
        return Refusal("expected rows of columns, and of indices")
    if rows.place(int(node.attr("axis", 0))) is None:
        return Refusal("it gathers rows")
    if places.element not in ("int64", "int32") or not places.width or not rows.width:
        return Refusal(f"no kernel for indices of {places.element}")
    call = KernelCall("lookup", {"wrap": 1}, [node.inputs[1], node.inputs[0]], [node.outputs[0]])
    return Claim([call], {node.outputs[0]: replace(places, element=rows.element)})


def claim_scatter_elements(node: Node, context: Context) -> Claim | Refusal:
    """Each row's columns with updates at its indices, or with their sums."""
    data, places, updates = (context.rows(name) for name in node.inputs)
    if data is None or places is None or updates is None or {r.rank for r in (data, places, updates)} != {2}:
        return Refusal("expected rows of columns, of indices and of updates")
    if any(rows.axis for rows in (data, places, updates)) or data.place(int(node.attr("axis", 0))) is None:
        return Refusal("it scatters rows")
    if places.element not in ("int64", "int32") or data.element != updates.element or data.element == "string":
        return Refusal(f"no kernel for {data.element}, indices of {places.element}")
    reduction = text(node, "reduction", "none")
    if reduction not in ("none", "add") or places.tail != updates.tail or not places.width or not data.width:
        return Refusal("no kernel for its reduction or its sizes")
    if reduction == "add" and data.element == "bool":
        return Refusal("no kernel for sums of bool")
    call = KernelCall("scatter", {"add": int(reduction == "add")}, list(node.inputs), [node.outputs[0]])
    return Claim([call], {node.outputs[0]: data})


def claim_array_feature_extractor(node: Node, context: Context) -> Claim | Refusal:
    """Columns by constant indices; or entries of a constant [.., C] by one index a row, as [.., N]."""
    rows, indices = context.rows(node.inputs[0]), context.constant(node.inputs[1])
    table, places = context.constant(node.inputs[0]), context.rows(node.inputs[1])
    if table is not None and places is not None and table.ndim and table.size and places.width == 1:
        entries = np.ascontiguousarray(table.reshape(-1, table.shape[-1]).T)
        tail = table.shape[:-1] or (1,)
        return _lookup(node, places, entries, Rows("", tail, axis=len(tail)), wrap=False)
    if rows is None or indices is None:
        return Refusal("expected constant indices, or a constant and one index a row")
    place = rows.place(-1)
    if place is None:
        return Refusal("it takes a part of the rows")
    if not indices.size or indices.min() < 0 or indices.max() >= rows.tail[place]:
        return Refusal("index out of range")
    return select(node.outputs[0], rows, node.inputs[0], columns_of(rows)[..., indices.reshape(-1)])


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
        at = rows.place(axis)
        if at is None or step == 0:
            return Refusal("it takes a part of the rows")
        index: list[slice] = [slice(None)] * columns.ndim
        index[at] = slice(start, None if step < 0 and end < -rows.tail[at] else end, step)
        columns = columns[tuple(index)]
    return select(node.outputs[0], rows, node.inputs[0], columns)


def claim_split(node: Node, context: Context) -> Claim | Refusal:
    """Blocks of columns apart."""
    rows = context.rows(node.inputs[0])
    sizes = integers_of(node, context, 1, "split")
    if rows is None or isinstance(sizes, Refusal):
        return Refusal("expected rows and constant sizes")
    place = rows.place(int(node.attr("axis", 0)))
    if place is None:
        return Refusal("it splits rows")
    count, total = len(node.outputs), rows.tail[place]
    if sizes is None:
        each = -(-total // count)
        sizes = [max(0, min(each, total - at * each)) for at in range(count)]
    if len(sizes) != count or sum(sizes) != total:
        return Refusal("expected sizes that sum up to the columns")
    merged = Claim([], {})
    for out, block in zip(node.outputs, np.split(columns_of(rows), np.cumsum(sizes)[:-1], axis=place), strict=True):
        if out:
            one = select(out, rows, node.inputs[0], block)
            merged.kernels += one.kernels
            merged.rows.update(one.rows)
    return merged


def claim_tile(node: Node, context: Context) -> Claim | Refusal:
    """Columns repeated."""
    rows = context.rows(node.inputs[0])
    repeats = integers_of(node, context, 1, "repeats")
    if rows is None or not isinstance(repeats, list) or len(repeats) != rows.rank:
        return Refusal("expected constant repeats")
    if repeats.pop(rows.axis) != 1:
        return Refusal("it repeats rows")
    return select(node.outputs[0], rows, node.inputs[0], np.tile(columns_of(rows), repeats))


def claim_expand(node: Node, context: Context) -> Claim | Refusal:
    """Columns broadcast."""
    rows = context.rows(node.inputs[0])
    shape = integers_of(node, context, 1, "shape")
    if rows is None or not isinstance(shape, list):
        return Refusal("expected a constant shape")
    rank = max(rows.rank, len(shape))
    axis = rank - rows.rank + rows.axis
    target = [1] * (rank - len(shape)) + shape
    if target.pop(axis) != 1:
        return Refusal("it repeats rows")
    columns = columns_of(rows).reshape((1,) * (rank - rows.rank) + rows.tail)
    try:
        tail = np.broadcast_shapes(columns.shape, tuple(target))
    except ValueError:
        return Refusal("expected a shape to which the columns can be broadcast")
    return select(node.outputs[0], rows, node.inputs[0], np.broadcast_to(columns, tail), axis)

"""Tensors made, joined, cut and padded: Constant, Range, Concat, Split, Tile, Pad, and their kind."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from typing import Any

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, Dim, SparseTensor, SparseTensorType, Tensor, Type, dtype_of, element_of
from celeris.ops import shapes
from celeris.ops.older import without
from celeris.ops.table import Dims, Facts, Op


def Constant(
    *,
    sparse_value: SparseTensor | None = None,
    value: np.ndarray | None = None,
    value_float: float | None = None,
    value_floats: np.ndarray | None = None,
    value_int: int | None = None,
    value_ints: list[int] | None = None,
    value_string: str | None = None,
    value_strings: list[str] | None = None,
) -> np.ndarray | SparseTensor:
    """The attribute that is given, as a tensor. Source: ai.onnx Constant-12."""
    typed: list[tuple[Any, Any]] = [
        (value_float, np.float32), (value_floats, np.float32), (value_int, np.int64), (value_ints, np.int64),
        (value_string, object), (value_strings, object),
    ]  # fmt: skip
    given: list[np.ndarray | SparseTensor] = [v for v in (value, sparse_value) if v is not None]
    given += [np.array(v, dtype) for v, dtype in typed if v is not None]
    if len(given) != 1:
        raise ValueError(f"Constant: expected exactly one value, got {len(given)}")
    return given[0]


def Constant_1(*, value: np.ndarray) -> np.ndarray:
    """A tensor. Source: ai.onnx Constant-1."""
    return value


_NUMBERS_AND_TEXTS = ("value_float", "value_floats", "value_int", "value_ints", "value_string", "value_strings")


def _constant_type(facts: Facts) -> list[Type | None]:
    value = Constant(**facts.attributes)
    if isinstance(value, SparseTensor):
        return [SparseTensorType(element_of(value.values.dtype), value.shape)]
    return [Tensor(element_of(value.dtype), value.shape)]


def Identity(input: Any) -> Any:
    """Y = X, of any type. Source: ai.onnx Identity-25."""
    return input


def ConstantOfShape(input: np.ndarray, *, value: np.ndarray | None = None) -> np.ndarray:
    """A tensor of the shape that the input [rank] i64 gives, filled with `value` (0 f32). Source: ConstantOfShape-9."""
    fill = np.zeros(1, np.float32) if value is None else value.reshape(-1)
    sizes = tuple(input.reshape(-1).tolist())
    if fill.size != 1 or min(sizes, default=0) < 0:
        raise ValueError(
            f"ConstantOfShape: expected one value and sizes of at least 0, got {fill.size} and {list(sizes)}"
        )
    return np.full(sizes, fill[0], fill.dtype)


def _filled_type(facts: Facts) -> list[Type | None]:
    fill = facts.attributes.get("value")
    element = "float" if fill is None else element_of(fill.dtype)
    known = shapes.contents(facts, 0)
    if known is None:
        length = shapes.length(facts, 0)
        known = None if length is None else (None,) * length
    return [Tensor(element, known)]


def _filled(facts: Facts) -> list[Dims | None]:
    fill, sizes = facts.attributes.get("value"), shapes.numbers(facts, 0)
    if fill is None or fill.dtype.kind not in "iu" or sizes is None or len(sizes) != 1 or not 0 <= sizes[0] <= 64:
        return [None]
    return [(int(fill.reshape(-1)[0]),) * sizes[0]]


def EyeLike(input: np.ndarray, *, dtype: int | None = None, k: int = 0) -> np.ndarray:
    """Ones on diagonal k of a matrix like the input. Source: ai.onnx EyeLike-22."""
    if input.ndim != 2:
        raise ValueError(f"EyeLike: expected a matrix, got rank {input.ndim}")
    rows, columns = input.shape
    return np.eye(rows, columns, k=k).astype(input.dtype if dtype is None else dtype_of(ELEMENT_NAMES[dtype]))


def _eye_type(facts: Facts) -> list[Type | None]:
    return shapes.retyped(facts, facts.attributes.get("dtype"))


def _single(where: str, name: str, x: np.ndarray) -> Any:
    if x.size != 1:
        raise ValueError(f"{where}: expected {name} to be a scalar, got shape {list(x.shape)}")
    return x.reshape(-1)[0]


def Range(start: np.ndarray, limit: np.ndarray, delta: np.ndarray, *, stash_type: int = 1) -> np.ndarray:
    """start + i * delta for i below ceil((limit - start) / delta). Source: ai.onnx Range-27.

    `stash_type` is the least precision to compute in: floats are computed in float64 and rounded once.
    """
    wide = np.int64 if start.dtype.kind in "iu" else np.float64
    given = (("start", start), ("limit", limit), ("delta", delta))
    first, last, step = (wide(_single("Range", name, x)) for name, x in given)
    if step == 0:
        raise ValueError("Range: expected a delta other than 0, got 0")
    count = max(0, int(-((first - last) // step) if wide is np.int64 else np.ceil((last - first) / step)))
    steps: np.ndarray = np.arange(count).astype(wide)
    return np.asarray((first + steps * step).astype(start.dtype))


def _range_type(facts: Facts) -> list[Type | None]:
    kind = next((t for t in (shapes.tensor(facts, i) for i in range(3)) if t is not None), None)
    if kind is None:
        return [None]
    values = [shapes.value(facts, i) for i in range(3)]
    if all(v is not None for v in values):
        return [Tensor(kind.element, (len(Range(*[v for v in values if v is not None])),))]
    held = [shapes.contents(facts, i) for i in range(3)]
    counts_up = held[0] == (0,) and held[2] == (1,) and held[1] is not None
    return [Tensor(kind.element, (held[1][0] if counts_up and held[1] else None,))]


def Concat(*inputs: np.ndarray, axis: int) -> np.ndarray:
    """Tensors one after another along an axis. Source: ai.onnx Concat-13."""
    if not inputs:
        raise ValueError("Concat: expected at least one input, got none")
    at = shapes.axis_in("Concat", axis, inputs[0].ndim)
    kept = [shapes.replaced(x.shape, at, None) if x.ndim == inputs[0].ndim else None for x in inputs]
    if any(shape != kept[0] for shape in kept):
        raise ValueError(
            f"Concat: expected inputs of one shape but for axis {at}, got {[list(x.shape) for x in inputs]}"
        )
    return inputs[0] if len(inputs) == 1 else np.concatenate(inputs, axis=at)


def Concat_1(*inputs: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Concat along axis 1 where none is given. Source: ai.onnx Concat-1."""
    return Concat(*inputs, axis=1 if axis is None else axis)


def _concat_type(facts: Facts) -> list[Type | None]:
    kinds = [shapes.tensor(facts, i) for i in range(len(facts.types))]
    first = next((k for k in kinds if k is not None), None)
    if first is None:
        return [None]
    known = [k.shape for k in kinds if k is not None and k.shape is not None]
    if not known or any(len(shape) != len(known[0]) for shape in known):
        return [Tensor(first.element)]
    axis = shapes.axis_in("Concat", int(facts.attributes.get("axis", 1)), len(known[0]))
    merged = [shapes.unify(*sizes) for sizes in zip(*known, strict=True)]
    merged[axis] = _added([shape[axis] for shape in known]) if len(known) == len(kinds) else None
    return [Tensor(first.element, tuple(merged))]


def _added(sizes: list[Dim]) -> Dim:
    if len(sizes) == 1:
        return sizes[0]
    whole = [size for size in sizes if isinstance(size, int)]
    return sum(whole) if len(whole) == len(sizes) else None


def _joined(facts: Facts) -> list[Dims | None]:
    found: Dims = ()
    for i in range(len(facts.types)):
        part, shape = shapes.contents(facts, i), shapes.shape_of(facts, i)
        if part is None or (shape is not None and len(shape) != 1):
            return [None]
        found = (*found, *part)
    return [found]


_MOST_PARTS = 1 << 16  # a number in a file must not cost memory by itself


def even_sizes(total: int, parts: int) -> list[int]:
    """`total` in `parts` equal pieces, the last one smaller where it does not divide. Source: ai.onnx Split-18."""
    if not 1 <= parts <= _MOST_PARTS:
        raise ValueError(f"Split: expected from 1 to {_MOST_PARTS} outputs, got {parts}")
    each = -(-total // parts)
    return [max(0, min(each, total - i * each)) for i in range(parts)]


def Split(
    input: np.ndarray,
    split: np.ndarray | None = None,
    *,
    axis: int = 0,
    num_outputs: int | None = None,
    _outputs: int = 1,
) -> tuple[np.ndarray, ...]:
    """A tensor cut along an axis, by sizes or evenly; views. Source: ai.onnx Split-18."""
    at = shapes.axis_in("Split", axis, input.ndim)
    total = input.shape[at]
    sizes = even_sizes(total, num_outputs or _outputs) if split is None else np.asarray(split).reshape(-1).tolist()
    if sum(sizes) != total or min(sizes, default=0) < 0:
        raise ValueError(f"Split: expected sizes that add up to {total} (axis {at}), got {sizes}")
    return tuple(np.split(input, np.cumsum(sizes)[:-1], axis=at))


def Split_13(
    input: np.ndarray, split: np.ndarray | None = None, *, axis: int = 0, _outputs: int = 1
) -> tuple[np.ndarray, ...]:
    """Split into as many equal parts as there are outputs, or by sizes. Source: ai.onnx Split-13."""
    total = input.shape[shapes.axis_in("Split", axis, input.ndim)]
    if split is None and total % _outputs:
        raise ValueError(f"Split: expected a size that {_outputs} outputs divide, got {total}; give `split`")
    return Split(input, split, axis=axis, _outputs=_outputs)


def Split_2(
    input: np.ndarray, *, axis: int = 0, split: list[int] | None = None, _outputs: int = 1
) -> tuple[np.ndarray, ...]:
    """The sizes as an attribute. Source: ai.onnx Split-11."""
    return Split_13(input, None if split is None else np.array(split), axis=axis, _outputs=_outputs)


def Split_1(
    input: np.ndarray, split: np.ndarray | list[int] | None = None, *, axis: int | None = None, _outputs: int = 1
) -> tuple[np.ndarray, ...]:
    """The sizes as an input, or as the attribute of the same name. Source: ai.onnx Split-1."""
    return Split_13(input, None if split is None else np.asarray(split), axis=axis or 0, _outputs=_outputs)


def _split_types(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    if data is None or data.shape is None:
        return [data and Tensor(data.element)] * facts.outputs
    axis = shapes.axis_in("Split", int(facts.attributes.get("axis", 0)), len(data.shape))
    given = facts.attributes.get("split") or shapes.contents(facts, 1)
    total = data.shape[axis]
    sizes: Seq[Dim] = [None] * facts.outputs
    if given is not None:
        sizes = list(given)
    elif isinstance(total, int) and not shapes.given(facts, 1):
        sizes = even_sizes(total, facts.attributes.get("num_outputs") or facts.outputs)
    return [Tensor(data.element, shapes.replaced(data.shape, axis, size)) for size in sizes]


def Tile(input: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    """The tensor repeated along each axis, `repeats` [rank] times, none below 0. Source: ai.onnx Tile-13."""
    if repeats.size != input.ndim:
        raise ValueError(f"Tile: expected {input.ndim} repeats (one an axis), got {repeats.size}")
    return np.tile(input, tuple(repeats.reshape(-1).tolist()))


def Tile_1(input: np.ndarray, tiles: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The tensor repeated along one axis. Source: ai.onnx Tile-1."""
    counts = np.ones(input.ndim, np.int64)
    counts[shapes.axis_in("Tile", int(_single("Tile", "axis", axis)), input.ndim)] = int(
        _single("Tile", "tiles", tiles)
    )
    return Tile(input, counts)


def _tiled(facts: Facts) -> list[Type | None]:
    data, counts = shapes.tensor(facts, 0), shapes.contents(facts, 1)
    if data is None or data.shape is None:
        return [data]
    if counts is None or len(counts) != len(data.shape) or len(facts.types) > 2:
        return [Tensor(data.element, (None,) * len(data.shape))]
    sizes = [shapes.product((size, count)) for size, count in zip(data.shape, counts, strict=True)]
    return [Tensor(data.element, tuple(sizes))]


def Trilu(input: np.ndarray, k: np.ndarray | None = None, *, upper: int = 1) -> np.ndarray:
    """The part of each matrix on and above (or below) diagonal k, zeros elsewhere. Source: ai.onnx Trilu-14."""
    if input.ndim < 2:
        raise ValueError(f"Trilu: expected input [...,M,N], got shape {list(input.shape)}")
    offset = 0 if k is None else int(_single("Trilu", "k", k))
    rows, columns = input.shape[-2:]
    mask = np.tri(rows, columns, offset - 1 if upper else offset, dtype=bool)
    return np.where(~mask if upper else mask, input, np.zeros((), input.dtype))


def Pad(
    data: np.ndarray,
    pads: np.ndarray,
    constant_value: np.ndarray | None = None,
    axes: np.ndarray | None = None,
    *,
    mode: str = "constant",
) -> np.ndarray:
    """More (or, by negative pads, less) at each end of each axis: constant, reflect, edge, wrap. Source: Pad-25."""
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise ValueError(f"Pad: expected a mode of constant, reflect, edge or wrap, got {mode!r}")
    chosen = range(data.ndim) if axes is None else shapes.axes_in("Pad", axes.reshape(-1), data.ndim)
    flat = [int(p) for p in pads.reshape(-1)]
    if len(flat) != 2 * len(chosen):
        raise ValueError(f"Pad: expected {2 * len(chosen)} pads (two an axis), got {len(flat)}")
    ends = [(0, 0)] * data.ndim
    for at, axis in enumerate(chosen):
        ends[axis] = (flat[at], flat[at + len(chosen)])
    cropped = data[tuple(slice(max(0, -a), d - max(0, -b)) for d, (a, b) in zip(data.shape, ends, strict=True))]
    grow = [(max(0, a), max(0, b)) for a, b in ends]
    if mode == "constant":
        return _bordered(cropped, grow, constant_value)
    if any((a or b) and not size for size, (a, b) in zip(cropped.shape, grow, strict=True)):
        raise ValueError(f"Pad: expected elements to {mode}, got shape {list(cropped.shape)}; use mode=constant")
    return np.asarray(np.pad(cropped, grow, mode))  # type: ignore[call-overload]


def _bordered(x: np.ndarray, grow: list[tuple[int, int]], constant_value: np.ndarray | None) -> np.ndarray:
    fill = np.zeros((), x.dtype) if constant_value is None else _single("Pad", "constant_value", constant_value)
    if x.dtype == object and constant_value is None:
        fill = ""
    out = np.full([size + a + b for size, (a, b) in zip(x.shape, grow, strict=True)], fill, x.dtype)
    out[tuple(slice(a, a + size) for size, (a, _) in zip(x.shape, grow, strict=True))] = x
    return out


def Pad_2(data: np.ndarray, *, mode: str = "constant", pads: list[int], value: float = 0.0) -> np.ndarray:
    """Pads and value as attributes. Source: ai.onnx Pad-2."""
    return Pad(data, np.array(pads), np.array(value).astype(data.dtype), mode=mode)


def Pad_1(data: np.ndarray, *, mode: str = "constant", paddings: list[int], value: float = 0.0) -> np.ndarray:
    """Pad under its first attribute names. Source: ai.onnx Pad-1."""
    return Pad_2(data, mode=mode, pads=paddings, value=value)


def _padded(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    if data is None or data.shape is None:
        return [data]
    rank = len(data.shape)
    pads = facts.attributes.get("pads") or facts.attributes.get("paddings") or shapes.contents(facts, 1)
    axes = shapes.numbers(facts, 3) if shapes.given(facts, 3) else list(range(rank))
    if axes is None:
        return [Tensor(data.element)]
    if pads is None or len(pads) != 2 * len(axes):
        return [Tensor(data.element, (None,) * rank)]
    found = list(data.shape)
    for at, axis in enumerate(shapes.axes_in("Pad", axes, rank)):
        size, more = found[axis], (pads[at], pads[at + len(axes)])
        if more != (0, 0):
            found[axis] = _added([size, *more]) if isinstance(size, int) else None
    return [Tensor(data.element, tuple(found))]


OPS: tuple[Op, ...] = (
    Op("Concat", 1, Concat_1, _concat_type, propagate=_joined),
    Op("Concat", 4, Concat, _concat_type, propagate=_joined),
    Op("Constant", 1, Constant_1, _constant_type),
    Op("Constant", 11, without(Constant, *_NUMBERS_AND_TEXTS), _constant_type),
    Op("Constant", 12, Constant, _constant_type),
    Op("ConstantOfShape", 9, ConstantOfShape, _filled_type, propagate=_filled),
    Op("EyeLike", 9, EyeLike, _eye_type),
    Op("Identity", 1, Identity, shapes.same, propagate=shapes.carried),
    Op("Pad", 1, Pad_1, _padded),
    Op("Pad", 2, Pad_2, _padded),
    Op("Pad", 11, without(Pad, "axes"), _padded),
    Op("Pad", 18, Pad, _padded),
    Op("Range", 11, without(Range, "stash_type"), _range_type),
    Op("Range", 27, Range, _range_type),
    Op("Split", 1, Split_1, _split_types),
    Op("Split", 2, Split_2, _split_types),
    Op("Split", 13, Split_13, _split_types),
    Op("Split", 18, Split, _split_types),
    Op("Tile", 1, Tile_1, _tiled),
    Op("Tile", 6, Tile, _tiled),
    Op("Trilu", 14, Trilu, shapes.same),
)

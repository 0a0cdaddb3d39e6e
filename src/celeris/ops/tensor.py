"""Tensors made, moved and reshaped: Constant, Reshape, Transpose, Concat, Split, Pad, and their kind."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from math import prod
from typing import Any

import numpy as np

from celeris.graph.graph import SparseTensor
from celeris.graph.types import Dim, Shape, SparseTensorType, Tensor, Type, element_of
from celeris.ops import shapes
from celeris.ops.table import Dims, Facts, Op


def axis_in(axis: int, rank: int, where: str) -> int:
    """`axis` counted from the front; ValueError where it is out of range."""
    if not -rank <= axis < max(rank, 1):
        raise ValueError(f"{where}: expected an axis in [{-rank}, {rank - 1}], got {axis}")
    return axis % rank if rank else 0


def axes_in(axes: Seq[int] | np.ndarray, rank: int, where: str) -> tuple[int, ...]:
    """Axes counted from the front, ascending; ValueError for one out of range or given twice."""
    found = tuple(sorted(axis_in(int(axis), rank, where) for axis in axes))
    if len(set(found)) != len(found):
        raise ValueError(f"{where}: expected distinct axes, got {list(axes)}")
    return found


# Constant, Identity


def Constant(
    *,
    sparse_value: SparseTensor | None = None,
    value: np.ndarray | None = None,
    value_int: int | None = None,
    value_ints: list[int] | None = None,
    value_float: float | None = None,
    value_floats: np.ndarray | None = None,
    value_string: str | None = None,
    value_strings: list[str] | None = None,
) -> np.ndarray | SparseTensor:
    """The attribute that is given, as a tensor. Source: ai.onnx Constant-12."""
    given: list[np.ndarray | SparseTensor] = []
    if sparse_value is not None:
        given.append(sparse_value)
    if value is not None:
        given.append(value)
    for integers in (value_int, value_ints):
        if integers is not None:
            given.append(np.asarray(integers, np.int64))
    for reals in (value_float, value_floats):
        if reals is not None:
            given.append(np.asarray(reals, np.float32))
    for texts in (value_string, value_strings):
        if texts is not None:
            given.append(np.array(texts, object))
    if len(given) != 1:
        raise ValueError(f"Constant: expected exactly one value, got {len(given)}")
    return given[0]


def Constant_11(*, sparse_value: SparseTensor | None = None, value: np.ndarray | None = None) -> Any:
    """A tensor, dense or sparse. Source: ai.onnx Constant-11."""
    return Constant(sparse_value=sparse_value, value=value)


def Constant_1(*, value: np.ndarray) -> Any:
    """A tensor. Source: ai.onnx Constant-1."""
    return value


def infer_constant(facts: Facts) -> list[Type | None]:
    """The value's own type."""
    value = Constant(**facts.attributes)
    if isinstance(value, SparseTensor):
        return [SparseTensorType(element_of(value.values.dtype), value.shape)]
    return [Tensor(element_of(value.dtype), value.shape)]


def Identity(input: Any) -> Any:
    """Y = X, of any type. Source: ai.onnx Identity-1."""
    return input


def ConstantOfShape(input: np.ndarray, *, value: np.ndarray | None = None) -> np.ndarray:
    """A tensor of the shape that the input [rank] i64 gives, filled with `value` (0 f32). Source: ConstantOfShape-9."""
    fill = np.zeros(1, np.float32) if value is None else value.reshape(-1)
    if fill.size != 1 or (np.asarray(input) < 0).any():
        raise ValueError(
            f"ConstantOfShape: expected one value and sizes of at least 0, got {fill.size}, {input.tolist()}"
        )
    return np.full(tuple(input.tolist()), fill[0], fill.dtype)


def infer_constant_of_shape(facts: Facts) -> list[Type | None]:
    """The shape from the input's contents, where known; its length at least."""
    value = facts.attributes.get("value")
    element = "float" if value is None else element_of(value.dtype)
    known = contents(facts, 0)
    if known is None:
        length = _length(facts, 0)
        return [Tensor(element, None if length is None else (None,) * length)]
    return [Tensor(element, known)]


def contents(facts: Facts, index: int) -> Dims | None:
    """What integer input `index` holds, as dimensions: from its constant value, or as propagated."""
    if index < len(facts.values) and facts.values[index] is not None:
        return tuple(np.asarray(facts.values[index]).reshape(-1).tolist())
    return facts.dims[index] if index < len(facts.dims) else None


def _length(facts: Facts, index: int) -> int | None:
    found = shapes.tensor(facts, index)
    if found is None or found.shape is None or len(found.shape) != 1 or not isinstance(found.shape[0], int):
        return None
    return found.shape[0]


def EyeLike(input: np.ndarray, *, dtype: int | None = None, k: int = 0) -> np.ndarray:
    """Ones on diagonal k of a matrix like the input. Source: ai.onnx EyeLike-9."""
    from celeris.graph.types import ELEMENT_NAMES, dtype_of

    if input.ndim != 2:
        raise ValueError(f"EyeLike: expected a matrix, got rank {input.ndim}")
    return np.eye(*input.shape, k=k).astype(input.dtype if dtype is None else dtype_of(ELEMENT_NAMES[dtype]))


def _infer_eye(facts: Facts) -> list[Type | None]:
    return shapes.retyped(facts, facts.attributes.get("dtype"))


def Range(start: np.ndarray, limit: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """start + i * delta for i below ceil((limit - start) / delta). Source: ai.onnx Range-11."""
    first, last, step = start.reshape(()), limit.reshape(()), delta.reshape(())
    if step == 0:
        raise ValueError("Range: expected a delta other than 0, got 0")
    wide = np.float64 if first.dtype.kind not in "iu" else np.int64
    count = max(0, int(np.ceil((wide(last) - wide(first)) / wide(step))))
    return (wide(first) + np.arange(count).astype(wide) * wide(step)).astype(start.dtype)


def _infer_range(facts: Facts) -> list[Type | None]:
    kind = shapes.tensor(facts, 0)
    size: Dim = None
    if kind is not None and all(v is not None for v in facts.values[:3]):
        size = len(Range(*[np.asarray(v) for v in facts.values[:3]]))
    return [None if kind is None else Tensor(kind.element, (size,))]


# Shapes


def Shape(data: np.ndarray, *, start: int = 0, end: int | None = None) -> np.ndarray:
    """The sizes of dimensions start to end, i64. Source: ai.onnx Shape-15."""
    return np.array(data.shape[start:end], np.int64)


def Shape_1(data: np.ndarray) -> np.ndarray:
    """The sizes of all dimensions, i64. Source: ai.onnx Shape-1."""
    return Shape(data)


def _shape_slice(facts: Facts) -> Dims | None:
    kind = shapes.tensor(facts, 0)
    if kind is None or kind.shape is None:
        return None
    return kind.shape[facts.attributes.get("start", 0) : facts.attributes.get("end")]


def _infer_shape(facts: Facts) -> list[Type | None]:
    known = _shape_slice(facts)
    return [Tensor("int64", (None if known is None else len(known),))]


def Size(data: np.ndarray) -> np.ndarray:
    """How many elements, i64 []. Source: ai.onnx Size-1."""
    return np.array(data.size, np.int64)


def Reshape(data: np.ndarray, shape: np.ndarray, *, allowzero: int = 0) -> np.ndarray:
    """The elements in another shape: 0 keeps a dimension (unless allowzero), -1 takes the rest. Source: Reshape-14."""
    wanted = [int(d) for d in shape.reshape(-1)]
    if not allowzero:
        wanted = [data.shape[i] if d == 0 and i < data.ndim else d for i, d in enumerate(wanted)]
    elif 0 in wanted and -1 in wanted:
        raise ValueError(f"Reshape: expected no -1 beside a 0 with allowzero, got {wanted}")
    known = prod(d for d in wanted if d != -1)
    if min(wanted, default=0) < -1 or wanted.count(-1) > 1:
        raise ValueError(f"Reshape: expected sizes of at least 0 and at most one -1, got {wanted}")
    if (data.size != known) if -1 not in wanted else ((known == 0 and data.size > 0) or (known and data.size % known)):
        raise ValueError(
            "The input tensor cannot be reshaped to the requested shape. "
            f"Input shape:{{{','.join(map(str, data.shape))}}}, requested shape:{{{','.join(map(str, wanted))}}}"
        )
    if -1 in wanted and known == 0:
        wanted[wanted.index(-1)] = 0
    return data.reshape(wanted)


def Reshape_5(data: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Reshape without allowzero. Source: ai.onnx Reshape-5."""
    return Reshape(data, shape)


def Reshape_1(
    data: np.ndarray, *, consumed_inputs: list[int] | None = None, shape: list[int] | None = None
) -> np.ndarray:
    """The shape as an attribute. Source: ai.onnx Reshape-1."""
    return Reshape(data, np.array(shape or [], np.int64))


def infer_reshape(facts: Facts) -> list[Type | None]:
    """The wanted shape, 0 and -1 resolved where they can be."""
    kind = shapes.tensor(facts, 0)
    if kind is None:
        return [None]
    wanted = tuple(facts.attributes["shape"]) if "shape" in facts.attributes else contents(facts, 1)
    if wanted is None:
        length = _length(facts, 1)
        return [Tensor(kind.element, None if length is None else (None,) * length)]
    found: list[Dim] = []
    for at, size in enumerate(wanted):
        if size == 0 and not facts.attributes.get("allowzero"):
            found.append(kind.shape[at] if kind.shape is not None and at < len(kind.shape) else None)
        else:
            found.append(size)
    if -1 in found:
        found[found.index(-1)] = _rest(kind.shape, [d for d in found if d != -1])
    return [Tensor(kind.element, tuple(found))]


def _rest(shape: Shape | None, others: list[Dim]) -> Dim:
    """The size that -1 stands for: what is left of `shape` after `others`, equal symbols cancelled."""
    if shape is None or any(d is None for d in others):
        return None
    left = list(shape)
    for other in [d for d in others if isinstance(d, str)]:
        if other not in left:
            return None
        left.remove(other)
    named = [d for d in left if not isinstance(d, int)]
    total, known = prod(d for d in left if isinstance(d, int)), prod(d for d in others if isinstance(d, int))
    if not named:
        return total // known if known else None
    return named[0] if len(named) == 1 and total == known and named[0] is not None else None


def Flatten(input: np.ndarray, *, axis: int = 1) -> np.ndarray:
    """A matrix: the dimensions before `axis` by those from it on. Source: ai.onnx Flatten-13."""
    if not -input.ndim <= axis <= input.ndim:
        raise ValueError(f"Flatten: expected an axis in [{-input.ndim}, {input.ndim}], got {axis}")
    at = axis + input.ndim if axis < 0 else axis
    return input.reshape(prod(input.shape[:at]), prod(input.shape[at:]))


def _infer_flatten(facts: Facts) -> list[Type | None]:
    kind = shapes.tensor(facts, 0)
    if kind is None:
        return [None]
    if kind.shape is None:
        return [Tensor(kind.element, (None, None))]
    axis = facts.attributes.get("axis", 1)
    at = axis + len(kind.shape) if axis < 0 else axis
    return [Tensor(kind.element, (shapes.product(kind.shape[:at]), shapes.product(kind.shape[at:])))]


def Squeeze(data: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
    """Without dimensions of size 1: all, or those named. Source: ai.onnx Squeeze-13."""
    if axes is None:
        return data.reshape([d for d in data.shape if d != 1])
    found = axes_in(axes.reshape(-1), data.ndim, "Squeeze")
    wrong = [axis for axis in found if data.shape[axis] != 1]
    if wrong:
        raise ValueError(f"Squeeze: expected dimensions of size 1, got {data.shape[wrong[0]]} at axis {wrong[0]}")
    return data.reshape([d for at, d in enumerate(data.shape) if at not in found])


def Squeeze_1(data: np.ndarray, *, axes: list[int] | None = None) -> np.ndarray:
    """The axes as an attribute. Source: ai.onnx Squeeze-1."""
    return Squeeze(data, None if axes is None else np.array(axes, np.int64))


def _named_axes(facts: Facts) -> tuple[int, ...] | None:
    """The axes of Squeeze and Unsqueeze, of either generation; None where they are not known, () where not given."""
    if facts.attributes.get("axes") is not None:
        return tuple(facts.attributes["axes"])
    if len(facts.types) < 2 or (facts.types[1] is None and facts.values[1] is None):
        return ()
    known = facts.values[1]
    return None if known is None else tuple(known.reshape(-1).tolist())


def _infer_squeeze(facts: Facts) -> list[Type | None]:
    kind, axes = shapes.tensor(facts, 0), _named_axes(facts)
    if kind is None or kind.shape is None or axes is None:
        return [None if kind is None else Tensor(kind.element)]
    if not axes:
        unknown = any(not isinstance(d, int) for d in kind.shape)
        return [Tensor(kind.element, None if unknown else tuple(d for d in kind.shape if d != 1))]
    gone = axes_in(axes, len(kind.shape), "Squeeze")
    return [Tensor(kind.element, tuple(d for at, d in enumerate(kind.shape) if at not in gone))]


def Unsqueeze(data: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """With new dimensions of size 1 at these axes of the result. Source: ai.onnx Unsqueeze-13."""
    rank = data.ndim + axes.size
    new = axes_in(axes.reshape(-1), rank, "Unsqueeze")
    old = iter(data.shape)
    return data.reshape([1 if at in new else next(old) for at in range(rank)])


def Unsqueeze_1(data: np.ndarray, *, axes: list[int]) -> np.ndarray:
    """The axes as an attribute. Source: ai.onnx Unsqueeze-1."""
    return Unsqueeze(data, np.array(axes, np.int64))


def _infer_unsqueeze(facts: Facts) -> list[Type | None]:
    kind, axes = shapes.tensor(facts, 0), _named_axes(facts)
    if kind is None or kind.shape is None or not axes:
        return [None if kind is None else Tensor(kind.element)]
    rank = len(kind.shape) + len(axes)
    new = axes_in(axes, rank, "Unsqueeze")
    old = iter(kind.shape)
    return [Tensor(kind.element, tuple(1 if at in new else next(old) for at in range(rank)))]


def Expand(input: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Broadcast to a shape, both ways. Source: ai.onnx Expand-8."""
    return np.broadcast_to(input, np.broadcast_shapes(input.shape, tuple(shape.tolist())))


def _infer_expand(facts: Facts) -> list[Type | None]:
    kind, wanted = shapes.tensor(facts, 0), contents(facts, 1)
    if kind is None:
        return [None]
    if wanted is None:
        length = _length(facts, 1)
        if length is None or kind.shape is None:
            return [Tensor(kind.element)]
        return [Tensor(kind.element, (None,) * max(length, len(kind.shape)))]
    return [Tensor(kind.element, shapes.broadcast_shapes(kind.shape, wanted))]


def Transpose(data: np.ndarray, *, perm: list[int] | None = None) -> np.ndarray:
    """Dimensions in another order, reversed by default. Source: ai.onnx Transpose-13."""
    return np.transpose(data, perm)


def _infer_transpose(facts: Facts) -> list[Type | None]:
    kind = shapes.tensor(facts, 0)
    if kind is None or kind.shape is None:
        return [facts.types[0]]
    perm = facts.attributes.get("perm") or range(len(kind.shape))[::-1]
    return [Tensor(kind.element, tuple(kind.shape[at] for at in perm))]


# Joining and splitting


def Concat(*inputs: np.ndarray, axis: int) -> np.ndarray:
    """Tensors one after another along an axis. Source: ai.onnx Concat-13."""
    return np.concatenate(inputs, axis=axis)


def Concat_1(*inputs: np.ndarray, axis: int = 1) -> np.ndarray:
    """Concat along axis 1 by default. Source: ai.onnx Concat-1."""
    return np.concatenate(inputs, axis=axis)


def _infer_concat(facts: Facts) -> list[Type | None]:
    kinds = [shapes.tensor(facts, i) for i in range(len(facts.types))]
    first = next((k for k in kinds if k is not None), None)
    if first is None:
        return [None]
    known = [k.shape for k in kinds if k is not None and k.shape is not None]
    if not known:
        return [Tensor(first.element)]
    rank = len(known[0])
    axis = axis_in(facts.attributes.get("axis", 1), rank, "Concat")
    merged: list[Dim] = []
    for at in range(rank):
        sizes = [shape[at] for shape in known if len(shape) == rank]
        if at == axis:
            merged.append(sum(sizes) if len(known) == len(kinds) and all(isinstance(d, int) for d in sizes) else None)  # type: ignore[arg-type]
        else:
            merged.append(
                next((d for d in sizes if isinstance(d, int)), next((d for d in sizes if d is not None), None))
            )
    return [Tensor(first.element, tuple(merged))]


def _join_contents(facts: Facts) -> Dims | None:
    parts = [contents(facts, i) for i in range(len(facts.types))]
    return None if any(part is None for part in parts) else tuple(d for part in parts if part for d in part)


def _cut(data: np.ndarray, sizes: Seq[int], axis: int) -> tuple[np.ndarray, ...]:
    at = axis_in(axis, data.ndim, "Split")
    if sum(sizes) != data.shape[at]:
        raise ValueError(f"Split: expected sizes that add up to {data.shape[at]}, got {list(sizes)}")
    return tuple(np.split(data, np.cumsum(sizes)[:-1], axis=at))


def even_sizes(total: int, parts: int) -> list[int]:
    """`total` in `parts` equal pieces, the last one smaller where it does not divide. Source: ai.onnx Split-18."""
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
    """A tensor cut along an axis: by sizes, or evenly. Source: ai.onnx Split-18."""
    total = input.shape[axis_in(axis, input.ndim, "Split")]
    sizes = even_sizes(total, num_outputs or _outputs) if split is None else split.tolist()
    return _cut(input, sizes, axis)


def Split_13(
    input: np.ndarray, split: np.ndarray | None = None, *, axis: int = 0, _outputs: int = 1
) -> tuple[np.ndarray, ...]:
    """Split into as many parts as there are outputs. Source: ai.onnx Split-13."""
    return Split(input, split, axis=axis, _outputs=_outputs)


def Split_2(
    input: np.ndarray, *, axis: int = 0, split: list[int] | None = None, _outputs: int = 1
) -> tuple[np.ndarray, ...]:
    """The sizes as an attribute. Source: ai.onnx Split-2."""
    return Split(input, None if split is None else np.array(split), axis=axis, _outputs=_outputs)


def Split_1(
    input: np.ndarray,
    split: np.ndarray | None = None,
    *,
    axis: int = 0,
    split_: list[int] | None = None,
    _outputs: int = 1,
) -> tuple[np.ndarray, ...]:
    """Split with sizes as an input. Source: ai.onnx Split-1."""
    return Split(input, split, axis=axis, _outputs=_outputs)


def _infer_split(facts: Facts) -> list[Type | None]:
    kind = shapes.tensor(facts, 0)
    if kind is None or kind.shape is None:
        return [None if kind is None else Tensor(kind.element)] * facts.outputs
    axis = axis_in(facts.attributes.get("axis", 0), len(kind.shape), "Split")
    sizes: list[Dim] = [None] * facts.outputs
    given = facts.attributes.get("split") or (
        facts.values[1].tolist() if len(facts.values) > 1 and facts.values[1] is not None else None
    )
    total = kind.shape[axis]
    if given is not None:
        sizes = list(given)
    elif isinstance(total, int) and len(facts.types) < 2:
        sizes = list(even_sizes(total, facts.attributes.get("num_outputs") or facts.outputs))
    cut = [(*kind.shape[:axis], size, *kind.shape[axis + 1 :]) for size in sizes]
    return [Tensor(kind.element, shape) for shape in cut]


def Tile(input: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    """The tensor repeated along each axis. Source: ai.onnx Tile-6."""
    if repeats.size != input.ndim:
        raise ValueError(f"Tile: expected {input.ndim} repeats (one an axis), got {repeats.size}")
    return np.tile(input, tuple(repeats.tolist()))


def Tile_1(input: np.ndarray, tiles: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The tensor repeated along one axis. Source: ai.onnx Tile-1."""
    counts = np.ones(input.ndim, np.int64)
    counts[int(axis.reshape(-1)[0])] = int(tiles.reshape(-1)[0])
    return Tile(input, counts)


def _infer_tile(facts: Facts) -> list[Type | None]:
    kind, counts = shapes.tensor(facts, 0), contents(facts, 1)
    if kind is None or kind.shape is None:
        return [None if kind is None else Tensor(kind.element)]
    if counts is None or len(counts) != len(kind.shape) or len(facts.types) > 2:
        return [Tensor(kind.element, (None,) * len(kind.shape))]
    return [Tensor(kind.element, tuple(
        d if n == 1 else d * n if isinstance(d, int) and isinstance(n, int) else None
        for d, n in zip(kind.shape, counts, strict=True)
    ))]  # fmt: skip


def Trilu(input: np.ndarray, k: np.ndarray | None = None, *, upper: int = 1) -> np.ndarray:
    """The part of each matrix on and above (or below) diagonal k, zeros elsewhere. Source: ai.onnx Trilu-14."""
    offset = 0 if k is None else int(k.reshape(-1)[0])
    return np.triu(input, offset) if upper else np.tril(input, offset)


# Pad


def Pad(
    data: np.ndarray,
    pads: np.ndarray,
    constant_value: np.ndarray | None = None,
    axes: np.ndarray | None = None,
    *,
    mode: str = "constant",
) -> np.ndarray:
    """More (or, by negative pads, less) at each end of each axis: constant, reflect, edge, wrap. Source: Pad-19."""
    rank = data.ndim
    chosen = range(rank) if axes is None else [axis_in(int(a), rank, "Pad") for a in axes.reshape(-1)]
    flat = [int(p) for p in pads.reshape(-1)]
    if len(flat) != 2 * len(chosen):
        raise ValueError(f"Pad: expected {2 * len(chosen)} pads (two an axis), got {len(flat)}")
    ends = [(0, 0)] * rank
    for at, axis in enumerate(chosen):
        ends[axis] = (flat[at], flat[at + len(chosen)])
    cropped = data[tuple(slice(max(0, -a), d - max(0, -b)) for d, (a, b) in zip(data.shape, ends, strict=True))]
    grow = [(max(0, a), max(0, b)) for a, b in ends]
    if mode == "constant":
        fill = np.zeros((), data.dtype) if constant_value is None else constant_value.reshape(-1)[0]
        if data.dtype == object and constant_value is None:
            fill = ""
        out = np.full([d + a + b for d, (a, b) in zip(cropped.shape, grow, strict=True)], fill, data.dtype)
        out[tuple(slice(a, a + d) for d, (a, _) in zip(cropped.shape, grow, strict=True))] = cropped
        return out
    modes: dict[str, Any] = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}
    if mode not in modes:
        raise ValueError(f"Pad: expected a mode of constant, reflect, edge or wrap, got {mode!r}")
    return np.pad(cropped, grow, modes[mode])


def Pad_13(
    data: np.ndarray, pads: np.ndarray, constant_value: np.ndarray | None = None, *, mode: str = "constant"
) -> np.ndarray:
    """Pad of all axes. Source: ai.onnx Pad-13."""
    return Pad(data, pads, constant_value, mode=mode)


def Pad_2(data: np.ndarray, *, mode: str = "constant", pads: list[int], value: float = 0.0) -> np.ndarray:
    """Pads and value as attributes. Source: ai.onnx Pad-2."""
    return Pad(data, np.array(pads), np.array(value).astype(data.dtype), mode=mode)


def Pad_1(data: np.ndarray, *, mode: str = "constant", paddings: list[int], value: float = 0.0) -> np.ndarray:
    """Pad under its first attribute names. Source: ai.onnx Pad-1."""
    return Pad_2(data, mode=mode, pads=paddings, value=value)


def _infer_pad(facts: Facts) -> list[Type | None]:
    kind = shapes.tensor(facts, 0)
    if kind is None or kind.shape is None:
        return [None if kind is None else Tensor(kind.element)]
    rank = len(kind.shape)
    pads = facts.attributes.get("pads") or facts.attributes.get("paddings") or contents(facts, 1)
    axes: Seq[Any] | None = range(rank)
    if len(facts.types) > 3 and facts.types[3] is not None:
        axes = contents(facts, 3)
    if pads is None or axes is None:
        return [Tensor(kind.element, (None,) * rank)]
    found = list(kind.shape)
    for at, axis in enumerate(axes):
        size, more = found[axis], (pads[at], pads[at + len(axes)])
        total = sum(more) if all(isinstance(p, int) for p in more) else None
        found[axis] = size if total == 0 else size + total if isinstance(size, int) and total is not None else None
    return [Tensor(kind.element, tuple(found))]


def _same_contents(facts: Facts) -> Dims | None:
    return contents(facts, 0)


OPS: tuple[Op, ...] = (
    Op("Concat", 1, Concat_1, _infer_concat, propagate=_join_contents),
    Op("Concat", 4, Concat, _infer_concat, propagate=_join_contents),
    Op("Constant", 1, Constant_1, infer_constant),
    Op("Constant", 11, Constant_11, infer_constant),
    Op("Constant", 12, Constant, infer_constant),
    Op("ConstantOfShape", 9, ConstantOfShape, infer_constant_of_shape),
    Op("Expand", 8, Expand, _infer_expand),
    Op("EyeLike", 9, EyeLike, _infer_eye),
    Op("Flatten", 1, Flatten, _infer_flatten),
    Op("Identity", 1, Identity, shapes.same, propagate=_same_contents),
    Op("Pad", 1, Pad_1, _infer_pad),
    Op("Pad", 2, Pad_2, _infer_pad),
    Op("Pad", 11, Pad_13, _infer_pad),
    Op("Pad", 18, Pad, _infer_pad),
    Op("Range", 11, Range, _infer_range),
    Op("Reshape", 1, Reshape_1, infer_reshape, propagate=_same_contents),
    Op("Reshape", 5, Reshape_5, infer_reshape, propagate=_same_contents),
    Op("Reshape", 14, Reshape, infer_reshape, propagate=_same_contents),
    Op("Shape", 1, Shape_1, _infer_shape, propagate=_shape_slice),
    Op("Shape", 15, Shape, _infer_shape, propagate=_shape_slice),
    Op("Size", 1, Size, lambda facts: [Tensor("int64", ())]),
    Op("Split", 1, Split_1, _infer_split),
    Op("Split", 2, Split_2, _infer_split),
    Op("Split", 13, Split_13, _infer_split),
    Op("Split", 18, Split, _infer_split),
    Op("Squeeze", 1, Squeeze_1, _infer_squeeze, propagate=_same_contents),
    Op("Squeeze", 13, Squeeze, _infer_squeeze, propagate=_same_contents),
    Op("Tile", 1, Tile_1, _infer_tile),
    Op("Tile", 6, Tile, _infer_tile),
    Op("Transpose", 1, Transpose, _infer_transpose),
    Op("Trilu", 14, Trilu, shapes.same),
    Op("Unsqueeze", 1, Unsqueeze_1, _infer_unsqueeze, propagate=_same_contents),
    Op("Unsqueeze", 13, Unsqueeze, _infer_unsqueeze, propagate=_same_contents),
)

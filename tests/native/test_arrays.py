"""Kernels of small tensors (cpp/arrays.h) against the reference tier: the same bits, the same refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

import celeris
from celeris.plan.compile import build
from celeris.plan.plan import TensorStep

Arrays = list[np.ndarray]
_ELEMENTS = (np.float32, np.float64, np.int64, np.int32, np.uint8, np.int8, np.bool_)
_NUMBERS = _ELEMENTS[:4]


def _sessions(op: str, arrays: Arrays, attributes: dict[str, Any], outputs: int, opset: int = 18) -> Any:
    """Of a node whose inputs have no known sizes: by kernels, and by the reference tier alone."""
    names = [f"x{i}" for i in range(len(arrays))]
    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(a.dtype), [f"d{d}_{name}" for d in range(a.ndim)]
        )
        for name, a in zip(names, arrays, strict=True)
    ]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, **attributes)
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=name) for name in results])
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10).SerializeToString()
    return (
        celeris.InferenceSession(file),
        celeris.InferenceSession(file, disabled_optimizers=["native"]),
        dict(zip(names, arrays, strict=True)),
    )


def _check(
    kernel: str, op: str, arrays: Arrays, attributes: dict[str, Any] | None = None, *, outputs: int = 1, takes: bool = True
) -> None:  # fmt: skip
    """The kernel claims the node; where it `takes` these values, it answers without the reference tier."""
    session, reference, feeds = _sessions(op, arrays, attributes or {}, outputs)
    program = session._sess._program
    (step,) = program.plan.steps
    assert isinstance(step, TensorStep) and step.kernel == kernel
    asked: list[str] = []
    answer = step.fallback

    def fallback(*values: Any) -> Any:
        asked.append(op)
        return answer(*values)

    step.fallback = fallback
    found = build(program.plan).run([feeds[name] for name, _ in program.inputs], None, 1, None)
    for one, other in zip(found, reference.run(None, feeds), strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_array_equal(one, other)
    assert asked == ([] if takes else [op])


_SHAPES = st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple)
_TABLES = st.lists(st.integers(0, 4), min_size=2, max_size=4).map(tuple)  # those of one axis are rows
_SEEDS = st.integers(0, 2**32 - 1)
_CASES = settings(max_examples=60, deadline=None)


def _some(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Small numbers, of which some are equal; of floats some are no numbers."""
    dtype = np.dtype(dtype)
    low = -5 if dtype.kind in "if" else 0
    values = rng.integers(low, 2 if dtype.kind == "b" else 6, shape).astype(dtype)
    if dtype.kind == "f":
        special = rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.3], shape)
        values = np.where(rng.random(shape) < 0.2, special, values).astype(dtype)
    return np.asarray(values)


def _indices(rng: np.random.Generator, shape: tuple[int, ...], size: int) -> np.ndarray:
    """From both ends, in either type."""
    dtype = rng.choice([np.int64, np.int32])
    return np.asarray(rng.integers(-size, size, shape) if size else np.zeros(shape), dtype)


@_CASES
@given(_SHAPES, st.sampled_from(_ELEMENTS), st.lists(st.integers(0, 3), max_size=2).map(tuple), _SEEDS)
def test_slices(shape: tuple[int, ...], dtype: Any, by: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis = int(rng.integers(-len(shape), len(shape)))
    indices = _indices(rng, by, shape[axis])
    if shape[axis] or not indices.size:
        _check("take", "Gather", [_some(rng, shape, dtype), indices], {"axis": axis})


@_CASES
@given(_SHAPES, st.sampled_from(_ELEMENTS), _SEEDS)
def test_elements(shape: tuple[int, ...], dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis = int(rng.integers(-len(shape), len(shape)))
    sizes = [int(rng.integers(0, size + 1)) for size in shape]
    sizes[axis] = int(rng.integers(0, 6)) if shape[axis] else 0
    indices = _indices(rng, tuple(sizes), shape[axis])
    data, updates = _some(rng, shape, dtype), _some(rng, tuple(sizes), dtype)
    _check("take", "GatherElements", [data, indices], {"axis": axis})
    _check("put", "ScatterElements", [data, indices, updates], {"axis": axis})


@_CASES
@given(_SHAPES, st.sampled_from(_ELEMENTS), _SEEDS)
def test_tuples(shape: tuple[int, ...], dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lead = int(rng.integers(0, len(shape)))
    numbers = int(rng.integers(1, len(shape) - lead + 1))
    count = tuple(int(n) for n in rng.integers(0, 4, rng.integers(0, 3)))
    sizes = shape[lead : lead + numbers]
    data = _some(rng, shape, dtype)

    def tuples(at: tuple[int, ...], sizes: tuple[int, ...]) -> np.ndarray:
        return np.stack([_indices(rng, at, size).astype(np.int64) for size in sizes], -1)

    if all(sizes):
        _check("take", "GatherND", [data, tuples((*shape[:lead], *count), sizes)], {"batch_dims": lead})
    if all(shape[:numbers]):
        updates = _some(rng, (*count, *shape[numbers:]), dtype)
        _check("put", "ScatterND", [data, tuples(count, shape[:numbers]), updates])


@_CASES
@given(_SHAPES, st.sampled_from(_ELEMENTS), st.integers(0, 20), _SEEDS)
def test_what_is_chosen(shape: tuple[int, ...], dtype: Any, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data, condition = _some(rng, shape, dtype), rng.random(count) < 0.5
    _check("take", "Compress", [data, condition])
    _check("take", "Compress", [data, condition], {"axis": int(rng.integers(-len(shape), len(shape)))})
    _check("find", "NonZero", [data])


@_CASES
@given(_SHAPES, st.sampled_from(_ELEMENTS[:-1]), st.booleans(), _SEEDS)
def test_the_first_in_order(shape: tuple[int, ...], dtype: Any, largest: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis = int(rng.integers(-len(shape), len(shape)))
    k = np.array([rng.integers(0, shape[axis] + 1)])
    _check("find", "TopK", [_some(rng, shape, dtype), k], {"axis": axis, "largest": int(largest)}, outputs=2)


def test_many_in_order() -> None:
    x = np.random.default_rng(0).integers(0, 50, (3, 1000)).astype(np.float32)
    for k, takes in ((32, True), (33, False)):
        _check("find", "TopK", [x, np.array([k])], outputs=2, takes=takes)


@_CASES
@given(_SHAPES, st.integers(-5, 5), st.integers(-5, 5))
def test_sizes(shape: tuple[int, ...], start: int, end: int) -> None:
    x = np.zeros(shape, np.float32).T
    _check("made", "Shape", [x], {"start": start, "end": end})
    _check("made", "Shape", [x])
    _check("made", "Size", [x])
    for value in (np.array([3], np.int8), np.array([-2.5]), np.array([True]), np.array([-7])):
        _check("made", "ConstantOfShape", [np.array(shape)], {"value": numpy_helper.from_array(value)})


@_CASES
@given(*[st.integers(-20, 20)] * 2, st.integers(-5, 5).filter(bool), st.sampled_from([np.int64, np.int32]))
def test_ranges(start: int, limit: int, delta: int, dtype: Any) -> None:
    _check("made", "Range", [np.array(n, dtype) for n in (start, limit, delta)])


def _broadcast(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that goes with it: some sizes 1, some of the first left out."""
    sizes = tuple(1 if rng.random() < 0.3 else size for size in shape)
    return sizes[int(rng.integers(0, len(sizes) - 1)) :] if rng.random() < 0.5 else sizes


@_CASES
@given(_TABLES, st.sampled_from(_NUMBERS), _SEEDS)
def test_two_numbers(shape: tuple[int, ...], dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (_some(rng, _broadcast(rng, shape), dtype) for _ in range(2))
    for op in ("Add", "Sub", "Mul", "Max", "Min", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"):
        _check("plain", op, [a, b])
    if np.dtype(dtype).kind == "f":
        _check("plain", "Div", [a, b])
    else:
        _check("plain", "Div", [a, np.where(b == 0, 1, b).astype(dtype)], takes=False)
    _check("plain", "Where", [_some(rng, _broadcast(rng, shape), bool), a, b])


@_CASES
@given(_TABLES, _SEEDS)
def test_one_and_booleans(shape: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for dtype in _NUMBERS:
        for op in ("Neg", "Abs", *(("IsNaN", "Sqrt") if np.dtype(dtype).kind == "f" else ())):
            _check("plain", op, [_some(rng, shape, dtype)])
    a, b = (_some(rng, _broadcast(rng, shape), bool) for _ in range(2))
    for op in ("And", "Or", "Xor"):
        _check("plain", op, [a, b])
    _check("plain", "Not", [a])


@_CASES
@given(_TABLES, st.sampled_from([*_NUMBERS, np.bool_]), st.sampled_from([*_NUMBERS, np.bool_]), _SEEDS)
def test_casts(shape: tuple[int, ...], dtype: Any, to: Any, seed: int) -> None:
    x = _some(np.random.default_rng(seed), shape, dtype)
    if dtype == to:
        return  # no step at all
    takes = not (np.dtype(dtype).kind == "f" and np.dtype(to).kind == "i" and not np.isfinite(x).all())
    _check("plain", "Cast", [x], {"to": helper.np_dtype_to_tensor_dtype(np.dtype(to))}, takes=takes)


@_CASES
@given(_SHAPES, st.sampled_from(_NUMBERS), st.sampled_from([0, 1]), _SEEDS)
def test_folds(shape: tuple[int, ...], dtype: Any, keep: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = _some(rng, shape, dtype)
    if x.size == 0:
        return  # of nothing an extreme is an error, and a sum 0: NumPy says so
    if np.dtype(dtype).kind == "f":  # so that sums are rounded
        x = np.asarray(x * rng.standard_normal(shape), dtype)
    axes = np.array([d - len(shape) * int(rng.integers(2)) for d in range(len(shape)) if rng.random() < 0.5], np.int64)
    count = np.prod([shape[d] for d in axes]) if len(axes) else x.size
    real = np.dtype(dtype).kind == "f"
    for op in ("ReduceSum", "ReduceMax", "ReduceMin", *(["ReduceMean"] if real else [])):
        takes = op in ("ReduceMax", "ReduceMin") or dtype != np.float64 or count <= 2
        _check("fold", op, [x, axes], {"keepdims": keep}, takes=takes)


@_CASES
@given(_TABLES, st.sampled_from(_ELEMENTS), _SEEDS)
def test_another_shape(shape: tuple[int, ...], dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, rank = _some(rng, shape, dtype), len(shape)
    _check("lay", "Reshape", [x, np.array([*shape[1:], shape[0]])], {"allowzero": 1})
    if x.size:
        _check("lay", "Reshape", [x, np.array([0] * (rank - 1) + [-1])])
    _check("lay", "Flatten", [x], {"axis": int(rng.integers(-rank, rank + 1))})
    _check("lay", "Transpose", [x], {"perm": [int(d) for d in rng.permutation(rank)]})
    _check("lay", "Transpose", [x])
    fresh = sorted(rng.choice(rank + 2, 2, replace=False) - int(rng.integers(0, 2)) * (rank + 2))
    wide = np.expand_dims(x, tuple(int(d) for d in fresh))
    _check("lay", "Unsqueeze", [x, np.array(fresh)])
    _check("lay", "Squeeze", [wide, np.array(fresh)])
    _check("lay", "Squeeze", [wide])
    _check("lay", "Expand", [wide, np.array([3, 1])] if wide.shape[-2] == 1 else [wide, np.array([1, 1, 1])])
    joined = int(rng.integers(-rank, rank))
    _check("join", "Concat", [x, x, x.take([0] if shape[joined] else [], joined)], {"axis": joined})


@_CASES
@given(_TABLES, st.sampled_from(_ELEMENTS), st.sampled_from([np.int64, np.int32]), _SEEDS)
def test_parts(shape: tuple[int, ...], dtype: Any, index: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axes = rng.choice(len(shape), int(rng.integers(1, len(shape) + 1)), replace=False)
    bounds = rng.choice([-(2**31), -7, -3, -1, 0, 1, 2, 5, 2**31 - 1], (2, len(axes)))
    steps = rng.choice([-3, -1, 1, 2, 2**31 - 1], len(axes))
    _check("lay", "Slice", [_some(rng, shape, dtype), *(each.astype(index) for each in (*bounds, axes, steps))])
    few = [np.asarray(each[: len(axes)], index) for each in bounds]
    _check("lay", "Slice", [_some(rng, shape, dtype), *few])


def test_large_tensors_are_left_to_numpy() -> None:
    x = np.arange(5000, dtype=np.float32).reshape(50, 100)
    one = np.ones(1, np.float32)
    _check("plain", "Add", [x, one], takes=False)
    _check("plain", "Add", [x[:, :1], x[:1]], takes=False)  # whose result is large
    _check("fold", "ReduceMax", [x], takes=False)
    _check("plain", "Add", [x[:40].T, one])


def test_other_elements_are_left_to_numpy() -> None:
    half, texts, at = np.array([[1, 2]], np.float16), np.array([["a", "b"]], object), np.array([[0]])
    for op, arrays in (
        ("Add", [half, half]),
        ("GatherElements", [texts, at]),
        ("Gather", [half, at]),
        ("NonZero", [half]),
    ):
        session, reference, feeds = _sessions(op, arrays, {}, 1)
        assert not any(isinstance(step, TensorStep) for step in session._sess._program.plan.steps)
        np.testing.assert_array_equal(*(each.run(None, feeds)[0] for each in (session, reference)))


_X = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize(
    ("op", "arrays", "attributes"),
    [
        ("Gather", [_X, np.array([2])], {}),
        ("Gather", [_X, np.array([-4], np.int32)], {"axis": 1}),
        ("GatherElements", [_X, np.array([[0, 3, 0]])], {"axis": 1}),
        ("GatherElements", [_X, np.zeros((3, 3), np.int64)], {"axis": 1}),
        ("GatherND", [_X, np.array([[0, 0, 0]])], {}),
        ("GatherND", [_X, np.array([[1, 3]])], {}),
        ("GatherND", [_X, np.array([[1]])], {"batch_dims": 1}),
        ("ScatterElements", [_X, np.array([[2]]), np.ones((1, 1), np.float32)], {}),
        ("ScatterElements", [_X, np.array([[1]]), np.ones((1, 2), np.float32)], {}),
        ("ScatterND", [_X, np.array([[2]]), np.ones((1, 3), np.float32)], {}),
        ("ScatterND", [_X, np.array([[1]]), np.ones((1, 2), np.float32)], {}),
        ("TopK", [_X, np.array([4])], {}),
        ("TopK", [_X, np.array([-1])], {}),
        ("Range", [np.array(0), np.array(1), np.array(0)], {}),
        ("ConstantOfShape", [np.array([-1])], {}),
        ("Reshape", [_X, np.array([4, -1])], {}),
        ("Reshape", [_X, np.array([-1, -1])], {}),
        ("Squeeze", [_X, np.array([0])], {}),
        ("Unsqueeze", [_X, np.array([0, 0])], {}),
        ("Expand", [_X, np.array([3, 3])], {}),
        ("Slice", [_X, np.array([0]), np.array([1]), np.array([2])], {}),
        ("Slice", [_X, np.array([0]), np.array([1]), np.array([0]), np.array([0])], {}),
        ("Concat", [_X, np.zeros((2, 4), np.float32)], {"axis": 0}),
        ("Add", [_X, np.zeros(2, np.float32)], {}),
        ("Div", [np.array([1]), np.array([0])], {}),
        ("ReduceSum", [_X, np.array([2])], {}),
    ],
)
def test_what_is_wrong_is_told_as_ever(op: str, arrays: Arrays, attributes: dict[str, Any]) -> None:
    session, reference, feeds = _sessions(op, arrays, attributes, 2 if op == "TopK" else 1)
    for _ in range(2):
        with pytest.raises(Exception) as expected:
            reference.run(None, feeds)
        with pytest.raises(type(expected.value)) as told:
            session.run(None, feeds)
        assert str(told.value) == str(expected.value)

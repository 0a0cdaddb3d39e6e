"""select_columns and lookup: what moves, copies or renames columns, against NumPy; and what is no matter of columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.interpret import NodeError
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from tests.native.tables import Feeds, check, model, node

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(300, 6)).astype(np.float32)
DEEP = _RNG.normal(size=(300, 2, 3))
WORDS = np.array(["a", "bc", "ä", ""], object)[_RNG.integers(0, 4, (300, 6))]


def _one(op: str, x: np.ndarray, expected: Any, constants: Feeds | None = None, **attributes: Any) -> None:
    """A node on x and constants, then Identity twice over, so that aliases are read inside and outside."""
    opset = attributes.pop("opset", 18)
    domain = attributes.pop("domain", "")
    nodes = [node(op, ["x", *(constants or {})], ["y"], domain, **attributes)]
    made = model(nodes, {"x": x}, constants or {}, ["y"], opset)
    check(made, {"x": x}, expected=lambda some: [expected(some["x"])])


@pytest.mark.parametrize("x", [X, X.astype(np.float64), X > 0, WORDS, X.astype(np.int64), X.astype(np.int32)])
def test_every_type(x: np.ndarray) -> None:
    at = np.array([5, 0, 0, 3])
    _one("Gather", x, lambda v: v[:, at], {"i": at}, axis=1)


def test_gather() -> None:
    _one("Gather", X, lambda v: v[:, 2], {"i": np.array(2)}, axis=1)
    _one("Gather", X, lambda v: v[:, [-1, 0]], {"i": np.array([-1, 0])}, axis=-1)
    _one("Gather", DEEP, lambda v: v[:, :, [[2, 0], [1, 1]]], {"i": np.array([[2, 0], [1, 1]])}, axis=2)


def test_array_feature_extractor() -> None:
    at = np.array([[4, 1]])
    _one("ArrayFeatureExtractor", X, lambda v: v[:, [4, 1]], {"i": at}, domain="ai.onnx.ml")


def test_slice() -> None:
    for start, stop, step in ((1, 4, 1), (0, 9, 2), (-2, 100, 1), (5, -100, -2)):
        constants = {"s": np.array([start]), "e": np.array([stop]), "a": np.array([1]), "t": np.array([step])}
        last = None if stop == -100 else stop
        _one("Slice", X, lambda v, s=start, e=last, t=step: v[:, s:e:t], constants)
    _one("Slice", X, lambda v: v[:, 1:3], starts=[1], ends=[3], axes=[1], opset=9)


def test_split() -> None:
    made = model([node("Split", ["x", "s"], ["a", "", "b"], axis=1)], {"x": X}, {"s": np.array([1, 2, 3])}, ["a", "b"])
    check(made, {"x": X}, expected=lambda some: [some["x"][:, :1], some["x"][:, 3:]])
    made = model([node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2)], {"x": X}, {}, ["a", "b"])
    check(made, {"x": X}, expected=lambda some: [some["x"][:, :3], some["x"][:, 3:]])


def test_tile_and_expand() -> None:
    _one("Tile", X, lambda v: np.tile(v, (1, 3)), {"r": np.array([1, 3])})
    _one("Expand", DEEP[:, :, :1].copy(), lambda v: np.broadcast_to(v, (len(v), 2, 4)), {"s": np.array([2, 4])})


@pytest.mark.parametrize(
    ("shape", "tail"), [([-1, 6], (6,)), ([0, -1], (6,)), ([-1, 2, 3], (2, 3)), ([0, 0], (6,)), ([0, 3, -1], (3, 2))]
)
def test_reshape(shape: list[int], tail: tuple[int, ...]) -> None:
    _one("Reshape", X, lambda v: v.reshape(len(v), *tail), {"s": np.array(shape)})


def test_one_column_and_none() -> None:
    one = X[:, :1].copy()
    _one("Reshape", one, lambda v: v.reshape(-1), {"s": np.array([-1])})
    _one("Reshape", one.reshape(-1), lambda v: v.reshape(-1, 1), {"s": np.array([-1, 1])})
    _one("Squeeze", one, lambda v: v[:, 0], {"a": np.array([1])})
    _one("Unsqueeze", one, lambda v: v[:, None], {"a": np.array([1])})
    _one("Unsqueeze", one, lambda v: v[:, :, None], {"a": np.array([-1])})
    _one("Flatten", DEEP, lambda v: v.reshape(len(v), 6))


def test_concat() -> None:
    feeds = {"a": X, "b": X[:, :1].copy()}
    made = model([node("Concat", ["a", "b", "a"], ["y"], axis=1)], feeds, {}, ["y"])
    check(made, feeds, expected=lambda some: [np.concatenate([some["a"], some["b"], some["a"]], axis=1)])
    deep = {"a": DEEP, "b": DEEP[:, :1].copy()}
    check(
        model([node("Concat", ["a", "b"], ["y"], axis=-2)], deep, {}, ["y"]),
        deep,
        expected=lambda some: [np.concatenate([some["a"], some["b"]], axis=1)],
    )
    made = model([node("FeatureVectorizer", ["a", "b"], ["y"], "ai.onnx.ml", inputdimensions=[6, 1])], feeds, {}, ["y"])
    check(made, feeds, expected=lambda some: [np.concatenate([some["a"], some["b"]], axis=1)])


@pytest.mark.parametrize("index", [np.int64, np.int32])
@pytest.mark.parametrize(
    "table", [np.array([1.5, 2, -3], np.float32), np.arange(3) * 10, np.array(["a", "b", "c"], object)]
)
def test_lookup(table: np.ndarray, index: type) -> None:
    feeds = {"i": _RNG.integers(-3, 3, (300, 2)).astype(index)}
    made = model([node("Gather", ["t", "i"], ["y"], axis=0)], feeds, {"t": table}, ["y"])
    check(made, feeds, expected=lambda some: [table[some["i"]]])
    feeds["i"][5, 1] = 3
    with pytest.raises(NodeError):
        compile_model(made).execute(feeds)


@pytest.mark.parametrize("index", [np.int64, np.int32])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_, object])
def test_elements_of_each_row(dtype: type, index: type) -> None:
    values = (X[:, :4] > 0) if dtype is np.bool_ else X[:, :4].astype(dtype).astype(str).astype(object)
    feeds = {"x": values if dtype in (np.bool_, object) else X[:, :4].astype(dtype)}
    feeds["i"] = _RNG.integers(-4, 4, (len(X), 3)).astype(index)
    made = model([node("GatherElements", ["x", "i"], ["y"], axis=1)], feeds, {}, ["y"])
    check(made, feeds, expected=lambda some: [np.take_along_axis(some["x"], some["i"].astype(np.int64), 1)])
    feeds["i"][5, 1] = 4
    with pytest.raises(NodeError):
        compile_model(made).execute(feeds)


@pytest.mark.parametrize("reduction", ["none", "add"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
def test_scatter(dtype: type, reduction: str) -> None:
    feeds = {
        "x": (X[:, :4] * 9).astype(dtype),
        "i": _RNG.integers(-4, 4, (len(X), 3)),  # some of them twice: the last one stays, or both are added
        "u": (_RNG.normal(size=(len(X), 3)) * 9).astype(dtype),
    }
    made = model([node("ScatterElements", ["x", "i", "u"], ["y"], axis=1, reduction=reduction)], feeds, {}, ["y"])
    check(made, feeds)
    feeds["i"][7, 0] = -5
    with pytest.raises(NodeError):
        compile_model(made).execute(feeds)


def test_lookup_of_rows() -> None:
    table = _RNG.normal(size=(4, 3))
    feeds = {"i": _RNG.integers(0, 4, 300)}
    made = model([node("Gather", ["t", "i"], ["y"])], feeds, {"t": table}, ["y"])
    check(made, feeds, expected=lambda some: [table[some["i"]]])


def test_labels_along_the_second_axis() -> None:
    """What scikit-learn's converters make of a table of labels and one index a row: [1, N], then [N]."""
    feeds = {"s": X}
    nodes = [
        node("ArgMax", ["s"], ["i"], axis=1),
        node("ArrayFeatureExtractor", ["t", "i"], ["l"], "ai.onnx.ml"),
        node("Cast", ["l"], ["c"], to=7),
        node("Reshape", ["c", "r"], ["y"]),
    ]
    constants = {"t": np.arange(6, dtype=np.int32) * 7, "r": np.array([-1])}
    for outputs in (["y"], ["l", "y"], ["c"]):
        check(
            model(nodes, feeds, constants, outputs),
            feeds,
            expected=lambda some, o=outputs: [_labels(some["s"], constants["t"], name) for name in o],
            concatenate=[1 if name != "y" else 0 for name in outputs],
        )


def _labels(scores: np.ndarray, table: np.ndarray, name: str) -> np.ndarray:
    found = table[scores.argmax(axis=1)]
    return {"l": found[None], "c": found[None].astype(np.int64), "y": found.astype(np.int64)}[name]


def test_columns_before_the_rows() -> None:
    """Tables side by side along a first axis, reduced over it; looked up column by column, and transposed."""
    feeds = {"a": X, "b": X[:, ::-1].copy()}
    nodes = [
        node("Reshape", ["a", "r"], ["p"]),
        node("Reshape", ["b", "r"], ["q"]),
        node("Concat", ["p", "q"], ["c"], axis=0),
        node("ReduceMean", ["c", "axis"], ["y"], keepdims=0),
    ]
    constants = {"r": np.array([1, -1, 6]), "axis": np.array([0])}
    made = model(nodes, feeds, constants, ["y"])
    check(made, feeds, expected=lambda some: [((some["a"].astype(np.float64) + some["b"]) / 2).astype(np.float32)])
    table = _RNG.normal(size=(3, 4))
    index = {"i": _RNG.integers(0, 4, (300, 1))}
    nodes = [
        node("ArrayFeatureExtractor", ["t", "i"], ["l"], "ai.onnx.ml"),
        node("Transpose", ["l"], ["y"], perm=[1, 0]),
    ]
    check(model(nodes, index, {"t": table}, ["y"]), index, expected=lambda some: [table.T[some["i"][:, 0]]])


@pytest.mark.parametrize(
    "table", [_RNG.normal(size=(2, 3, 4)), _RNG.integers(0, 9, (5, 4)), np.array([["a", "b", "ü", ""]] * 3, object)]
)
def test_columns_may_come_before_rows(table: np.ndarray) -> None:
    axis = table.ndim - 1
    index = {"i": _RNG.integers(0, 4, (300, 1))}
    one = node("ArrayFeatureExtractor", ["t", "i"], ["y"], "ai.onnx.ml")
    check(
        model([one], index, {"t": table}, ["y"]), index,
        expected=lambda some: [table[..., some["i"][:, 0]]], concatenate=[axis],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "constants", "axis"),
    [
        (node("Transpose", ["x"], ["y"], perm=[1, 0]), {}, 1),
        (node("Expand", ["x", "s"], ["y"]), {"s": np.array([3, 1, 6])}, 1),
        (node("Reshape", ["x", "s"], ["y"]), {"s": np.array([1, -1, 2, 3])}, 1),
    ],
)
def test_rows_may_go_behind_columns(one: Any, constants: Feeds, axis: int) -> None:
    check(model([one], {"x": X}, constants, ["y"]), {"x": X}, concatenate=[axis])


@pytest.mark.parametrize(
    ("op", "constants", "attributes"),
    [
        ("Reshape", {"s": np.array([1, -1])}, {}),
        ("Reshape", {"s": np.array([-1])}, {}),
        ("Reshape", {"s": np.array([-1, 3])}, {}),
        ("Gather", {"i": np.array([0])}, {"axis": 0}),
        ("Gather", {"i": np.array([6])}, {"axis": 1}),
        ("Slice", {"s": np.array([0]), "e": np.array([1])}, {}),
        ("Tile", {"r": np.array([2, 1])}, {}),
        ("Flatten", {}, {"axis": 0}),
        ("Concat", {}, {"axis": 0}),
    ],
)
def test_rows_that_do_not_stay_rows_are_left_alone(op: str, constants: Feeds, attributes: dict[str, Any]) -> None:
    nodes = [node(op, ["x", *constants], ["y"], **attributes)]
    (step,) = compile_model(model(nodes, {"x": X}, constants, ["y"])).plan.steps
    assert not isinstance(step, PipelineStep)

"""Rows that stay rows: kernels that go along them, beside others that want columns, whatever the layout of the inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.graph.graph import Node
from celeris.plan.compile import compile_model
from tests.native.tables import Feeds, check, model, node, other_instruction_sets, reals, run_on, whole

WIDTHS = (2, 15, 16, 31, 32, 33, 100, 300)
ML = "ai.onnx.ml"


def _check(width: int, nodes: list[Node], outputs: list[str], dtype: Any = np.float32, ulps: float = 0, size: float = 0, **constants: Any) -> None:  # fmt: skip
    x = whole(dtype, width) if np.dtype(dtype).kind == "i" else reals(dtype, width)
    if ulps:  # sums of infinities have no last place
        x = np.where(np.isfinite(x), x, dtype(1))
    feeds: Feeds = {"x": x}
    check(model(nodes, feeds, constants, outputs), feeds, rows=(0, 1, 2, 31, 64, 65, 530), ulps=ulps, size=size)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("each", ["one", "each"])
def test_of_ai_onnx_ml(width: int, each: str) -> None:
    """Constants for each column, and one for all."""
    some = np.arange(1, width + 1, dtype=np.float32)[: width if each == "each" else 1]
    scaler = node("Scaler", ["x"], ["s"], ML, offset=[float(v) for v in some], scale=[float(v) for v in 1 / some])
    imputer = node(
        "Imputer", ["s"], ["i"], ML, imputed_value_floats=[float(v) for v in some], replaced_value_float=np.nan
    )
    binarizer = node("Binarizer", ["i"], ["b"], ML, threshold=0.25)
    _check(width, [scaler, imputer, binarizer], ["i", "b"])
    integers = node("Imputer", ["x"], ["i"], ML, imputed_value_int64s=[int(v) for v in some], replaced_value_int64=-3)
    _check(width, [integers], ["i"], np.int64)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions(width: int, dtype: Any) -> None:
    constants = {
        "a": np.arange(width, dtype=dtype) / 8,
        "two": dtype([2]),
        "e": 1 + np.arange(width, dtype=dtype) % 3 / 2,
    }
    nodes = [
        node("Sub", ["x", "a"], ["s"]),
        node("Abs", ["s"], ["p"]),
        node("Pow", ["p", "e"], ["q"]),
        node("Greater", ["x", "a"], ["g"]),
        node("Where", ["g", "s", "two"], ["w"]),
        node("Cast", ["w"], ["c"], to=1),
        node("Tanh", ["c"], ["t"]),
    ]
    _check(width, nodes, ["s", "w", "t", "g"], dtype, ulps=4, **constants)
    _check(width, nodes[:3], ["q"], dtype, ulps=3, **constants)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "op", ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare"]
)
def test_folded_rows(width: int, op: str) -> None:
    """A number of each row, by itself, and beside the row: one column that all others meet."""
    axes = {"axes": np.array([1])}
    given = [node(op, ["x", "axes"], ["r"])]
    for dtype, ulps in ((np.float32, 2), (np.float64, 8)):
        _check(width, given, ["r"], dtype, ulps=ulps, size=1e3, **axes)
        both = [*given, node("Add", ["x", "r"], ["y"]), node("Less", ["r", "x"], ["z"])]
        _check(width, both, ["y", "r"], dtype, ulps=ulps, size=1e3, **axes)
    if op not in ("ReduceMean", "ReduceL2"):
        _check(width, given, ["r"], np.int64, **axes)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("norm", ["MAX", "L1", "L2"])
def test_norms(width: int, norm: str) -> None:
    for dtype in (np.float32, np.float64, np.int64):
        rows = [node("Normalizer", ["x"], ["y"], ML, norm=norm)]
        _check(width, rows, ["y"], dtype, ulps=2)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_chosen_columns(width: int, dtype: Any) -> None:
    """Few or many, in their order or not; then kernels that go along rows, and those that want columns."""
    order = np.random.default_rng(width).permutation(width)
    for columns in (order[:1], order[:2], np.sort(order[: width // 2 + 1]), order, np.arange(width)[width // 4 :]):
        gather = node("Gather", ["x", "columns"], ["g"], axis=1)
        _check(width, [gather], ["g"], dtype, columns=columns)
        _check(width, [gather, node("Abs", ["g"], ["a"])], ["a", "g"], dtype, columns=columns)
        _check(width, [gather, node("ArgMax", ["g"], ["a"], axis=1)], ["a", "g"], dtype, columns=columns)


@pytest.mark.parametrize("width", WIDTHS)
def test_columns_beside_long_rows(width: int) -> None:
    """What is put beside a row may be columns: of a product, of a choice, of a number of each row."""
    weights = np.random.default_rng(0).normal(size=(width, 2)).astype(np.float32)
    nodes = [
        node("Scaler", ["x"], ["s"], ML, offset=[1.0] * width, scale=[0.5] * width),
        node("MatMul", ["x", "weights"], ["m"]),
        node("Gather", ["x", "columns"], ["g"], axis=1),
        node("ReduceMax", ["x", "axes"], ["r"]),
        node("Concat", ["m", "s", "g", "x", "r"], ["y"], axis=1),
    ]
    constants = {"weights": weights, "columns": np.array([width - 1]), "axes": np.array([1])}
    _check(width, nodes, ["y", "m"], ulps=8, size=1e3, **constants)
    _check(width, [*nodes, node("ArgMin", ["y"], ["a"], axis=1)], ["y", "s"], ulps=8, size=1e3, **constants)


def test_rows_that_overlap_or_repeat() -> None:
    """Windows of one another, and one row for all: rows whose distance is one element, or none."""
    x = reals(np.float32, 400)[0]
    made = model([node("Neg", ["x"], ["y"])], {"x": np.zeros((1, 40), np.float32)}, {}, ["y"])
    program = compile_model(made)
    for view in (
        np.lib.stride_tricks.sliding_window_view(x, 40),
        np.broadcast_to(x[:40], (70, 40)),
        x.reshape(10, 40)[::-1],
    ):
        assert np.array_equal(program.execute({"x": view})[0], -view, equal_nan=True)


@pytest.mark.parametrize("isa", other_instruction_sets())
def test_under_each_instruction_set(isa: str) -> None:
    run_on(isa, __file__)

"""reduce, arg_extreme, top_k, cumulative_sum and softmax, against NumPy in float64 or the exact integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from celeris.plan.compile import compile_model
from celeris.providers.base import Refusal
from celeris.providers.native.reduce import REDUCTIONS
from tests.native.tables import Feeds, answer, assert_independent, check, model, node, reals, whole

_REDUCERS: dict[str, Callable[..., Any]] = {
    "ReduceL1": lambda x, **k: np.abs(x).sum(**k),
    "ReduceL2": lambda x, **k: np.sqrt((x * x).sum(**k)),
    "ReduceLogSum": lambda x, **k: np.log(x.sum(**k)),
    "ReduceLogSumExp": lambda x, **k: np.logaddexp.reduce(x, **k),
    "ReduceMax": np.max,
    "ReduceMean": np.mean,
    "ReduceMin": np.min,
    "ReduceProd": np.prod,
    "ReduceSum": np.sum,
    "ReduceSumSquare": lambda x, **k: (x * x).sum(**k),
}


def _wide(x: np.ndarray) -> np.ndarray:
    return x.astype(np.longdouble) if x.dtype.kind == "f" else x


def test_all_reductions_are_covered() -> None:
    assert _REDUCERS.keys() == REDUCTIONS.keys()


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", sorted(_REDUCERS))
def test_reals(op: str, dtype: type, keepdims: int) -> None:
    rng = np.random.default_rng(0)
    feeds = {"x": reals(dtype, 7) if op in ("ReduceMax", "ReduceMin") else rng.uniform(0.1, 4, (300, 7)).astype(dtype)}
    names, constants, opset = ["x", "axes"], {"axes": np.array([-1])}, 18

    def expected(some: Feeds) -> list[np.ndarray]:
        return [_REDUCERS[op](_wide(some["x"]), axis=1, keepdims=bool(keepdims)).astype(dtype)]

    made = model([node(op, names, ["y"], keepdims=keepdims)], feeds, constants, ["y"], opset)
    check(made, feeds, ulps=0.5 if dtype is np.float32 else 6, expected=expected)
    older = model([node(op, ["x"], ["y"], keepdims=keepdims, axes=[1])], feeds, {}, ["y"], 11)
    check(older, feeds, ulps=0.5 if dtype is np.float32 else 6, expected=expected)


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
@pytest.mark.parametrize("op", sorted(op for op, elements in REDUCTIONS.items() if "int64" in elements))
def test_integers_wrap_around(op: str, dtype: type) -> None:
    feeds = {"x": whole(dtype, 4)}

    def expected(some: Feeds) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            options: dict[str, Any] = {"axis": 1, "keepdims": True}
            if op not in ("ReduceMax", "ReduceMin"):
                options["dtype"] = dtype
            return [np.asarray(_REDUCERS[op](some["x"], **options))]

    made = model([node(op, ["x", "axes"], ["y"])], feeds, {"axes": np.array([1])}, ["y"])
    check(made, feeds, expected=expected)


def test_groups_of_columns() -> None:
    feeds = {"x": np.random.default_rng(0).random((300, 2, 3, 4))}
    for axes, keepdims in (([1], 1), ([2], 0), ([1, 3], 1), ([3, 1], 0), ([1, 2, 3], 0)):
        made = model([node("ReduceSum", ["x", "a"], ["y"], keepdims=keepdims)], feeds, {"a": np.array(axes)}, ["y"])
        sums = lambda s, a=axes, k=keepdims: [s["x"].sum(axis=tuple(a), keepdims=bool(k))]  # noqa: E731
        check(made, feeds, ulps=9, expected=sums)


def test_log_sum_exp_of_infinities() -> None:
    low, high = -np.inf, np.inf
    feeds = {"x": np.array([[low, low], [low, 1], [high, 1], [800, 800], [np.nan, 1]])}
    made = model([node("ReduceLogSumExp", ["x", "a"], ["y"], keepdims=0)], feeds, {"a": np.array([1])}, ["y"])
    truth = np.array([low, 1, high, 800 + np.log(2), np.nan])
    check(made, feeds, ulps=1, expected=lambda some: [truth[np.arange(len(some["x"])) % 5]])


def test_reductions_of_rows_are_left_alone() -> None:
    feeds = {"x": reals(np.float32, 3)}
    for axes in ([0], [0, 1], [-2]):
        made = model([node("ReduceSum", ["x", "a"], ["y"])], feeds, {"a": np.array(axes)}, ["y"])
        assert isinstance(answer(made), Refusal)


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
def test_arg_extreme(dtype: Any, op: str, last: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, (300, 6)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        x[rng.random(x.shape) < 0.1] = np.nan
    feeds = {"x": x}

    def expected(some: Feeds) -> list[np.ndarray]:
        find = np.argmax if op == "ArgMax" else np.argmin
        return [5 - find(some["x"][:, ::-1], axis=1) if last else find(some["x"], axis=1)]

    made = model([node(op, ["x"], ["y"], axis=1, keepdims=0, select_last_index=last)], feeds, {}, ["y"])
    check(made, feeds, expected=expected)


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("k", [1, 3, 40])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_top_k(dtype: Any, k: int, largest: int) -> None:
    rng = np.random.default_rng(0)
    feeds = {"x": rng.integers(-20, 20, (300, 40)).astype(dtype)}

    def expected(some: Feeds) -> list[np.ndarray]:
        x = some["x"]
        order = np.argsort(-x if largest else x, axis=1, kind="stable")[:, :k]
        return [np.take_along_axis(x, order, axis=1), order]

    made = model([node("TopK", ["x", "k"], ["v", "i"], largest=largest)], feeds, {"k": np.array([k])}, ["v", "i"])
    check(made, feeds, expected=expected)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_cumulative_sum(dtype: Any, exclusive: int, reverse: int) -> None:
    feeds = {"x": np.random.default_rng(0).integers(-20, 20, (300, 5)).astype(dtype)}

    def expected(some: Feeds) -> list[np.ndarray]:
        x = some["x"][:, ::-1] if reverse else some["x"]
        sums = np.cumsum(x, axis=1, dtype=dtype) - (x if exclusive else 0)
        return [np.ascontiguousarray(sums[:, ::-1] if reverse else sums, dtype)]

    one = node("CumSum", ["x", "a"], ["y"], exclusive=exclusive, reverse=reverse)
    check(model([one], feeds, {"a": np.array(1)}, ["y"]), feeds, expected=expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_softmax(op: str, dtype: type) -> None:
    feeds = {"x": (np.random.default_rng(0).normal(size=(300, 5)) * 30).astype(dtype)}

    def expected(some: Feeds) -> list[np.ndarray]:
        x = some["x"].astype(np.longdouble)
        less = x - np.logaddexp.reduce(x, axis=1, keepdims=True)
        return [(np.exp(less) if op == "Softmax" else less).astype(dtype)]

    made = model([node(op, ["x"], ["y"], axis=1)], feeds, {}, ["y"])
    if op == "Softmax":  # x less the row's greatest is rounded before e^x magnifies the error
        check(made, feeds, ulps=1 if dtype is np.float32 else 100, expected=expected)
        return
    run = compile_model(made).execute  # a logarithm near 0 has few places left
    assert np.allclose(run(feeds)[0], expected(feeds)[0], rtol=np.finfo(dtype).eps, atol=1e-15)
    assert_independent(run, feeds)

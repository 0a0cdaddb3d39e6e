"""binary, where and cast against the reference tier: operators, broadcasts, types; how integers wrap and refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.graph.types import ELEMENT_NUMBERS
from celeris.interpret import NodeError
from celeris.plan.compile import compile_model
from celeris.providers.base import Refusal
from celeris.providers.native.elementwise import BINARY
from tests.native.tables import Feeds, answer, check, model, node, reals, whole

_REAL = sorted(op for op, elements in BINARY.items() if "float" in elements)
_INTEGER = sorted(op for op, elements in BINARY.items() if "int64" in elements)
_SHAPES = [((4,), (4,)), ((4,), (1,)), ((1,), (4,)), ((), ()), ((2, 3), (1, 3)), ((2, 1), (1, 3)), ((0,), (1,))]


def _table(dtype: Any, tail: tuple[int, ...], seed: int) -> np.ndarray:
    made = reals if np.dtype(dtype).kind == "f" else whole
    columns = int(np.prod(tail))
    return made(dtype, max(columns, 1), seed)[:, :columns].reshape(300, *tail)  # type: ignore[no-any-return]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tails", _SHAPES)
@pytest.mark.parametrize("op", _REAL)
def test_two_tables(op: str, tails: tuple[tuple[int, ...], tuple[int, ...]], dtype: type) -> None:
    feeds = {"a": _table(dtype, tails[0], 0), "b": _table(dtype, tails[1], 1)}
    check(model([node(op, ["a", "b"], ["y"])], feeds, {}, ["y"]), feeds, ulps=2 if op == "Pow" else 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 4), (1, 1)])
@pytest.mark.parametrize("op", _REAL)
def test_table_and_constant(op: str, shape: tuple[int, ...], dtype: type) -> None:
    feeds = {"a": _table(dtype, (4,), 0)}
    constants = {"c": np.random.default_rng(2).normal(size=shape).astype(dtype)}
    for names in (["a", "c"], ["c", "a"]):
        if op == "Pow" and names[0] == "c":
            continue  # a constant base has no kernel
        made = model([node(op, names, ["y"])], feeds, constants, ["y"])
        check(made, feeds, ulps=2 if op == "Pow" else 0)


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
@pytest.mark.parametrize("op", sorted(set(_INTEGER) - {"Div", "Mod", "Sum"}))
def test_integers_wrap_around(op: str, dtype: type) -> None:
    feeds = {"a": whole(dtype, 3, 0), "b": whole(dtype, 3, 1)}
    check(model([node(op, ["a", "b"], ["y"])], feeds, {}, ["y"]), feeds)


@pytest.mark.parametrize("op", ["Div", "Mod"])
def test_integer_division(op: str) -> None:
    feeds = {"a": whole(np.int64, 3, 0), "b": whole(np.int64, 3, 1)}
    feeds["b"][feeds["b"] == 0] = -1
    feeds["b"][1, 0] = -1  # below the smallest integer
    feeds["a"][1, 0] += 1
    made = model([node(op, ["a", "b"], ["y"])], feeds, {}, ["y"])
    check(made, feeds)
    feeds["b"][7, 1] = 0
    with pytest.raises(NodeError, match="divisors other than 0"):
        compile_model(made).execute(feeds)


@pytest.mark.parametrize("exponent", [2.0, 3.0, 0.5, -1.0, 0.0, 2.7, -0.3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers(exponent: float, dtype: type) -> None:
    feeds = {"a": reals(dtype, 4)}
    made = model([node("Pow", ["a", "c"], ["y"])], feeds, {"c": np.array([exponent], dtype)}, ["y"])

    def expected(some: Feeds) -> list[np.ndarray]:
        with np.errstate(all="ignore"):  # a scalar 0.5 would make NumPy take a square root, which differs at -inf
            return [np.power(some["a"], np.full(some["a"].shape, exponent, dtype))]

    check(made, feeds, ulps=2, expected=expected)


@pytest.mark.parametrize("exponent", [1 / 3, 0.0, 2.7, -0.3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers_of_what_is_not_negative(exponent: float, dtype: type) -> None:
    feeds = {"a": np.abs(np.random.default_rng(0).normal(size=(300, 4)) * 10.0 ** np.arange(-3, 5, 2)).astype(dtype)}
    feeds["a"][5], feeds["a"][70, 1], feeds["a"][130, 2] = 0, -0.0, np.inf
    made = model([node("Pow", ["a", "c"], ["y"])], feeds, {"c": np.array([exponent], dtype)}, ["y"])
    check(made, feeds, ulps=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_first_and_second_powers_beside_others_are_exact(dtype: type) -> None:
    """As polynomial features are written."""
    feeds, exponents = {"a": reals(dtype, 3)}, np.array([1, 2, 3], dtype)
    made = model([node("Pow", ["a", "c"], ["y"])], feeds, {"c": exponents}, ["y"])
    (found,) = compile_model(made).execute(feeds)
    with np.errstate(all="ignore"):
        assert np.array_equal(found[:, :2], np.stack([feeds["a"][:, 0], feeds["a"][:, 1] ** 2], 1), equal_nan=True)


def test_power_of_an_integer_exponent() -> None:
    feeds = {"a": reals(np.float32, 4)}
    check(model([node("Pow", ["a", "c"], ["y"])], feeds, {"c": np.array(3, np.int64)}, ["y"]), feeds, ulps=2)


def test_double_powers_are_within_a_unit_of_the_truth() -> None:
    rng = np.random.default_rng(3)
    feeds = {"a": 2.0 ** rng.uniform(-30, 30, (3000, 1)), "b": rng.uniform(-30, 30, (3000, 1))}
    truth = lambda some: [np.power(some["a"].astype(np.longdouble), some["b"]).astype(np.float64)]  # noqa: E731
    check(model([node("Pow", ["a", "b"], ["y"])], feeds, {}, ["y"]), feeds, ulps=1, expected=truth, rows=(3000,))


@pytest.mark.parametrize("op", ["Sum", "Max", "Min"])
def test_more_than_two(op: str) -> None:
    feeds = {"a": reals(np.float32, 3, 0), "b": reals(np.float32, 3, 1), "c": reals(np.float32, 1, 2)}
    constants = {"k": np.array([1, 2, 3], np.float32)}
    for names in (["a", "b", "c"], ["c", "c", "a", "k"], ["a"]):
        used = {name: feeds[name] for name in names if name in feeds}
        made = model([node(op, names, ["z"]), node("Neg", ["z"], ["y"])], used, constants, ["y"])
        check(made, used)


@pytest.mark.parametrize("op", ["And", "Or", "Xor", "Equal"])
def test_truth(op: str) -> None:
    rng = np.random.default_rng(0)
    feeds = {"a": rng.random((300, 3)) < 0.5, "b": rng.random((300, 1)) < 0.5}
    check(model([node(op, ["a", "b"], ["y"])], feeds, {}, ["y"]), feeds)


def test_equal_strings() -> None:
    words = np.array(["", "a", "ab", "a\0", "ä"], object)
    rng = np.random.default_rng(0)
    feeds: Feeds = {"a": words[rng.integers(0, 5, (300, 2))], "b": words[rng.integers(0, 5, (300, 2))]}
    check(model([node("Equal", ["a", "b"], ["y"])], feeds, {}, ["y"], opset=19), feeds)
    one = {"a": feeds["a"]}
    check(model([node("Equal", ["a", "c"], ["y"])], one, {"c": np.array(["ab"], object)}, ["y"], opset=19), one)


def test_clip() -> None:
    feeds = {"a": reals(np.float32, 3)}
    low, high = np.array(-0.5, np.float32), np.array(0.7, np.float32)
    for names in (["a", "low", "high"], ["a", "", "high"], ["a", "low"], ["a"]):
        constants = {n: v for n, v in (("low", low), ("high", high)) if n in names}
        check(model([node("Clip", names, ["y"]), node("Neg", ["y"], ["z"])], feeds, constants, ["z"]), feeds)
    check(model([node("Clip", ["a"], ["y"], min=-0.5, max=0.25)], feeds, {}, ["y"], opset=6), feeds)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_, object])
def test_where(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    pool = {np.bool_: np.array([True, False]), object: np.array(["a", "bc", ""], object)}.get(
        dtype, np.array([1, 2, 3], None if dtype in (np.bool_, object) else dtype)
    )
    feeds: Feeds = {
        "c": rng.random((300, 3)) < 0.5,
        "a": pool[rng.integers(0, len(pool), (300, 3))],
        "b": pool[rng.integers(0, len(pool), (300, 1))],
    }
    constants = {"k": pool[:1], "l": pool[1:2]}
    for a, b in (("a", "b"), ("b", "a"), ("a", "k"), ("k", "b"), ("k", "l")):
        used = {name: feeds[name] for name in ("c", a, b) if name in feeds}
        check(model([node("Where", ["c", a, b], ["y"])], used, constants, ["y"]), used)


def test_rows_of_another_rank_are_no_columns() -> None:
    feeds = {"a": reals(np.float32, 3), "b": reals(np.float32, 1)[:, 0]}
    assert answer(model([node("Add", ["a", "b"], ["y"])], feeds, {}, ["y"])) == Refusal("expected rows along one axis")


_CASTS = [np.float32, np.float64, np.int64, np.int32, np.bool_]


@pytest.mark.parametrize("source", _CASTS)
@pytest.mark.parametrize("target", _CASTS)
def test_cast(source: Any, target: Any) -> None:
    kind = np.dtype(source).kind
    x = reals(source, 3) if kind == "f" else np.random.default_rng(0).integers(-2, 3, (300, 3)).astype(source)
    names = {np.float32: "float", np.float64: "double", np.int64: "int64", np.int32: "int32", np.bool_: "bool"}

    def expected(feeds: Feeds) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            if np.dtype(target).kind != "i" or kind != "f":
                return [feeds["x"].astype(target)]
            v, least = feeds["x"].astype(np.float64), np.iinfo(target).min  # what x86's conversions give
            fits = (v > float(least) - 1) & (v < -float(least))
            return [np.where(fits, np.where(fits, v, 0).astype(target), least).astype(target)]

    nodes = [node("Cast", ["x"], ["z"], to=ELEMENT_NUMBERS[names[target]]), node("Identity", ["z"], ["y"])]
    check(model(nodes, {"x": x}, {}, ["y"]), {"x": x}, expected=expected, claimed=source is not target)

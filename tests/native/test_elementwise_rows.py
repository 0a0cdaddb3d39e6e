"""Pipelines of elementwise kernels, which cut rows side by side into columns as they lie: what rows of any form give."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.interpret import NodeError
from celeris.plan.compile import compile_model
from tests.native.tables import assert_close, check, model, node, other_instruction_sets, reals, run_on

SAME = np.array([2.0], np.float32)


@pytest.mark.parametrize("width", [1, 2, 5, 9, 64, 600])
@pytest.mark.parametrize("scale", ["one", "each"])
def test_chains(width: int, scale: str) -> None:
    """Constants that all columns share, and one for each column; types that differ in size."""
    feeds = {"x": reals(np.float32, width)}
    factor = SAME if scale == "one" else np.arange(width, dtype=np.float32)
    nodes = [
        node("Mul", ["x", "f"], ["m"]),
        node("Abs", ["m"], ["a"]),
        node("Cast", ["a"], ["d"], to=11),
        node("Greater", ["m", "zero"], ["g"]),
        node("Where", ["g", "x", "a"], ["w"]),
    ]
    constants = {"f": factor, "zero": np.zeros(1, np.float32)}
    made = model(nodes, feeds, constants, ["d", "g", "w", "m"])
    check(made, feeds, rows=(0, 1, 2, 7, 63, 64, 65, 530))
    program = compile_model(made)
    some = {"x": reals(np.float32, width, rows=70)}
    for name, all_of_it in zip(("d", "g", "w", "m"), program.execute(some), strict=True):
        assert_close(program.execute(some, [name])[0], all_of_it, 0)


@pytest.mark.parametrize("width", [1, 3, 9, 700])
def test_rows_that_lie_apart_or_side_by_side(width: int) -> None:
    """Two inputs, one of them (or none) without gaps; sums are of elements of the same place."""
    x, y = reals(np.float64, width), reals(np.float64, width, seed=1)
    made = model([node("Sub", ["x", "y"], ["z"])], {"x": x, "y": y}, {}, ["z"])
    program = compile_model(made)
    spread = np.zeros((len(y) * 2, width + 3))
    spread[::2, 2 : width + 2] = y
    for rows in (1, 2, 65, 300):
        with np.errstate(invalid="ignore"):
            expected = x[:rows] - y[:rows]
        for other in (y[:rows], np.asfortranarray(y[:rows]), spread[: rows * 2 : 2, 2 : width + 2]):
            assert_close(program.execute({"x": x[:rows], "y": other})[0], expected, 0)
            assert_close(program.execute({"x": np.asfortranarray(x[:rows]), "y": other})[0], expected, 0)


@pytest.mark.parametrize("width", [1, 5, 700])
def test_inputs_and_results_that_are_shown_twice(width: int) -> None:
    feeds = {"x": reals(np.float32, width)}
    nodes = [node("Neg", ["x"], ["y"]), node("Identity", ["y"], ["y2"]), node("Identity", ["x"], ["x2"])]
    made = model(nodes, feeds, {}, ["y", "y2", "x2"])
    check(made, feeds, rows=(1, 2, 64, 65, 530))


def test_columns_of_one_input_beside_another() -> None:
    """A column that all others meet: rows are columns then."""
    feeds = {"x": reals(np.float32, 4), "y": reals(np.float32, 1, seed=1)}
    check(model([node("Max", ["x", "y"], ["z"])], feeds, {}, ["z"]), feeds)


def test_what_is_refused_is_left_to_the_reference_tier() -> None:
    feeds = {"x": np.arange(1, 1001).reshape(200, 5), "y": np.ones((200, 5), np.int64)}
    made = model([node("Div", ["x", "y"], ["z"])], feeds, {}, ["z"])
    check(made, feeds)
    feeds["y"][-1, -1] = 0
    with pytest.raises(NodeError, match="divisors other than 0"):
        compile_model(made).execute(feeds)


@pytest.mark.parametrize("isa", other_instruction_sets())
def test_under_each_instruction_set(isa: str) -> None:
    run_on(isa, __file__)

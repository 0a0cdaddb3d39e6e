"""powers: a Scan that sums |row - point|^q for each constant point, against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.types import Tensor, element_of
from celeris.providers.base import Claim, Refusal
from tests.native.tables import Feeds, answer, check, model, node, reals


def scan(points: np.ndarray, total: list[Node], x: np.ndarray, **attributes: Any) -> Model:
    """Scan over the points, as scikit-learn's converter writes it: `total` makes s of d = state - point."""
    element, columns = element_of(points.dtype), points.shape[1]
    body = Graph(
        "body",
        ["state", "point"],
        ["same", "sum"],
        [
            node("Identity", ["state"], ["same"]),
            node("Sub", ["state", "point"], ["d"]),
            *total,
            node("Identity", ["s"], ["sum"]),
        ],
        {"axes": np.array([1]), "three": np.array([3], points.dtype)},
        {"state": Tensor(element, (None, columns)), "point": Tensor(element, (columns,))},
    )
    loop = node("Scan", ["x", "points"], ["rows", "sums"], num_scan_inputs=1, **attributes)
    loop.attributes["body"] = Attribute("GRAPH", body)
    nodes = [loop, node("Transpose", ["sums"], ["y"], perm=[1, 0])]
    constants = {"points": points, "half": np.array(1.5, points.dtype)}
    return model(nodes, {"x": x}, constants, ["y"])


def summed(*, power: str = "", absolute: bool = True) -> list[Node]:
    """ReduceSum of d, or of its absolute value, or of a power of that."""
    nodes, last = list[Node](), "d"
    if absolute:
        nodes, last = [node("Abs", ["d"], ["a"])], "a"
    if power:
        nodes, last = [*nodes, node("Pow", [last, power], ["p"])], "p"
    return [*nodes, node("ReduceSum", [last, "axes"], ["s"], keepdims=0)]


@pytest.mark.parametrize(
    ("total", "q"), [(summed(), 1.0), (summed(power="three"), 3.0), (summed(power="half"), 1.5)]
)  # fmt: skip
@pytest.mark.parametrize(("count", "columns"), [(1, 1), (5, 3), (64, 4), (130, 20)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_powers(dtype: Any, count: int, columns: int, total: list[Node], q: float) -> None:
    points, x = reals(dtype, columns, 1, count), reals(dtype, columns, 2)
    x[: min(count, 100)] = points[:100]

    def expected(some: Feeds) -> list[Any]:
        with np.errstate(all="ignore"):
            wide = np.abs(some["x"][:, None].astype(np.float64) - points.astype(np.float64))
            powers = wide * wide * wide if q == 3 else np.power(wide, np.full(wide.shape, q))
            sums = np.zeros((len(wide), count))
            for i in range(columns):
                sums += powers[:, :, i]
            return [sums.astype(dtype)]

    check(scan(points, total, x), {"x": x}, ulps=4, expected=expected)


def test_the_rows_come_out_as_they_came() -> None:
    x = reals(np.float32, 3)
    made = scan(x[:7], summed(), x)
    made.graph.outputs.append("rows")
    check(made, {"x": x}, expected=None, ulps=2)


@pytest.mark.parametrize(
    "total",
    [
        summed(absolute=False),
        summed(power="three", absolute=False),
        summed(power="d"),
        [node("Abs", ["d"], ["a"]), node("ReduceMean", ["a", "axes"], ["s"], keepdims=0)],
        [node("Abs", ["state"], ["a"]), node("ReduceSum", ["a", "axes"], ["s"], keepdims=0)],
    ],
)  # fmt: skip
def test_other_loops_are_refused(total: list[Node]) -> None:
    x = np.ones((2, 3), np.float32)
    assert isinstance(answer(scan(x, summed(), x)), Claim)
    assert isinstance(answer(scan(x, total, x)), Refusal)
    assert isinstance(answer(scan(x[:, :1], summed(), x)), Refusal), "one column is broadcast"
    assert isinstance(answer(scan(x, summed(), x, scan_input_directions=[1])), Refusal)

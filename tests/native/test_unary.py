"""unary against the reference tier; logarithms, hyperbolic tangents and powers against exact values."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.providers.native.elementwise import UNARY
from tests.native.tables import check, model, node, reals, whole

# e^x, ln x and what is made of them are within one or two units of NumPy's; everything else is the same.
_ULPS = {"Exp": 2, "Log": 2, "Sigmoid": 3, "Softplus": 3, "Tanh": 4}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", sorted(set(UNARY) - {"Not"}))
def test_reals(op: str, dtype: type) -> None:
    feeds = {"x": reals(dtype, 5)}
    check(model([node(op, ["x"], ["y"])], feeds, {}, ["y"]), feeds, ulps=_ULPS.get(op, 0))


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
@pytest.mark.parametrize("op", sorted(op for op, elements in UNARY.items() if "int64" in elements))
def test_integers(op: str, dtype: type) -> None:
    feeds = {"x": whole(dtype, 3)}
    check(model([node(op, ["x"], ["y"])], feeds, {}, ["y"]), feeds)


def test_not() -> None:
    feeds = {"x": np.random.default_rng(0).random((300, 3)) < 0.5}
    check(model([node("Not", ["x"], ["y"])], feeds, {}, ["y"]), feeds)


@pytest.mark.parametrize("op", ["Log", "Tanh", "Exp", "Softplus"])
def test_double_functions_are_within_a_unit_of_the_truth(op: str) -> None:
    x = np.concatenate([np.linspace(-20, 20, 4001), np.linspace(0.99, 1.01, 2001), 2.0 ** np.arange(-300, 300, 7.3)])
    x = x[:, None] if op != "Log" else np.abs(x[x != 0])[:, None]
    if op in ("Exp", "Softplus"):
        x = x[x < 700][:, None]
    functions = {"Log": np.log, "Tanh": np.tanh, "Exp": np.exp, "Softplus": lambda v: np.logaddexp(v, 0)}
    truth = functions[op]
    feeds = {"x": x}
    check(
        model([node(op, ["x"], ["y"])], feeds, {}, ["y"]),
        feeds,
        ulps=2 if op in ("Tanh", "Softplus") else 1,
        expected=lambda some: [truth(some["x"].astype(np.longdouble)).astype(np.float64)],
        rows=(len(x),),
    )

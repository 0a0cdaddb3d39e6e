"""Columns that are centred before a product: the product's weights do it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.graph.graph import Node
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from tests.native.tables import assert_independent, model, node

_RNG = np.random.default_rng(0)


def nodes(**other: Node) -> list[Node]:
    """(x - off) - sum(x) / n + more, times weights, as a kernel PCA ends; some nodes may be exchanged."""
    written = {
        "total": node("ReduceSum", ["x", "axes"], ["total"], keepdims=1),
        "less": node("Sub", ["x", "off"], ["less"]),
        "share": node("Div", ["total", "n"], ["share"]),
        "apart": node("Sub", ["less", "share"], ["apart"]),
        "added": node("Add", ["apart", "more"], ["added"]),
        "product": node("MatMul", ["added", "w"], ["y"]),
    }
    return list({**written, **other}.values())


def centred(dtype: Any, offset: float, some: list[Node], outputs: tuple[str, ...] = ("y",)) -> tuple[Any, Any, Any]:
    """The model, its rows, and what it gives in long double."""
    x = (_RNG.normal(size=(300, 20)) + offset).astype(dtype)
    constants = {
        "axes": np.array([1]), "off": x[:7].mean(axis=0), "n": np.array([20], dtype),
        "more": np.array([x[:7].mean()]), "w": _RNG.normal(size=(20, 3)).astype(dtype),
    }  # fmt: skip
    wide = {name: value.astype(np.longdouble) for name, value in {**constants, "x": x}.items()}
    whole = wide["x"] - wide["off"] - wide["x"].sum(axis=1, keepdims=True) / 20 + wide["more"]
    return model(some, {"x": x}, constants, outputs), x, whole @ wide["w"]


def kernels(program: Any) -> list[str]:
    (step,) = program.plan.steps
    assert isinstance(step, PipelineStep)
    return [call.kernel for call in step.kernels]


@pytest.mark.parametrize("offset", [0, 1000])
def test_it_is_one_product_and_no_worse(offset: float) -> None:
    made, x, truth = centred(np.float32, offset, nodes())
    program = compile_model(made)
    assert kernels(program) == ["gemm"]
    plain = compile_model(made, disabled=["native"]).execute({"x": x})[0]
    off, theirs = (np.abs(y - truth).max() for y in (program.execute({"x": x})[0], plain))
    assert off <= theirs
    assert_independent(program.execute, {"x": x})


def test_of_doubles_it_would_lose_places() -> None:
    assert len(kernels(compile_model(centred(np.float64, 1000, nodes())[0]))) == 6


def test_without_a_number_added() -> None:
    made, _, _ = centred(np.float32, 0, [*nodes()[:4], node("MatMul", ["apart", "w"], ["y"])])
    assert kernels(compile_model(made)) == ["gemm"]


@pytest.mark.parametrize(
    "other",
    [
        {"total": node("ReduceMax", ["x", "axes"], ["total"], keepdims=1)},
        {"total": node("ReduceSum", ["less", "axes"], ["total"], keepdims=1)},
        {"apart": node("Sub", ["share", "less"], ["apart"])},
        {"less": node("Sub", ["off", "x"], ["less"])},
        {"share": node("Div", ["n", "total"], ["share"])},
    ],
)
def test_others_stay(other: dict[str, Node]) -> None:
    written = nodes(**other)
    written.sort(key=lambda each: ["less", "total", "share", "apart", "added", "y"].index(each.outputs[0]))
    made, x, _ = centred(np.float32, 0, written)
    program = compile_model(made)
    assert len(kernels(program)) > 1
    plain = compile_model(made, disabled=["native"]).execute({"x": x})[0]
    assert np.allclose(program.execute({"x": x})[0], plain, rtol=1e-4, atol=1e-4)


def test_what_others_read_is_made() -> None:
    made, x, _ = centred(np.float32, 0, nodes(), ("y", "apart"))
    program = compile_model(made)
    assert kernels(program)[-1] == "gemm" and len(kernels(program)) > 1
    for mine, other in zip(
        program.execute({"x": x}), compile_model(made, disabled=["native"]).execute({"x": x}), strict=True
    ):
        assert np.allclose(mine, other, rtol=1e-4, atol=1e-4)

"""What tests of kernels share: models of one node or a few, and how their answers are judged."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import celeris
from celeris.graph.graph import Attribute, AttributeKind, Graph, Model, Node
from celeris.graph.infer import infer
from celeris.graph.types import Tensor, element_of
from celeris.plan.compile import compile_model
from celeris.plan.pipelines import rows_of
from celeris.plan.plan import PipelineStep
from celeris.providers import native
from celeris.providers.base import Claim, Context, Refusal

ROWS = (0, 1, 63, 64, 65, 1000)
Feeds = dict[str, np.ndarray]


def attribute(value: Any) -> Attribute:
    """A Python value as the reader would have made it."""
    kinds: list[tuple[type | tuple[type, ...], AttributeKind]] = [
        (int, "INT"),
        (float, "FLOAT"),
        (np.ndarray, "TENSOR"),
    ]
    for kind, name in kinds:
        if isinstance(value, kind):
            return Attribute(name, value)
    if isinstance(value, str):
        return Attribute("STRING", value.encode())
    if value and isinstance(value[0], str):
        return Attribute("STRINGS", [v.encode() for v in value])
    whole = all(isinstance(v, int) for v in value)
    return Attribute("INTS", np.array(value, np.int64)) if whole else Attribute("FLOATS", np.array(value, np.float32))


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Any) -> Node:
    """A node, its attributes from Python values."""
    return Node(op, list(inputs), list(outputs), {n: attribute(v) for n, v in attributes.items()}, domain)


def model(
    nodes: Sequence[Node], feeds: Feeds, constants: Feeds, outputs: Sequence[str], opset: int = 18, ml: int = 3
) -> Model:
    """A model of these nodes whose inputs are tables like `feeds`, of any number of rows."""
    types: dict[str, Any] = {name: Tensor(element_of(v.dtype), ("N", *v.shape[1:])) for name, v in feeds.items()}
    graph = Graph("g", list(feeds), list(outputs), list(nodes), dict(constants), types)
    made = Model(graph, 8, {"": opset, "ai.onnx.ml": ml, "com.microsoft": 1})
    infer(made)
    return made


def answer(made: Model) -> Claim | Refusal:
    """What the native provider answers for the model's first node."""
    graph = made.graph
    rows = {name: found for name in graph.inputs if (found := rows_of(graph, name)) is not None}
    return native.claim(graph.nodes[0], Context(rows, dict(graph.initializers), made.opsets))


def parts(feeds: Feeds, rows: int) -> Feeds:
    """So many rows of the feeds, which are repeated as needed."""
    return {name: value[np.arange(rows) % len(value)] for name, value in feeds.items()}


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """The same bits (any NaN is a NaN), shape and dtype."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind == "f":
        return bool(np.array_equal(np.where(np.isnan(a), 0, a), np.where(np.isnan(b), 0, b))) and bool(
            np.array_equal(np.isnan(a), np.isnan(b)) and np.array_equal(np.signbit(a[a == 0]), np.signbit(b[b == 0]))
        )
    return bool(np.array_equal(a, b))


def assert_close(ours: np.ndarray, expected: np.ndarray, ulps: float, size: float = 0) -> None:
    """Equal shape and dtype; reals within so many units in the last place (0: equal), NaN at the same places.

    A unit is that of numbers of at least `size`: of sums whose parts are of that size and may leave little.
    """
    assert (ours.dtype, ours.shape) == (expected.dtype, expected.shape)
    if ours.dtype.kind != "f" or ulps == 0:
        assert np.array_equal(ours, expected, equal_nan=ours.dtype.kind == "f")
        return
    unequal = ~((ours == expected) | (np.isnan(ours) & np.isnan(expected)))
    unit = np.finfo(ours.dtype).smallest_subnormal
    with np.errstate(all="ignore"):
        off = np.abs(ours[unequal].astype(np.longdouble) - expected[unequal]) / np.maximum(
            np.spacing(np.maximum(np.abs(expected[unequal]), ours.dtype.type(size))), unit
        )
    assert not (off > ulps).any() and not np.isnan(off).any(), f"{np.max(off)} ulp off"


def check(
    made: Model,
    feeds: Feeds,
    *,
    ulps: float = 0,
    size: float = 0,
    expected: Callable[[Feeds], list[Any]] | None = None,
    claimed: bool = True,
    rows: Sequence[int] = ROWS,
    concatenate: Sequence[int] = (),
) -> None:
    """The native answers are the reference tier's (or `expected`'s) for all sizes, batches and layouts."""
    program = compile_model(made)
    truth = expected or compile_model(made, disabled=["native"]).execute
    if claimed:
        others = [why for why in program.plan.reasons if why[1] != "native"]
        assert [type(step) for step in program.plan.steps] == [PipelineStep], others
    for count in rows:
        some = parts(feeds, count)
        ours = program.execute(some)
        for mine, other in zip(ours, truth(some), strict=True):
            assert_close(mine, other, ulps, size)
    assert_independent(program.execute, parts(feeds, max(rows)), concatenate)


def assert_independent(run: Callable[[Feeds], list[Any]], feeds: Feeds, axes: Sequence[int] = ()) -> None:
    """Rows get the same bits alone, in parts, and in Fortran order. `axes`: along which the outputs have their rows."""
    whole = run(feeds)
    count = len(next(iter(feeds.values())))
    others = [run({name: np.asfortranarray(value) for name, value in feeds.items()})]
    for cuts in ([1, 2, 3, 40, 105], [64, 128, 512, 600]):
        edges = [0, *(c for c in cuts if c < count), count]
        pieces = [run({n: v[a:b] for n, v in feeds.items()}) for a, b in pairwise(edges)]
        columns = list(zip(*pieces, strict=True))
        others.append([np.concatenate(c, axis=a) for c, a in zip(columns, axes or [0] * len(columns), strict=True)])
    for other in others:
        for a, b in zip(whole, other, strict=True):
            assert same(a, b)


def reals(dtype: Any, columns: int, seed: int = 0, rows: int = 300) -> np.ndarray:
    """Numbers of many sizes, with NaN, infinities, zeros of both signs and subnormals among them."""
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-6, 3, (rows, columns))).astype(dtype)
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, np.finfo(dtype).smallest_subnormal, 1.0, -1.0, 0.5, -2.5, 1.5]
    at = rng.integers(0, len(special), (rows, columns))
    return np.where(rng.random((rows, columns)) < 0.1, np.array(special, dtype)[at], x)  # type: ignore[no-any-return]


def whole(dtype: Any, columns: int, seed: int = 0, rows: int = 300) -> np.ndarray:
    """Integers around 0, and the extremes."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, (rows, columns)).astype(dtype)
    info = np.iinfo(dtype)
    x[1, 0], x[2, 0] = info.min, info.max
    return x


def other_instruction_sets() -> list[str]:
    """Those that this processor has and this process does not use."""
    info = celeris.build_info()
    return [isa for isa in info["supported"] if isa != info["instruction_set"]]


def run_on(isa: str, file: str) -> None:
    """The file's other tests pass under that instruction set."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", file, "-k", "not instruction_set"]
    done = subprocess.run(command, env={**os.environ, "CELERIS_ISA": isa}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]

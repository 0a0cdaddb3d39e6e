"""Nodes that only move elements take a shorter way to the same results."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import celeris

_RANDOM = np.random.default_rng(0)


def _model(op: str, x: np.ndarray, others: list[Any], outputs: int, declared: Any, **attributes: Any) -> bytes:
    held = [numpy_helper.from_array(np.asarray(v), f"c{i}") for i, v in enumerate(others)]
    names = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, ["x", *(c.name for c in held)], names, "moved", **attributes)
    element = helper.np_dtype_to_tensor_dtype(x.dtype)
    inputs = [helper.make_tensor_value_info("x", element, declared)]
    graph = helper.make_graph(
        [node], "g", inputs, [helper.make_tensor_value_info(n, element, None) for n in names], held
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


_CASES: list[tuple[str, tuple[int, ...], list[Any], int, dict[str, Any]]] = [
    ("Reshape", (2, 6), [[3, -1]], 1, {}),
    ("Flatten", (2, 3, 4), [], 1, {"axis": 2}),
    ("Squeeze", (1, 3, 1), [[0, 2]], 1, {}),
    ("Unsqueeze", (3, 2), [[0, 3]], 1, {}),
    ("Transpose", (2, 3, 4), [], 1, {"perm": [2, 0, 1]}),
    ("Slice", (5, 6), [[4, 1], [-9, 6], [0, 1], [-2, 3]], 1, {}),
    ("Split", (6, 4), [[1, 2, 3]], 3, {"axis": 0}),
    ("Gather", (5, 3), [2], 1, {"axis": 0}),
    ("Gather", (5, 3), [[2, 0, -1, 0]], 1, {"axis": 1}),
    ("Expand", (3, 1), [[2, 3, 4]], 1, {}),
    ("Tile", (2, 3), [[2, 2]], 1, {}),
    ("Pad", (3, 4), [[0, 2, 0, 3]], 1, {"mode": "reflect"}),
    ("Pad", (3, 4), [[1, 0, 2, 1]], 1, {"mode": "edge"}),
    ("Pad", (3, 4), [[0, 1, 1, 2]], 1, {"mode": "constant"}),
    ("Pad", (3, 4), [[0, -1, 0, 1]], 1, {"mode": "wrap"}),
    ("DepthToSpace", (1, 8, 2, 3), [], 1, {"blocksize": 2}),
    ("SpaceToDepth", (1, 2, 4, 6), [], 1, {"blocksize": 2}),
]


@pytest.mark.parametrize(("op", "shape", "others", "outputs", "attributes"), _CASES)
@pytest.mark.parametrize("element", [np.float32, np.int64, np.uint8, np.bool_])
@pytest.mark.parametrize("declared", ["sizes", "rank", "nothing"])
def test_the_same_results(
    op: str,
    shape: tuple[int, ...],
    others: list[Any],
    outputs: int,
    attributes: dict[str, Any],
    element: type,
    declared: str,
) -> None:
    x = _RANDOM.integers(0, 9, shape).astype(element)
    known = {"sizes": shape, "rank": [None] * len(shape), "nothing": None}[declared]
    model = _model(op, x, [np.asarray(v, np.int64) for v in others], outputs, known, **attributes)
    session = celeris.InferenceSession(model)
    plain = celeris.InferenceSession(model, disabled_optimizers=["native"]).run(None, {"x": x})
    turned = np.asarray(np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0))  # not contiguous
    for fed in (x, turned):
        before = fed.copy()
        found = session.run(None, {"x": fed})
        for mine, other in zip(found, plain, strict=True):
            assert mine.dtype == other.dtype
            np.testing.assert_array_equal(mine, other)
            mine[...] = 0  # the caller's own
        np.testing.assert_array_equal(fed, before)


def test_what_fails_says_so_all_the_same() -> None:
    model = _model("Gather", np.ones((2, 3), np.float32), [np.array([0, 5])], 1, (2, 3), axis=0)
    with pytest.raises(Exception, match="moved"):
        celeris.InferenceSession(model).run(None, {"x": np.ones((2, 3), np.float32)})


@pytest.mark.parametrize(
    ("op", "other", "fed"),
    [("Reshape", [4, -1], (2, 3)), ("Squeeze", [0], (2, 3)), ("Reshape", [2, 3], (0, 3))],
)
def test_what_numpy_refuses_is_explained_by_the_operator(op: str, other: list[int], fed: tuple[int, ...]) -> None:
    x = np.ones(fed, np.float32)
    model = _model(op, x, [np.asarray(other, np.int64)], 1, [None] * len(fed))
    with pytest.raises(Exception, match=f"{op}.*'moved'|'moved'.*{op}"):
        celeris.InferenceSession(model).run(None, {"x": x})


@pytest.mark.parametrize("known", [True, False])
def test_concat(known: bool) -> None:
    shapes = (("a", (2, 3)), ("b", (2, 1)))
    inputs = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s if known else None) for n, s in shapes]
    node = helper.make_node("Concat", ["a", "b", "a"], ["y"], axis=-1)
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    feeds = {"a": np.ones((2, 3), np.float32), "b": np.zeros((2, 1), np.float32)}
    (y,) = celeris.InferenceSession(model).run(None, feeds)
    np.testing.assert_array_equal(y, np.concatenate([feeds["a"], feeds["b"], feeds["a"]], 1))
    if not known:
        with pytest.raises(Exception, match="expected inputs of one shape"):
            celeris.InferenceSession(model).run(None, {"a": feeds["a"], "b": np.zeros((3, 1), np.float32)})

"""What is written is what was read, and the onnx package accepts it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from celeris.graph import edit
from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.types import (
    ELEMENT_NUMBERS,
    Map,
    Optional,
    Sequence,
    SparseTensor,
    SparseTensorType,
    Tensor,
    dtype_of,
)
from celeris.reader import read
from celeris.writer import write
from tests.onnx_models import all_models, file_models
from tests.same import assert_same


def test_round_trip_of_all_backend_models() -> None:
    for data in all_models().values():
        model = read(data)
        assert_same(read(write(model)), model)


def test_checker_accepts_what_it_accepted_before() -> None:
    for data in file_models().values():
        onnx.checker.check_model(onnx.load_from_string(write(read(data))))


def test_every_part_survives() -> None:
    graph = Graph("g", ["x"], ["y"], doc="about")
    graph.types = {
        "x": Tensor("float", ("N", None, 3)),
        "y": Sequence(Map("int64", Tensor("float"))),
        "z": Optional(Tensor("string", ())),
        "s": SparseTensorType("double", (2, 2)),
    }
    graph.denotations = {"x": ["DATA_BATCH", "", "DATA_CHANNEL"]}
    for element in ELEMENT_NUMBERS:
        values = ["a", "ü", ""] if element == "string" else [1, 0, 1]
        edit.set_initializer(graph, element, np.array(values).astype(dtype_of(element)))
    graph.initializers["s"] = SparseTensor(np.array([1.0]), np.array([[0, 1]]), (2, 2))
    inner = Graph("body", outputs=["x"])
    node = Node("Op", ["x", ""], ["y"], domain="my", name="n", overload="o", doc="d")
    node.attributes = {
        "f": Attribute("FLOAT", float(np.float32(0.1))),
        "i": Attribute("INT", -1),
        "s": Attribute("STRING", b"\xff"),
        "t": Attribute("TENSOR", np.array(1, np.int8)),
        "g": Attribute("GRAPH", inner),
        "st": Attribute("SPARSE_TENSOR", graph.initializers["s"]),
        "tp": Attribute("TYPE_PROTO", Tensor("float", (1,))),
        "ts": Attribute("TENSORS", [np.array([2.5], np.float32)]),
        "gs": Attribute("GRAPHS", [inner, inner]),
        "r": Attribute("REF", "outer", "INT"),
    }
    graph.nodes = [node]
    model = Model(graph, 8, {"": 17, "my": 1}, {}, "p", "1", "d", 0, "doc", {"k": "v", "": ""})
    assert_same(read(write(model)), model)


def test_strided_and_foreign_order_arrays() -> None:
    graph = Graph("g")
    graph.initializers = {"a": np.arange(6, dtype=">i4").reshape(2, 3).T, "b": np.arange(9, dtype=np.float16)[::-2]}
    found = read(write(Model(graph, 8, {"": 17}))).graph.initializers
    assert found["a"].tolist() == [[0, 3], [1, 4], [2, 5]]  # type: ignore[union-attr]
    assert found["b"].tolist() == [8, 6, 4, 2, 0]  # type: ignore[union-attr]


@pytest.mark.parametrize("values", [[], [0], [127, 128, -1, 2**62, -(2**63)]])
def test_attribute_lists_may_be_plain_python(values: list[int]) -> None:
    graph = Graph("g", nodes=[Node("Op", [], [], {"i": Attribute("INTS", values), "s": Attribute("STRINGS", ["a"])})])
    found = read(write(Model(graph, 8, {"": 17}))).graph.nodes[0]
    assert found.attr("i").tolist() == values
    assert found.attr("s") == [b"a"]

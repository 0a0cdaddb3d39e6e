"""The text form: readable, and the same graph when read back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celeris.graph.graph import Attribute, Function, Graph, Model, Node
from celeris.graph.strings import Strings
from celeris.graph.text import parse_graph, parse_model, print_graph, print_model, print_node, print_type
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
from tests.onnx_models import all_models
from tests.same import assert_same

TEXT = """graph "g" (%x: float[N,4]) -> (%y: float[N,3]) {
  init %w: float[4,3] = float[1,2]{1.0, -0.5}
  %h: float[?,"a b"], _ = my.dom.Foo(%x, _, %w, axis=1, alpha=0.1, mode="a\\"b", keys=["a", "b"], empty=ints[]) name="n"
  %y = ai.onnx.Relu(%h)
  type %other: seq(float[])
}"""


def test_reads_as_it_prints() -> None:
    graph = parse_graph(TEXT)
    assert print_graph(graph) == TEXT
    node = graph.nodes[0]
    assert (node.domain, node.op_type, node.name) == ("my.dom", "Foo", "n")
    assert node.inputs == ["x", "", "w"]
    assert node.outputs == ["h", ""]
    assert node.attr("alpha") == float(np.float32(0.1))
    assert node.attr("keys") == [b"a", b"b"]
    assert node.attributes["empty"].kind == "INTS"
    assert graph.nodes[1].domain == ""
    assert print_node(graph.nodes[1], graph) == "%y: float[N,3] = ai.onnx.Relu(%h)"


def test_all_backend_models_survive() -> None:
    for data in all_models().values():
        model = read(data)
        assert_same(parse_model(print_model(model)), model)


def test_large_tensors_are_packed_or_elided() -> None:
    graph = Graph("g", initializers={"w": np.arange(1000, dtype=np.float32)})
    assert_same(parse_graph(print_graph(graph)), graph)
    shown = print_graph(graph, elide=True)
    assert "init %w = float[1000]{...}" in shown
    with pytest.raises(ValueError, match="expected elements"):
        parse_graph(shown)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('graph "g" (', "line 1: expected value"),
        ('graph "g" () -> () {\n  %x = \n}', "line 3: expected word"),
        ('graph "g" () -> () {\n  init %x = float[2]{1.0}\n}', "expected 2 elements, got '1'"),
        ('graph "g" () -> () {\n} x', "expected end"),
        ('graph "g" (%x: flat) -> () {\n}', "expected '\\('"),
        ('graph "g" () -> () {\n  %x = a.B(?)\n}', "expected word"),
    ],
)
def test_faults_name_the_line(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_graph(text)


names = st.one_of(
    st.sampled_from(["x", "a/b:0", "-", "_", "a b", "ü", 'q"\\', "%", "a:"]), st.text(min_size=1, max_size=5)
)
elements = st.sampled_from(list(ELEMENT_NUMBERS))
dims = st.one_of(st.integers(0, 2**40), st.none(), names)
shapes = st.none() | st.lists(dims, max_size=3).map(tuple)
types = st.recursive(
    st.builds(Tensor, elements, shapes) | st.builds(SparseTensorType, elements, shapes),
    lambda inner: st.one_of(
        st.builds(Sequence, inner),
        st.builds(Optional, inner),
        st.builds(Map, st.sampled_from(["int64", "string"]), inner),
    ),
    max_leaves=3,
)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    element = draw(elements)
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    dtype = dtype_of(element)
    count = int(np.prod(shape))
    if element == "string":
        array = np.empty(count, object)
        array[:] = draw(st.lists(st.text(max_size=4), min_size=count, max_size=count))
    elif element == "bool":
        array = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), bool)
    elif dtype.isbuiltin == 1 or "float8" in element or element == "bfloat16":
        size = count * dtype.itemsize
        array = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), dtype)
    else:
        array = np.array(draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))).astype(dtype)
    array = array.reshape(shape)
    array.flags.writeable = False
    return array


float32 = st.floats(width=32, allow_nan=False)
scalars: list[st.SearchStrategy[Any]] = [
    st.builds(Attribute, st.just("FLOAT"), float32),
    st.builds(Attribute, st.just("INT"), st.integers(-(2**63), 2**63 - 1)),
    st.builds(Attribute, st.just("STRING"), st.binary(max_size=5)),
    st.builds(Attribute, st.just("TENSOR"), arrays()),
    st.builds(Attribute, st.just("TYPE_PROTO"), types),
    st.builds(Attribute, st.just("FLOATS"), st.lists(float32, max_size=3).map(lambda v: np.array(v, np.float32))),
    st.builds(
        Attribute, st.just("INTS"), st.lists(st.integers(-9, 9), max_size=3).map(lambda v: np.array(v, np.int64))
    ),
    st.builds(Attribute, st.just("STRINGS"), st.lists(st.binary(max_size=5), max_size=3).map(Strings.of)),
    st.builds(Attribute, st.just("TENSORS"), st.lists(arrays(), max_size=2)),
    st.builds(Attribute, st.just("TYPE_PROTOS"), st.lists(types, max_size=2)),
    st.builds(Attribute, st.just("REF"), names, st.sampled_from([None, "INT", "FLOATS"])),
]


def graphs(attributes: st.SearchStrategy[Any]) -> st.SearchStrategy[Graph]:
    node = st.builds(
        Node,
        names,
        st.lists(names | st.just(""), max_size=3),
        st.lists(names | st.just(""), max_size=2),
        st.dictionaries(names, attributes, max_size=2),
        st.sampled_from(["", "ai.onnx.ml", "my dom"]),
        st.text(max_size=3),
        st.text(max_size=2),
        st.text(max_size=3),
    )
    return st.builds(
        Graph,
        st.text(max_size=3),
        st.lists(names | st.just(""), max_size=2),
        st.lists(names | st.just(""), max_size=2),
        st.lists(node, max_size=3),
        st.dictionaries(names, arrays(), max_size=2),
        st.dictionaries(names, types, max_size=3),
        st.text(max_size=3),
        st.dictionaries(names, st.lists(st.text(max_size=3), min_size=1, max_size=2), max_size=1),
    )


attributes = st.one_of(scalars)
nested = st.one_of(
    *scalars,
    st.builds(Attribute, st.just("GRAPH"), graphs(attributes)),
    st.builds(Attribute, st.just("GRAPHS"), st.lists(graphs(attributes), max_size=2)),
)


@settings(max_examples=100, deadline=None)
@given(graphs(nested))
def test_any_graph_survives(graph: Graph) -> None:
    assert_same(parse_graph(print_graph(graph)), graph)


@settings(max_examples=50, deadline=None)
@given(graphs(attributes), st.dictionaries(st.text(max_size=3), st.integers(0, 99)), st.text(max_size=5), st.data())
def test_any_model_survives(graph: Graph, opsets: dict[str, int], text: str, data: st.DataObject) -> None:
    defaults = data.draw(st.dictionaries(names, attributes, max_size=1))
    function = Function(text, text, text, graph, [text], defaults, opsets)
    version = data.draw(st.none() | st.integers(0, 9))
    model = Model(graph, 8, opsets, {(text, text, text): function}, text, text, text, version, text, {text: text})
    assert_same(parse_model(print_model(model)), model)


def test_sparse_tensors_survive() -> None:
    tensor = SparseTensor(np.array([1.5]), np.array([[0, 1]]), (2, 2))
    for array in (tensor.values, tensor.indices):
        array.flags.writeable = False
    graph = Graph(
        "g", initializers={"s": tensor}, nodes=[Node("C", [], ["y"], {"v": Attribute("SPARSE_TENSOR", tensor)})]
    )
    assert_same(parse_graph(print_graph(graph)), graph)


def test_types() -> None:
    kind = Optional(Sequence(Map("int64", SparseTensorType("float", ("N", None, 3)))))
    assert print_type(kind) == "optional(seq(map(int64, sparse(float[N,?,3]))))"
    assert print_type(Tensor("float")) == "float"
    assert print_type(Tensor("float", ())) == "float[]"

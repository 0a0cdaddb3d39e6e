"""The reader against the onnx package, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

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
from celeris.reader import ReadError, read
from tests.onnx_models import all_models, file_models


def type_of(proto: onnx.TypeProto) -> Any:
    """What the reader should make of a type."""
    if proto.HasField("tensor_type") and proto.tensor_type.elem_type:
        return Tensor(_element(proto.tensor_type.elem_type), _shape(proto.tensor_type))
    if proto.HasField("sparse_tensor_type"):
        return SparseTensorType(_element(proto.sparse_tensor_type.elem_type), _shape(proto.sparse_tensor_type))
    if proto.HasField("sequence_type"):
        return Sequence(type_of(proto.sequence_type.elem_type))
    if proto.HasField("optional_type"):
        return Optional(type_of(proto.optional_type.elem_type))
    if proto.HasField("map_type"):
        return Map(_element(proto.map_type.key_type), type_of(proto.map_type.value_type))
    return None


def _element(number: int) -> str:
    return str(TensorProto.DataType.Name(number)).lower()


def _shape(proto: Any) -> tuple[int | str | None, ...] | None:
    if not proto.HasField("shape"):
        return None
    return tuple(
        (dim.dim_value if dim.dim_value >= 0 else None) if dim.HasField("dim_value") else dim.dim_param or None
        for dim in proto.shape.dim
    )


def check_array(found: Any, proto: TensorProto) -> None:
    expected = numpy_helper.to_array(proto)
    assert found.shape == expected.shape
    assert found.dtype == dtype_of(_element(proto.data_type))
    assert not found.flags.writeable
    if found.dtype.kind == "O":
        assert found.tolist() == [text.decode() if isinstance(text, bytes) else text for text in expected.tolist()]
    else:
        assert found.tobytes() == expected.astype(found.dtype).tobytes()


def check_sparse(found: Any, proto: onnx.SparseTensorProto) -> None:
    check_array(found.values, proto.values)
    indices = numpy_helper.to_array(proto.indices)
    if indices.ndim == 1:
        indices = np.stack(np.unravel_index(indices, list(proto.dims)), 1)
    assert found.indices.tolist() == indices.tolist()
    assert found.shape == tuple(proto.dims)


def check_attribute(found: Attribute, proto: onnx.AttributeProto) -> None:
    kind = onnx.AttributeProto.AttributeType.Name(proto.type)
    if proto.ref_attr_name:
        assert (found.kind, found.value, found.ref_kind) == ("REF", proto.ref_attr_name, kind)
        return
    assert found.kind == kind
    expected = helper.get_attribute_value(proto)
    one: dict[str, Callable[[Any, Any], None]] = {
        "TENSOR": check_array,
        "GRAPH": check_graph,
        "SPARSE_TENSOR": check_sparse,
    }
    if kind in one:
        one[kind](found.value, expected)
    elif kind.endswith("S") and kind[:-1] in one:
        for a, b in zip(found.value, expected, strict=True):
            one[kind[:-1]](a, b)
    elif kind == "TYPE_PROTO":
        assert found.value == type_of(expected)
    elif kind == "TYPE_PROTOS":
        assert found.value == [type_of(each) for each in expected]
    elif kind in {"INTS", "FLOATS"}:
        assert found.value.dtype == (np.int64 if kind == "INTS" else np.float32)
        assert found.value.tolist() == list(expected)
    elif kind == "STRINGS":
        assert found.value == list(expected)
    else:
        assert found.value == expected or (found.value != found.value and expected != expected)


def check_node(found: Node, proto: onnx.NodeProto) -> None:
    assert (found.op_type, found.name, found.doc) == (proto.op_type, proto.name, proto.doc_string)
    assert (found.inputs, found.outputs, found.overload) == (list(proto.input), list(proto.output), proto.overload)
    assert found.domain == ("" if proto.domain == "ai.onnx" else proto.domain)
    assert list(found.attributes) == [each.name for each in proto.attribute]
    for each in proto.attribute:
        check_attribute(found.attributes[each.name], each)


def check_graph(found: Graph, proto: onnx.GraphProto) -> None:
    assert (found.name, found.doc) == (proto.name, proto.doc_string)
    assert found.inputs == [each.name for each in proto.input]
    assert found.outputs == [each.name for each in proto.output]
    typed = [*proto.value_info, *proto.input, *proto.output]
    types = {each.name: type_of(each.type) for each in typed}
    assert found.types == {name: kind for name, kind in types.items() if kind is not None}
    dense = {each.name: each for each in proto.initializer}
    sparse = {each.values.name: each for each in proto.sparse_initializer}
    assert found.initializers.keys() == {*dense, *sparse}
    for name, each in dense.items():
        check_array(found.initializers[name], each)
    for name, each in sparse.items():
        check_sparse(found.initializers[name], each)
    assert len(found.nodes) == len(proto.node)
    for node, each in zip(found.nodes, proto.node, strict=True):
        check_node(node, each)


def check_model(found: Model, proto: onnx.ModelProto) -> None:
    assert found.ir_version == proto.ir_version
    assert (found.producer_name, found.producer_version) == (proto.producer_name, proto.producer_version)
    assert (found.domain, found.doc) == (proto.domain, proto.doc_string)
    assert found.version == (proto.model_version if proto.HasField("model_version") else None)
    assert found.opsets == {("" if o.domain == "ai.onnx" else o.domain): o.version for o in proto.opset_import}
    assert found.metadata == {each.key: each.value for each in proto.metadata_props}
    check_graph(found.graph, proto.graph)
    assert len(found.functions) == len(proto.functions)
    for function, each in zip(found.functions.values(), proto.functions, strict=True):
        assert (function.name, function.domain, function.overload) == (each.name, each.domain, each.overload)
        assert (function.graph.inputs, function.graph.outputs) == (list(each.input), list(each.output))
        assert function.attributes == list(each.attribute)
        assert function.opsets == {o.domain: o.version for o in each.opset_import}
        for node, inner in zip(function.graph.nodes, each.node, strict=True):
            check_node(node, inner)
        for default in each.attribute_proto:
            check_attribute(function.defaults[default.name], default)


def test_agrees_with_the_onnx_package_on_all_backend_models() -> None:
    models = all_models()
    assert len(models) > 1500
    for data in models.values():
        check_model(read(data), onnx.ModelProto.FromString(data))


def test_file_and_bytes_read_alike(tmp_path: Path) -> None:
    data = next(iter(file_models().values()))
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    for source in (path, str(path)):
        check_model(read(source), onnx.ModelProto.FromString(data))


def test_file_may_be_overwritten_after_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(model_of([tensor_of("float", [1.0, 2.0, 3.0])]))
    found = read(path)
    path.write_bytes(b"")
    assert array_of(found).tolist() == [1, 2, 3]


def model_of(initializers: list[Any] | None = None, **changes: Any) -> bytes:
    """A model that adds w to x; `changes` are set on the ModelProto, None clears."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])], "g", [value("x", 1, [None])], [value("y", 1, None)]
    )
    graph.initializer.extend(initializers or [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, new in changes.items():
        if new is None:
            model.ClearField(key)
        else:
            setattr(model, key, new)
    return bytes(model.SerializeToString())


def tensor_of(element: str, values: Any, raw: bool = True) -> TensorProto:
    array = np.array(values).astype(dtype_of(element))
    if raw and element != "string":
        return numpy_helper.from_array(array, "w")
    return helper.make_tensor("w", ELEMENT_NUMBERS[element], array.shape, array.reshape(-1))


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("element", ELEMENT_NUMBERS)
def test_every_element_type_raw_and_typed(element: str, raw: bool) -> None:
    values = ["", "ü", "a\0b"] if element == "string" else [[1, 0, 1], [0, 1, 1]]
    for part in (values, values[:1], values[:0]):
        proto = tensor_of(element, part, raw)
        check_array(read(model_of([proto])).graph.initializers["w"], proto)


@pytest.mark.parametrize(
    ("element", "values"),
    [
        ("int4", [-8, 7, -1, 3, 0]),
        ("uint4", [15, 0, 9]),
        ("int2", [-2, 1, -1, 0, 1]),
        ("uint2", [3, 0, 2, 1, 3, 3, 1]),
        ("float4e2m1", [-6.0, 0.5, 3.0]),
        ("float6e2m3", [-7.5, 0.125, 1.0, 3.0, -0.25]),
        ("float6e3m2", [28.0, -0.0625, 1.0, 3.0, 5.0, 6.0, 7.0]),
        ("float8e5m2", [0.25, -0.0, 57344.0]),
        ("bfloat16", [1e30, -1.5]),
        ("float16", [65504, -0.0]),
        ("int8", [-128, 127]),
        ("int16", [-32768, 32767]),
        ("uint64", [2**64 - 1, 0]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("complex64", [1 - 2j, 3j]),
        ("complex128", [1 - 2j, 3j]),
    ],
)
@pytest.mark.parametrize("raw", [True, False])
def test_extreme_elements(element: str, values: list[Any], raw: bool) -> None:
    array = np.array(values, dtype_of(element))
    proto = numpy_helper.from_array(array, "w")
    if not raw:
        proto = helper.make_tensor("w", ELEMENT_NUMBERS[element], array.shape, array)
    found = read(model_of([proto])).graph.initializers["w"]
    assert isinstance(found, np.ndarray)
    assert found.tobytes() == array.tobytes()


def test_raw_bool_bytes_become_true_bools() -> None:
    proto = TensorProto(name="w", data_type=TensorProto.BOOL, dims=[3], raw_data=b"\x00\x01\x7f")
    found = read(model_of([proto])).graph.initializers["w"]
    assert isinstance(found, np.ndarray)
    assert found.view(np.uint8).tolist() == [0, 1, 1]


def refused(source: Any) -> ReadError:
    with pytest.raises(ReadError) as found:
        read(source)
    assert str(found.value) == found.value.text
    return found.value


@pytest.mark.parametrize(
    ("proto", "text"),
    [
        (
            TensorProto(name="w", data_type=1, dims=[2], raw_data=b"12"),
            "Initializer 'w': raw_data size (2 bytes) does not match expected size from shape and data type (8 bytes)",
        ),
        (
            TensorProto(name="w", data_type=1, dims=[2], float_data=[1.0]),
            "Initializer 'w': data field count (1) does not match expected count from shape (2)",
        ),
        (TensorProto(name="w", data_type=1, dims=[-1]), "expected dimensions of 0 or more"),
        (TensorProto(name="w", data_type=1, dims=[2**62, 2**62]), "does not match expected count"),
        (TensorProto(name="w", data_type=1, dims=[0, 2**62, 2**62]), "expected a shape that memory can hold"),
        (TensorProto(name="w", data_type=1, dims=[1] * 33, raw_data=b"1234"), "expected at most 32 dimensions"),
    ],
)
def test_tensor_data_must_fit_the_shape(proto: TensorProto, text: str) -> None:
    error = refused(model_of([proto]))
    assert error.kind == "size"
    assert text in error.text


def test_element_type_must_exist() -> None:
    assert "does not have type information" in refused(model_of([TensorProto(name="w", dims=[0])])).text
    error = refused(model_of([TensorProto(name="w", data_type=99, dims=[0])]))
    assert error.kind == "type"
    assert "Initializer 'w' does not have valid data type" in error.text


def test_strings_must_be_utf8() -> None:
    proto = TensorProto(name="w", data_type=TensorProto.STRING, dims=[1], string_data=[b"\xff"])
    assert refused(model_of([proto])).kind == "value"


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        (b"", "no_graph", "No graph was found in the protobuf."),
        (b"garbage", "protobuf", "Failed to load model because protobuf parsing failed."),
        (model_of(graph=None), "no_graph", "No graph was found in the protobuf."),
        (model_of(ir_version=None), "ir_version", "Missing model IR version."),
        (model_of(ir_version=99), "ir_version", "Unsupported model IR version: 99, max supported IR version: 14"),
        (model_of(opset_import=None), "opset", "Missing opset in the model."),
    ],
)
def test_file_level_faults(source: bytes, kind: str, text: str) -> None:
    error = refused(source)
    assert error.kind == kind
    assert error.text.startswith(text)


def test_opset_too_new() -> None:
    model = onnx.ModelProto.FromString(model_of())
    model.opset_import[0].version = 29
    error = refused(model.SerializeToString())
    assert error.kind == "opset"
    assert "Opset 29 is under development" in error.text
    assert error.text.endswith("Current official support for domain ai.onnx is till opset 28.")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "none.onnx"
    assert refused(path).text == f"Load model {path} failed. File doesn't exist"
    assert refused(tmp_path).kind == "protobuf"
    (tmp_path / "empty.onnx").touch()
    assert refused(tmp_path / "empty.onnx").kind == "no_graph"
    assert refused("a\0b").kind == "no_file"


def array_of(model: Model) -> np.ndarray:
    found = model.graph.initializers["w"]
    assert isinstance(found, np.ndarray)
    return found


def sparse(indices: Any, dims: list[int], values: int = 2) -> bytes:
    model = onnx.ModelProto.FromString(model_of())
    proto = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(values, np.float32), "w"),
        numpy_helper.from_array(np.array(indices, np.int64)),
        dims,
    )
    model.graph.sparse_initializer.append(proto)
    return bytes(model.SerializeToString())


def test_sparse_initializers() -> None:
    for indices in ([1, 5], [[0, 1], [1, 2]]):
        found = read(sparse(indices, [2, 3])).graph.initializers["w"]
        assert isinstance(found, SparseTensor)
        assert found.indices.tolist() == [[0, 1], [1, 2]]
    outside: list[Any] = [[1, 6], [-1, 0], [[0, 3], [0, 0]], [0, 1, 2], [[[0]]]]
    for indices in outside:
        assert refused(sparse(indices, [2, 3])).kind == "value"
    assert refused(sparse([0, 1], [2**40, 2**40])).kind == "size"


def test_old_attributes_tell_their_kind_by_the_field() -> None:
    model = onnx.ModelProto.FromString(model_of())
    model.graph.node[0].attribute.add(name="a", ints=[1, 2])
    found = read(model.SerializeToString()).graph.nodes[0].attributes["a"]
    assert found.kind == "INTS"
    model.graph.node[0].attribute.add(name="b")
    assert refused(model.SerializeToString()).kind == "type"


def test_empty_attributes_have_their_default() -> None:
    model = onnx.ModelProto.FromString(model_of())
    for name, kind in (("i", 2), ("f", 1), ("s", 3), ("is", 7), ("fs", 6), ("ss", 8), ("ts", 9)):
        model.graph.node[0].attribute.add(name=name, type=kind)
    found = read(model.SerializeToString()).graph.nodes[0]
    assert [found.attr("i"), found.attr("f"), found.attr("s")] == [0, 0.0, b""]
    assert [list(found.attr(name)) for name in ("is", "fs", "ss", "ts")] == [[], [], [], []]
    model.graph.node[0].attribute.add(name="t", type=4)
    assert refused(model.SerializeToString()).kind == "value"


def test_dimensions_and_denotations() -> None:
    model = onnx.ModelProto.FromString(model_of())
    del model.graph.input[0].type.tensor_type.shape.dim[:]
    for value in (3, -1, 0):
        model.graph.input[0].type.tensor_type.shape.dim.add(dim_value=value)
    for name in ("N", ""):
        model.graph.input[0].type.tensor_type.shape.dim.add(dim_param=name)
    model.graph.input[0].type.tensor_type.shape.dim.add(denotation="DATA_BATCH")
    graph = read(model.SerializeToString()).graph
    assert graph.types["x"] == Tensor("float", (3, None, 0, "N", None, None))
    assert graph.types["y"] == Tensor("float", None)
    assert graph.denotations == {"x": ["", "", "", "", "", "DATA_BATCH"]}


def test_unsorted_nodes_are_sorted() -> None:
    model = onnx.ModelProto.FromString(model_of())
    model.graph.node.insert(0, helper.make_node("Neg", ["y"], ["z"]))
    found = read(model.SerializeToString()).graph
    assert [node.op_type for node in found.nodes] == ["Add", "Neg"]


def test_functions_and_references() -> None:
    inner = helper.make_node("LeakyRelu", ["a"], ["b"])
    inner.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    function = helper.make_function(
        "my", "F", ["a"], ["b"], [inner], [helper.make_opsetid("ai.onnx", 17)], ["must"],
        [helper.make_attribute("slope", 0.5)],
    )  # fmt: skip
    model = onnx.ModelProto.FromString(model_of())
    model.functions.append(function)
    found = read(model.SerializeToString()).functions["my", "F", ""]
    assert found.attributes == ["must"]
    assert found.defaults == {"slope": Attribute("FLOAT", 0.5)}
    assert found.opsets == {"": 17}
    assert found.graph.nodes[0].attributes["alpha"] == Attribute("REF", "slope", "FLOAT")


SMALL = [data for data in file_models().values() if len(data) < 3000]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_models_end_in_a_model_or_one_exception(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(SMALL))
    damaged = bytearray(whole)
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=8)):
        damaged[at] = byte
    cut = data.draw(st.integers(0, len(whole)))
    drop = data.draw(st.integers(0, 5))
    end = data.draw(st.sampled_from([len(whole), cut]))
    damaged = damaged[:end]
    del damaged[cut : cut + drop]
    with suppress(ReadError):
        assert isinstance(read(bytes(damaged)), Model)

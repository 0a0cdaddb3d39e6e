"""Model -> the dicts that encode.py writes. Nothing is checked here: a Model that was read or edited is legal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from celeris.graph.graph import Attribute, Function, Graph, Model, Node
from celeris.graph.types import (
    ELEMENT_NUMBERS,
    Dim,
    Map,
    Optional,
    Sequence,
    SparseTensor,
    SparseTensorType,
    Tensor,
    Type,
    element_of,
)
from celeris.reader.schema import ATTRIBUTE_KINDS
from celeris.reader.tensors import is_packed, pack
from celeris.reader.wire import Message
from celeris.writer.encode import encode

_KINDS: dict[str, tuple[int, str]] = {name: (number, field) for number, (name, field) in ATTRIBUTE_KINDS.items()}
_FUNCTION_TYPES_SINCE = 10  # the IR version from which a function may declare the types of its values


def write(model: Model) -> bytes:
    """The model as an ONNX file: `read(write(model))` equals `model`, external data drawn in."""
    return encode(
        {
            "ir_version": model.ir_version,
            "producer_name": model.producer_name or None,
            "producer_version": model.producer_version or None,
            "domain": model.domain or None,
            "model_version": model.version,
            "doc_string": model.doc or None,
            "graph": graph_proto(model.graph),
            "opset_import": _opsets(model.opsets),
            "metadata_props": [{"key": key, "value": value} for key, value in model.metadata.items()],
            "functions": [_function(each, model.ir_version) for each in model.functions.values()],
        }
    )


def _opsets(opsets: dict[str, int]) -> list[Message]:
    return [{"domain": domain, "version": version} for domain, version in opsets.items()]


def graph_proto(graph: Graph) -> Message:
    """GraphProto."""
    ends = {*graph.inputs, *graph.outputs}
    constants = graph.initializers.items()
    return {
        "node": [_node(node) for node in graph.nodes],
        "name": graph.name or None,
        "doc_string": graph.doc or None,
        "input": [_value_info(graph, name) for name in graph.inputs],
        "output": [_value_info(graph, name) for name in graph.outputs],
        "value_info": [_value_info(graph, name) for name in graph.types if name not in ends],
        "initializer": [tensor_proto(each, name) for name, each in constants if not isinstance(each, SparseTensor)],
        "sparse_initializer": [_sparse(each, name) for name, each in constants if isinstance(each, SparseTensor)],
    }


def _function(function: Function, ir_version: int) -> Message:
    graph = function.graph
    typed: Iterable[str] = graph.types if ir_version >= _FUNCTION_TYPES_SINCE else ()
    return {
        "name": function.name,
        "domain": function.domain,
        "overload": function.overload or None,
        "input": graph.inputs,
        "output": graph.outputs,
        "attribute": function.attributes,
        "attribute_proto": [_attribute(name, each) for name, each in function.defaults.items()],
        "node": [_node(node) for node in graph.nodes],
        "doc_string": graph.doc or None,
        "opset_import": _opsets(function.opsets),
        "value_info": [_value_info(graph, name) for name in typed],
    }


def _node(node: Node) -> Message:
    return {
        "input": node.inputs,
        "output": node.outputs,
        "name": node.name or None,
        "op_type": node.op_type,
        "domain": node.domain or None,
        "overload": node.overload or None,
        "doc_string": node.doc or None,
        "attribute": [_attribute(name, each) for name, each in node.attributes.items()],
    }


def _attribute(name: str, attribute: Attribute) -> Message:
    if attribute.kind == "REF":
        number = None if attribute.ref_kind is None else _KINDS[attribute.ref_kind][0]
        return {"name": name, "type": number, "ref_attr_name": attribute.value}
    number, field = _KINDS[attribute.kind]
    value = attribute.value
    made = _MESSAGES.get(attribute.kind.removesuffix("S"))
    if made is not None:
        value = [made(each) for each in value] if attribute.kind.endswith("S") else made(value)
    return {"name": name, "type": number, field: value}


def tensor_proto(array: np.ndarray, name: str = "") -> Message:
    """TensorProto, with raw data except for strings."""
    element = element_of(array.dtype)
    proto: Message = {"name": name or None, "dims": array.shape, "data_type": ELEMENT_NUMBERS[element]}
    if element == "string":
        proto["string_data"] = array.reshape(-1).tolist()
    elif is_packed(element):
        proto["raw_data"] = pack(np.ascontiguousarray(array), element)
    else:
        data = np.ascontiguousarray(array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("=")))
        proto["raw_data"] = data.reshape(-1).view(np.uint8) if data.size else b""
    return proto


def _sparse(tensor: SparseTensor, name: str = "") -> Message:
    return {
        "values": tensor_proto(tensor.values, name),
        "indices": tensor_proto(tensor.indices),
        "dims": tensor.shape,
    }


def _value_info(graph: Graph, name: str) -> Message:
    found = graph.types.get(name)
    return {"name": name, "type": None if found is None else type_proto(found, graph.denotations.get(name, ()))}


def type_proto(kind: Type, denotations: Iterable[str] = ()) -> Message:
    """TypeProto; `denotations`: one for each dimension of a tensor."""
    match kind:
        case Tensor(element, shape):
            return {"tensor_type": _tensor_type(element, shape, denotations)}
        case SparseTensorType(element, shape):
            return {"sparse_tensor_type": _tensor_type(element, shape, denotations)}
        case Sequence(inner):
            return {"sequence_type": {"elem_type": type_proto(inner)}}
        case Optional(inner):
            return {"optional_type": {"elem_type": type_proto(inner)}}
        case Map(key, value):
            return {"map_type": {"key_type": ELEMENT_NUMBERS[key], "value_type": type_proto(value)}}


def _tensor_type(element: str, shape: tuple[Dim, ...] | None, denotations: Iterable[str]) -> Message:
    proto: Message = {"elem_type": ELEMENT_NUMBERS[element]}
    if shape is not None:
        dims = [_dim(size) for size in shape]
        for dim, denotation in zip(dims, denotations, strict=False):
            dim["denotation"] = denotation or None
        proto["shape"] = {"dim": dims}
    return proto


def _dim(size: Dim) -> Message:
    if size is None:
        return {}
    return {"dim_param": size} if isinstance(size, str) else {"dim_value": int(size)}


# The attribute kinds that are messages, by the singular's name.
_MESSAGES: dict[str, Callable[[Any], Message]] = {
    "TENSOR": tensor_proto,
    "SPARSE_TENSOR": _sparse,
    "GRAPH": graph_proto,
    "TYPE_PROTO": type_proto,
}

"""TypeProto -> celeris.graph.types."""

from __future__ import annotations

from celeris.graph.types import Dim, Map, Optional, Sequence, Shape, SparseTensorType, Tensor, Type
from celeris.reader.errors import ReadError
from celeris.reader.tensors import element_name
from celeris.reader.wire import Message


def read_type(proto: Message, where: str) -> Type | None:
    """The type, or None where the message says nothing (or 'opaque', which nothing here can hold)."""
    if "tensor_type" in proto:
        inner = proto["tensor_type"]
        if not inner.get("elem_type"):
            return None
        return Tensor(element_name(inner["elem_type"], where), read_shape(inner))
    if "sparse_tensor_type" in proto:
        inner = proto["sparse_tensor_type"]
        return SparseTensorType(element_name(inner.get("elem_type", 0), where), read_shape(inner))
    if "sequence_type" in proto:
        return Sequence(_element(proto["sequence_type"].get("elem_type", {}), where))
    if "optional_type" in proto:
        return Optional(_element(proto["optional_type"].get("elem_type", {}), where))
    if "map_type" in proto:
        inner = proto["map_type"]
        return Map(element_name(inner.get("key_type", 0), where), _element(inner.get("value_type", {}), where))
    return None


def _element(proto: Message, where: str) -> Type:
    found = read_type(proto, where)
    if found is None:
        raise ReadError("type", f"This is an invalid model. {where} does not have type information.")
    return found


def read_shape(proto: Message) -> Shape | None:
    """The shape in a tensor type; None where there is none. '' and negative sizes are unknown."""
    if "shape" not in proto:
        return None
    return tuple(map(_dim, proto["shape"].get("dim", ())))


def _dim(proto: Message) -> Dim:
    if "dim_value" in proto:
        size: int = proto["dim_value"]
        return size if size >= 0 else None
    return proto.get("dim_param") or None

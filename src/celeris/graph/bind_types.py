"""Whether the types that a node reads are those its operator takes, and what they say of the types it makes."""

from __future__ import annotations

from collections.abc import Sequence

from celeris.graph.errors import GraphError
from celeris.graph.graph import Node
from celeris.graph.types import Map, Optional, SparseTensorType, Tensor, Type
from celeris.graph.types import Sequence as SequenceType
from celeris.ops.schema import Parameter, Schema

Bound = dict[str, Type]  # a constraint's name -> the type that inputs gave it


def formal(parameters: tuple[Parameter, ...], at: int) -> Parameter | None:
    """The formal parameter of input or output `at`."""
    if at < len(parameters):
        return parameters[at]
    return parameters[-1] if parameters and parameters[-1].variadic else None


def bind(node: Node, schema: Schema, types: Sequence[Type | None]) -> Bound:
    """The constraints that the inputs fix. GraphError where a type is not permitted, or two do not agree."""
    bound: Bound = {}
    for at, found in enumerate(types):
        parameter = None if found is None else formal(schema.inputs, at)
        if found is None or parameter is None:
            continue
        spelled = str(found)
        if spelled not in parameter.permitted:
            raise GraphError(
                "INVALID_GRAPH",
                f"This is an invalid model. Type Error: Type '{spelled}' of input parameter ({node.inputs[at]}) of "
                f"operator ({node.op_type}) in node ({node.name}) is invalid.",
            )
        if parameter.homogeneous:
            first = bound.setdefault(parameter.type, found)
            if first is not found and str(first) != spelled:
                raise GraphError(
                    "FAIL",
                    f"Type Error: Type parameter ({parameter.type}) of Optype ({node.op_type}) bound to different "
                    f"types ({first} and {spelled} in node ({node.name}).",
                )
    return bound


def made(schema: Schema, at: int, bound: Bound) -> Type | None:
    """The type of output `at` as far as the schema tells it, without a shape; None where it leaves a choice."""
    parameter = formal(schema.outputs, at)
    if parameter is None:
        return None
    if parameter.homogeneous and parameter.type in bound:
        return without_shape(bound[parameter.type])
    return parse_type(next(iter(parameter.permitted))) if len(parameter.permitted) == 1 else None


def without_shape(type_: Type) -> Type:
    """The type of values that are alike in all but their sizes."""
    match type_:
        case Tensor(element):
            return Tensor(element)
        case SparseTensorType(element):
            return SparseTensorType(element)
        case SequenceType(inner):
            return SequenceType(without_shape(inner))
        case Optional(inner):
            return Optional(without_shape(inner))
    return type_


def parse_type(text: str) -> Type:
    """The type that is spelled so: the inverse of str."""
    kind, _, rest = text.partition("(")
    inner = rest[:-1]
    match kind:
        case "tensor":
            return Tensor(inner)
        case "sparse_tensor":
            return SparseTensorType(inner)
        case "seq":
            return SequenceType(parse_type(inner))
        case "optional":
            return Optional(parse_type(inner))
        case "map":
            key, _, value = inner.partition(",")
            return Map(key, parse_type(value))
    raise ValueError(f"type: expected tensor, sparse_tensor, seq, optional or map, got {text!r}")

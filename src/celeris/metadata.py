"""What a session tells of its model: NodeArg per input and output, ModelMetadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celeris.graph.types import Dim, Optional, SparseTensorType, Tensor, Type

if TYPE_CHECKING:
    from celeris.graph.graph import Model

_STATE = "celeris.capi.onnxruntime_pybind11_state"
_NO_VERSION = 2**63 - 1  # what onnxruntime shows where a model has no version


class NodeArg:
    """An input or output: name, type such as 'tensor(float)', shape with int, str or None per dimension."""

    __slots__ = ("_name", "_shape", "_type")
    _name: str
    _shape: tuple[Dim, ...]
    _type: str

    def __init__(self, *_: Any) -> None:
        raise TypeError(f"{_STATE}.NodeArg: No constructor defined!")

    @classmethod
    def of(cls, name: str, type_: Type | None) -> NodeArg:
        """The value `name` of that type."""
        made = cls.__new__(cls)
        inner = type_.element if isinstance(type_, Optional) else type_
        shape = inner.shape if isinstance(inner, (Tensor, SparseTensorType)) else None
        made._name, made._type, made._shape = name, "" if type_ is None else str(type_), shape or ()
        return made

    @property
    def name(self) -> str:
        """As `run` takes it."""
        return self._name

    @property
    def type(self) -> str:
        """Such as 'tensor(float)', 'tensor(string)', 'seq(map(int64,tensor(float)))'."""
        return self._type

    @property
    def shape(self) -> list[Dim]:
        """A size each dimension: an int, a name, or None; [] for a scalar or where the model does not say."""
        return list(self._shape)

    def __str__(self) -> str:
        return f"NodeArg(name='{self._name}', type='{self._type}', shape={self.shape})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._name, self._type, self._shape)


def _restore(name: str, type_: str, shape: tuple[Dim, ...]) -> NodeArg:
    made = NodeArg.__new__(NodeArg)
    made._name, made._type, made._shape = name, type_, shape
    return made


class ModelMetadata:
    """What the file says of itself; text that is missing is ''."""

    def __init__(self) -> None:
        self.producer_name = ""
        self.graph_name = ""
        self.domain = ""
        self.description = ""
        self.graph_description = ""
        self.version = _NO_VERSION
        self.custom_metadata_map: dict[str, str] = {}

    @classmethod
    def of(cls, model: Model) -> ModelMetadata:
        """The metadata of a model."""
        made = cls.__new__(cls)
        made.producer_name, made.domain, made.description = model.producer_name, model.domain, model.doc
        made.graph_name, made.graph_description = model.graph.name, model.graph.doc
        made.version = _NO_VERSION if model.version is None else model.version
        made.custom_metadata_map = dict(model.metadata)
        return made


class AssignedNode:
    """A node as `get_provider_graph_assignment_info` shows it."""

    def __init__(self, name: str, domain: str, op_type: str) -> None:
        self.name, self.domain, self.op_type = name, domain, op_type


class AssignedSubgraph:
    """The nodes that one provider runs."""

    def __init__(self, ep_name: str, nodes: list[AssignedNode]) -> None:
        self.ep_name, self._nodes = ep_name, nodes

    def get_nodes(self) -> list[AssignedNode]:
        """The nodes, in the order of the graph."""
        return self._nodes


NodeArg.__module__ = ModelMetadata.__module__ = _STATE

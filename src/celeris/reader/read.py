"""A file or its bytes -> Model. What operators mean is not known here; every size, count and path is checked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Attribute, AttributeKind, Function, Graph, Model, Node
from celeris.graph.strings import Strings
from celeris.graph.types import SparseTensor
from celeris.reader.errors import ReadError
from celeris.reader.limits import MAX_IR_VERSION, NEWEST_OPSETS
from celeris.reader.schema import ATTRIBUTE_KINDS
from celeris.reader.tensors import read_sparse, read_tensor
from celeris.reader.types import read_type
from celeris.reader.wire import Message, decode
from celeris.records import Record

if TYPE_CHECKING:
    import mmap

    from celeris.reader.external import Folder

_WORTH_MAPPING = 1 << 20  # bytes: a smaller file is read
_KIND_OF_FIELD: dict[str, str] = {field: kind for kind, field in ATTRIBUTE_KINDS.values()}
_ABSENT: dict[str, Callable[[], Any]] = {  # kinds that need no more than their field, and what they are without it
    "FLOAT": float,
    "INT": int,
    "FLOATS": lambda: np.empty(0, np.float32),
    "INTS": lambda: np.empty(0, np.int64),
    "STRINGS": lambda: Strings.of(()),
}


def read(source: str | os.PathLike[str] | bytes, *, threads: int = 1) -> Model:
    """The model in a file, or in bytes, decoded by so many threads; ReadError where there is none that can be run.

    A file is at most mapped while it is read: nothing in the Model refers to it afterwards, so it may be overwritten.
    Tensors of a bytes object stay views of it where its alignment allows. External data stays mapped.
    """
    if isinstance(source, bytes):
        return _model(source, "Failed to load model because protobuf parsing failed.", _Reader(None), threads)
    path = os.fspath(source)
    return _model(_contents(path), "Protobuf parsing failed.", _Reader(path), threads)


def _contents(path: str) -> bytes | mmap.mmap:
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size < _WORTH_MAPPING:
                return file.read()
            import mmap

            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise ReadError("no_file", f"Load model {path} failed. File doesn't exist") from error
    except IsADirectoryError as error:
        raise ReadError("protobuf", "Protobuf parsing failed.") from error
    except ValueError as error:  # a path with a NUL character
        raise ReadError("no_file", f"Load model {path!r} failed. File doesn't exist") from error
    except OSError as error:
        raise ReadError("system", f"system error number {error.errno} ({error.strerror})") from error


def _model(data: bytes | mmap.mmap, failed: str, reader: _Reader, threads: int) -> Model:
    try:
        proto = decode(data, threads=threads)
    except ReadError as error:
        known = _instead(data, error.text)
        raise ReadError("protobuf", f"{failed} ({known or error.text})") from error
    if "graph" not in proto:
        known = _instead(data)
        raise ReadError("no_graph", "No graph was found in the protobuf." + (f" ({known})" if known else ""))
    opsets = _opsets(proto)
    _check_versions(proto, opsets)
    functions = [reader.function(each) for each in proto.get("functions", ())]
    return Model(
        graph=reader.graph(proto["graph"]),
        ir_version=proto["ir_version"],
        opsets=opsets,
        functions={(each.domain, each.name, each.overload): each for each in functions},
        producer_name=proto.get("producer_name", ""),
        producer_version=proto.get("producer_version", ""),
        domain=proto.get("domain", ""),
        version=proto.get("model_version"),
        doc=proto.get("doc_string", ""),
        metadata={entry.get("key", ""): entry.get("value", "") for entry in proto.get("metadata_props", ())},
    )


def _instead(data: bytes | mmap.mmap, problem: str = "") -> str | None:
    from celeris.reader.file_kinds import instead_of_a_model

    return instead_of_a_model(bytes(data[:64]), problem)


def _check_versions(proto: Message, opsets: dict[str, int]) -> None:
    if not opsets:
        raise ReadError(
            "opset",
            "Missing opset in the model. All ModelProtos MUST have at least one entry that specifies which version of "
            "the ONNX OperatorSet is being imported.",
        )
    ir_version = proto.get("ir_version", 0)
    if not ir_version:
        raise ReadError("ir_version", "Missing model IR version.")
    if not 0 < ir_version <= MAX_IR_VERSION:
        raise ReadError(
            "ir_version", f"Unsupported model IR version: {ir_version}, max supported IR version: {MAX_IR_VERSION}"
        )
    for domain, newest in NEWEST_OPSETS.items():
        if opsets.get(domain, 0) > newest:
            raise ReadError(
                "opset",
                "ONNX Runtime only *guarantees* support for models stamped with official released onnx opset "
                f"versions. Opset {opsets[domain]} is under development and support for this is limited. The operator "
                "schemas and or other functionality may change before next ONNX release and in this case ONNX Runtime "
                f"will not guarantee backward compatibility. Current official support for domain {domain or 'ai.onnx'} "
                f"is till opset {newest}.",
            )


def _domain(proto: Message) -> str:
    found: str = proto.get("domain", "")
    return "" if found == "ai.onnx" else found


def _opsets(proto: Message) -> dict[str, int]:
    return {_domain(entry): entry.get("version", 0) for entry in proto.get("opset_import", ())}


class _Reader(Record):
    """What reading a part needs of the whole: the file, None for bytes. What comes from a file is copied."""

    path: str | None
    folder: Folder | None = None

    def tensor(self, proto: Message, where: str) -> np.ndarray:
        return read_tensor(proto, where, self.external, self.path is not None)

    def sparse(self, proto: Message, where: str) -> SparseTensor:
        return read_sparse(proto, where, self.external, self.path is not None)

    def external(self, entries: list[Message], size: int, name: str) -> np.ndarray:
        """Data in files beside the model."""
        if self.folder is None:
            from celeris.reader.external import Folder

            self.folder = Folder(self.path)
        return self.folder.read(entries, size, name)

    def graph(self, proto: Message) -> Graph:
        graph = Graph(name=proto.get("name", ""), doc=proto.get("doc_string", ""))
        for each in proto.get("value_info", ()):
            _note_type(graph, each)
        for each in proto.get("input", ()):
            graph.inputs.append(_note_type(graph, each))
            _note_denotations(graph, each)
        for each in proto.get("output", ()):
            graph.outputs.append(_note_type(graph, each))
        for each in proto.get("initializer", ()):
            name = each.get("name", "")
            graph.initializers[name] = self.tensor(each, f"Initializer '{name}'")
        for each in proto.get("sparse_initializer", ()):
            name = each.get("values", {}).get("name", "")
            graph.initializers[name] = self.sparse(each, f"Initializer '{name}'")
        graph.nodes = [self.node(each) for each in proto.get("node", ())]
        edit.sort_nodes(graph)
        return graph

    def function(self, proto: Message) -> Function:
        name: str = proto.get("name", "")
        graph = Graph(
            name=name,
            inputs=proto.get("input", []),
            outputs=proto.get("output", []),
            nodes=[self.node(each) for each in proto.get("node", ())],
            doc=proto.get("doc_string", ""),
        )
        for each in proto.get("value_info", ()):
            _note_type(graph, each)
        edit.sort_nodes(graph)
        defaults = (self.attribute(each, f"function '{name}'") for each in proto.get("attribute_proto", ()))
        return Function(
            name=name,
            domain=_domain(proto),
            overload=proto.get("overload", ""),
            graph=graph,
            attributes=proto.get("attribute", []),
            defaults=dict(defaults),
            opsets=_opsets(proto),
        )

    def node(self, proto: Message) -> Node:
        get = proto.get
        op_type: str = get("op_type", "")
        name: str = get("name", "")
        attributes: dict[str, Attribute] = {}
        if "attribute" in proto:
            where = f"node '{name}' ({op_type})"
            attributes.update([self.attribute(each, where) for each in proto["attribute"]])
        return Node(
            op_type,
            get("input", []),
            get("output", []),
            attributes,
            _domain(proto),
            name,
            get("overload", ""),
            get("doc_string", ""),
        )

    def attribute(self, proto: Message, where: str) -> tuple[str, Attribute]:
        name: str = proto.get("name", "")
        known: Any = ATTRIBUTE_KINDS.get(proto.get("type", 0))
        kind, field = known or _kind(proto, f"{where} attribute '{name}'")
        if "ref_attr_name" in proto:
            return name, Attribute("REF", proto["ref_attr_name"], kind)
        found = proto.get(field)
        if kind == "STRING":
            return name, Attribute(kind, bytes(found or b""))
        if kind in _ABSENT:
            return name, Attribute(kind, _ABSENT[kind]() if found is None else found)
        return name, Attribute(kind, self.value(kind, found, f"{where} attribute '{name}'"))

    def value(self, kind: AttributeKind, found: Any, where: str) -> Any:
        """The value of an attribute of messages from the field that holds it, None where the field is absent."""
        if kind.endswith("S"):
            return [self.message(kind[:-1], each, where) for each in found or ()]
        if found is None:
            raise ReadError("value", f"{where}: expected a {kind.lower()}, got nothing")
        return self.message(kind, found, where)

    def message(self, kind: str, proto: Message, where: str) -> Any:
        match kind:
            case "TENSOR":
                return self.tensor(proto, where)
            case "SPARSE_TENSOR":
                return self.sparse(proto, where)
            case "GRAPH":
                return self.graph(proto)
        found = read_type(proto, where)
        if found is None:
            raise ReadError("type", f"{where}: expected a type, got none")
        return found


def _kind(proto: Message, where: str) -> tuple[Any, str]:
    """The kind and field of an attribute in a file older than IR 2, which tells it only by the field that is there."""
    for field in proto:
        if field in _KIND_OF_FIELD:
            return _KIND_OF_FIELD[field], field
    if "ref_attr_name" in proto:
        return None, ""
    raise ReadError("type", f"{where}: expected an attribute type from 1 to 14, got {proto.get('type', 'none')}")


def _note_type(graph: Graph, proto: Message) -> str:
    name: str = proto.get("name", "")
    found = read_type(proto.get("type", {}), f"Value '{name}'")
    if found is not None:
        graph.types[name] = found
    return name


def _note_denotations(graph: Graph, proto: Message) -> None:
    dims = proto.get("type", {}).get("tensor_type", {}).get("shape", {}).get("dim", ())
    found = [dim.get("denotation", "") for dim in dims]
    if any(found):
        graph.denotations[proto.get("name", "")] = found

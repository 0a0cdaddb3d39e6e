"""The text form of graphs and models, made for reading and for tests of passes; parse.py reads it back.

    graph "g" (%x: float[N,4]) -> (%y: float[N,3]) {
      init %w = float[4]{0.5, 1.0, -2.0, nan}
      %h: float[N,4] = ai.onnx.Mul(%x, %w)
      %y = ai.onnx.Gemm(%h, %v, transB=1) name="last"
      type %v: float[3,4]
    }

A type is written where its name is first made, or on a line of its own. `_` is a missing input or output, `?` an
unknown size. Numbers with a point or an exponent are FLOAT, bare ones INT, quoted ones STRING. Names that are no plain
words are quoted.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from celeris.graph.graph import Attribute, Function, Graph, Model, Node
from celeris.graph.parse import PLAIN_NAME, PLAIN_WORD, parse_graph, parse_model
from celeris.graph.types import (
    Dim,
    Map,
    Optional,
    Sequence,
    Shape,
    SparseTensor,
    SparseTensorType,
    Tensor,
    Type,
    element_of,
)

__all__ = ["parse_graph", "parse_model", "print_graph", "print_model", "print_node", "print_type"]

_INLINE = 64  # tensors with more elements are written as compressed bytes


def print_model(model: Model, *, elide: bool = False) -> str:
    """The whole model: a head line, the functions, the graph."""
    head: list[str] = [f"ir={model.ir_version}", f"opsets={_opsets(model.opsets)}"]
    head += [
        f"{key}={_quote(value)}"
        for key, value in (
            ("producer", model.producer_name),
            ("producer_version", model.producer_version),
            ("domain", model.domain),
            ("doc", model.doc),
        )
        if value
    ]
    if model.version is not None:
        head.append(f"version={model.version}")
    head += [f"meta {_quote(key)}={_quote(value)}" for key, value in model.metadata.items()]
    parts = ["model " + " ".join(head)]
    parts += [_function(function, elide) for function in model.functions.values()]
    return "\n".join([*parts, print_graph(model.graph, elide=elide)])


def _opsets(opsets: dict[str, int]) -> str:
    return "{" + ", ".join(f"{_quote(domain)}: {version}" for domain, version in opsets.items()) + "}"


def _function(function: Function, elide: bool) -> str:
    head = [f"function {_quote(function.domain)} {_quote(function.name)}"]
    if function.overload:
        head.append(f"overload={_quote(function.overload)}")
    head.append(f"opsets={_opsets(function.opsets)}")
    head += [f"attribute {_quote(name)}" for name in function.attributes]
    head += [f"default {_quote(name)}={_attribute(each, 0, elide)}" for name, each in function.defaults.items()]
    return " ".join([*head, print_graph(function.graph, elide=elide)])


def print_graph(graph: Graph, *, elide: bool = False) -> str:
    """The graph as text. `elide`: large tensors as `...`, for people only; parse_graph refuses those."""
    return _graph(graph, 0, elide)


def _graph(graph: Graph, depth: int, elide: bool) -> str:
    pad = "  " * (depth + 1)
    shown: set[str] = set()
    inputs = ", ".join(_typed(graph, name, shown) for name in graph.inputs)
    outputs = ", ".join(_typed(graph, name, shown) for name in graph.outputs)
    lines = [f"graph {_quote(graph.name)} ({inputs}) -> ({outputs}) {{"]
    if graph.doc:
        lines.append(f"{pad}doc {_quote(graph.doc)}")
    for name, denotations in graph.denotations.items():
        lines.append(f"{pad}denote {_value(name)} {', '.join(map(_quote, denotations))}")
    for name, constant in graph.initializers.items():
        lines.append(f"{pad}init {_typed(graph, name, shown)} = {_constant(constant, elide)}")
    lines += [pad + _node(node, graph, shown, depth + 1, elide) for node in graph.nodes]
    lines += [
        f"{pad}type {_value(name)}: {print_type(kind)}" for name, kind in graph.types.items() if name not in shown
    ]
    return "\n".join([*lines, "  " * depth + "}"])


def print_node(node: Node, graph: Graph | None = None) -> str:
    """One node as text, with the types of its outputs where `graph` knows them; not for parsing."""
    return _node(node, graph or Graph(), set(), 0, True)


def _node(node: Node, graph: Graph, shown: set[str], depth: int, elide: bool) -> str:
    outputs = ", ".join(_typed(graph, name, shown) for name in node.outputs)
    arguments = [_value(name) for name in node.inputs]
    arguments += [f"{_word(name)}={_attribute(attribute, depth, elide)}" for name, attribute in node.attributes.items()]
    tail = "".join(
        f" {key}={_quote(value)}"
        for key, value in (("name", node.name), ("overload", node.overload), ("doc", node.doc))
        if value
    )
    left = f"{outputs} = " if node.outputs else ""
    return f"{left}{_operator(node)}({', '.join(arguments)}){tail}"


def _operator(node: Node) -> str:
    domain = node.domain or "ai.onnx"
    if re.fullmatch(r"[A-Za-z_][\w.]*", domain, re.ASCII) and re.fullmatch(r"[A-Za-z_]\w*", node.op_type, re.ASCII):
        return f"{domain}.{node.op_type}"
    return f"{_quote(node.domain)}.{_quote(node.op_type)}"


def _typed(graph: Graph, name: str, shown: set[str]) -> str:
    found = graph.types.get(name)
    if found is None or name in shown or not name:
        return _value(name)
    shown.add(name)
    return f"{_value(name)}: {print_type(found)}"


def print_type(kind: Type) -> str:
    """`float[N,3]`, `float` (unknown rank), `seq(float[])`, `map(int64, float[])`, `optional(...)`, `sparse(...)`."""
    match kind:
        case Tensor(element, shape):
            return element + _shape(shape)
        case SparseTensorType(element, shape):
            return f"sparse({element}{_shape(shape)})"
        case Sequence(inner):
            return f"seq({print_type(inner)})"
        case Optional(inner):
            return f"optional({print_type(inner)})"
        case Map(key, value):
            return f"map({key}, {print_type(value)})"


def _shape(shape: Shape | None) -> str:
    return "" if shape is None else f"[{','.join(map(_dim, shape))}]"


def _dim(size: Dim) -> str:
    if size is None:
        return "?"
    return _word(size) if isinstance(size, str) else str(int(size))


def _value(name: str) -> str:
    if not name:
        return "_"
    return f"%{name}" if re.fullmatch(PLAIN_NAME, name, re.ASCII) else f"%{_quote(name)}"


def _word(text: str) -> str:
    plain = re.fullmatch(PLAIN_WORD, text, re.ASCII) and text not in {"_", "nan", "inf"}
    return text if plain else _quote(text)


def _quote(text: str | bytes) -> str:
    """In double quotes, with escapes for all but printable ASCII; bytes that are no UTF-8 as \\xNN after a b."""
    if isinstance(text, bytes):
        try:
            return _quote(text.decode())
        except UnicodeDecodeError:
            return 'b"' + "".join(f"\\x{byte:02x}" for byte in text) + '"'
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{escaped}"'


def _attribute(attribute: Attribute, depth: int, elide: bool) -> str:
    value = attribute.value
    match attribute.kind:
        case "REF":
            return f"@{_word(value)}" + (f":{attribute.ref_kind}" if attribute.ref_kind else "")
        case "FLOATS" | "INTS" | "STRINGS" as kind:
            # an empty list cannot show its kind by its elements
            return f"{kind.lower() if not len(value) else ''}[{_list(kind[:-1], value, elide)}]"
        case "TENSORS" | "GRAPHS" | "SPARSE_TENSORS" | "TYPE_PROTOS" as kind:
            each = ", ".join(_single(kind[:-1], item, depth, elide) for item in value)
            return f"{kind.lower()}[{each}]"
    return _single(attribute.kind, value, depth, elide)


def _list(kind: str, values: Any, elide: bool) -> str:
    if elide and len(values) > _INLINE:
        return f"... {len(values)}"
    return ", ".join(_single(kind, value, 0, elide) for value in values)


def _single(kind: str, value: Any, depth: int, elide: bool) -> str:
    match kind:
        case "FLOAT":
            return _number(np.float32(value))
        case "INT":
            return str(int(value))
        case "STRING":
            return _quote(value)
        case "TENSOR":
            return _tensor(value, elide)
        case "SPARSE_TENSOR":
            return _constant(value, elide)
        case "TYPE_PROTO":
            return f"type {print_type(value)}"
    return _graph(value, depth, elide)


def _constant(value: np.ndarray | SparseTensor, elide: bool) -> str:
    if isinstance(value, SparseTensor):
        shape = ",".join(map(str, value.shape))
        return f"sparse [{shape}] {_tensor(value.indices, elide)} {_tensor(value.values, elide)}"
    return _tensor(value, elide)


def _tensor(array: np.ndarray, elide: bool) -> str:
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    element = element_of(array.dtype)
    head = element + _shape(array.shape)
    if element == "string" or (array.size <= _INLINE and not _odd_nan(array, element)):
        return f"{head}{{{', '.join(_elements(array, element))}}}"
    if elide:
        return f"{head}{{...}}"
    packed = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 1)).decode()
    return f'{head}{{zlib "{packed}"}}'


def _odd_nan(array: np.ndarray, element: str) -> bool:
    """Whether there is a NaN in a float narrower than NumPy's own, whose bits a spelling could not keep."""
    return _is_narrow(array, element) and bool(np.isnan(array.astype(np.float32)).any())


def _is_narrow(array: np.ndarray, element: str) -> bool:
    return array.dtype.isbuiltin != 1 and "float" in element


def _elements(array: np.ndarray, element: str) -> Iterable[str]:
    flat = array.reshape(-1)
    if element == "string":
        return map(_quote, flat.tolist())
    if element == "bool":
        return ("true" if value else "false" for value in flat)
    if array.dtype.kind == "c":
        return map(_number, flat.view(flat.real.dtype))
    if array.dtype.kind == "f":
        return map(_number, flat)
    if _is_narrow(array, element):
        return map(_number, flat.astype(np.float32))  # every narrow float is a float32
    return (str(int(value)) for value in flat)


def _number(value: Any) -> str:
    """The shortest spelling that reads back as the same number, always with a point, an exponent or letters.

    A NaN other than the usual one is spelled by its bits, as nan:7fc00001.
    """
    if np.isnan(value):
        bits = value.tobytes()[::-1].hex()
        return "nan" if bits == type(value)(np.nan).tobytes()[::-1].hex() else f"nan:{bits}"
    text = str(value)
    return text if any(letter in text for letter in ".en") else text + ".0"

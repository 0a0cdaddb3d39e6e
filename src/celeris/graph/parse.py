"""Reads the text form of text.py back into graphs and models. ValueError, with the line, where the text is none."""

from __future__ import annotations

import base64
import math
import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from celeris.graph.graph import Attribute, Function, Graph, Model, Node
from celeris.graph.strings import Strings
from celeris.graph.types import (
    ELEMENT_NUMBERS,
    Dim,
    Map,
    Optional,
    Sequence,
    Shape,
    SparseTensor,
    SparseTensorType,
    Tensor,
    Type,
    dtype_of,
)

PLAIN_NAME = r"[\w./:$-]*[\w./$-]"  # a value's name that needs no quotes
PLAIN_WORD = r"[A-Za-z_][\w.]*"  # likewise a dimension's or an attribute's

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>b?"(?:[^"\\]|\\.)*")
    | (?P<value>%(?:"(?:[^"\\]|\\.)*"|[\w./:$-]*[\w./$-]))
    | (?P<number>-?(?:nan:[0-9a-f]+|nan|inf|\d[\d.]*(?:e[+-]?\d+)?)(?![\w.]))
    | (?P<word>[A-Za-z_][\w.]*)
    | (?P<mark>->|[(){}\[\]=,:?@.])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
_PLURALS = {"floats": "FLOATS", "ints": "INTS", "strings": "STRINGS", "tensors": "TENSORS", "graphs": "GRAPHS"}
_PLURALS |= {"sparse_tensors": "SPARSE_TENSORS", "type_protos": "TYPE_PROTOS"}


def parse_graph(text: str) -> Graph:
    """The graph that print_graph wrote."""
    parser = _Parser(text)
    graph = parser.graph()
    parser.end()
    return graph


def parse_model(text: str) -> Model:
    """The model that print_model wrote."""
    parser = _Parser(text)
    model = parser.model()
    parser.end()
    return model


def _unquote(token: str) -> str | bytes:
    if token.startswith("b"):
        return bytes.fromhex(token[2:-1].replace("\\x", ""))
    return token[1:-1].encode("latin-1").decode("unicode_escape")


class _Parser:
    """Recursive descent over tokens; one method a rule of the text form."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.kind = self.token = ""
        self.advance()

    def advance(self) -> str:
        """Step over the current token; returns it."""
        last = self.token
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            self.at = len(self.text) - len(self.text[self.at :].lstrip())
            raise self.error("a token", self.text[self.at : self.at + 10])
        self.kind = found.lastgroup or ""
        self.token = found[self.kind]
        self.at = found.end()
        return last

    def error(self, expected: str, got: str | None = None) -> ValueError:
        line = self.text.count("\n", 0, self.at) + 1
        return ValueError(f"graph text line {line}: expected {expected}, got {self.token if got is None else got!r}")

    def take(self, token: str) -> bool:
        """Whether the current token is this one; it is stepped over."""
        if self.token != token or self.kind == "string":
            return False
        self.advance()
        return True

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise self.error(repr(token))

    def of_kind(self, *kinds: str) -> str:
        if self.kind not in kinds:
            raise self.error(" or ".join(kinds))
        return self.advance()

    def end(self) -> None:
        self.of_kind("end")

    def list(self, close: str, item: Callable[[], Any]) -> list[Any]:
        """Items between commas up to `close`."""
        found: list[Any] = []
        while not self.take(close):
            if found:
                self.expect(",")
            found.append(item())
        return found

    def string(self) -> str:
        found = _unquote(self.of_kind("string"))
        if isinstance(found, bytes):
            raise self.error("text", "bytes that are no UTF-8")
        return found

    def word(self) -> str:
        return self.string() if self.kind == "string" else self.of_kind("word")

    def integer(self) -> int:
        text = self.of_kind("number")
        try:
            return int(text)
        except ValueError as error:
            raise self.error("a whole number", text) from error

    def value(self) -> str:
        if self.take("_"):
            return ""
        name = self.of_kind("value")[1:]
        return str(_unquote(name)) if name.startswith('"') else name

    def typed(self, types: dict[str, Type]) -> str:
        name = self.value()
        if self.take(":"):
            types[name] = self.type()
        return name

    def type(self) -> Type:
        word = self.of_kind("word")
        if word in ELEMENT_NUMBERS:
            return Tensor(word, self.shape())
        self.expect("(")
        found: Type
        match word:
            case "seq":
                found = Sequence(self.type())
            case "optional":
                found = Optional(self.type())
            case "sparse":
                found = SparseTensorType(self.of_kind("word"), self.shape())
            case "map":
                key = self.of_kind("word")
                self.expect(",")
                found = Map(key, self.type())
            case _:
                raise self.error("a type", word)
        self.expect(")")
        return found

    def shape(self) -> Shape | None:
        return tuple(self.list("]", self.dim)) if self.take("[") else None

    def dim(self) -> Dim:
        if self.take("?"):
            return None
        return self.integer() if self.kind == "number" else self.word()

    def opsets(self) -> dict[str, int]:
        def entry() -> tuple[str, int]:
            domain = self.string()
            self.expect(":")
            return domain, self.integer()

        self.expect("{")
        return dict(self.list("}", entry))

    def model(self) -> Model:
        self.expect("model")
        model = Model(Graph(), 0, {})
        texts = {"producer": "producer_name", "producer_version": "producer_version", "domain": "domain", "doc": "doc"}
        while self.token not in {"function", "graph"}:
            key = self.of_kind("word")
            if key == "meta":
                key = self.string()
                self.expect("=")
                model.metadata[key] = self.string()
                continue
            self.expect("=")
            if key == "ir":
                model.ir_version = self.integer()
            elif key == "version":
                model.version = self.integer()
            elif key == "opsets":
                model.opsets = self.opsets()
            elif key in texts:
                setattr(model, texts[key], self.string())
            else:
                raise self.error("a key of the model line", key)
        while self.token == "function":
            function = self.function()
            model.functions[function.domain, function.name, function.overload] = function
        model.graph = self.graph()
        return model

    def function(self) -> Function:
        self.expect("function")
        domain = self.string()
        function = Function(self.string(), domain, "", Graph(), [], {}, {})
        while self.token != "graph":
            key = self.of_kind("word")
            name = self.string() if key in {"attribute", "default"} else ""
            if key == "attribute":
                function.attributes.append(name)
                continue
            self.expect("=")
            if key == "overload":
                function.overload = self.string()
            elif key == "opsets":
                function.opsets = self.opsets()
            elif key == "default":
                function.defaults[name] = self.attribute()
            else:
                raise self.error("a key of the function line", key)
        function.graph = self.graph()
        return function

    def graph(self) -> Graph:
        self.expect("graph")
        graph = Graph(name=self.string())
        self.expect("(")
        graph.inputs = self.list(")", lambda: self.typed(graph.types))
        self.expect("->")
        self.expect("(")
        graph.outputs = self.list(")", lambda: self.typed(graph.types))
        self.expect("{")
        while not self.take("}"):
            self.statement(graph)
        return graph

    def statement(self, graph: Graph) -> None:
        if self.take("doc"):
            graph.doc = self.string()
        elif self.take("denote"):
            name = self.value()
            graph.denotations[name] = [self.string()]
            while self.take(","):
                graph.denotations[name].append(self.string())
        elif self.take("init"):
            name = self.typed(graph.types)
            self.expect("=")
            graph.initializers[name] = self.constant()
        elif self.take("type"):
            self.typed(graph.types)
        else:
            graph.nodes.append(self.node(graph))

    def node(self, graph: Graph) -> Node:
        outputs: list[str] = []
        while self.kind == "value" or self.token == "_":
            outputs.append(self.typed(graph.types))
            if not self.take(","):
                self.expect("=")
                break
        domain, op_type = self.operator()
        node = Node(op_type, [], outputs, domain="" if domain == "ai.onnx" else domain)
        self.expect("(")
        self.list(")", lambda: self.argument(node))
        while self.token in {"name", "overload", "doc"} and self.kind == "word":
            key = self.advance()
            self.expect("=")
            setattr(node, key, self.string())
        return node

    def operator(self) -> tuple[str, str]:
        if self.kind == "string":
            domain = self.string()
            self.expect(".")
            return domain, self.string()
        domain, _, op_type = self.of_kind("word").rpartition(".")
        return domain, op_type

    def argument(self, node: Node) -> None:
        if self.kind == "value" or self.token == "_":
            node.inputs.append(self.value())
            return
        name = self.word()
        self.expect("=")
        node.attributes[name] = self.attribute()

    def attribute(self) -> Attribute:
        if self.take("@"):
            name = self.word()
            kind: Any = self.of_kind("word") if self.take(":") else None
            return Attribute("REF", name, kind)
        plural = _PLURALS.get(self.token) if self.kind == "word" else None
        if plural is not None:
            self.advance()
        if self.take("["):
            items = self.list("]", self.single)
            kind = plural or f"{items[0][0]}S"
            return Attribute(kind, _plural(kind, [value for _, value in items]))
        kind, value = self.single()
        return Attribute(kind, value)

    def single(self) -> tuple[str, Any]:
        """The kind and the value of an attribute that is no list."""
        if self.kind == "string":
            found = _unquote(self.advance())
            return "STRING", found.encode() if isinstance(found, str) else found
        if self.kind == "number":
            token = self.advance()
            if re.fullmatch(r"-?\d+", token):
                return "INT", int(token)
            return "FLOAT", float(_float(token, np.dtype(np.float32)))
        if self.token == "graph":
            return "GRAPH", self.graph()
        if self.take("type"):
            return "TYPE_PROTO", self.type()
        constant = self.constant()
        return ("SPARSE_TENSOR" if isinstance(constant, SparseTensor) else "TENSOR"), constant

    def constant(self) -> np.ndarray | SparseTensor:
        if not self.take("sparse"):
            return self.tensor()
        self.expect("[")
        shape = tuple(self.list("]", self.integer))
        indices = self.tensor()
        return SparseTensor(self.tensor(), indices, shape)

    def tensor(self) -> np.ndarray:
        kind = self.type()
        if not isinstance(kind, Tensor) or kind.shape is None:
            raise self.error("a tensor such as float[2]{0.5, 1.0}", str(kind))
        shape = tuple(size for size in kind.shape if isinstance(size, int))
        dtype = dtype_of(kind.element)
        self.expect("{")
        if self.token == ".":
            raise self.error("elements", "a tensor printed with elide")
        if self.take("zlib"):
            flat = np.frombuffer(zlib.decompress(base64.b64decode(self.string())), dtype)
            self.expect("}")
        else:
            flat = _elements(self.list("}", self.advance), dtype)
        if len(shape) != len(kind.shape) or flat.size != math.prod(shape):
            raise self.error(f"{math.prod(shape)} elements", str(flat.size))
        array = flat.reshape(shape)
        array.flags.writeable = False
        return array


def _plural(kind: str, values: list[Any]) -> Any:
    match kind:
        case "FLOATS":
            return np.array(values, np.float32)
        case "INTS":
            return np.array(values, np.int64)
        case "STRINGS":
            return Strings.of(values)
    return values


def _elements(tokens: list[str], dtype: np.dtype) -> np.ndarray:
    if dtype.kind == "O":
        found = np.empty(len(tokens), object)
        found[:] = [_unquote(token) for token in tokens]
        return found
    if dtype.kind == "b":
        return np.array([token == "true" for token in tokens], bool)
    if dtype.kind == "c":
        return _elements(tokens, np.dtype(f"f{dtype.itemsize // 2}")).view(dtype)
    if dtype.kind == "f" or "float" in dtype.name:
        narrow = dtype.isbuiltin != 1
        made = [_float(token, np.dtype(np.float32) if narrow else dtype) for token in tokens]
        return np.array(made, np.float32 if narrow else dtype).astype(dtype)
    return np.array([int(token) for token in tokens], np.int64 if dtype.kind != "u" else np.uint64).astype(dtype)


def _float(token: str, dtype: np.dtype) -> Any:
    head, _, bits = token.partition(":")
    if bits:
        return np.frombuffer(bytes.fromhex(bits)[::-1], dtype)[0]
    return dtype.type(head)

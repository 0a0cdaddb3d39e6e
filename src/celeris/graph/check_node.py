"""Whether a node is written as ONNX's schema of its operator says: arity, attributes. In the onnx checker's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from celeris import ops
from celeris.graph import edit
from celeris.graph.graph import Function, Graph, Node
from celeris.graph.types import Type
from celeris.ops.schema import Parameter, Schema, schema_of
from celeris.ops.table import Op
from celeris.records import Record

_STANDARD = ("", "ai.onnx.ml")


class Vocabulary(Record):
    """What names of operators mean in a model or in a local function."""

    opsets: Mapping[str, int]
    functions: Mapping[tuple[str, str, str], Function]

    def function(self, node: Node) -> Function | None:
        """The local function that the node calls."""
        return self.functions.get((node.domain, node.op_type, node.overload)) if self.functions else None

    def schema(self, node: Node) -> Schema | None:
        """ONNX's definition of the node's operator."""
        return schema_of(node.domain, node.op_type, self.opsets.get(node.domain, 0))

    def op(self, node: Node) -> Op | None:
        """Celeris' definition of the node's operator."""
        return ops.find(node.domain, node.op_type, self.opsets.get(node.domain, 1))


def described(node: Node, type_of: Callable[[str], Type | None]) -> str:
    """The node as onnxruntime prints it: ("name", Op, "domain", -1) : ("x": tensor(float),) -> ("y",)."""

    def listed(names: list[str]) -> str:
        kinds = [(name, type_of(name) if name else None) for name in names]
        return "".join(f'"{name}",' if kind is None else f'"{name}": {kind},' for name, kind in kinds)

    ends = f"({listed(node.inputs)}) -> ({listed(node.outputs)})"
    return f'("{node.name}", {node.op_type}, "{node.domain}", -1) : {ends} '


def fault(node: Node, words: Vocabulary, visible: Callable[[], set[str]]) -> str | None:
    """What is wrong with the node, or with a node of its subgraphs, or None.

    `visible()` gives the names that its subgraphs may read.
    """
    if not node.op_type:
        return "Field 'op_type' of 'node' is required to be non-empty."
    if not node.inputs and not node.outputs:
        return f"NodeProto (name: {node.name}, type: {node.op_type}) has zero input and zero output."
    if words.function(node) is not None:
        return None
    if node.domain not in words.opsets:
        return f"No opset import for domain '{node.domain}'"
    for inner in edit.subgraphs(node) if node.attributes else ():
        wrong = _graph_fault(inner, words, visible())
        if wrong is not None:
            return wrong
    schema = words.schema(node)
    version = words.opsets[node.domain]
    if schema is None:
        if node.domain in _STANDARD:
            return f"No Op registered for {node.op_type} with domain_version of {version}"
        return None
    if schema.deprecated and node.op_type != "GroupNormalization":  # which onnxruntime takes from opset 18 on
        return f"Op registered for {node.op_type} is deprecated in domain_version of {version}"
    wrong = _arity_fault(node, schema)
    return wrong or (_attribute_fault(node, schema) if node.attributes or schema.required else None)


def _graph_fault(graph: Graph, words: Vocabulary, outer: set[str]) -> str | None:
    known = outer | edit.defined(graph)
    for node in graph.nodes:
        for name in node.inputs:
            if name and name not in known:
                return (
                    f"Nodes in a graph must be topologically sorted, however input '{name}' of node: \n"
                    f"name: {node.name} OpType: {node.op_type}\n is not output of any previous nodes."
                )
        wrong = fault(node, words, lambda: known)
        if wrong is not None:
            inside = wrong.partition("\n\n==> Context: ")[0]
            return f"{inside}\n\n==> Context: Bad node spec for node. Name: {node.name} OpType: {node.op_type}"
    return None


def _arity_fault(node: Node, schema: Schema) -> str | None:
    least_in, most_in, least_out, most_out = schema.arity
    if not least_in <= len(node.inputs) <= most_in:
        return _size_fault("input", len(node.inputs), least_in, most_in, schema)
    if not least_out <= len(node.outputs) <= most_out:
        return _size_fault("output", len(node.outputs), least_out, most_out, schema)
    wrong = _missing("input", node, node.inputs, schema.inputs) if "" in node.inputs else None
    return wrong or (_missing("output", node, node.outputs, schema.outputs) if "" in node.outputs else None)


def _size_fault(what: str, size: int, least: int, most: int, schema: Schema) -> str:
    return (
        f"Node with schema({schema.domain}::{schema.name}:{schema.since}) has {what} size {size} "
        f"not in range [min={least}, max={most}]."
    )


def _missing(what: str, node: Node, names: list[str], formal: tuple[Parameter, ...]) -> str | None:
    for at, (name, parameter) in enumerate(zip(names, formal, strict=False)):
        if not name and not parameter.optional and not parameter.variadic:
            return f"Node ({node.name})'s {what} {at} is marked single but has an empty string in the graph"
    return None


def _attribute_fault(node: Node, schema: Schema) -> str | None:
    for name, attribute in node.attributes.items():
        expected = schema.attributes.get(name)
        kind = attribute.ref_kind if attribute.kind == "REF" else attribute.kind
        if expected is None:
            if not name.startswith("__"):  # such names are a producer's own
                return f"Unrecognized attribute: {name} for operator {node.op_type}"
        elif kind != expected and kind is not None:
            return f"Mismatched attribute type in '{node.name} : {name}'. Expected: '{expected}', actual: '{kind}'"
    for name in schema.required:
        if name not in node.attributes:
            return f"Required attribute '{name}' is missing."
    return None

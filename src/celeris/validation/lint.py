"""What looks wrong, or dear, in a model file alone. A rule is a generator of findings; RULES is their list."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from celeris import ops
from celeris.explain.scored import TREES, forest_of_node, given
from celeris.explain.shares import shares_of_hits
from celeris.graph import edit
from celeris.graph.graph import Graph, Model, Node
from celeris.ops.trees import LEAF, Forest
from celeris.reader import read

_LARGE_FILE = 100 << 20
_FULL_MANTISSAS = 0.25  # of the thresholds; half of numbers rounded to float32 have an odd mantissa


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: 'error' keeps the model from running, 'warning' may change answers, 'note' costs time or use."""

    rule: str
    severity: Literal["error", "warning", "note"]
    where: str
    text: str
    fix: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.text}; {self.fix} [{self.rule}]"


def lint(model: str | os.PathLike[str] | bytes) -> list[Finding]:
    """The findings of all rules, the gravest first. ReadError for what is no model, or of a newer opset."""
    source = model if isinstance(model, bytes) else os.fspath(model)
    size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    read_model = read(source)
    found = [finding for rule in RULES for finding in rule(read_model)]
    found += _file_size(read_model, size)
    order = ["error", "warning", "note"]
    return sorted(found, key=lambda finding: order.index(finding.severity))


def _label(node: Node) -> str:
    return f"{node.op_type} '{node.name}'" if node.name else node.op_type


def _forests(model: Model) -> Iterator[tuple[Node, Forest]]:
    for node in model.graph.nodes:
        if node.op_type in TREES and node.domain == "ai.onnx.ml":
            yield node, forest_of_node(node)


def missing_routes(model: Model) -> Iterator[Finding]:
    """NaN fails all comparisons where no node says that it goes the way of truth."""
    for node, forest in _forests(model):
        inner = forest.mode != LEAF
        if inner.any() and not forest.missing[inner].any():
            yield Finding(
                "missing-routes", "warning", _label(node),
                f"all {inner.sum():,} missing-value flags are zero: NaN goes the false way at every node",
                "check rows with missing values against the trained model (celeris validate), or impute them before",
            )  # fmt: skip


def rounded_thresholds(model: Model) -> Iterator[Finding]:
    """Thresholds that use every bit of float32 come from float64 ones, and a row between the two goes astray."""
    for node, forest in _forests(model):
        t = forest.threshold[forest.mode != LEAF]
        if t.dtype != np.float32 or not t.size:
            continue
        odd = np.count_nonzero(t.view(np.int32) & 1)
        if odd > _FULL_MANTISSAS * t.size:
            yield Finding(
                "rounded-thresholds", "warning", _label(node),
                f"{odd:,} of {t.size:,} thresholds fill float32 to its last bit, as numbers rounded from float64 do: "
                "rows within a rounding of them may go the other way",
                "convert with float64 inputs (celeris.load(estimator, double=True)), or train on float32 values",
            )  # fmt: skip


def zipmaps(model: Model) -> Iterator[Finding]:
    """Dictionaries cost far more than the numbers in them."""
    for node in model.graph.nodes:
        if node.op_type == "ZipMap":
            yield Finding(
                "zipmap", "note", _label(node), "probabilities come as a list of dicts, one for each row",
                "convert with options={'zipmap': False} for one array",
            )  # fmt: skip


def unused(model: Model) -> Iterator[Finding]:
    """Inputs and constants that no output depends on."""
    graph = model.graph
    made, waiting, seen = edit.producers(graph), list(graph.outputs), set(graph.outputs)
    while waiting:
        node = made.get(waiting.pop())
        new = set() if node is None else edit.reads(node) - seen
        seen |= new
        waiting.extend(new)
    for name in graph.inputs:
        if name not in seen:
            yield Finding("unused-input", "warning", f"input '{name}'", "no output depends on it",
                          "leave it out of the model, or find why it was lost in conversion")  # fmt: skip
    for name, value in graph.initializers.items():
        if name not in seen and name not in graph.inputs:
            size = getattr(value, "nbytes", 0)
            yield Finding("unused-constant", "note", f"constant '{name}'", f"no output depends on its {size:,} bytes",
                          "remove it")  # fmt: skip


def operators(model: Model) -> Iterator[Finding]:
    """Operators that the model's opsets do not have, or that they have given up."""
    seen: set[tuple[str, str]] = set()
    for graph in edit.walk(model.graph):
        for node in graph.nodes:
            key = (node.domain, node.op_type)
            if key in seen or (node.domain, node.op_type, node.overload) in model.functions:
                continue
            seen.add(key)
            domain, version = node.domain or "ai.onnx", model.opsets.get(node.domain, 0)
            op = ops.find(node.domain, node.op_type, version or 1)
            if op is None:
                yield Finding("unknown-operator", "error", _label(node), f"{domain} {version} has no such operator",
                              "convert with an older target_opset")  # fmt: skip
            elif op.deprecated:
                yield Finding("deprecated-operator", "note", _label(node), f"{domain} {version} has deprecated it",
                              "convert with an older target_opset, or with a newer converter")  # fmt: skip


def covers(model: Model) -> Iterator[Finding]:
    """Without counts of rows there is no TreeSHAP from the file alone."""
    for node, forest in _forests(model):
        hits = given(node).get("nodes_hitrates")
        if hits is None or shares_of_hits(forest, np.asarray(hits, np.float64)) is None:
            yield Finding(
                "no-covers", "note", _label(node), "nodes_hitrates does not tell how many rows came to each node",
                "explain it with background rows, or convert the estimator with celeris.load, which keeps them",
            )  # fmt: skip


def _bytes_of(value: Any) -> int:
    return int(getattr(value, "nbytes", 0))


def _file_size(model: Model, size: int) -> Iterator[Finding]:
    """Where a large file's bytes are."""
    if size < _LARGE_FILE:
        return
    parts = _parts(model.graph)
    text = ", ".join(f"{name} {count / 2**20:.0f} MB" for name, count in parts[:3])
    yield Finding("size", "note", "file", f"{size / 2**20:.0f} MB; the largest parts in memory: {text}",
                  "train fewer or shallower trees, or keep large tensors as external data")  # fmt: skip


def _parts(graph: Graph) -> list[tuple[str, int]]:
    parts = [(f"constant '{name}'", _bytes_of(value)) for name, value in graph.initializers.items()]
    parts += [(_label(n), sum(_bytes_of(a.value) for a in n.attributes.values())) for n in graph.nodes]
    return sorted(parts, key=lambda part: -part[1])


RULES: tuple[Callable[[Model], Iterator[Finding]], ...] = (
    operators, missing_routes, rounded_thresholds, unused, zipmaps, covers,
)  # fmt: skip

"""What an operator is to Celeris, and how one is found by domain, name and opset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from celeris.graph.types import Type
from celeris.records import Record, field

Dims: TypeAlias = tuple[int | str | None, ...]
DOMAIN_ALIASES = {"ai.onnx": ""}


class Facts(Record):
    """What an inference rule may know of a node: input types, constant inputs, attributes, how many outputs it has.

    `values[i]` is input i's value where it is constant, else None. `dims[i]` is the contents of a small integer
    tensor as symbolic dimensions where they are known (what flows from Shape into Reshape), else None.
    `raw` has the attributes as the file holds them (INTS an int64 array, FLOATS a float32 array, STRINGS a sequence
    of bytes): what may be long is read there, `attributes` turns INTS into a list.
    `threads`: as many as a rule may use.
    """

    types: list[Type | None]
    values: list[np.ndarray | None]
    attributes: Mapping[str, Any]
    outputs: int
    opset: int
    dims: list[Dims | None] = field(default_factory=list)
    raw: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1


class Op(Record):
    """One operator from one opset on.

    `function(*inputs, **attributes)` computes it: inputs positional under their ONNX names (None where missing),
    attributes keyword-only with ONNX names and defaults (STRING as str, INTS as a list of int, FLOATS as float32
    array, STRINGS as a list of str, TENSOR as ndarray, GRAPH as a callable). It returns one array, or a tuple of
    all outputs. One that must know how many outputs the node has declares the keyword `_outputs`.
    `infer(facts)` gives the outputs' types, None where unknown. `propagate(facts)` gives the outputs'
    contents as dimensions, flat, None where unknown: how what a Shape tells finds its way into a Reshape.
    `verify(facts)` says in words what is wrong with the node (an index out of range, counts that do not match) and
    None where nothing is; it is asked once, when a model is loaded, so that functions and kernels may rely on it.
    `feeds(facts)` gives, for each graph attribute, the types of what the operator feeds its body.
    """

    name: str
    since: int
    function: Callable[..., Any]
    infer: Callable[[Facts], list[Type | None]] | None = None
    domain: str = ""
    deprecated: bool = False
    propagate: Callable[[Facts], list[Dims | None]] | None = None
    verify: Callable[[Facts], str | None] | None = None
    feeds: Callable[[Facts], dict[str, list[Type | None]]] | None = None


class OpTable:
    """Operators by (domain, name), each with its versions in ascending order."""

    def __init__(self, ops: Iterable[Op]) -> None:
        self._versions: dict[tuple[str, str], list[Op]] = {}
        for op in ops:
            self._versions.setdefault((op.domain, op.name), []).append(op)
        for versions in self._versions.values():
            versions.sort(key=lambda op: op.since)

    def find(self, domain: str, name: str, opset: int) -> Op | None:
        """The operator's newest definition at `opset`, or None where it is not defined or no longer so."""
        versions = self._versions.get((DOMAIN_ALIASES.get(domain, domain), name), [])
        at = sum(op.since <= opset for op in versions)
        return versions[at - 1] if at else None

    def __iter__(self) -> Any:
        return (op for versions in self._versions.values() for op in versions)

"""A plan: the steps that compute a graph, in order. Data for the engine, and for `celeris show`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from celeris.graph.graph import Node
from celeris.interpret import Body
from celeris.providers.base import KernelCall, Rows
from celeris.records import Record, field


class PipelineStep(Record):
    """Nodes that map rows to rows, run block by block by native kernels."""

    nodes: list[Node]
    kernels: list[KernelCall]
    counts: list[int]  # how many of the kernels are each node's, in order
    rows: dict[str, Rows]  # every value in it
    aliases: dict[str, str]
    inputs: list[str]
    outputs: list[str]
    fallback: Callable[..., tuple[Any, ...]]  # the same by the reference tier, for other shapes


class CallStep(Record):
    """One node on whole tensors, by a Python function; the node's subgraphs by attribute."""

    node: Node
    inputs: list[str]
    outputs: list[str]
    function: Callable[..., tuple[Any, ...]]
    bodies: dict[str, Body] = field(default_factory=dict)


class TensorStep(Record):
    """Nodes on whole tensors by one native kernel, the others' functions chained to the first's."""

    nodes: list[Node]
    kernel: str
    params: dict[str, Any]
    inputs: list[str]
    outputs: list[str]
    fallback: Callable[..., tuple[Any, ...]]  # the same by the reference tier, for inputs that the kernel does not take

    @property
    def counts(self) -> list[int]:
        """As a pipeline's: no node has a kernel of its own."""
        return [0] * len(self.nodes)


class ZipMapStep(Record):
    """[N, C] scores to a list of dicts: apart from the numbers, made only where it is asked for."""

    node: Node
    inputs: list[str]
    outputs: list[str]
    keys: list[Any]
    columns: list[int]
    fallback: Callable[..., tuple[Any, ...]]  # the same by the reference tier, for scores of another shape


Step: TypeAlias = PipelineStep | CallStep | TensorStep | ZipMapStep


class Plan(Record):
    """Steps from `inputs` to `outputs`; `reasons` says of each node (by position) who took it and why not natively."""

    inputs: list[str]
    outputs: list[str]
    constants: dict[str, Any]
    steps: list[Step]
    reasons: list[tuple[Node, str, str]] = field(default_factory=list)  # node, tier, note

"""What a provider answers when the planner asks it for a node: a claim, or a refusal with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, TypeAlias

import numpy as np

from celeris.graph.graph import Node
from celeris.records import Record, field

WIDEST = 1 << 18  # columns of a row: beyond that a block of rows is no longer small, and a model perhaps hostile
REGISTERS = ("float", "double", "int64", "int32", "bool", "string")  # element types that flow through pipelines


class Rows(Record, frozen=True):
    """A value as a pipeline sees it: N rows that do not depend on one another, `tail` being its other dimensions.

    Nearly all values are [N, *tail]. `axis` says where N stands where it does not come first, as in the [1, N] that
    ArrayFeatureExtractor makes of labels; a register's columns are in the order of `tail` all the same.
    `fixed` is N where the model fixes it (a shape has as many rows as there are dimensions), None where the caller
    chooses it. The planner fills it in for what a claim makes.
    """

    element: str
    tail: tuple[int, ...]
    fixed: int | str | None = None
    axis: int = 0

    @property
    def width(self) -> int:
        """Columns of the register that holds it."""
        return prod(self.tail)

    @property
    def narrow(self) -> bool:
        """Whether a block of such rows is small enough to flow; sizes beside one of 0 count, too."""
        tail = self.tail
        if len(tail) < 2:
            return not tail or 0 <= tail[0] <= WIDEST
        return min(tail) >= 0 and prod([size or 1 for size in tail]) <= WIDEST

    @property
    def rank(self) -> int:
        """Dimensions, with that of the rows."""
        return len(self.tail) + 1

    def place(self, axis: int) -> int | None:
        """Which of `tail` an axis is, or None where it is the rows' or none at all."""
        axis = axis + self.rank if axis < 0 else axis
        return None if axis == self.axis or not 0 <= axis < self.rank else axis - (axis > self.axis)


class KernelCall(Record):
    """One kernel of cpp/kernels.h: its parameters (int, float, str, list of str, contiguous arrays) and values."""

    kernel: str
    params: dict[str, Any]
    inputs: list[str]
    outputs: list[str]


def activation(name: str, alpha: float = 0, beta: float = 0) -> dict[str, Any]:
    """The parameters of cpp/kernels/activation.h."""
    return {"activation": name, "alpha": float(alpha), "beta": float(beta)}


def with_exact_products(weights: np.ndarray) -> np.ndarray:
    """Weights in double, rounded to 29 bits: their products with float32 are exact, and kernels then fuse them."""
    return ((weights.view(np.int64) + (1 << 23)) & -(1 << 24)).view(np.float64)


def source(aliases: Mapping[str, str], name: str) -> str:
    """The value that is called so, by the name that is no alias."""
    while name in aliases:
        name = aliases[name]
    return name


class Claim(Record):
    """How a node runs natively: kernels in order, and what each of their outputs looks like.

    `aliases` names outputs that are an input under another name or shape (Identity, Reshape): no kernel runs.
    `note` is what `celeris show` prints beside the node, such as the algorithm chosen.
    """

    kernels: list[KernelCall]
    rows: dict[str, Rows]
    aliases: dict[str, str] = field(default_factory=dict)
    note: str = ""


class Link(Record, frozen=True):
    """One function of a chain (cpp/tensor/chain.h). An operand is a value's name, a number, or the place of a link
    before it in the same node's list; `low` and `high` are the function's parameters."""

    function: str
    left: str | float | int
    right: str | float | int = 0.0
    low: float = 0.0
    high: float = 0.0


class TensorClaim(Record):
    """How a node runs on whole tensors: a kernel of cpp/tensors.h, its parameters and the inputs that it reads.

    `links` are what an elementwise node computes: such nodes have no kernel of their own, and become parts of chains.
    `chained`: the kernel takes a chain of such nodes after it.
    """

    kernel: str
    params: dict[str, Any]
    inputs: list[str]
    links: list[Link] = field(default_factory=list)
    chained: bool = False


class Refusal(Record):
    """Why a provider does not take a node."""

    reason: str


class Context:
    """What a claim may ask: which values are rows and of what shape, which are constant, and for fresh names."""

    def __init__(
        self,
        rows: dict[str, Rows],
        constants: dict[str, Any],
        opsets: dict[str, int],
    ) -> None:
        # The value's rows, or None where it is not known to be a table of rows.
        self.rows: Callable[[str], Rows | None] = rows.get
        # The value where it is a constant tensor, else None.
        tensors = {name: value for name, value in constants.items() if isinstance(value, np.ndarray)}
        self.constant: Callable[[str], np.ndarray | None] = tensors.get
        self._opsets = opsets
        self._fresh = 0

    def opset(self, domain: str) -> int:
        """The version of the domain that the model imports."""
        return self._opsets.get(domain, 1)

    def fresh(self, hint: str) -> str:
        """A name for an intermediate register; no ONNX value can be called so."""
        self._fresh += 1
        return f"\0{hint}{self._fresh}"


ClaimRule: TypeAlias = Callable[[Node, Context], Claim | Refusal]

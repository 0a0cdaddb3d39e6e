"""An operator called by name and opset, its rule asked for types, and contents that flow: what the tests here share."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris import ops
from celeris.graph.types import Tensor, Type, element_of
from celeris.ops.table import Dims, Facts, Op

NEWEST = 28


def find(name: str, opset: int = NEWEST, domain: str = "") -> Op:
    """The operator's definition."""
    op = ops.find(domain, name, opset)
    assert op is not None
    return op


def call(name: str, *inputs: Any, opset: int = NEWEST, domain: str = "", **attributes: Any) -> Any:
    """What the operator's function gives."""
    return find(name, opset, domain).function(*inputs, **attributes)


def facts(
    *inputs: Any, opset: int = NEWEST, outputs: int = 1, dims: list[Dims | None] | None = None, **attributes: Any
) -> Facts:
    """Facts of a node: an input is a Type, or an array where it is constant."""
    values = [x if isinstance(x, np.ndarray) else None for x in inputs]
    types = [_type(x) if isinstance(x, np.ndarray) else x for x in inputs]
    return Facts(types, values, attributes, outputs, opset, dims or [None] * len(inputs))


def _type(x: np.ndarray) -> Type:
    return Tensor(element_of(x.dtype), x.shape)


def inferred(name: str, *inputs: Any, opset: int = NEWEST, outputs: int = 1, **attributes: Any) -> Any:
    """The shape of output 0, as the operator's rule tells it."""
    rule = find(name, opset).infer
    assert rule is not None
    first = rule(facts(*inputs, opset=opset, outputs=outputs, **attributes))[0]
    assert isinstance(first, Tensor)
    return first.shape


def held(name: str, *inputs: Any, dims: list[Dims | None], opset: int = NEWEST, **attributes: Any) -> Dims | None:
    """The contents of output 0, where those of the inputs are `dims`."""
    rule = find(name, opset).propagate
    assert rule is not None
    return rule(facts(*inputs, opset=opset, dims=dims, **attributes))[0]


def floats(*rows: Any) -> np.ndarray:
    """A float32 array."""
    return np.array(rows, np.float32)


def ints(*values: int) -> np.ndarray:
    """An int64 vector."""
    return np.array(values, np.int64)

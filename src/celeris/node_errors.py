"""What a node that failed says: which node, which operator, the rule, and what came instead."""

from __future__ import annotations

import opcode
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_SHOWN = 8  # elements: sizes, axes and indices are written out up to so many, as they are what a rule is about


def explained(op_type: str, function: Callable[..., Any], error: Exception, inputs: Sequence[Any]) -> str:
    """What an operator says of its own accord; where NumPy refused instead, the operator's rule and its inputs.

    The rule is the line of meaning and shapes that opens every operator's docstring; NumPy's own words, which tell of
    Celeris' inner steps, stay in the cause of the exception.
    """
    if _is_ours(error):
        return str(error) or type(error).__name__
    given = ", ".join(map(_described, inputs)) or "no inputs"
    if isinstance(error, MemoryError) or "array is too big" in str(error):
        return f"{op_type}: expected a result that memory holds, got {given}; {error}"
    rule = (function.__doc__ or "").partition("\n")[0].partition(" Source: ")[0].partition(" Raises ")[0].rstrip(".")
    if "broadcast" in rule and (shapes := _do_not_broadcast(inputs)):
        return f"{op_type}: expected shapes that broadcast, got {shapes}"
    if not rule:  # stripped by python -OO
        return f"{op_type}: expected inputs that go together, got {given}; {error}"
    return f"{op_type}: expected inputs that fit its rule ({rule}), got {given}"


def _is_ours(error: Exception) -> bool:
    """A `raise` of Celeris' own made it: the instruction where it came up tells, whatever its text."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is None or not str(at.tb_frame.f_globals.get("__name__")).startswith("celeris."):
        return False
    return at.tb_frame.f_code.co_code[at.tb_lasti] == opcode.opmap["RAISE_VARARGS"]


def _do_not_broadcast(inputs: Sequence[Any]) -> str:
    """The inputs' shapes where they do not broadcast; '' where they do."""
    shapes = [value.shape for value in inputs if isinstance(value, np.ndarray)]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return " and ".join(str(list(shape)) for shape in shapes)
    return ""


def _described(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return "nothing" if value is None else type(value).__name__
    element = "string" if value.dtype == object else value.dtype.name
    shown = value.dtype.kind in "iu" and value.ndim < 2 and value.size <= _SHOWN
    return f"{element}{list(value.shape)}{f' = {value.tolist()}' if shown else ''}"

"""The same code on onnxruntime and on Celeris: what each answers, in one form that can be compared.

A case is a function of the module; Celeris' text of an exception must be onnxruntime's, without the C++ source location
that onnxruntime puts before some. TypeErrors of arguments are compared by class only: onnxruntime's are pybind11's.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime

import celeris

onnxruntime.set_default_logger_severity(4)
celeris.set_default_logger_severity(4)
onnxruntime.disable_telemetry_events()

Case = Callable[[Any], Any]
_SHORTEST = 8  # a text of ours shorter than this would be found in anything


class Raised:
    """An exception that came out of a case."""

    def __init__(self, problem: Exception) -> None:
        self.kind = type(problem).__name__
        self.builtin = type(problem).__module__ == "builtins"
        self.text = str(problem)

    def __repr__(self) -> str:
        return f"{self.kind}: {self.text}"


def plain(value: Any) -> Any:
    """A result as lists, dicts, numbers and names."""
    if isinstance(value, np.ndarray):
        return (
            "array",
            value.dtype.str,
            value.shape,
            repr(value.tolist()),
            value.flags.writeable,
            value.flags.c_contiguous,
        )
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if type(value).__name__ == "OrtValue":
        inner = getattr(value, "_ortvalue", value)
        return ("OrtValue", inner.data_type(), plain(inner.numpy()) if inner.is_tensor() else None)
    if type(value).__name__ == "NodeArg":
        return str(value)
    if hasattr(type(value), "__members__"):
        return (type(value).__name__, value.name, int(value))
    return type(value).__name__


def answer(case: Case, module: ModuleType) -> tuple[Any, str, list[str]]:
    """What the case gives, or raises; what it prints; its warnings."""
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            result = plain(case(module))
        except Exception as problem:
            result = Raised(problem)
    return result, printed.getvalue(), [str(each.message) for each in caught]


def same(case: Case, *, text: bool = True) -> Any:
    """Runs the case on both and holds one to the other; gives what came out. `text` False: classes only."""
    theirs, their_print, their_warnings = answer(case, onnxruntime)
    ours, our_print, our_warnings = answer(case, celeris)
    if isinstance(theirs, Raised) or isinstance(ours, Raised):
        assert isinstance(theirs, Raised), f"Celeris raised {ours}, onnxruntime gave {theirs}"
        assert isinstance(ours, Raised), f"Celeris gave {ours}, onnxruntime raised {theirs}"
        assert (ours.kind, ours.builtin) == (theirs.kind, theirs.builtin), f"{ours} / {theirs}"
        if text and theirs.kind != "TypeError":
            assert len(ours.text) >= _SHORTEST, ours
            assert _words(ours.text) in _words(theirs.text), f"\nCeleris:     {ours}\nonnxruntime: {theirs}"
    else:
        assert ours == theirs
        assert our_print == their_print
        assert our_warnings == their_warnings
    return ours


def _words(text: str) -> str:
    """The text on one line; what is named after its package, and where in the C++ source it comes from, set aside."""
    text = re.sub(r"\S+\.(h|cc):\d+ .*?\] ", "", text.replace("'celeris.", "'onnxruntime."))
    return " ".join(text.split())

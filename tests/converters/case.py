"""A case: an estimator, the table it is fitted on, the converter's options, and what each output of the file must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sklearn

Answer = str | Callable[[Any, Any], Any]  # a method's name, or a function of the fitted estimator and the rows
PREDICT = ("predict",)
PROBABILITIES = ("predict", "predict_proba")
SCORES = ("predict", "decision_function")
TRANSFORM = ("transform",)

_KINDS = {
    "matrix": ("float", "double"),
    "whole": ("int64",),
    "text": ("string",),
    "frame": ("float", "double"),
    "frame of text": ("string",),
}


@dataclass(frozen=True, eq=False)
class Case:
    """`estimator`: unfitted, or a function of X and y that fits one; `answers` in the order of the outputs."""

    estimator: Any
    data: str
    answers: tuple[Answer, ...]
    options: dict[str, Any] = field(default_factory=dict)  # the converter's
    by: str = "skl2onnx"
    feed: str = "matrix"  # how rows are given
    types: tuple[str, ...] = ()
    tolerance: float = 1e-4  # largest error in float32, relative to 1 + |value|
    single: bool = False  # float32 is at work whatever the input, in the file or in the library
    loose: float = 0.0  # share of rows that may fall on the other side of a threshold, by float32's rounding
    label: str = ""

    @property
    def elements(self) -> tuple[str, ...]:
        """The types of input that it is converted for."""
        return self.types or _KINDS[self.feed]

    @property
    def name(self) -> str:
        """What tells it from others."""
        with sklearn.config_context(print_changed_only=True):
            shown = self.label or " ".join(repr(self.estimator).split())
        options = "".join(
            f", {key}={value!r}" for key, value in self.options.items() if (key, value) != ("zipmap", False)
        )
        by = f", by {self.by}" if self.by != "skl2onnx" else ""
        return f"{shown} on {self.data}{' as integers' if self.feed == 'whole' else ''}{options}{by}"


def cases_of(
    estimators: list[Any],
    tables: str | list[str],
    answers: tuple[Answer, ...],
    **more: Any,
) -> list[Case]:
    """One case each, on each of the tables."""
    named = [tables] if isinstance(tables, str) else tables
    return [Case(estimator, name, answers, **more) for name in named for estimator in estimators]

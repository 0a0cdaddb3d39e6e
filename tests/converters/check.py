"""Runs a case's file by a runtime and measures its answers by the training library's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime

import celeris
from tests.converters.case import Answer, Case
from tests.converters.conversion import convert, feeds, fitted, quiet
from tests.converters.data import table

_PRECISE = 1e-6  # where only double is at work


@dataclass(frozen=True)
class Outcome:
    """`problem`: why it does not pass, or None; `error`: the largest, relative to 1 + |value|, of all the outputs."""

    problem: str | None
    error: float = float("nan")

    @property
    def passes(self) -> bool:
        """It runs, and answers as the library does."""
        return self.problem is None


class Wrong(Exception):
    """An answer that is not the library's."""


def session(module: ModuleType | Any, model: bytes, tier: str = "native") -> Any:
    """A session on one thread, which says nothing."""
    options = module.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    off = {"disabled_optimizers": ["native"]} if tier == "reference" else {}
    return module.InferenceSession(model, options, providers=["CPUExecutionProvider"], **off)


@cache
def expected(case: Case) -> list[Any]:
    """The library's answers, in float64 where it can."""
    estimator, rows = fitted(case), table(case.data).rows
    with quiet():
        return [_dense(_ask(answer, estimator, rows)) for answer in case.answers]


def _ask(answer: Answer, estimator: Any, rows: Any) -> Any:
    return getattr(estimator, answer)(rows) if isinstance(answer, str) else answer(estimator, rows)


def _dense(values: Any) -> Any:
    if isinstance(values, list) and values and isinstance(values[0], np.ndarray):
        return np.stack(values)  # of several answers: [answers, rows, classes]
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values)


def answers(case: Case, element: str, made: Any, rows: Any) -> list[Any]:
    """What the file gives for the rows."""
    return list(made.run(None, feeds(case, element, made, rows)))


def outcome(case: Case, element: str, module: ModuleType, model: bytes, tier: str = "native") -> Outcome:
    """How a runtime does on the case."""
    try:
        with quiet():
            made = session(module, model, tier)
            got = answers(case, element, made, table(case.data).rows)
    except Exception as problem:
        return Outcome(f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}")
    try:
        return Outcome(None, compare(case, element, got))
    except Wrong as problem:
        return Outcome(str(problem))


def compare(case: Case, element: str, got: list[Any]) -> float:
    """The largest error; Wrong where it is beyond the case's tolerance, or labels differ."""
    wanted = expected(case)
    if len(got) < len(wanted):
        raise Wrong(f"expected {len(wanted)} outputs, got {len(got)}")
    numbers = [_numbers(theirs, values) for theirs, values in zip(wanted, got, strict=False)]
    near = _near_ties(wanted[1:], _limit(case, element))
    worst = 0.0
    for i, (theirs, ours) in enumerate(zip(wanted, numbers, strict=True)):
        if theirs.dtype.kind in "OUSib" or theirs.dtype.kind == "u":
            _compare_labels(case, theirs, ours, near if i == 0 else None)
            continue
        worst = max(worst, _largest(case, theirs, ours, _limit(case, element), i))
    return worst


def _limit(case: Case, element: str) -> float:
    return min(case.tolerance, _PRECISE) if element == "double" and not case.single else case.tolerance


def _numbers(theirs: np.ndarray, ours: Any) -> np.ndarray:
    """An output in the form of the library's answer."""
    if isinstance(ours, list) and ours and isinstance(ours[0], dict):
        ours = np.array([list(row.values()) for row in ours])
    elif isinstance(ours, list):
        ours = np.stack(ours) if len({np.shape(x) for x in ours}) == 1 else np.array(ours, dtype=object)
    if hasattr(ours, "toarray"):
        ours = ours.toarray()
    ours = np.asarray(ours)
    if theirs.ndim == 1 and ours.ndim == 2 and ours.shape == (len(theirs), 2):
        ours = ours[:, 1]  # scores of two classes, of which the library gives the second's
    if theirs.size != ours.size:
        raise Wrong(f"expected shape {theirs.shape}, got {ours.shape}")
    return ours.reshape(theirs.shape)


def _near_ties(scores: list[np.ndarray], limit: float) -> np.ndarray | None:
    """Rows whose best two scores are so near that a rounding may change the label."""
    if not scores or scores[0].dtype.kind != "f":
        return None
    if scores[0].ndim == 1:
        return np.abs(scores[0]) <= limit
    if scores[0].ndim != 2 or scores[0].shape[1] < 2:
        return None
    top = np.sort(scores[0], axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0] <= 2 * limit)


def _compare_labels(case: Case, theirs: np.ndarray, ours: np.ndarray, near: np.ndarray | None) -> None:
    differs = (
        theirs.astype(ours.dtype) != ours if theirs.dtype.kind in "ibu" else theirs.astype(str) != ours.astype(str)
    )
    differs = differs.reshape(len(theirs), -1).any(axis=1)
    if near is not None and len(near) == len(differs):
        differs = differs & ~near
    if differs.mean() > case.loose:
        at = np.flatnonzero(differs)
        raise Wrong(
            f"other labels in {len(at)} of {len(differs)} rows: row {at[0]}: {theirs[at[0]]}, got {ours[at[0]]}"
        )


def _largest(case: Case, theirs: np.ndarray, ours: np.ndarray, limit: float, at: int) -> float:
    wide = theirs.astype(np.float64).reshape(len(theirs), -1)
    mine = ours.astype(np.float64).reshape(wide.shape)
    with np.errstate(invalid="ignore"):
        error = np.abs(mine - wide) / (1 + np.abs(wide))
    error[(mine == wide) | (np.isnan(mine) & np.isnan(wide))] = 0
    rows = np.nan_to_num(error, nan=np.inf).max(axis=1, initial=0)
    beyond = rows > limit
    if beyond.mean() > case.loose:
        raise Wrong(
            f"output {at} is off by {rows.max():.3g} (relative to 1 + |value|) in {beyond.sum()} of {len(rows)} rows"
        )
    return float(rows[~beyond].max(initial=0))


RUNTIMES: dict[str, ModuleType] = {"celeris": celeris, "onnxruntime": onnxruntime}
__all__ = ["RUNTIMES", "Outcome", "Wrong", "compare", "convert", "expected", "outcome", "session"]

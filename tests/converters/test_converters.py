"""Whatever passes on onnxruntime passes on Celeris, on both tiers. By default a fixed sample; all with `-m long`."""

from __future__ import annotations

import pytest

from tests.converters.case import Case
from tests.converters.check import RUNTIMES, convert, outcome
from tests.converters.families import CASES

_SAMPLE = CASES[::8]


def _check(case: Case) -> None:
    refused: list[str] = []
    for element in case.elements:
        try:
            model = convert(case, element)
        except Exception as problem:  # converters refuse in many ways
            refused.append(f"{element}: {type(problem).__name__}")
            continue
        theirs = outcome(case, element, RUNTIMES["onnxruntime"], model)
        for tier in ("native", "reference"):
            ours = outcome(case, element, RUNTIMES["celeris"], model, tier)
            assert ours.passes or not theirs.passes, f"{element}, {tier} tier: {ours.problem}"
    if len(refused) == len(case.elements):
        pytest.skip(f"the converter makes no file of it ({', '.join(refused)})")


@pytest.mark.parametrize("case", _SAMPLE, ids=lambda case: case.name)
def test_a_sample(case: Case) -> None:
    _check(case)


@pytest.mark.long
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all(case: Case) -> None:
    _check(case)


def test_errors_are_measured() -> None:
    """The rule above would hold where nothing passes at all."""
    case = next(case for case in CASES if case.name.startswith("LogisticRegression() on words"))
    model = convert(case, "float")
    assert all(outcome(case, "float", module, model).error < 1e-6 for module in RUNTIMES.values())

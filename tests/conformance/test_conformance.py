"""ONNX's backend cases: a fixed sample on each tier, all of them where asked for (`-m long`)."""

from __future__ import annotations

import warnings

import pytest

from tests.conformance.cases import Case, all_cases
from tests.conformance.harness import TIERS, run_case
from tests.conformance.skips import skips

_EVERY = 12  # of so many cases one is in the sample, another one for each tier
_CASES = list(all_cases().values())
_PAIRS = [(tier, case) for i, tier in enumerate(TIERS) for case in _CASES[i::_EVERY]]
_ALL = [(tier, case) for tier in TIERS for case in _CASES]


def _check(tier: str, case: Case) -> None:
    reason = skips().get(case.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if reason is None:
            run_case(case, tier)
            return
        with pytest.raises(Exception):  # noqa: B017
            run_case(case, tier)


def _label(value: object) -> str:
    return value.name if isinstance(value, Case) else str(value)


@pytest.mark.parametrize(("tier", "case"), _PAIRS, ids=_label)
def test_a_case_of_the_sample(tier: str, case: Case) -> None:
    _check(tier, case)


@pytest.mark.long
@pytest.mark.parametrize(("tier", "case"), _ALL, ids=_label)
def test_every_case(tier: str, case: Case) -> None:
    _check(tier, case)


def test_what_is_skipped_exists_and_has_a_reason() -> None:
    for name, reason in skips().items():
        assert name in all_cases(), f"{name} is no case"
        assert reason.strip()

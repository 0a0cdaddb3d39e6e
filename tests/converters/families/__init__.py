"""The cases, family by family."""

from __future__ import annotations

from tests.converters.case import Case
from tests.converters.families import boosting, composed, linear, neighbours, transformers, trees

CASES: list[Case] = [
    case for family in (linear, trees, boosting, neighbours, transformers, composed) for case in family.CASES
]

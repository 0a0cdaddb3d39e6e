"""Models converted without a number of columns (`FloatTensorType([None, None])`) answer as those that name it."""

from __future__ import annotations

import numpy as np
import pytest

from celeris import InferenceSession
from tests.converters.case import Case
from tests.converters.conversion import convert, feeds, left_open, quiet
from tests.converters.data import table
from tests.converters.families import CASES
from tests.same import difference


@pytest.mark.parametrize("case", CASES[::16], ids=lambda case: case.name)
def test_the_same_answers(case: Case) -> None:
    element = case.elements[0]
    try:
        model = convert(case, element)
    except Exception as problem:  # converters refuse in many ways
        pytest.skip(f"the converter makes no file of it ({type(problem).__name__})")
    opened = left_open(model)
    if opened is None:
        pytest.skip("it has other inputs than one table")
    named, open_ = InferenceSession(model), InferenceSession(opened)
    with quiet():
        fed = feeds(case, element, named, table(case.data).rows)
    for rows in (len(next(iter(fed.values()))), 1, 0):
        part = {name: np.ascontiguousarray(values[:rows]) for name, values in fed.items()}
        try:
            expected = named.run(None, part)
        except Exception as problem:
            with pytest.raises(type(problem)):
                open_.run(None, part)
            continue
        for got, wanted in zip(open_.run(None, part), expected, strict=True):
            assert difference(got, wanted) is None

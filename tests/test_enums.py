"""Enumerations: members, comparison, names, pickling as onnxruntime's."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import onnxruntime.capi.onnxruntime_pybind11_state as their_state
import pytest

import celeris
import celeris.capi.onnxruntime_pybind11_state as our_state
from celeris.enums import Enum, GraphOptimizationLevel
from tests.peers import same

ENUMS = [name for name, cls in vars(our_state).items() if isinstance(cls, type) and issubclass(cls, Enum)]


@pytest.mark.parametrize("name", ENUMS)
def test_members_are_onnxruntimes(name: str) -> None:
    theirs, ours = getattr(their_state, name), getattr(our_state, name)
    assert {key: int(each) for key, each in ours.__members__.items()} == {
        key: int(each) for key, each in theirs.__members__.items()
    }
    for key, each in theirs.__members__.items():
        mine = getattr(ours, key)
        assert (repr(mine), str(mine), mine.name, mine.value) == (repr(each), str(each), each.name, each.value)


def test_every_enumeration_is_there() -> None:
    theirs = {name for name, cls in vars(their_state).items() if isinstance(cls, type) and hasattr(cls, "__members__")}
    assert theirs == set(ENUMS)


CASES: dict[str, Any] = {
    "unknown number": lambda o: [o.GraphOptimizationLevel(7), str(o.GraphOptimizationLevel(7))],
    "equal to its number": lambda o: o.GraphOptimizationLevel.ORT_ENABLE_ALL == 99,
    "equal to a float": lambda o: o.GraphOptimizationLevel.ORT_ENABLE_ALL == 99.0,
    "equal to another enum": lambda o: o.GraphOptimizationLevel.ORT_ENABLE_BASIC == o.ExecutionMode.ORT_PARALLEL,
    "not None": lambda o: o.GraphOptimizationLevel.ORT_DISABLE_ALL is None,
    "not equal to None": lambda o: o.GraphOptimizationLevel.ORT_DISABLE_ALL == None,  # noqa: E711
    "hash": lambda o: [hash(o.GraphOptimizationLevel(99)), {o.GraphOptimizationLevel(99): 1}[99]],
    "no order": lambda o: o.GraphOptimizationLevel(1) < o.GraphOptimizationLevel(2),
    "from text": lambda o: o.GraphOptimizationLevel("x"),
    "from a float": lambda o: o.GraphOptimizationLevel(1.0),
    "from None": lambda o: o.GraphOptimizationLevel(None),
    "from True": lambda o: o.GraphOptimizationLevel(True),
    "index": lambda o: [10, 20][o.ExecutionMode.ORT_PARALLEL],
    "vendor": lambda o: [int(each) for each in o.OrtDeviceVendorId],
}


@pytest.mark.parametrize("name", CASES)
def test_behave_as_onnxruntimes(name: str) -> None:
    same(CASES[name])


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_survive_copies(make: Any) -> None:
    for each in (GraphOptimizationLevel.ORT_ENABLE_ALL, celeris.ExecutionMode(5)):
        assert make(each) == each
        assert type(make(each)) is type(each)

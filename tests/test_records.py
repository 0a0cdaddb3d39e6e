"""Records do what slotted dataclasses do."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field
from typing import Any

import pytest

from celeris import records
from celeris.records import Record, replace


class Point(Record):
    x: int
    y: int = 2
    names: list[str] = records.field(default_factory=list)


class Key(Record, frozen=True):
    x: int
    y: tuple[int, ...] = ()


@dataclass(slots=True)
class DataPoint:
    x: int
    y: int = 2
    names: list[str] = field(default_factory=list)


@pytest.mark.parametrize(
    ("given", "named"), [((1,), {}), ((1, 3), {}), ((1,), {"names": ["a"]}), ((), {"y": 3, "x": 1})]
)
def test_made_as_a_dataclass_is(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    assert repr(Point(*given, **named)) == repr(DataPoint(*given, **named)).replace("DataPoint", "Point")


@pytest.mark.parametrize(
    ("given", "named", "text"),
    [
        ((), {}, "Point: expected a value for 'x', got none"),
        ((1, 2, [], 4), {}, "Point: expected at most 3 values, got 4"),
        ((1,), {"z": 1}, "Point: expected ('x', 'y', 'names'), got a value for 'z'"),
        ((1,), {"x": 1}, "Point: expected ('x', 'y', 'names'), got two values for 'x'"),
    ],
)
def test_what_does_not_fit_is_named(given: tuple[Any, ...], named: dict[str, Any], text: str) -> None:
    with pytest.raises(TypeError) as caught:
        Point(*given, **named)
    assert str(caught.value) == text


def test_a_maker_that_fails_is_heard() -> None:
    class Broken(Record):
        x: int = records.field(default_factory=lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        Broken()


def test_defaults_are_not_shared() -> None:
    one, other = Point(1), Point(1)
    one.names.append("a")
    assert other.names == []


def test_equal_where_type_and_values_are() -> None:
    assert Point(1) == Point(1) != Point(2)
    assert Point(1) != DataPoint(1)
    assert Key(1) == Key(1) and len({Key(1), Key(1), Key(2)}) == 2
    with pytest.raises(TypeError, match="unhashable type: 'Point'"):
        hash(Point(1))


def test_slots_only() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 1  # type: ignore[attr-defined]


def test_frozen_ones_do_not_change() -> None:
    key = Key(1)
    with pytest.raises(AttributeError, match=r"Key.x: expected no change; make another with records.replace"):
        key.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="expected no change"):
        del key.x
    assert replace(key, x=2) == Key(2) and key == Key(1)


@pytest.mark.parametrize("value", [Point(1, 5, ["a"]), Key(1, (2, 3))])
def test_copies_and_pickles(value: Any) -> None:
    assert copy.copy(value) == copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value


def test_patterns() -> None:
    match Key(1, (2,)):
        case Key(x, y):
            assert (x, y) == (1, (2,))


def test_a_copy_says_what_does_not_fit() -> None:
    name = "".join(["n", "ames"])  # not the very object that the class knows
    assert replace(Point(1, 2, ["a"]), **{name: []}) == Point(1, 2, [])
    with pytest.raises(TypeError) as caught:
        replace(Point(1), x=2, z=1)
    assert str(caught.value) == "Point: expected ('x', 'y', 'names'), got a value for 'z'"
    with pytest.raises(TypeError, match="replace: expected a record, and values by name"):
        replace(DataPoint(1), x=2)

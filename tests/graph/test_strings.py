"""Strings: a sequence like any other, cheap for repeated values."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.graph.strings import Strings


def test_is_a_sequence_of_bytes() -> None:
    found = Strings.of([b"a", "ü", b"a", b""])
    assert len(found) == 4
    assert list(found) == [b"a", "ü".encode(), b"a", b""]
    assert (found[0], found[-1]) == (b"a", b"")
    assert found[1:3] == ["ü".encode(), b"a"]
    assert b"" in found
    assert found.count(b"a") == 2
    with pytest.raises(IndexError):
        found[4]


def test_codes() -> None:
    unique, codes = Strings.of([b"x", b"y", b"x"]).codes()
    assert unique == [b"x", b"y"]
    assert codes.tolist() == [0, 1, 0]
    assert Strings.of(()).codes()[1].dtype == np.int32


def test_equality_is_by_elements() -> None:
    found = Strings.of([b"a", b"b"])
    assert found == [b"a", b"b"]
    assert found == Strings([b"b", b"a"], np.array([1, 0], np.int32))
    assert found != [b"a"]
    assert found != "ab"
    assert Strings.of(found) is found
    assert repr(found) == "Strings([b'a', b'b'])"

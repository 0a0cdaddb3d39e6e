"""A list of byte strings held as distinct values and codes: what a STRINGS attribute is.

A tree ensemble repeats 'BRANCH_LEQ' for every node; here that costs a byte a time, not a Python object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np


class Strings(Sequence[bytes]):
    """An immutable sequence of bytes: element i is `unique[codes[i]]`. Equal to any sequence with equal elements."""

    __slots__ = ("_codes", "_unique")

    def __init__(self, unique: list[bytes], codes: np.ndarray) -> None:
        self._unique = unique
        self._codes = codes

    @classmethod
    def of(cls, values: Iterable[bytes | str]) -> Strings:
        """From any iterable; str is encoded as UTF-8."""
        if isinstance(values, Strings):
            return values
        seen: dict[bytes, int] = {}
        codes = [
            seen.setdefault(value.encode() if isinstance(value, str) else bytes(value), len(seen)) for value in values
        ]
        return cls(list(seen), np.array(codes, np.int32))

    def codes(self) -> tuple[list[bytes], np.ndarray]:
        """The distinct strings in order of first appearance, and for each element its own's number, integers [n]."""
        return self._unique, self._codes

    def texts(self) -> list[str]:
        """The distinct strings as text; what is no UTF-8 as surrogates."""
        found = b"\0".join(self._unique).decode("utf-8", "surrogateescape").split("\0")  # one by one takes longer
        if len(found) == len(self._unique):
            return found
        return [each.decode("utf-8", "surrogateescape") for each in self._unique]

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Strings: ...
    def __getitem__(self, index: int | slice) -> bytes | Strings:
        if isinstance(index, slice):
            return Strings.of(self._unique[code] for code in self._codes[index].tolist())
        return self._unique[int(self._codes[index])]

    def __iter__(self) -> Iterator[bytes]:
        return map(self._unique.__getitem__, self._codes.tolist())

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, Strings) and self._unique == other._unique:
            return bool(np.array_equal(self._codes, other._codes))
        if isinstance(other, Sequence) and not isinstance(other, str | bytes):
            return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:4])) + (", ..." if len(self) > 4 else "")
        return f"Strings([{shown}])"

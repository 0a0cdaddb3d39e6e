"""Classes of plain data, for modules that every process imports: what `dataclasses` makes, in a hundredth of the time.

A dataclass compiles the source of each of its methods: those of some thirty classes took as long as all other imports.
Here all classes share them; `__init__` and `replace` are the core's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, dataclass_transform

from celeris._core import RecordBase, replace

__all__ = ["Record", "field", "replace"]

T = TypeVar("T")


class _Each:
    """Marks a default that is made for each record."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], T]) -> T:
    """A default that is made anew for each record."""
    return _Each(default_factory)  # type: ignore[return-value]


@dataclass_transform(field_specifiers=(field,))
class _Records(type):
    __match_args__: tuple[str, ...]  # the names, in order

    def __new__(meta, name: str, bases: tuple[type, ...], body: dict[str, Any], *, frozen: bool = False) -> Any:
        names = tuple(body.get("__annotations__", ()))
        defaults = {each: body.pop(each) for each in names if each in body}
        makers = {each: value.make for each, value in defaults.items() if isinstance(value, _Each)}
        values = {each: value for each, value in defaults.items() if each not in makers}
        body |= {"__slots__": names, "__match_args__": names, "__values__": values, "__makers__": makers}
        if frozen:
            body |= {"__hash__": _hash, "__setattr__": _refuse, "__delattr__": _refuse}
        return super().__new__(meta, name, bases, body)


def _hash(self: Record) -> int:
    return hash(self._values())


def _refuse(self: Record, name: str, value: Any = None) -> NoReturn:
    raise AttributeError(f"{type(self).__name__}.{name}: expected no change; make another with records.replace")


class Record(RecordBase, metaclass=_Records):
    """A class whose annotated names are its slots and its arguments; `frozen=True` for one that can be a key."""

    __hash__ = None  # type: ignore[assignment]

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in type(self).__match_args__])

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self).__match_args__)
        return f"{type(self).__qualname__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._values()

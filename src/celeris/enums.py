"""onnxruntime's enumerations: what they are, and those of sessions; device_enums.py has the others.

They behave as pybind11's do: they compare with integers and accept unknown numbers.
"""

from __future__ import annotations

import operator
from typing import Any, ClassVar


class Enum:
    """A named integer; `==` looks at the number only, there is no order, a number without a name is `???`."""

    __slots__ = ("_value",)
    __members__: ClassVar[dict[str, Any]]
    _names: ClassVar[dict[int, str]]

    def __init_subclass__(cls) -> None:
        """Turns the class' integers into its members; the first of two names for one number is the one shown."""
        cls.__module__ = "celeris.capi.onnxruntime_pybind11_state"
        numbers = {name: value for name, value in vars(cls).items() if isinstance(value, int)}
        cls.__members__ = {name: cls(value) for name, value in numbers.items()}
        cls._names = {}
        for name, member in cls.__members__.items():
            setattr(cls, name, member)
            cls._names.setdefault(numbers[name], name)

    def __init__(self, value: Any) -> None:
        self._value = operator.index(value)

    @property
    def value(self) -> int:
        """The number."""
        return self._value

    @property
    def name(self) -> str:
        """The name of the number; `???` where it has none."""
        return self._names.get(self._value, "???")

    def __int__(self) -> int:
        return self._value

    __index__ = __int__

    def __hash__(self) -> int:
        return self._value

    def __eq__(self, other: object) -> bool:
        return bool(self._value == (other._value if isinstance(other, Enum) else other))

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self._value}>"

    def __reduce__(self) -> tuple[type, tuple[int]]:
        return type(self), (self._value,)


def number(value: int) -> Any:
    """A member's number; `Any` because the class turns it into a member."""
    return value


class GraphOptimizationLevel(Enum):
    """How much the graph is rewritten before it runs. Results are equal at every level."""

    __slots__ = ()
    ORT_DISABLE_ALL = number(0)
    ORT_ENABLE_BASIC = number(1)
    ORT_ENABLE_EXTENDED = number(2)
    ORT_ENABLE_LAYOUT = number(3)
    ORT_ENABLE_ALL = number(99)


class ExecutionMode(Enum):
    """Whether operators run side by side. Celeris accepts both and decides itself."""

    __slots__ = ()
    ORT_SEQUENTIAL = number(0)
    ORT_PARALLEL = number(1)


class ExecutionOrder(Enum):
    """In which order operators run. Celeris accepts all and decides itself."""

    __slots__ = ()
    DEFAULT = number(0)
    PRIORITY_BASED = number(1)
    MEMORY_EFFICIENT = number(2)

"""onnxruntime's enumerations. They behave as pybind11's do: they compare with integers and accept unknown numbers."""

from __future__ import annotations

import operator
from enum import IntEnum
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


def _number(value: int) -> Any:
    """A member's number; `Any` because the class turns it into a member."""
    return value


class GraphOptimizationLevel(Enum):
    """How much the graph is rewritten before it runs. Results are equal at every level."""

    __slots__ = ()
    ORT_DISABLE_ALL = _number(0)
    ORT_ENABLE_BASIC = _number(1)
    ORT_ENABLE_EXTENDED = _number(2)
    ORT_ENABLE_LAYOUT = _number(3)
    ORT_ENABLE_ALL = _number(99)


class ExecutionMode(Enum):
    """Whether operators run side by side. Celeris accepts both and decides itself."""

    __slots__ = ()
    ORT_SEQUENTIAL = _number(0)
    ORT_PARALLEL = _number(1)


class ExecutionOrder(Enum):
    """In which order operators run. Celeris accepts all and decides itself."""

    __slots__ = ()
    DEFAULT = _number(0)
    PRIORITY_BASED = _number(1)
    MEMORY_EFFICIENT = _number(2)


class OrtMemType(Enum):
    """What memory is for."""

    __slots__ = ()
    CPU_INPUT = _number(-2)
    CPU_OUTPUT = _number(-1)
    CPU = _number(-1)
    DEFAULT = _number(0)


class OrtAllocatorType(Enum):
    """Kinds of allocators."""

    __slots__ = ()
    INVALID = _number(-1)
    ORT_DEVICE_ALLOCATOR = _number(0)
    ORT_ARENA_ALLOCATOR = _number(1)


class OrtSparseFormat(Enum):
    """Forms of a sparse tensor."""

    __slots__ = ()
    ORT_SPARSE_UNDEFINED = _number(0)
    ORT_SPARSE_COO = _number(1)
    ORT_SPARSE_CSRC = _number(2)
    ORT_SPARSE_BLOCK_SPARSE = _number(4)


class OrtDeviceMemoryType(Enum):
    """Kinds of memory of a device."""

    __slots__ = ()
    DEFAULT = _number(0)
    HOST_ACCESSIBLE = _number(5)


class OrtMemoryInfoDeviceType(Enum):
    """Kinds of devices that have memory."""

    __slots__ = ()
    CPU = _number(0)
    GPU = _number(1)
    NPU = _number(3)
    FPGA = _number(2)


class OrtHardwareDeviceType(Enum):
    """Kinds of hardware."""

    __slots__ = ()
    CPU = _number(0)
    GPU = _number(1)
    NPU = _number(2)


class OrtCompileApiFlags(Enum):
    """Flags of ModelCompiler."""

    __slots__ = ()
    NONE = _number(0)
    ERROR_IF_NO_NODES_COMPILED = _number(1)
    ERROR_IF_OUTPUT_FILE_EXISTS = _number(2)


class OrtExecutionProviderDevicePolicy(Enum):
    """How a device is chosen. Celeris has one, the CPU."""

    __slots__ = ()
    DEFAULT = _number(0)
    PREFER_CPU = _number(1)
    PREFER_NPU = _number(2)
    PREFER_GPU = _number(3)
    MAX_PERFORMANCE = _number(4)
    MAX_EFFICIENCY = _number(5)
    MIN_OVERALL_POWER = _number(6)


class OrtCompiledModelCompatibility(Enum):
    """Whether a compiled model suits a device."""

    __slots__ = ()
    EP_NOT_APPLICABLE = _number(0)
    EP_SUPPORTED_OPTIMAL = _number(1)
    EP_SUPPORTED_PREFER_RECOMPILATION = _number(2)
    EP_UNSUPPORTED = _number(3)


class OrtDeviceEpIncompatibilityReason(Enum):
    """Why a device does not suit a provider."""

    __slots__ = ()
    NONE = _number(0)
    DRIVER_INCOMPATIBLE = _number(1)
    DEVICE_INCOMPATIBLE = _number(2)
    MISSING_DEPENDENCY = _number(4)
    UNKNOWN = _number(-2147483648)


class ArenaExtendStrategy(Enum):
    """How an arena grows."""

    __slots__ = ()
    kNextPowerOfTwo = _number(0)
    kSameAsRequested = _number(1)


class OrtDeviceVendorId(IntEnum):
    """PCI numbers of device makers."""

    NONE = 0x0000
    AMD = 0x1002
    NVIDIA = 0x10DE
    ARM = 0x13B5
    MICROSOFT = 0x1414
    HUAWEI = 0x19E5
    QUALCOMM = 0x5143
    INTEL = 0x8086

"""onnxruntime's enumerations of devices, memory, tensors' forms and compiled models: no session needs them."""

from __future__ import annotations

from enum import IntEnum

from celeris.enums import Enum, number


class OrtMemType(Enum):
    """What memory is for."""

    __slots__ = ()
    CPU_INPUT = number(-2)
    CPU_OUTPUT = number(-1)
    CPU = number(-1)
    DEFAULT = number(0)


class OrtAllocatorType(Enum):
    """Kinds of allocators."""

    __slots__ = ()
    INVALID = number(-1)
    ORT_DEVICE_ALLOCATOR = number(0)
    ORT_ARENA_ALLOCATOR = number(1)


class OrtSparseFormat(Enum):
    """Forms of a sparse tensor."""

    __slots__ = ()
    ORT_SPARSE_UNDEFINED = number(0)
    ORT_SPARSE_COO = number(1)
    ORT_SPARSE_CSRC = number(2)
    ORT_SPARSE_BLOCK_SPARSE = number(4)


class OrtDeviceMemoryType(Enum):
    """Kinds of memory of a device."""

    __slots__ = ()
    DEFAULT = number(0)
    HOST_ACCESSIBLE = number(5)


class OrtMemoryInfoDeviceType(Enum):
    """Kinds of devices that have memory."""

    __slots__ = ()
    CPU = number(0)
    GPU = number(1)
    NPU = number(3)
    FPGA = number(2)


class OrtHardwareDeviceType(Enum):
    """Kinds of hardware."""

    __slots__ = ()
    CPU = number(0)
    GPU = number(1)
    NPU = number(2)


class OrtCompileApiFlags(Enum):
    """Flags of ModelCompiler."""

    __slots__ = ()
    NONE = number(0)
    ERROR_IF_NO_NODES_COMPILED = number(1)
    ERROR_IF_OUTPUT_FILE_EXISTS = number(2)


class OrtExecutionProviderDevicePolicy(Enum):
    """How a device is chosen. Celeris has one, the CPU."""

    __slots__ = ()
    DEFAULT = number(0)
    PREFER_CPU = number(1)
    PREFER_NPU = number(2)
    PREFER_GPU = number(3)
    MAX_PERFORMANCE = number(4)
    MAX_EFFICIENCY = number(5)
    MIN_OVERALL_POWER = number(6)


class OrtCompiledModelCompatibility(Enum):
    """Whether a compiled model suits a device."""

    __slots__ = ()
    EP_NOT_APPLICABLE = number(0)
    EP_SUPPORTED_OPTIMAL = number(1)
    EP_SUPPORTED_PREFER_RECOMPILATION = number(2)
    EP_UNSUPPORTED = number(3)


class OrtDeviceEpIncompatibilityReason(Enum):
    """Why a device does not suit a provider."""

    __slots__ = ()
    NONE = number(0)
    DRIVER_INCOMPATIBLE = number(1)
    DEVICE_INCOMPATIBLE = number(2)
    MISSING_DEPENDENCY = number(4)
    UNKNOWN = number(-2147483648)


class ArenaExtendStrategy(Enum):
    """How an arena grows."""

    __slots__ = ()
    kNextPowerOfTwo = number(0)
    kSameAsRequested = number(1)


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

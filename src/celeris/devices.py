"""Devices and memory as onnxruntime names them. Celeris has one, the CPU; the others can be named, not used."""

from __future__ import annotations

import operator
from typing import Any

from celeris.device_enums import (
    OrtAllocatorType,
    OrtDeviceMemoryType,
    OrtDeviceVendorId,
    OrtHardwareDeviceType,
    OrtMemoryInfoDeviceType,
    OrtMemType,
)
from celeris.environment import CPU, ONNXRUNTIME_VERSION
from celeris.errors import error

_STATE = "celeris.capi.onnxruntime_pybind11_state"
# name -> (device type, vendor where the name implies one). Source: OrtDevice of onnxruntime 1.31.
_KINDS: dict[str, tuple[int, int]] = {
    "cpu": (0, 0),
    "cuda": (1, OrtDeviceVendorId.NVIDIA),
    "dml": (1, OrtDeviceVendorId.MICROSOFT),
    "webgpu": (1, 0),
    "gpu": (1, 0),
    "cann": (3, OrtDeviceVendorId.HUAWEI),
    "npu": (3, 0),
}


class Device:
    """A device by numbers: `(type, memory, id)` or `(type, memory, vendor, id)`."""

    __slots__ = ("_numbers",)

    def __init__(self, device_type: int, mem_type: int, vendor_or_id: int, device_id: int | None = None) -> None:
        vendor, number = (0, vendor_or_id) if device_id is None else (vendor_or_id, device_id)
        self._numbers = tuple(operator.index(part) for part in (device_type, mem_type, vendor, number))

    def device_type(self) -> int:
        return self._numbers[0]

    def mem_type(self) -> int:
        return self._numbers[1]

    def vendor_id(self) -> int:
        return self._numbers[2]

    def device_id(self) -> int:
        return self._numbers[3]

    @staticmethod
    def cpu() -> int:
        return 0

    @staticmethod
    def gpu() -> int:
        return 1

    cuda = dml = webgpu = gpu

    @staticmethod
    def fpga() -> int:
        return 2

    @staticmethod
    def npu() -> int:
        return 3

    cann = npu

    @staticmethod
    def default_memory() -> int:
        return 0


Device.__name__ = Device.__qualname__ = "OrtDevice"
Device.__module__ = _STATE


def require_cpu(device: Device) -> None:
    """RuntimeError where `device` is not the CPU."""
    if device.device_type() == Device.npu():
        raise RuntimeError(
            "Can't allocate memory on the CANN device using this package of OnnxRuntime. "
            "Please use the CANN package of OnnxRuntime to use this feature."
            if device.vendor_id() == OrtDeviceVendorId.HUAWEI
            else "Unsupported device: Cannot place the OrtValue on this device"
        )
    if device.device_type() != Device.cpu():
        raise RuntimeError(
            "Can't allocate memory on the device using this package of OnnxRuntime. "
            "Please use the appropriate package of OnnxRuntime for your hardware to use this feature."
        )


def get_ort_device_type(device_type: str) -> int:
    """The number of a kind of device."""
    if device_type not in _KINDS:
        raise Exception(f"Unsupported device type: {device_type}")
    return _KINDS[device_type][0]


class OrtDevice:
    """A device by name."""

    def __init__(self, c_ort_device: Device) -> None:
        if not isinstance(c_ort_device, Device):
            raise ValueError(
                "`Provided object` needs to be of type `onnxruntime.capi.onnxruntime_pybind11_state.OrtDevice`"
            )
        self._ort_device = c_ort_device

    def _get_c_device(self) -> Device:
        return self._ort_device

    @staticmethod
    def make(ort_device_name: str, device_id: int, vendor_id: int = -1) -> OrtDevice:
        """The device `device_id` of the kind 'cpu', 'cuda', 'gpu', 'npu', ..."""
        kind = get_ort_device_type(ort_device_name)
        vendor = _KINDS[ort_device_name][1] if vendor_id < 0 else vendor_id
        return OrtDevice(Device(kind, Device.default_memory(), int(vendor), device_id))

    def device_id(self) -> int:
        """The number of the device among its kind: 0."""
        return self._ort_device.device_id()

    def device_type(self) -> int:
        """Its kind as a number: 0 for the CPU."""
        return self._ort_device.device_type()

    def device_vendor_id(self) -> int:
        """Its maker's PCI number: 0 for the CPU."""
        return self._ort_device.vendor_id()

    def device_mem_type(self) -> int:
        """The kind of its memory: 0 for the usual."""
        return self._ort_device.mem_type()


class OrtMemoryInfo:
    """Where memory lies: a name, a device, a kind of allocator."""

    __slots__ = (
        "allocator_type", "device_id", "device_mem_type", "device_vendor_id", "mem_type", "name",
    )  # fmt: skip

    def __init__(self, name: str, allocator_type: Any, device_id: int, mem_type: Any) -> None:
        if not isinstance(allocator_type, OrtAllocatorType) or not isinstance(mem_type, OrtMemType):
            raise TypeError("OrtMemoryInfo: expected (str, OrtAllocatorType, int, OrtMemType)")
        if name.lower() not in _KINDS:
            raise RuntimeError("Specified device is not supported. Try CreateMemoryInfo_V2.")
        self._fill(name, allocator_type, operator.index(device_id), mem_type, OrtDeviceMemoryType.DEFAULT, 0)

    def _fill(self, name: str, allocator: Any, device_id: int, mem_type: Any, device_mem: Any, vendor: int) -> None:
        self.name, self.allocator_type, self.device_id, self.mem_type = name, allocator, device_id, mem_type
        self.device_mem_type, self.device_vendor_id = device_mem, vendor

    @staticmethod
    def create_v2(
        name: str,
        device_type: OrtMemoryInfoDeviceType,
        vendor_id: int,
        device_id: int,
        device_mem_type: OrtDeviceMemoryType,
        alignment: int,
        allocator_type: OrtAllocatorType,
    ) -> OrtMemoryInfo:
        """Memory of a device given by kind, maker and number."""
        made = OrtMemoryInfo.__new__(OrtMemoryInfo)
        made._fill(name, allocator_type, device_id, OrtMemType.DEFAULT, device_mem_type, vendor_id)
        return made


def cpu_memory_info() -> OrtMemoryInfo:
    """Where inputs and outputs of every session lie."""
    return OrtMemoryInfo("Cpu", OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, OrtMemType.DEFAULT)


class OrtArenaCfg:
    """Numbers for an arena, positional or as a dict; accepted, Celeris has no arena."""

    _FIELDS = (
        "max_mem", "arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk",
        "initial_growth_chunk_size_bytes", "max_power_of_two_extend_bytes",
    )  # fmt: skip
    __slots__ = _FIELDS

    def __init__(self, *numbers: Any) -> None:
        if len(numbers) == 1 and isinstance(numbers[0], dict):
            given = numbers[0]
        elif len(numbers) == 4:
            given = dict(zip(self._FIELDS, numbers, strict=False))
        else:
            raise TypeError("OrtArenaCfg: expected a dict, or (max_mem, strategy, initial_chunk, max_dead)")
        for name, default in zip(self._FIELDS, (0, -1, -1, -1, -1, -1), strict=True):
            setattr(self, name, operator.index(given.get(name, default)))
        for name in given:
            if name not in self._FIELDS:
                raise RuntimeError(f"Invalid OrtArenaCfg option: {name}")


def create_and_register_allocator(memory: OrtMemoryInfo, arena: OrtArenaCfg | None) -> None:
    """Accepted: Celeris allocates by itself."""


def create_and_register_allocator_v2(
    provider: str, memory: OrtMemoryInfo, options: dict[str, str], arena: OrtArenaCfg | None
) -> None:
    """Accepted: Celeris allocates by itself."""


class OrtHardwareDevice:
    """The machine's processor."""

    __slots__ = ("device_id", "metadata", "type", "vendor", "vendor_id")

    def __init__(self) -> None:
        self.type, self.vendor, self.vendor_id, self.device_id = OrtHardwareDeviceType.CPU, "", 0, 0
        self.metadata: dict[str, str] = {}


class OrtEpDevice:
    """A provider on a device: the CPU's."""

    __slots__ = ("device", "ep_metadata", "ep_name", "ep_options", "ep_vendor")

    def __init__(self) -> None:
        self.ep_name, self.ep_vendor, self.device = CPU, "Microsoft", OrtHardwareDevice()
        self.ep_metadata, self.ep_options = {"version": ONNXRUNTIME_VERSION}, dict[str, str]()

    def memory_info(self, kind: OrtDeviceMemoryType) -> OrtMemoryInfo:
        """Where memory of this kind lies."""
        return cpu_memory_info()


def get_ep_devices() -> list[OrtEpDevice]:
    """One: the CPU."""
    return [OrtEpDevice()]


def get_hardware_devices() -> list[OrtHardwareDevice]:
    """One: the CPU."""
    return [OrtHardwareDevice()]


def register_execution_provider_library(name: str, path: str) -> None:
    """Refuses: Celeris has no plug-in providers."""
    raise error("FAIL", f"Failed to load library {path} for {name}: Celeris has no plug-in execution providers")


def unregister_execution_provider_library(name: str) -> None:
    """Refuses: nothing was registered."""
    raise error("INVALID_ARGUMENT", f"Execution provider library: {name} was not registered.")


for _cls in (OrtMemoryInfo, OrtArenaCfg, OrtHardwareDevice, OrtEpDevice):
    _cls.__module__ = _STATE

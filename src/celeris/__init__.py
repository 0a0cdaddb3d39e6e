"""Celeris: a runtime for trained models stored as ONNX files, with the Python API of onnxruntime on the CPU."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from celeris._core import build_info
from celeris.enums import ExecutionMode, ExecutionOrder, GraphOptimizationLevel
from celeris.environment import ONNXRUNTIME_VERSION as version  # noqa: F401
from celeris.environment import VERSION as __version__
from celeris.environment import (
    disable_telemetry_events,
    enable_telemetry_events,
    get_all_providers,
    get_available_providers,
    get_build_info,
    get_device,
    get_version_string,
    has_collective_ops,
    preload_dlls,
    print_debug_info,
    set_default_logger_severity,
    set_default_logger_verbosity,
    set_global_thread_pool_sizes,
    set_seed,
)
from celeris.metadata import AssignedNode as OrtEpAssignedNode
from celeris.metadata import AssignedSubgraph as OrtEpAssignedSubgraph
from celeris.metadata import ModelMetadata, NodeArg
from celeris.options import RunOptions, SessionOptions
from celeris.session import InferenceSession

if TYPE_CHECKING:
    from celeris.binding import IOBinding, SessionIOBinding
    from celeris.capi import onnxruntime_validation
    from celeris.compat import as_onnxruntime
    from celeris.device_enums import (
        OrtAllocatorType,
        OrtCompileApiFlags,
        OrtDeviceMemoryType,
        OrtDeviceVendorId,
        OrtExecutionProviderDevicePolicy,
        OrtHardwareDeviceType,
        OrtMemoryInfoDeviceType,
        OrtMemType,
        OrtSparseFormat,
    )
    from celeris.devices import (
        OrtArenaCfg,
        OrtDevice,
        OrtEpDevice,
        OrtHardwareDevice,
        OrtMemoryInfo,
        create_and_register_allocator,
        create_and_register_allocator_v2,
        get_ep_devices,
        register_execution_provider_library,
        unregister_execution_provider_library,
    )
    from celeris.ortvalue import OrtValue, copy_tensors
    from celeris.predictor import Predictor, load
    from celeris.refusals import (
        AdapterFormat,
        LoraAdapter,
        ModelCompiler,
        OrtEpContextData,
        OrtEpContextDataBuffer,
        OrtExternalInitializerInfo,
        OrtSyncStream,
    )
    from celeris.sparse import SparseTensor

import_capi_exception = None
package_name, cuda_version = "onnxruntime", ""

__all__ = [
    "AdapterFormat", "ExecutionMode", "ExecutionOrder", "GraphOptimizationLevel", "IOBinding", "InferenceSession",
    "LoraAdapter", "ModelCompiler", "ModelMetadata", "NodeArg", "OrtAllocatorType", "OrtArenaCfg",
    "OrtCompileApiFlags", "OrtDevice", "OrtDeviceMemoryType", "OrtDeviceVendorId", "OrtEpAssignedNode",
    "OrtEpAssignedSubgraph", "OrtEpContextData", "OrtEpContextDataBuffer", "OrtEpDevice",
    "OrtExecutionProviderDevicePolicy", "OrtExternalInitializerInfo", "OrtHardwareDevice", "OrtHardwareDeviceType",
    "OrtMemType", "OrtMemoryInfo", "OrtMemoryInfoDeviceType", "OrtSparseFormat", "OrtSyncStream", "OrtValue",
    "Predictor", "RunOptions", "SessionIOBinding", "SessionOptions", "SparseTensor", "__version__", "as_onnxruntime",
    "build_info",
    "copy_tensors", "create_and_register_allocator", "create_and_register_allocator_v2", "disable_telemetry_events",
    "enable_telemetry_events", "get_all_providers", "get_available_providers", "get_build_info", "get_device",
    "get_ep_devices", "get_version_string", "has_collective_ops", "load", "onnxruntime_validation", "preload_dlls",
    "print_debug_info", "register_execution_provider_library", "set_default_logger_severity",
    "set_default_logger_verbosity", "set_global_thread_pool_sizes", "set_seed",
    "unregister_execution_provider_library",
]  # fmt: skip


# Imported when first asked for, since a session needs nothing of them.
_LATER = {
    "binding": ("IOBinding", "SessionIOBinding"),
    "capi": ("capi",),
    "capi.onnxruntime_validation": ("onnxruntime_validation",),
    "compat": ("as_onnxruntime",),
    "device_enums": (
        "OrtAllocatorType", "OrtCompileApiFlags", "OrtDeviceMemoryType", "OrtDeviceVendorId",
        "OrtExecutionProviderDevicePolicy", "OrtHardwareDeviceType", "OrtMemoryInfoDeviceType", "OrtMemType",
        "OrtSparseFormat",
    ),
    "devices": (
        "OrtArenaCfg", "OrtDevice", "OrtEpDevice", "OrtHardwareDevice", "OrtMemoryInfo",
        "create_and_register_allocator", "create_and_register_allocator_v2", "get_ep_devices",
        "register_execution_provider_library", "unregister_execution_provider_library",
    ),
    "ortvalue": ("OrtValue", "copy_tensors"),
    "predictor": ("Predictor", "load"),
    "refusals": (
        "AdapterFormat", "LoraAdapter", "ModelCompiler", "OrtEpContextData", "OrtEpContextDataBuffer",
        "OrtExternalInitializerInfo", "OrtSyncStream",
    ),
    "sparse": ("SparseTensor",),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _LATER.items():
        if name in names:
            found = import_module(f"celeris.{module}")
            return globals().setdefault(name, getattr(found, name, found))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *(name for names in _LATER.values() for name in names)})

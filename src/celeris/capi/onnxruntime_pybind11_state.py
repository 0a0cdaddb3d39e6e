"""Exception classes, enumerations and the low-level classes, at the place where onnxruntime's extension has them."""

from celeris.binding import SessionIOBinding
from celeris.device_enums import (
    ArenaExtendStrategy,
    OrtAllocatorType,
    OrtCompileApiFlags,
    OrtCompiledModelCompatibility,
    OrtDeviceEpIncompatibilityReason,
    OrtDeviceMemoryType,
    OrtExecutionProviderDevicePolicy,
    OrtHardwareDeviceType,
    OrtMemoryInfoDeviceType,
    OrtMemType,
    OrtSparseFormat,
)
from celeris.devices import Device as OrtDevice
from celeris.devices import (
    OrtArenaCfg,
    OrtEpDevice,
    OrtHardwareDevice,
    OrtMemoryInfo,
    create_and_register_allocator,
    create_and_register_allocator_v2,
    get_ep_devices,
    get_hardware_devices,
    register_execution_provider_library,
    unregister_execution_provider_library,
)
from celeris.enums import ExecutionMode, ExecutionOrder, GraphOptimizationLevel
from celeris.environment import (
    disable_telemetry_events,
    enable_telemetry_events,
    get_all_providers,
    get_available_providers,
    get_build_info,
    get_device,
    get_version_string,
    has_collective_ops,
    set_default_logger_severity,
    set_default_logger_verbosity,
    set_global_thread_pool_sizes,
    set_seed,
)
from celeris.errors import (
    DeviceReset,
    EngineError,
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    ModelLoadCanceled,
    ModelLoaded,
    ModelRequiresCompilation,
    NoModel,
    NoSuchFile,
    NotFound,
    NotImplemented,
    RuntimeException,
)
from celeris.loading import LoadedModel as InferenceSession
from celeris.metadata import AssignedNode as OrtEpAssignedNode
from celeris.metadata import AssignedSubgraph as OrtEpAssignedSubgraph
from celeris.metadata import ModelMetadata, NodeArg
from celeris.options import RunOptions, SessionOptions, get_default_session_options
from celeris.ortvalue import OrtValueVector, copy_tensors, is_dlpack_uint8_tensor
from celeris.refusals import (
    LoraAdapter,
    ModelCompiler,
    OrtEpContextData,
    OrtEpContextDataBuffer,
    OrtExternalInitializerInfo,
    OrtSyncStream,
    SessionObjectInitializer,
    get_session_initializer,
)
from celeris.schemas import get_all_operator_schema, get_all_opkernel_def, get_registered_ep_kernel_defs
from celeris.sparse import SparseBlockSparseView, SparseCooView, SparseCsrView
from celeris.sparse import SparseValue as SparseTensor
from celeris.values import Value as OrtValue

kNextPowerOfTwo = ArenaExtendStrategy.kNextPowerOfTwo  # names that onnxruntime exports so
kSameAsRequested = ArenaExtendStrategy.kSameAsRequested

__all__ = [
    "ArenaExtendStrategy", "DeviceReset", "EPFail", "EngineError", "ExecutionMode", "ExecutionOrder", "Fail",
    "GraphOptimizationLevel", "InferenceSession", "InvalidArgument", "InvalidGraph", "InvalidProtobuf",
    "LoraAdapter", "ModelCompiler", "ModelLoadCanceled", "ModelLoaded", "ModelMetadata", "ModelRequiresCompilation",
    "NoModel", "NoSuchFile", "NodeArg", "NotFound", "NotImplemented", "OrtAllocatorType", "OrtArenaCfg",
    "OrtCompileApiFlags", "OrtCompiledModelCompatibility", "OrtDevice", "OrtDeviceEpIncompatibilityReason",
    "OrtDeviceMemoryType", "OrtEpAssignedNode", "OrtEpAssignedSubgraph", "OrtEpContextData",
    "OrtEpContextDataBuffer", "OrtEpDevice", "OrtExecutionProviderDevicePolicy", "OrtExternalInitializerInfo",
    "OrtHardwareDevice", "OrtHardwareDeviceType", "OrtMemType", "OrtMemoryInfo", "OrtMemoryInfoDeviceType",
    "OrtSparseFormat", "OrtSyncStream", "OrtValue", "OrtValueVector", "RunOptions", "RuntimeException",
    "SessionIOBinding", "SessionObjectInitializer", "SessionOptions", "SparseBlockSparseView", "SparseCooView",
    "SparseCsrView", "SparseTensor", "copy_tensors", "create_and_register_allocator",
    "create_and_register_allocator_v2", "disable_telemetry_events", "enable_telemetry_events",
    "get_all_operator_schema", "get_all_opkernel_def", "get_all_providers", "get_available_providers",
    "get_build_info", "get_default_session_options", "get_device", "get_ep_devices", "get_hardware_devices",
    "get_registered_ep_kernel_defs", "get_session_initializer", "get_version_string", "has_collective_ops",
    "is_dlpack_uint8_tensor", "kNextPowerOfTwo", "kSameAsRequested", "register_execution_provider_library",
    "set_default_logger_severity", "set_default_logger_verbosity", "set_global_thread_pool_sizes", "set_seed",
    "unregister_execution_provider_library",
]  # fmt: skip

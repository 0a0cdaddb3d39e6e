"""Sessions, values and bindings, at the place where onnxruntime defines them."""

from celeris.binding import IOBinding
from celeris.device_enums import OrtDeviceVendorId
from celeris.devices import OrtDevice, get_ort_device_type
from celeris.ortvalue import OrtValue, copy_tensors
from celeris.provider_names import check_and_normalize_provider_args
from celeris.refusals import AdapterFormat, ModelCompiler
from celeris.session import InferenceSession, Session
from celeris.sparse import SparseTensor

__all__ = [
    "AdapterFormat", "IOBinding", "InferenceSession", "ModelCompiler", "OrtDevice", "OrtDeviceVendorId", "OrtValue",
    "Session", "SparseTensor", "check_and_normalize_provider_args", "copy_tensors", "get_ort_device_type",
]  # fmt: skip

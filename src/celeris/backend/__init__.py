"""The onnx package's backend interface: `celeris.backend.prepare(model).run(inputs)`."""

from celeris.backend.backend import OnnxRuntimeBackend as Backend
from celeris.backend.backend import is_compatible, prepare, run, supports_device
from celeris.backend.backend_rep import OnnxRuntimeBackendRep

__all__ = ["Backend", "OnnxRuntimeBackendRep", "is_compatible", "prepare", "run", "supports_device"]

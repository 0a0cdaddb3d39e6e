"""The onnx package's backend interface over InferenceSession."""

from __future__ import annotations

import os
from typing import Any

from celeris.backend.backend_rep import OnnxRuntimeBackendRep, set_options
from celeris.environment import get_device
from celeris.errors import EXCEPTIONS
from celeris.options import SessionOptions
from celeris.session import InferenceSession

_NOT_PERMITTED = {"optimized_model_filepath", "profile_file_prefix", "enable_profiling"}  # they write files


class OnnxRuntimeBackend:
    """The functions of this module, as class methods."""

    allowReleasedOpsetsOnly = False  # Celeris runs what onnx defines

    @classmethod
    def is_compatible(cls, model: Any, device: str | None = None, **kwargs: Any) -> bool:
        """Whether the model can be prepared."""
        if device is not None and not cls.supports_device(device):
            return False
        try:
            cls.prepare(model, device, **kwargs)
        except EXCEPTIONS:
            return False
        return True

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether `device` is there."""
        return device == get_device()

    @classmethod
    def prepare(cls, model: Any, device: str | None = None, **kwargs: Any) -> OnnxRuntimeBackendRep:
        """A model (path, bytes, ModelProto, session, or one prepared before), ready to run.

        Keywords set SessionOptions; those it does not have are passed by. RuntimeError for a device that is not there.
        """
        if isinstance(model, OnnxRuntimeBackendRep):
            return model
        if isinstance(model, InferenceSession):
            return OnnxRuntimeBackendRep(model)
        if device is not None and not cls.supports_device(device):
            raise RuntimeError(f"Incompatible device expected '{device}', got '{get_device()}'")
        if hasattr(model, "SerializeToString"):
            model = model.SerializeToString()
        if not isinstance(model, str | bytes | os.PathLike):
            raise TypeError(f"model: expected a path, bytes, a ModelProto or a session, got {type(model).__name__}")
        options = SessionOptions()
        set_options(options, kwargs, _NOT_PERMITTED, "SessionOptions")
        return OnnxRuntimeBackendRep(InferenceSession(model, options, providers=["CPUExecutionProvider"]))

    @classmethod
    def run_model(cls, model: Any, inputs: Any, device: str | None = None, **kwargs: Any) -> list[Any]:
        """`prepare(model).run(inputs)`."""
        return cls.prepare(model, device, **kwargs).run(inputs, **kwargs)

    @classmethod
    def run_node(
        cls, node: Any, inputs: Any, device: str | None = None, outputs_info: Any = None, **kwargs: Any
    ) -> Any:
        """A node alone cannot be run: it has no opset."""
        raise NotImplementedError("It is much more efficient to run a whole model than every node independently.")


is_compatible = OnnxRuntimeBackend.is_compatible
prepare = OnnxRuntimeBackend.prepare
run = OnnxRuntimeBackend.run_model
supports_device = OnnxRuntimeBackend.supports_device

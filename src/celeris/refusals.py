"""Names of onnxruntime's API that Celeris has for import only: each says, when used, that it is not here and why."""

from __future__ import annotations

from typing import Any, NoReturn

_STATE = "celeris.capi.onnxruntime_pybind11_state"


def refuse(what: str, why: str) -> NoReturn:
    """Raises NotImplementedError."""
    raise NotImplementedError(f"{what}: Celeris does not have it: {why}")


class AdapterFormat:
    """LoRA adapter files."""

    def __init__(self, adapter: Any = None) -> None:
        refuse("AdapterFormat", "it neither reads nor writes LoRA adapters; merge the adapter into the model")

    @staticmethod
    def read_adapter(file_path: Any) -> AdapterFormat:
        """Refuses: NotImplementedError."""
        refuse("AdapterFormat", "it neither reads nor writes LoRA adapters; merge the adapter into the model")


class LoraAdapter:
    """A LoRA adapter that a run applies."""

    def Load(self, path: str) -> None:
        """Refuses: NotImplementedError."""
        refuse("LoraAdapter", "it neither reads nor writes LoRA adapters; merge the adapter into the model")


class ModelCompiler:
    """Compilation of a model for an execution provider."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse("ModelCompiler", "there is no provider to compile for; the model runs as it is")


class OrtExternalInitializerInfo:
    """Where an initializer lies in a file."""

    def __init__(self, filepath: str, file_offset: int, byte_size: int) -> None:
        self.filepath, self.file_offset, self.byte_size = filepath, file_offset, byte_size


class OrtSyncStream:
    """A stream of work on a GPU."""

    def __init__(self) -> None:
        refuse("OrtSyncStream", "it runs on the CPU, which has none")


class OrtEpContextData:
    """Context data of an execution provider."""

    def __init__(self) -> None:
        refuse("OrtEpContextData", "the CPU has none")


class OrtEpContextDataBuffer(OrtEpContextData):
    """A buffer for context data."""


class SessionObjectInitializer:
    """An internal handle of onnxruntime's."""


def get_session_initializer() -> SessionObjectInitializer:
    """An internal handle of onnxruntime's."""
    return SessionObjectInitializer()


for _cls in (
    LoraAdapter, OrtExternalInitializerInfo, OrtSyncStream, OrtEpContextData, OrtEpContextDataBuffer,
    SessionObjectInitializer,
):  # fmt: skip
    _cls.__module__ = _STATE

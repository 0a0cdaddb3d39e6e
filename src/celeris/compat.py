"""Celeris under the name `onnxruntime`."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def as_onnxruntime() -> ModuleType:
    """From here on `import onnxruntime` means Celeris; RuntimeError where the real one is imported already.

    Call it before anything imports onnxruntime. Again is harmless.
    """
    from celeris.finder import NAME, Finder  # not above: importlib.metadata takes longer to import than all of Celeris

    present = sys.modules.get(NAME)
    if present is not None:
        if isinstance(getattr(present.__spec__, "loader", None), Finder):
            return present
        raise RuntimeError(
            "as_onnxruntime: expected that onnxruntime is not imported yet, "
            f"got {getattr(present, '__file__', present)}; call celeris.as_onnxruntime() first"
        )
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
    module = importlib.import_module(NAME)
    for below in ("capi", "capi.onnxruntime_pybind11_state", "capi._pybind_state"):
        importlib.import_module(f"{NAME}.{below}")
    for below in ("capi.onnxruntime_inference_collection", "capi.onnxruntime_validation"):
        importlib.import_module(f"{NAME}.{below}")
    module.__dict__["onnxruntime_validation"] = sys.modules[f"{NAME}.capi.onnxruntime_validation"]
    return module

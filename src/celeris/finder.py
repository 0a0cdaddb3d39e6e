"""Finds `onnxruntime` and the modules below it: made from Celeris' modules of the same names, with the same classes."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.metadata
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from celeris.environment import ONNXRUNTIME_VERSION

NAME = "onnxruntime"
# What can be imported below `onnxruntime`; the modules of the same name below `celeris` are where it comes from.
_MODULES = frozenset(
    (
        "capi", "capi._pybind_state", "capi.build_and_package_info", "capi.onnxruntime_inference_collection",
        "capi.onnxruntime_pybind11_state", "capi.onnxruntime_validation", "datasets", "backend",
        "backend.backend", "backend.backend_rep", "quantization", "tools", "transformers",
        "transformers.io_binding_helper",
    )
)  # fmt: skip


class _Distribution(importlib.metadata.Distribution):
    """What importlib.metadata tells of the package `onnxruntime`."""

    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {ONNXRUNTIME_VERSION}\nSummary: Celeris as {NAME}\n"

    def locate_file(self, path: Any) -> Any:
        return Path(__file__).parent / path


class Finder(importlib.metadata.DistributionFinder, importlib.abc.Loader):
    """Makes `onnxruntime` and what is below it from Celeris' modules: other module objects, the same classes."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        head, _, below = fullname.partition(".")
        if head != NAME:
            return None
        if below and below not in _MODULES:
            raise ModuleNotFoundError(f"No module named '{fullname}' (Celeris stands for onnxruntime)", name=fullname)
        source = importlib.import_module("celeris" + ("." + below if below else ""))
        spec = ModuleSpec(fullname, self, origin=source.__file__, is_package=hasattr(source, "__path__"))
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.extend(source.__path__)
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        source = sys.modules["celeris" + module.__name__.removeprefix(NAME)]
        own = {name: value for name, value in vars(source).items() if not _is_ours(name, value)}
        module.__dict__.update(own)
        module.__doc__ = source.__doc__
        if module.__name__ == NAME:
            module.__dict__["__version__"] = ONNXRUNTIME_VERSION

    def find_distributions(
        self, context: importlib.metadata.DistributionFinder.Context | None = None
    ) -> Iterable[importlib.metadata.Distribution]:
        return [_Distribution()] if context is None or context.name in (None, NAME) else []


def _is_ours(name: str, value: object) -> bool:
    """Whether a name belongs to the module object itself, or is one of Celeris' own modules."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] == "celeris"
    return name.startswith("__") and name not in ("__all__", "__getattr__", "__dir__", "__version__")

"""What goes wrong in conversions, libraries that are not installed among it."""

from __future__ import annotations

import importlib
from typing import Any


class ConversionError(Exception):
    """An estimator cannot be converted, or its conversion predicts something else."""


def library(name: str) -> Any:
    """The module, imported when it is first needed."""
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        package = name.split(".")[0]
        raise ConversionError(f"expected {package} to be installed; pip install 'celeris[convert]'") from problem

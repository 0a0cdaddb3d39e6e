"""In which precision the reference tier computes: half types are widened to float32, and rounded once at the end."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


def widen(x: np.ndarray) -> np.ndarray:
    """`x` in a type NumPy computes in at full speed: float32 for the half and quarter types, else `x` itself."""
    return x if x.dtype in (np.float32, np.float64) or x.dtype.kind in "iubc" else x.astype(np.float32)


def narrow(x: Any, dtype: np.dtype) -> np.ndarray:
    """`x` rounded to `dtype`, and always an array (NumPy gives scalars where the rank is 0)."""
    return np.asarray(x).astype(dtype, copy=False)


def quiet(function: F) -> F:
    """`function` without NumPy's floating-point warnings: infinities and NaN are results like any other."""

    @wraps(function)
    def run(*inputs: Any, **attributes: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*inputs, **attributes)

    return run  # type: ignore[return-value]


def rounded_once(function: F) -> F:
    """`function` given its inputs widened, its result narrowed to the type of input 0, and no warnings."""

    @wraps(function)
    def run(*inputs: Any, **attributes: Any) -> Any:
        with np.errstate(all="ignore"):
            result = function(*[x if x is None else widen(x) for x in inputs], **attributes)
            return narrow(result, inputs[0].dtype)

    return run  # type: ignore[return-value]

"""In which precision the reference tier computes: half types are widened to float32, and rounded once at the end."""

from __future__ import annotations

from typing import Any

import numpy as np


def widen(x: np.ndarray) -> np.ndarray:
    """`x` in a type NumPy computes in at full speed: float32 for the half and quarter types, else `x` itself."""
    return x if x.dtype in (np.float32, np.float64) or x.dtype.kind in "iubc" else x.astype(np.float32)


def narrow(x: Any, dtype: np.dtype) -> np.ndarray:
    """`x` rounded to `dtype`, and always an array (NumPy gives scalars where the rank is 0)."""
    return np.asarray(x).astype(dtype, copy=False)

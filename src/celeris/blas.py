"""How many threads NumPy's products of matrices may use: those that a session asks for, not all that the machine has.

NumPy's wheels bring an OpenBLAS of their own, with one number of threads for the process. Where NumPy stands on
another BLAS there is nothing to set.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np


class Blas:
    """The setting, and the bounds of the calls that run now: the least of them holds, for all."""

    def __init__(self, get: Callable[[], int], put: Callable[[int], Any]) -> None:
        self._get, self._put = get, put
        self._lock = threading.Lock()
        self._bounds: list[int] = []
        self._before = 0  # what it was when no call was bounded

    @property
    def threads(self) -> int:
        """How many are used where nobody bounds them."""
        with self._lock:
            return self._before if self._bounds else self._get()

    def enter(self, bound: int) -> None:
        """From here on no more than `bound`, until `leave(bound)`."""
        with self._lock:
            if not self._bounds:
                self._before = self._get()
            self._bounds.append(bound)
            self._put(min(self._before, *self._bounds))

    def leave(self, bound: int) -> None:
        """The way back."""
        with self._lock:
            self._bounds.remove(bound)
            self._put(min([self._before, *self._bounds]))


@cache
def numpys() -> Blas | None:
    """That of NumPy's wheel; None where NumPy has another."""
    package = os.path.dirname(np.__file__)
    for folder in filter(os.path.isdir, (f"{package}.libs", os.path.join(package, ".dylibs"))):
        for name in sorted(name for name in os.listdir(folder) if "openblas" in name):
            try:
                library = ctypes.CDLL(os.path.join(folder, name))  # loaded already: this finds it
            except OSError:
                continue
            for ending in ("64_", ""):
                get = getattr(library, f"scipy_openblas_get_num_threads{ending}", None)
                put = getattr(library, f"scipy_openblas_set_num_threads{ending}", None)
                if get is not None and put is not None:
                    return Blas(get, put)
    return None


def bounded(function: Callable[..., Any], threads: int) -> Callable[..., Any]:
    """`function`, whose products of matrices use no more than `threads`; itself where they would not anyway."""
    blas = numpys()
    if blas is None or blas.threads <= threads:
        return function

    @wraps(function)
    def run(*values: Any) -> Any:
        blas.enter(threads)
        try:
            return function(*values)
        finally:
            blas.leave(threads)

    return run

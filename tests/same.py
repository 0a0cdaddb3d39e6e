"""Equality of models, graphs and all they hold: exact, bit by bit, types and dtypes included."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.strings import Strings
from celeris.records import Record


def difference(a: Any, b: Any, where: str = "") -> str | None:
    """Where two values differ and how, or None where they are the same."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return f"{where}: {a.dtype}{a.shape} and {b.dtype}{b.shape}"
        equal = a.tolist() == b.tolist() if a.dtype.kind == "O" else a.tobytes() == b.tobytes()
        return None if equal else f"{where}: {a} and {b}"
    if isinstance(a, Strings) and isinstance(b, Strings):
        return None if a == b else f"{where}: {a} and {b}"
    if type(a) is not type(b):
        return f"{where}: {type(a)} and {type(b)}"
    if isinstance(a, list | tuple):
        if len(a) != len(b):
            return f"{where}: {len(a)} and {len(b)} elements"
        pairs = [(f"{where}[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b, strict=True))]
    elif isinstance(a, dict):
        if a.keys() != b.keys():
            return f"{where}: keys {sorted(map(str, a.keys() ^ b.keys()))}"
        pairs = [(f"{where}[{key!r}]", a[key], b[key]) for key in a]
    elif isinstance(a, Record):
        names = type(a).__match_args__
        pairs = [(f"{where}.{name}", getattr(a, name), getattr(b, name)) for name in names]
    elif isinstance(a, float):
        return None if a.hex() == b.hex() else f"{where}: {a} and {b}"
    else:
        return None if a == b else f"{where}: {a!r} and {b!r}"
    return next((found for label, x, y in pairs if (found := difference(x, y, label))), None)


def assert_same(a: Any, b: Any) -> None:
    """Fails with the first difference."""
    found = difference(a, b)
    assert found is None, found

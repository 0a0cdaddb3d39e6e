"""Several kernel calls for one node, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.providers.base import Claim, Context, KernelCall, Rows


class Chain:
    """Collects calls and what their outputs are; values between them get fresh names."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._calls: list[KernelCall] = []
        self._rows: dict[str, Rows] = {}

    def rows(self, name: str) -> Rows:
        """What a value is, made by the chain or before it."""
        found = self._rows.get(name) or self._context.rows(name)
        assert found is not None
        return found

    def call(
        self, kernel: str, params: dict[str, Any], inputs: list[str], element: str, width: int | None, out: str = ""
    ) -> str:
        """One call whose output has so many columns (None: a tail of its own, [N]); returns the output's name."""
        name = out or self._context.fresh(kernel)
        self._calls.append(KernelCall(kernel, params, inputs, [name]))
        self._rows[name] = Rows(element, () if width is None else (width,))
        return name

    def reals(self, source: str) -> str:
        """The value, as double where it is of integers."""
        return source if self.rows(source).element == "float" else self.of(source, "double")

    def of(self, source: str, element: str) -> str:
        """The value in that type."""
        rows = self.rows(source)
        return source if rows.element == element else self.call("cast", {}, [source], element, rows.width)

    def product(self, source: str, weights: np.ndarray, bias: np.ndarray, element: str = "double") -> str:
        """source times weights [M, K]' plus bias [M], summed in double."""
        params = {"weights": np.ascontiguousarray(weights, np.float64), "bias": np.ascontiguousarray(bias, np.float64)}
        return self.call("gemm", params, [source], element, len(bias))

    def narrow_product(self, source: str, weights: np.ndarray, bias: np.ndarray, element: str = "float") -> str:
        """The same of float32, summed in float32 in blocks; what is too great for that is infinite."""
        with np.errstate(over="ignore"):
            given = {"weights": weights, "bias": bias}
            params = {name: np.ascontiguousarray(values, np.float32) for name, values in given.items()}
        return self.call("gemm_narrow", params, [source], element, len(bias))

    def claim(self, note: str = "") -> Claim:
        """All of it."""
        return Claim(self._calls, self._rows, note=note)

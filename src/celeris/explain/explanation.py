"""Explanation: contributions of features to scores, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.records import Record


class Explanation(Record, frozen=True):
    """Scores taken apart: base + contributions summed over features = the score before any post_transform.

    Where a model has several outputs, contributions are [N, F, outputs] and base is [outputs].
    """

    contributions: np.ndarray  # float64 [N, F] or [N, F, outputs]
    base: Any  # float, or float64 [outputs]
    values: np.ndarray  # [N, F]: the features as the explained node saw them
    features: list[str]
    outputs: list[str]  # classes or targets; empty for a single unnamed one

    @property
    def scores(self) -> np.ndarray:
        """What the contributions add up to, float64 [N] or [N, outputs]."""
        return np.asarray(self.base + self.contributions.sum(axis=1))

    def output(self, which: str | int) -> Explanation:
        """The explanation of one output alone, by name or position."""
        if self.contributions.ndim == 2:
            return self
        at = self.outputs.index(which) if isinstance(which, str) and which in self.outputs else which
        if not isinstance(at, int) or not -len(self.outputs) <= at < len(self.outputs):
            raise ValueError(f"output: expected one of {', '.join(self.outputs)}, got {which!r}")
        name = [self.outputs[at]]
        return Explanation(self.contributions[:, :, at], float(self.base[at]), self.values, self.features, name)

    def importance(self) -> list[tuple[str, float]]:
        """Features and the mean size of their contributions (over rows and outputs), greatest first."""
        size = np.abs(self.contributions).mean(axis=0) if len(self.contributions) else np.zeros(len(self.features))
        size = size.sum(axis=1) if size.ndim == 2 else size
        order = np.argsort(-size, kind="stable")
        return [(self.features[i], float(size[i])) for i in order]

    def columns(self) -> dict[str, np.ndarray]:
        """Named columns of contributions, and of the base: for a frame or a file."""
        names = [*self.features, "base"]
        if self.contributions.ndim == 2:
            base = np.full(len(self.contributions), self.base)
            return dict(zip(names, [*self.contributions.T, base], strict=True))
        made = {}
        for k, output in enumerate(self.outputs):
            for name, column in zip(names, [*self.contributions[:, :, k].T, None], strict=True):
                made[f"{output}.{name}"] = np.full(len(self.values), self.base[k]) if column is None else column
        return made

    def __repr__(self) -> str:
        top = ", ".join(f"{name} {size:.4g}" for name, size in self.importance()[:3])
        return f"<celeris.Explanation of {len(self.values)} rows: {top}{', ...' if len(self.features) > 3 else ''}>"

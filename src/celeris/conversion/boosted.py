"""Boosted trees of any trainer in one form: trees of ONNX's nodes, what is added to their sums, what that becomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from celeris.records import Record, field

LEAF, LEQ, LT, EQ = "LEAF", "BRANCH_LEQ", "BRANCH_LT", "BRANCH_EQ"

# What a prediction is of the sum s: s; 1 / (1 + e^-s); softmax over targets; e^s; log(1 + e^s); s |s|; 1 where s > 0.
Link = Literal["identity", "sigmoid", "softmax", "exp", "softplus", "square", "step"]
Ways = list[tuple[int, bool]]  # (node, its true branch or its false one): branches that lead to one and the same node


class Tree(Record):
    """Nodes in parallel lists, the root first. `leaves`: (node, target, weight)."""

    mode: list[str] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    missing: list[bool] = field(default_factory=list)  # whether NaN takes the true branch
    cover: list[float] = field(default_factory=list)  # rows of the training, or their weight
    true: list[int] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    leaves: list[tuple[int, int, float]] = field(default_factory=list)

    def leaf(self, came: Ways, weights: Sequence[tuple[int, float]], cover: float) -> None:
        """A leaf of weights for targets, where the branches `came` end."""
        at = self._node(came, LEAF, 0, 0.0, False, cover)
        self.leaves.extend((at, target, weight) for target, weight in weights)

    def split(
        self, came: Ways, mode: str, feature: int, value: float, missing: bool, cover: float
    ) -> tuple[Ways, Ways]:
        """A node that compares, and its true and false branches."""
        at = self._node(came, mode, feature, value, missing, cover)
        return [(at, True)], [(at, False)]

    def members(
        self, came: Ways, feature: int, values: Sequence[float], missing: bool, true: float, false: float
    ) -> tuple[Ways, Ways]:
        """Is the feature one of `values`? A chain of ==, whose true branches meet. true, false: covers below it."""
        if not values:
            return [], came
        met: Ways = []
        for done, value in enumerate(values):
            left = true * (len(values) - done) / len(values)
            at = self._node(came, EQ, feature, value, missing and not done, false + left)
            met.append((at, True))
            came = [(at, False)]
        return met, came

    def _node(self, came: Ways, mode: str, feature: int, value: float, missing: bool, cover: float) -> int:
        at = len(self.mode)
        self.mode.append(mode)
        self.feature.append(feature)
        self.value.append(value)
        self.missing.append(missing)
        self.cover.append(cover)
        self.true.append(0)
        self.false.append(0)
        for parent, branch in came:
            (self.true if branch else self.false)[parent] = at
        return at


class Boosted(Record):
    """`columns`: categories by feature, of columns that a trainer numbers itself. `single`: features are float32.

    Boosting of linear models has `weights` [targets][features] in the place of trees; missing features add nothing.
    """

    trees: list[Tree]
    targets: int
    base: list[float]
    link: Link
    features: int
    single: bool
    scale: float = 1.0  # of sums, before the link; raw scores are without
    labels: bool = False  # of a model without classes: whether targets are classes 0, 1, ...
    several: bool = False  # of a classifier: whether each target is a label of its own, 0 or 1
    weights: list[list[float]] | None = None
    absent: float = math.nan  # of linear models: what is missing besides NaN
    columns: dict[int, list[Any]] = field(default_factory=dict)

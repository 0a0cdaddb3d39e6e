"""Random tree ensembles as the attributes of ai.onnx.ml's operators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
Attributes = dict[str, Any]


@dataclass
class Plan:
    """What to make. Thresholds and inputs come from few values, so that equality happens."""

    trees: int = 3
    depth: int = 3
    features: int = 4
    targets: int = 1
    modes: tuple[str, ...] = ("BRANCH_LEQ",)
    used: tuple[int, ...] | None = None  # the targets that leaves have weights of, all if None
    weights: tuple[float, float] = (-1.0, 1.0)
    per_leaf: int = 1  # weights that a leaf has
    missing: bool = False
    kind: str = "target"
    more: Attributes = field(default_factory=dict)


def forest(rng: np.random.Generator, plan: Plan) -> Attributes:
    """nodes_* and class_* or target_* attributes."""
    nodes: dict[str, list[Any]] = {
        key: []
        for key in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "tracks")
    }
    leaves: dict[str, list[Any]] = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    used = plan.used or tuple(range(plan.targets))

    def grow(tree: int, depth: int) -> int:
        place = len(nodes["nodeids"])
        at = place - nodes["treeids"].index(tree) if tree in nodes["treeids"] else 0
        leaf = depth == 0 or rng.random() < 0.1 * (plan.depth - depth)
        nodes["treeids"].append(tree)
        nodes["nodeids"].append(at)
        nodes["featureids"].append(0 if leaf else int(rng.integers(plan.features)))
        nodes["values"].append(0.0 if leaf else float(rng.integers(-4, 5)) / 2)
        nodes["modes"].append("LEAF" if leaf else plan.modes[rng.integers(len(plan.modes))])
        nodes["tracks"].append(int(plan.missing and not leaf and rng.random() < 0.5))
        nodes["truenodeids"].append(0)
        nodes["falsenodeids"].append(0)
        if leaf:
            for target in rng.choice(used, size=min(plan.per_leaf, len(used)), replace=False):
                leaves["treeids"].append(tree)
                leaves["nodeids"].append(at)
                leaves["ids"].append(int(target))
                leaves["weights"].append(float(np.float32(rng.uniform(*plan.weights))))
        else:
            nodes["truenodeids"][place] = grow(tree, depth - 1)
            nodes["falsenodeids"][place] = grow(tree, depth - 1)
        return at

    for tree in range(plan.trees):
        grow(tree, plan.depth)
    made: Attributes = {f"nodes_{key}": value for key, value in nodes.items() if key != "tracks"}
    if plan.missing:
        made["nodes_missing_value_tracks_true"] = nodes["tracks"]
    made |= {f"{plan.kind}_{key}": value for key, value in leaves.items()}
    if plan.kind == "target":
        made["n_targets"] = plan.targets
    return made | plan.more


def rows(rng: np.random.Generator, count: int, features: int, dtype: Any = np.float32, nan: float = 0.0) -> np.ndarray:
    """Values around the thresholds, and at them; some NaN."""
    x = (rng.integers(-5, 6, (count, features)) / 2 + rng.choice([0, 0, 0.25], (count, features))).astype(dtype)
    if nan and x.dtype.kind == "f":
        x[rng.random(x.shape) < nan] = np.nan
    return np.asarray(x)

"""Random tree ensembles, and the check that the native tier answers as the reference tier does."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.infer import infer
from celeris.graph.types import Tensor, element_of
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from tests.native.tables import same

ROWS = (0, 1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 130, 255, 256, 600)
ORDERED = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"]
MODES = [*ORDERED, "BRANCH_EQ", "BRANCH_NEQ"]
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 1.0, -1.0, 3.4e38])


class Grown:
    """Random trees as a node's attributes."""

    def __init__(self, seed: int, trees: int, depth: int, features: int, modes: list[str], integers: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.features, self.modes, self.integers = features, modes, integers
        self.nodes: list[tuple[int, int, str, int, float, int, int, int]] = []
        self.leaves: list[tuple[int, int]] = []
        for tree in range(trees):
            self._count = 0
            self._grow(tree, int(self.rng.integers(0, depth + 1)), depth)

    def _grow(self, tree: int, full: int, depth: int) -> int:
        at, rng = self._count, self.rng
        self._count += 1
        place = len(self.nodes)
        self.nodes.append((tree, at, "LEAF", 0, 0.0, 0, 0, 0))
        if depth == 0 or (full <= 0 and rng.random() < 0.4):
            self.leaves.append((tree, at))
            return at
        threshold = rng.integers(-3, 4) if self.integers else rng.normal()
        if rng.random() < 0.05:
            threshold = rng.choice(SPECIAL)
        mode, feature, missing = rng.choice(self.modes), rng.integers(self.features), rng.integers(2)
        sides = [self._grow(tree, full - 1, depth - 1) for _ in range(2)]
        self.nodes[place] = (tree, at, mode, int(feature), float(threshold), sides[0], sides[1], int(missing))
        return at

    def attributes(self, kind: str, per_leaf: str, targets: int, double: bool) -> dict[str, Attribute]:
        """`per_leaf`: one, own (a target for each tree), all, some, none or repeated weights."""
        rng = self.rng
        weights: list[tuple[int, int, int, float]] = []
        for tree, at in self.leaves:
            ids = {
                "one": [0],
                "own": [tree % targets],
                "all": range(targets),
                "some": rng.permutation(targets)[: rng.integers(0, targets + 1)],
                "repeated": rng.integers(0, targets, 3),
                "last": [targets - 1],
            }[per_leaf]
            weights += [(tree, at, int(k), float(rng.normal())) for k in ids]
        columns = list(zip(*self.nodes, strict=True))
        names = ["treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids"]
        made: dict[str, Attribute] = {}
        for name, column in zip([*names, "missing_value_tracks_true"], columns, strict=True):
            if name == "modes":
                made["nodes_modes"] = Attribute("STRINGS", [m.encode() for m in column])
            elif name != "values":
                made[f"nodes_{name}"] = Attribute("INTS", np.array(column, np.int64))
        self._reals(made, "nodes_values", columns[4], double)
        for name, column in zip(
            ("treeids", "nodeids", "ids"), list(zip(*weights, strict=True)) or [()] * 4, strict=False
        ):
            made[f"{kind}_{name}"] = Attribute("INTS", np.array(column, np.int64))
        self._reals(made, f"{kind}_weights", [w[3] for w in weights], double)
        return made

    @staticmethod
    def _reals(made: dict[str, Attribute], name: str, values: Any, double: bool) -> None:
        if double:
            made[f"{name}_as_tensor"] = Attribute("TENSOR", np.array(values, np.float64))
        else:
            made[name] = Attribute("FLOATS", np.array(values, np.float32))

    def table(self, rows: int, dtype: Any) -> np.ndarray:
        """Rows that often meet a threshold exactly."""
        rng = self.rng
        x = rng.integers(-3, 4, (rows, self.features)).astype(np.float64)
        if not self.integers:
            x = rng.normal(size=x.shape)
            values = np.array([n[4] for n in self.nodes])
            near = values[rng.integers(0, len(values), x.shape)]
            x = np.where(rng.random(x.shape) < 0.3, near, x)
        if np.dtype(dtype).kind == "f":
            x = np.where(rng.random(x.shape) < 0.1, rng.choice(SPECIAL, x.shape), x)
        with np.errstate(all="ignore"):
            return (
                x.astype(dtype) if np.dtype(dtype).kind == "f" else np.nan_to_num(x, posinf=9, neginf=-9).astype(dtype)
            )


def model(op: str, attributes: dict[str, Attribute], x: np.ndarray, outputs: list[str], version: int = 3) -> Model:
    graph = Graph(
        "g", ["x"], outputs, [Node(op, ["x"], outputs, attributes, "ai.onnx.ml")], {},
        {"x": Tensor(element_of(x.dtype), ("N", x.shape[1]))},
    )  # fmt: skip
    made = Model(graph, 8, {"": 18, "ai.onnx.ml": version})
    infer(made)
    return made


def check(made: Model, x: np.ndarray, exact: bool = True) -> None:
    """Native and reference answers are equal, and rows do not depend on their company."""
    program = compile_model(made)
    assert [type(step) for step in program.plan.steps] == [PipelineStep], program.plan.reasons
    reference = compile_model(made, disabled=["native"])
    truth = reference.execute({"x": x})
    for rows in ROWS:
        for table in (x[:rows], np.asfortranarray(x[:rows])):
            ours = program.execute({"x": table}, threads=1 + rows % 2)
            for mine, expected in zip(ours, truth, strict=True):
                if exact or mine.dtype.kind != "f":
                    assert same(mine, expected[:rows]), rows
                else:
                    assert np.allclose(mine, expected[:rows], 3e-7, 1e-37, equal_nan=True), rows
    alone = [program.execute({"x": x[r : r + 1]}) for r in range(40)]
    whole = program.execute({"x": x})
    for each, together in zip(zip(*alone, strict=True), whole, strict=True):
        assert same(np.concatenate(each), together[:40])

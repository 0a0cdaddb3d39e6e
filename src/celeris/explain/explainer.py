"""Explainer: a model whose predictions are taken apart, natively and on all threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from celeris import _core
from celeris.explain.explanation import Explanation
from celeris.explain.names import column_names, input_names
from celeris.explain.scored import TREES, ExplainError, Linear, Trees, linear_of, pick, trees_of, ways_down
from celeris.explain.shares import shares_of_hits, shares_of_rows
from celeris.graph.types import dtype_of
from celeris.ops.trees import Forest
from celeris.passes.run import copy_graph
from celeris.plan.compile import compile_model
from celeris.predictor import Predictor, load
from celeris.records import replace
from celeris.signature import without_zipmaps

_MOST_WAYS = 8_000_000  # cpp/kernels/tree_shap.h keeps some 100 bytes for each
_ELEMENTS = {"float32": "float", "float64": "double", "int64": "int64", "int32": "int32", "bool": "bool"}


class Explainer:
    """Takes apart what the tree ensemble or linear model in a file adds up: `celeris.Explainer('model.onnx')(X)`.

    model: a path, bytes, a Predictor, or a fitted estimator (which is converted). background: rows like those of the
    training; they tell which share of rows goes either way at a node, and a linear model's means. Without them the
    shares are those that the file counts (`nodes_hitrates`, which conversion by Celeris keeps from the trainer).
    node: which node to explain, where there are several.
    """

    def __init__(
        self,
        model: Any,
        background: Any = None,
        *,
        node: str | None = None,
        columns: Sequence[str] | None = None,
        threads: int = 0,
    ) -> None:
        ready = model if isinstance(model, Predictor) else _load(model, background, columns, threads)
        self._feeder, self._threads = ready._feeder, ready._threads
        plain = without_zipmaps(ready._file)
        self._node = pick(plain, node)
        graph = copy_graph(plain.graph)
        graph.outputs = [self._node.inputs[0]]
        self._before = compile_model(replace(plain, graph=graph)).core
        known = {each.name: None if each.columns is None else list(each.columns) for each in ready._signature.inputs}
        self._graph, self._inputs = plain.graph, input_names(plain.graph, known)
        self._scored: Trees | Linear = (trees_of if self._node.op_type in TREES else linear_of)(self._node)
        self._programs: dict[tuple[str, str, int], _core.Program] = {}
        self._background = None if background is None else self._rows(background)
        if self._background is not None and not len(self._background):
            raise ExplainError("background: expected rows like those of the training, got none")
        self._shares: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, X: Any) -> Explanation:
        """The contributions of each feature to each score, for the rows X."""
        values = self._rows(X)
        contributions, base = (self._of_trees if isinstance(self._scored, Trees) else self._of_linear)(values)
        names = column_names(self._graph, self._node.inputs[0], values.shape[1], self._inputs)
        outputs = self._scored.names
        if contributions.shape[2] == 1:
            return Explanation(contributions[:, :, 0], float(base[0]), values, names, outputs)
        return Explanation(contributions, base, values, names, outputs)

    def leaves(self, X: Any) -> np.ndarray:
        """The leaf in which each row ends in each tree, as the file numbers it, int64 [N, trees]."""
        return self._trees("leaves").ids[self._leaves(self._rows(X))]

    def tree_outputs(self, X: Any) -> np.ndarray:
        """What each tree adds for each row, float64 [N, trees] or [N, trees, outputs]."""
        trees = self._trees("tree_outputs")
        forest = trees.forest
        table = np.zeros((len(forest.mode), forest.targets))
        owner = np.repeat(np.arange(len(forest.mode)), np.diff(forest.first))
        np.add.at(table, (owner, forest.target), _weights(forest))
        made = table[:, trees.shown][self._leaves(self._rows(X))]
        return made[:, :, 0] if made.shape[2] == 1 else made

    # Inside.

    def _rows(self, X: Any) -> np.ndarray:
        """The rows X as the explained node sees them, [N, F]."""
        feeds, check, _ = self._feeder.feeds(X)
        values: np.ndarray = self._before.run(feeds, None, self._threads, None)[0]
        if check is not None:
            check()
        values = values.reshape(1, -1) if values.ndim == 1 else values
        if values.dtype.name not in _ELEMENTS or values.ndim != 2:
            raise ExplainError(f"{self._node.op_type}: expected rows of numbers, got {values.dtype} {values.shape}")
        return values

    def _trees(self, what: str) -> Trees:
        if not isinstance(self._scored, Trees):
            raise ExplainError(f"{what}: expected a tree ensemble, got {self._node.op_type}")
        return self._scored

    def _of_trees(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        trees = self._trees("contributions")
        outputs = len(trees.shown)
        forest = trees.forest
        renamed = np.zeros(forest.targets, np.int32)
        renamed[trees.shown] = np.arange(outputs)
        if self._shares is None:
            self._shares = self._find_shares(trees)
        true, false = self._shares
        extra = {"targets": outputs, "true_share": true, "false_share": false, "base": trees.base}
        arrays = {**_arrays(forest), "target": renamed[forest.target], **extra}
        each = values.shape[1] + 1
        rows = values if len(values) else np.zeros((1, values.shape[1]), values.dtype)  # one tells the base
        made = self._kernel("tree_shap", arrays, rows, "double", outputs * each).reshape(-1, outputs, each)
        return made[: len(values), :, :-1].transpose(0, 2, 1), made[0, :, -1].copy()

    def _find_shares(self, trees: Trees) -> tuple[np.ndarray, np.ndarray]:
        ways = ways_down(trees.forest)
        if ways > _MOST_WAYS:
            raise ExplainError(
                f"{self._node.op_type}: expected at most {_MOST_WAYS:,} ways down its trees, got {ways:.3g}: "
                "nodes share subtrees; leaves() and tree_outputs() still work"
            )
        if self._background is not None:
            _require_width(trees.forest, self._background)
            return shares_of_rows(trees.forest, self._background)
        hits = self._node.attr("nodes_hitrates")
        tensor = self._node.attr("nodes_hitrates_as_tensor")
        hits = tensor if hits is None or not len(hits) else hits
        found = None if hits is None else shares_of_hits(trees.forest, np.asarray(hits, np.float64).reshape(-1))
        if found is None:
            raise ExplainError(
                f"{self._node.op_type}: expected the file to tell how many rows reach each node (nodes_hitrates), got "
                "none that add up; give background rows, or convert the estimator with celeris.load, which keeps them"
            )
        return found

    def _leaves(self, values: np.ndarray) -> np.ndarray:
        forest = self._trees("leaves").forest
        return self._kernel("tree_leaves", _arrays(forest), values, "int32", len(forest.roots))

    def _of_linear(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        linear = self._scored
        assert isinstance(linear, Linear)
        if values.shape[1] != linear.coefficients.shape[1]:
            raise ExplainError(f"X: expected {linear.coefficients.shape[1]} features, got {values.shape[1]}")
        mean = np.zeros(values.shape[1]) if self._background is None else self._background.mean(axis=0, dtype=float)
        moved = values.astype(np.float64) - mean
        return moved[:, :, None] * linear.coefficients.T[None], linear.intercepts + linear.coefficients @ mean

    def _kernel(self, kernel: str, params: dict[str, Any], values: np.ndarray, element: str, width: int) -> np.ndarray:
        """Rows through one kernel, block by block on all threads."""
        if isinstance(self._scored, Trees):
            _require_width(self._scored.forest, values)
        key = (kernel, values.dtype.name, values.shape[1])
        if key not in self._programs:
            program = _core.Program(2, [0], [1])
            registers = [(_ELEMENTS[values.dtype.name], values.shape[1]), (element, width)]
            program.pipeline(
                registers, [0], [(kernel, params, [0], [1])], [1], [(0, values.dtype.num, [values.shape[1]], 0)],
                [(1, dtype_of(element).num, [width], 0)], _unreachable, [], ((self._node.name, kernel),),
            )  # fmt: skip
            program.finish()
            self._programs[key] = program
        result: np.ndarray = self._programs[key].run([values], None, self._threads, None)[0]
        return result


def _unreachable(*values: Any) -> tuple[Any, ...]:
    raise ExplainError("rows do not have the shape that their own program was made for")


def _load(model: Any, background: Any, columns: Sequence[str] | None, threads: int) -> Predictor:
    if isinstance(model, (str, os.PathLike, bytes, bytearray, memoryview)):
        return load(model, columns=columns, threads=threads)
    return load(model, X=background, threads=threads)


def _require_width(forest: Forest, values: np.ndarray) -> None:
    if values.shape[1] < forest.features:
        raise ExplainError(f"X: expected at least {forest.features} features, got {values.shape[1]}")


def _weights(forest: Forest) -> np.ndarray:
    """In float64, and divided where trees are averaged."""
    weight = forest.weight.astype(np.float64)
    return weight / len(forest.roots) if forest.aggregate == "AVERAGE" else weight


def _arrays(forest: Forest) -> dict[str, Any]:
    """A forest as cpp/kernels/tree_arrays.h takes it."""
    return {
        "feature": forest.feature, "threshold": forest.threshold, "mode": forest.mode, "true": forest.true,
        "false": forest.false, "missing": forest.missing.astype(np.uint8), "roots": forest.roots,
        "first": forest.first, "target": forest.target, "weight": _weights(forest), "members": forest.members,
        "member_first": forest.member_first,
    }  # fmt: skip

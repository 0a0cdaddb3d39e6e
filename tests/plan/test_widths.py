"""Inputs whose columns the model leaves open: a program for each width that comes, the general one for the rest."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnx.parser
import onnxruntime
import pytest

import celeris
from celeris.plan.widths import Widths

_NORMALIZER = """
<ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 3]>
g (float[N, D] x) => (float[N, D] y) { z = ai.onnx.ml.Normalizer<norm = "L2">(x) y = Abs(z) }
"""
_TREE = """
<ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 3]>
g (float[N, D] x) => (float[N, 1] y) {
  y = ai.onnx.ml.TreeEnsembleRegressor<
    n_targets = 1, nodes_treeids = [0, 0, 0], nodes_nodeids = [0, 1, 2], nodes_featureids = [2, 0, 0],
    nodes_modes = ["BRANCH_LEQ", "LEAF", "LEAF"], nodes_values = [0.5, 0.0, 0.0], nodes_truenodeids = [1, 0, 0],
    nodes_falsenodeids = [2, 0, 0], target_treeids = [0, 0], target_nodeids = [1, 2], target_ids = [0, 0],
    target_weights = [1.0, 2.0]>(x)
}
"""


def _bytes(text: str) -> bytes:
    return bytes(onnx.parser.parse_model(text).SerializeToString())


def _rows(count: int, width: int) -> np.ndarray:
    return np.random.default_rng(width).standard_normal((count, width)).astype(np.float32)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What has been made for widths, None for the general program."""
    answers: list[Any] = []
    make = Widths.__call__

    def spied(self: Widths, *shapes: Any) -> Any:
        answers.append(make(self, *shapes))
        return answers[-1]

    monkeypatch.setattr(Widths, "__call__", spied)
    return answers


def test_a_program_for_each_width(made: list[Any]) -> None:
    model = _bytes(_NORMALIZER)
    ours, theirs = celeris.InferenceSession(model), onnxruntime.InferenceSession(model)
    assert not made  # nothing is known yet
    for _ in range(2):
        for width in (3, 5):
            for count in (1, 7, 0):
                x = _rows(count, width)
                np.testing.assert_allclose(ours.run(None, {"x": x})[0], theirs.run(None, {"x": x})[0], rtol=1e-6)
    assert [program is not None for program in made] == [True, True]  # not for each number of rows, nor twice


def test_more_widths_than_programs(made: list[Any]) -> None:
    ours = celeris.InferenceSession(_bytes(_NORMALIZER))
    for _ in range(2):
        for width in range(1, 13):
            x = _rows(4, width)
            expected = np.abs(x) / np.linalg.norm(x, axis=1, keepdims=True)
            np.testing.assert_allclose(ours.run(None, {"x": x})[0], expected, rtol=1e-6)
    assert len(made) == 8


def test_trees_take_any_width_that_holds_their_features(made: list[Any]) -> None:
    ours = celeris.InferenceSession(_bytes(_TREE))
    for width in (3, 200):
        x = _rows(50, width)
        assert np.array_equal(ours.run(None, {"x": x})[0][:, 0], np.where(x[:, 2] <= 0.5, 1, 2))
    assert all(program is not None for program in made)


def test_too_few_columns_are_refused_again_and_again(made: list[Any]) -> None:
    ours = celeris.InferenceSession(_bytes(_TREE))
    for _ in range(3):
        with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail, match="feature"):
            ours.run(None, {"x": _rows(2, 2)})
    assert made and all(program is None for program in made)
    assert ours.run(None, {"x": _rows(2, 4)})[0].shape == (2, 1)


def test_a_table_is_fed_by_its_columns() -> None:
    x = _rows(600, 4)
    predictor = celeris.load(_bytes(_TREE))
    for given in (x, np.asfortranarray(x)):
        assert np.array_equal(np.ravel(predictor.predict(given)), np.where(x[:, 2] <= 0.5, 1, 2))


def test_switched_off_kernels_stay_off(made: list[Any]) -> None:
    x = _rows(3, 4)
    ours = celeris.InferenceSession(_bytes(_TREE), disabled_optimizers=["native"])
    assert np.array_equal(ours.run(None, {"x": x})[0][:, 0], np.where(x[:, 2] <= 0.5, 1, 2))
    assert not made


def test_threads_that_come_at_once_get_one_program(made: list[Any]) -> None:
    ours = celeris.InferenceSession(_bytes(_NORMALIZER))
    x = _rows(9, 6)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: ours.run(None, {"x": x})[0].tobytes(), range(64)))
    assert len(set(results)) == 1
    assert len({id(program) for program in made}) == 1


def test_a_session_is_freed() -> None:
    ours = celeris.InferenceSession(_bytes(_NORMALIZER))
    ours.run(None, {"x": _rows(2, 3)})
    watch = weakref.ref(ours._sess._program)
    gc.disable()
    try:
        del ours
        assert watch() is None
    finally:
        gc.enable()

"""The bound on NumPy's threads: who is bounded, when, and that all is as before afterwards."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import celeris
from celeris import _core, blas
from celeris.blas import Blas, bounded


class Setting:
    """A BLAS that keeps what it was told."""

    def __init__(self, threads: int) -> None:
        self.now = threads
        self.blas = Blas(lambda: self.now, self.put)

    def put(self, threads: int) -> None:
        self.now = threads


def test_the_least_bound_of_those_that_run_holds() -> None:
    setting = Setting(8)
    setting.blas.enter(4)
    assert setting.now == 4
    setting.blas.enter(2)
    assert (setting.now, setting.blas.threads) == (2, 8)
    setting.blas.leave(4)
    assert setting.now == 2
    setting.blas.leave(2)
    assert setting.now == 8


def test_a_bound_never_raises_the_setting() -> None:
    setting = Setting(2)
    setting.blas.enter(4)
    assert setting.now == 2
    setting.blas.leave(4)
    assert setting.now == 2


def test_a_function_is_bounded_while_it_runs_and_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting(8)
    monkeypatch.setattr(blas, "numpys", lambda: setting.blas)

    def fails() -> None:
        raise ValueError(str(setting.now))

    with pytest.raises(ValueError, match="^3$"):
        bounded(fails, 3)()
    assert setting.now == 8
    assert bounded(fails, 8) is fails


def test_without_numpys_own_blas_nothing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "numpys", lambda: None)
    assert bounded(len, 1) is len


def _product(seen: list[int], monkeypatch: pytest.MonkeyPatch, setting: Setting, **options: Any) -> None:
    """Runs MatMul by the reference tier; `seen` gets the setting during numpy.matmul."""
    weights = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])
    model = helper.make_model(helper.make_graph([node], "g", [x], [y], [weights]), ir_version=9)
    monkeypatch.setattr(blas, "numpys", lambda: setting.blas)
    matmul = np.matmul
    monkeypatch.setattr(np, "matmul", lambda *a, **k: (seen.append(setting.now), matmul(*a, **k))[1])
    chosen = celeris.SessionOptions()
    for name, value in options.items():
        setattr(chosen, name, value)
    session = celeris.InferenceSession(model.SerializeToString(), chosen, disabled_optimizers=["native"])
    session.run(None, {"x": np.ones((2, 4), np.float32)})


def test_a_session_of_one_thread_multiplies_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    setting = Setting(64)
    _product(seen, monkeypatch, setting, intra_op_num_threads=1)
    assert (seen, setting.now) == ([1], 64)


def test_a_session_of_its_own_choice_keeps_to_the_processors_it_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    _product(seen, monkeypatch, Setting(64))
    assert seen == [_core.available_processors()]


def test_numpys_own_blas_is_found_and_set() -> None:
    found = blas.numpys()
    if found is None:
        pytest.skip("NumPy stands on another BLAS than that of its wheels")
    before = found.threads
    inside: list[int] = []
    thread = threading.Thread(target=bounded(lambda: inside.append(found._get()), 1))
    thread.start()
    thread.join()
    assert inside == [1]
    assert found.threads == before

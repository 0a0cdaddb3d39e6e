"""A row's answer is the same bits in any batch, layout and number of threads; and empty batches have the right form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import celeris
from tests.models import zoo
from tests.models.zoo import Trained

MODELS = {
    "logistic": lambda: zoo.classifier("logistic", 3),
    "logistic, two classes, names": lambda: zoo.classifier("logistic", 2, "str"),
    "scaler and logistic": lambda: zoo.classifier("scaler and logistic", 2),
    "linear": lambda: zoo.regressor("linear"),
    "ridge of two targets": lambda: zoo.regressor("ridge", 2),
    "decision tree": lambda: zoo.classifier("decision tree", 3),
    "random forest": lambda: zoo.classifier("random forest", 3),
    "random forest, two classes": lambda: zoo.classifier("random forest", 2),
    "forest of two targets": lambda: zoo.regressor("random forest", 2),
    "gradient boosting": lambda: zoo.classifier("gradient boosting", 3),
    "hist gradient boosting": lambda: zoo.regressor("hist gradient boosting"),
    "SVC with probabilities": lambda: zoo.classifier("SVC with probabilities", 3),
    "SVR": lambda: zoo.regressor("SVR"),
    "MLP": lambda: zoo.classifier("MLP", 3),
    "Gaussian naive Bayes": lambda: zoo.classifier("Gaussian naive Bayes", 3),
    "nearest neighbours": lambda: zoo.regressor("nearest neighbours"),
}


def session(model: Trained, threads: int = 1) -> celeris.InferenceSession:
    options = celeris.SessionOptions()
    options.intra_op_num_threads = threads
    return celeris.InferenceSession(model.onnx, options)


def run(sess: celeris.InferenceSession, rows: np.ndarray) -> list[Any]:
    return sess.run(None, {sess.get_inputs()[0].name: rows})


def assert_same_bits(ours: list[Any], expected: list[Any]) -> None:
    for a, b in zip(ours, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.tolist() == b.tolist() if a.dtype == object else a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_batches_of_every_size(name: str) -> None:
    model = MODELS[name]()
    sess = session(model)
    rows = np.tile(model.rows, (5, 1))
    whole = run(sess, rows)
    for size in (1, 2, 3, 63, 64, 65, 511, 513, 1000):
        assert_same_bits(run(sess, rows[7 : 7 + size]), [out[7 : 7 + size] for out in whole])
    one_by_one = [run(sess, rows[i : i + 1]) for i in range(100)]
    assert_same_bits([np.concatenate(parts) for parts in zip(*one_by_one, strict=True)], [out[:100] for out in whole])


@pytest.mark.parametrize("name", MODELS)
def test_no_rows(name: str) -> None:
    model = MODELS[name]()
    whole = run(session(model), model.rows)
    empty = run(session(model), model.rows[:0])
    assert [(a.dtype, a.shape) for a in empty] == [(b.dtype, (0, *b.shape[1:])) for b in whole]


@pytest.mark.parametrize("name", MODELS)
def test_layouts_and_threads(name: str) -> None:
    model = MODELS[name]()
    rows = np.tile(model.rows, (20, 1))
    expected = run(session(model), rows)
    wide = np.zeros((2 * len(rows), 9), np.float32)
    wide[::2, 1:7] = rows
    layouts = [np.asfortranarray(rows), wide[::2, 1:7], rows[::-1][::-1], np.ascontiguousarray(rows.T).T]
    for layout in layouts:
        assert_same_bits(run(session(model), layout), expected)
    for threads in (2, 3, 8):
        assert_same_bits(run(session(model, threads), rows), expected)


@pytest.mark.parametrize("name", ["logistic", "random forest", "gradient boosting", "SVR"])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_batch_is_its_parts(name: str, data: st.DataObject) -> None:
    """However a batch is cut, and whatever its values."""
    sess = session(MODELS[name](), data.draw(st.integers(1, 3)))
    count = data.draw(st.integers(1, 300))
    values = st.floats(width=32) if "forest" in name or "boosting" in name else st.floats(-1e3, 1e3, width=32)
    seed = data.draw(st.lists(values, min_size=6, max_size=60))
    rows = np.resize(np.array(seed, np.float32), (count, 6))
    cut = data.draw(st.integers(0, count))
    parts = [run(sess, part) for part in (rows[:cut], rows[cut:])]
    assert_same_bits([np.concatenate(both) for both in zip(*parts, strict=True)], run(sess, rows))


@pytest.mark.parametrize("name", ["logistic", "random forest", "hist gradient boosting"])
def test_without_native_kernels_the_answers_are_as_near(name: str) -> None:
    """The reference tier and the kernels agree to the last bit but one."""
    model = MODELS[name]()
    plain = celeris.InferenceSession(model.onnx, disabled_optimizers=["native"])
    for ours, reference in zip(run(session(model), model.rows), run(plain, model.rows), strict=True):
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, reference, rtol=3e-7, atol=1e-7)
        else:
            np.testing.assert_array_equal(ours, reference)

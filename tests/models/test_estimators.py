"""What scikit-learn estimators answer through skl2onnx: as scikit-learn in float64, and as onnxruntime, but not worse."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

import celeris
from tests.models import zoo
from tests.models.zoo import Trained, quiet

_ROUNDINGS = 1e-6  # errors below are those of a few float32 roundings, and not compared with onnxruntime's


def both(model: Trained, rows: np.ndarray) -> tuple[list[Any], list[Any]]:
    """Outputs of Celeris and of onnxruntime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    theirs = onnxruntime.InferenceSession(model.onnx, options, providers=["CPUExecutionProvider"])
    ours = celeris.InferenceSession(model.onnx)
    assert [str(a) for a in ours.get_inputs()] == [str(a) for a in theirs.get_inputs()]
    assert [(a.name, a.type) for a in ours.get_outputs()] == [(a.name, a.type) for a in theirs.get_outputs()]
    feed = {ours.get_inputs()[0].name: rows}
    return ours.run(None, feed), theirs.run(None, feed)


def assert_as_good(ours: np.ndarray, theirs: np.ndarray, expected: np.ndarray) -> None:
    """Shapes and dtypes as onnxruntime's; the error against float64 of onnxruntime's size at most.

    Where both work in float32 either is ahead by chance: three times its largest error is the limit.
    """
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    scale = np.maximum(1, np.abs(expected))
    mine, other = (np.abs(np.reshape(x, expected.shape) - expected) / scale for x in (ours, theirs))
    assert mine.max() <= max(3 * other.max(), _ROUNDINGS), f"{mine.max()} and onnxruntime {other.max()}"


@pytest.mark.parametrize("labels", ["int", "str"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", zoo.classifiers())
def test_classifiers(name: str, classes: int, labels: str) -> None:
    model = zoo.classifier(name, classes, labels)
    (label, scores), (their_label, their_scores) = both(model, model.rows)
    wide = model.rows.astype(np.float64)
    with quiet():
        np.testing.assert_array_equal(label.reshape(-1), model.estimator.predict(wide))
    assert (label.dtype, label.shape) == (their_label.dtype, their_label.shape)
    if hasattr(model.estimator, "predict_proba"):
        with quiet():
            assert_as_good(scores, their_scores, model.estimator.predict_proba(wide))
    else:
        np.testing.assert_allclose(scores, their_scores, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", zoo.regressors())
def test_regressors(name: str) -> None:
    model = zoo.regressor(name)
    (ours,), (theirs,) = both(model, model.rows)
    with quiet():
        assert_as_good(ours, theirs, model.estimator.predict(model.rows.astype(np.float64)))


@pytest.mark.parametrize("name", ["linear", "ridge", "decision tree", "random forest", "nearest neighbours", "MLP"])
def test_regressors_of_two_targets(name: str) -> None:
    model = zoo.regressor(name, 2)
    (ours,), (theirs,) = both(model, model.rows)
    assert_as_good(ours, theirs, model.estimator.predict(model.rows.astype(np.float64)))


@pytest.mark.parametrize("name", ["logistic", "random forest", "gradient boosting", "LDA", "linear SVC"])
@pytest.mark.parametrize("classes", [2, 3])
def test_raw_scores(name: str, classes: int) -> None:
    model = zoo.classifier(name, classes, raw_scores=True) if name != "random forest" else zoo.classifier(name, classes)
    ours, theirs = both(model, model.rows)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("labels", ["int", "str"])
@pytest.mark.parametrize("name", ["logistic", "random forest", "gradient boosting", "SVC with probabilities"])
def test_zipmap(name: str, labels: str) -> None:
    """The same dicts: keys in order, floats that hold float32 values."""
    model = zoo.classifier(name, 3, labels, zipmap=True)
    (label, maps), (_, their_maps) = both(model, model.rows[:50])
    assert len(maps) == len(their_maps) == len(label)
    for mine, other in zip(maps, their_maps, strict=True):
        assert list(mine) == list(other) and [type(k) for k in mine] == [type(k) for k in other]
        assert all(type(v) is float and v == float(np.float32(v)) for v in mine.values())
        np.testing.assert_allclose(list(mine.values()), list(other.values()), atol=2e-6)


@pytest.mark.parametrize("name", ["logistic", "decision tree"])
def test_zipmap_as_columns(name: str) -> None:
    model = zoo.classifier(name, 3, zipmap="columns")
    ours, theirs = both(model, model.rows)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, atol=2e-6)


@pytest.mark.parametrize("name", ["logistic", "random forest"])
def test_without_labels(name: str) -> None:
    """`nocl`: class numbers in the place of names."""
    model = zoo.classifier(name, 3, "str", nocl=True)
    ours, theirs = both(model, model.rows)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], atol=2e-6)

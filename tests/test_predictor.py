"""load() and Predictor: what models give, settings, pickling, conversion, and every message."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import celeris
from celeris.conversion import ConversionError
from celeris.frames import DataError
from tests.frames.models import columns_model, iris, matrix_model, titanic
from tests.golden import golden


def _linear(estimator: Any) -> tuple[Any, pd.DataFrame, np.ndarray]:
    X, y = iris()
    return estimator.fit(X, y), X, y


def test_from_path_and_bytes(tmp_path: Path) -> None:
    model, onnx = matrix_model()
    X, _ = iris()
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx)
    for source in (str(path), path, onnx, bytearray(onnx)):
        np.testing.assert_array_equal(celeris.load(source).predict(X), model.predict(X))


def test_what_a_zipmap_model_gives() -> None:
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    X, y = iris()
    names = np.array(["setosa", "versicolor", "virginica"])
    model = LogisticRegression(max_iter=500).fit(X.to_numpy(), names[y])
    onnx = to_onnx(model, X.to_numpy()[:1], target_opset={"": 18, "ai.onnx.ml": 3}).SerializeToString()
    predictor = celeris.load(onnx)
    assert predictor.methods == ["predict", "predict_proba"]
    assert predictor.classes is not None
    assert predictor.classes.tolist() == list(names)
    assert predictor.outputs == ["output_label", "output_probability"]
    np.testing.assert_allclose(predictor.predict_proba(X.to_numpy()), model.predict_proba(X.to_numpy()), atol=1e-6)
    out = predictor.run(X.to_numpy(), ["output_probability"])["output_probability"]
    assert out.shape == (150, 3)


def test_regression_transform_and_scores() -> None:
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.preprocessing import StandardScaler

    model, X, _ = _linear(LinearRegression())
    predictor = celeris.load(model, X=X)
    assert predictor.methods == ["predict"]
    assert predictor.predict(X).shape == (150,)
    assert isinstance(predictor.predict(X.iloc[0].to_dict()), float)

    scaler = StandardScaler().fit(X)
    scaled = celeris.load(scaler, X=X)
    assert scaled.methods == ["transform"]
    np.testing.assert_allclose(scaled.transform(X), scaler.transform(X), atol=1e-5)

    model, X, y = _linear(LogisticRegression(max_iter=500))
    scores = celeris.load(model, X=X, scores=True)
    assert scores.methods == ["predict", "decision_function"]
    np.testing.assert_allclose(scores.decision_function(X), model.decision_function(X), atol=1e-4)
    two = LogisticRegression().fit(X, y > 0)
    narrow = celeris.load(two, X=X, scores=True)
    assert narrow.decision_function(X).shape == (150,)
    np.testing.assert_allclose(narrow.decision_function(X), two.decision_function(X), atol=1e-4)
    assert narrow.predict(X).dtype == bool


def test_pickle_keeps_model_and_settings() -> None:
    _, onnx = columns_model()
    predictor = celeris.load(onnx, extra="refuse")
    again = pickle.loads(pickle.dumps(predictor))
    frame = titanic()
    pd.testing.assert_frame_equal(again.predict_proba(frame), predictor.predict_proba(frame))
    with pytest.raises(DataError):
        again.predict(frame.assign(more=1))


def test_double_keeps_float64() -> None:
    from sklearn.linear_model import LinearRegression

    X = np.array([[1e8 + 1.0], [1e8 + 2.0], [1e8 + 3.0]])
    model = LinearRegression().fit(X, [1.0, 2.0, 3.0])
    got = celeris.load(model, X=X, double=True).predict(X)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, [1, 2, 3], atol=1e-5)


def test_conversion_is_checked_on_the_rows_given() -> None:
    from sklearn.linear_model import LinearRegression

    X = np.array([[1e8 + 1.0], [1e8 + 2.0], [1e8 + 3.0]])
    model = LinearRegression().fit(X, [1.0, 2.0, 3.0])
    with pytest.raises(ConversionError, match="double=True"):
        celeris.load(model, X=X)
    celeris.load(model, X=X, tolerance=10)


def test_a_column_order_is_found_for_each_table() -> None:
    model, onnx = columns_model()
    predictor = celeris.load(onnx)
    frame = titanic()
    for names in (list(frame), list(frame)[::-1], list(frame)):
        assert list(predictor.predict(frame[names])) == list(model.predict(frame))


FRAME = titanic().head(6)


def _columns(**settings: Any) -> celeris.Predictor:
    return celeris.load(columns_model()[1], **settings)


def _matrix(**settings: Any) -> celeris.Predictor:
    return celeris.load(matrix_model()[1], **settings)


def _with(**columns: Any) -> pd.DataFrame:
    return FRAME.assign(**columns)


def _row(**values: Any) -> dict[str, Any]:
    return {**FRAME.iloc[0].to_dict(), **values}


def _strict_encoder() -> celeris.Predictor:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = pd.DataFrame({"port": np.array(["a", "b"] * 4, object), "n": np.arange(8.0)})
    columns = ColumnTransformer([("t", OneHotEncoder(), ["port"]), ("n", "passthrough", ["n"])])
    return celeris.load(make_pipeline(columns, LogisticRegression()).fit(frame, frame["n"] > 3), X=frame)


def _unfitted() -> None:
    from sklearn.linear_model import LogisticRegression

    celeris.load(LogisticRegression())


def _by_name_without_rows() -> None:
    celeris.load(columns_model()[0])


def _iris_array() -> np.ndarray:
    return iris()[0].to_numpy()


def _nan_array() -> np.ndarray:
    X = _iris_array().copy()
    X[3, 1] = np.nan
    return X


MISTAKES: dict[str, Callable[[], Any]] = {
    "missing column": lambda: _columns().predict(FRAME.drop(columns="fare")),
    "misspelt column": lambda: _columns().predict(FRAME.rename(columns={"siblings": "Sibling", "age": "Age"})),
    "wrong table": lambda: _columns().predict(iris()[0]),
    "column twice": lambda: _columns().predict(pd.concat([FRAME, FRAME[["age"]]], axis=1)),
    "extra column": lambda: _columns(extra="refuse").predict(_with(more=1)),
    "text for numbers": lambda: _columns().predict(_with(fare=["7.25"] * 6)),
    "one text among numbers": lambda: _columns().predict(_with(fare=[1.0, 2.0, "n/a", 4.0, 5.0, 6.0])),
    "numbers for text": lambda: _columns().predict(_with(port=[1, 2, 3, 4, 5, 6])),
    "one number among texts": lambda: _columns().predict(_with(port=np.array(["a", "b", 3, "c", "d", "e"], object))),
    "dates": lambda: _columns().predict(_with(fare=pd.Timestamp("2026-01-01"))),
    "text for booleans": lambda: _columns().predict(_with(adult=["yes"] * 6)),
    "booleans for text": lambda: _columns().predict(_with(port=[True] * 6)),
    "mixed values": lambda: _columns().predict(_with(fare=np.array([1, None, 2.5, True, "a", 3], object))),
    "list in a cell": lambda: _columns().predict(_with(fare=[[1]] * 6)),
    "time spans": lambda: _columns().predict(_with(fare=pd.Timedelta("1d"))),
    "None among numbers, no route": lambda: _matrix().predict(
        iris()[0].astype(object).assign(**{"sepal width (cm)": None})
    ),
    "no columns": lambda: _columns().predict(pd.DataFrame(index=range(3))),
    "too many columns": lambda: _matrix().predict(np.zeros((2, 5))),
    "list of values for a row": lambda: _matrix().predict([5.1, 3.5, 1.4, 0.2]),
    "empty list": lambda: _columns().predict([]),
    "empty dict": lambda: _columns().predict({}),
    "path for a table": lambda: _columns().predict(Path("rows.csv")),
    "one number for a table": lambda: _matrix().predict(5.1),
    "nothing for a table": lambda: _matrix().predict(None),
    "threads below zero": lambda: _matrix(threads=-1),
    "one-dimensional row": lambda: _matrix().predict(_iris_array()[0]),
    "three dimensions": lambda: _matrix().predict(_iris_array()[None]),
    "too few columns": lambda: _matrix().predict(_iris_array()[:, :3]),
    "NaN without a route": lambda: _matrix().predict(_nan_array()),
    "NaN without a route, frame": lambda: _matrix().predict(pd.DataFrame(_nan_array(), columns=iris()[0].columns)),
    "complex numbers": lambda: _matrix().predict(_iris_array().astype(complex)),
    "ragged rows": lambda: _matrix().predict([[1, 2, 3, 4], [1, 2, 3]]),
    "sparse matrix": lambda: _matrix().predict(__import__("scipy.sparse").sparse.csr_array(_iris_array())),
    "series": lambda: _matrix().predict(iris()[0].iloc[0]),
    "not a table": lambda: _matrix().predict("rows.csv"),
    "dict without a column": lambda: _columns().predict({"age": 3, "Fare": 2}),
    "dict with text for a number": lambda: _columns().predict(_row(fare="7.25")),
    "dict with a number for text": lambda: _columns().predict(_row(port=3)),
    "dict of whole columns": lambda: _columns().predict(_row(fare=[1.0, 2.0])),
    "dict with NaN without a route": lambda: _matrix().predict(dict.fromkeys(iris()[0].columns, None)),
    "dicts and another": lambda: _columns().predict([_row(), 3]),
    "second dict without a column": lambda: _columns().predict([_row(), {"age": 3}]),
    "dict with an extra key": lambda: _columns(extra="refuse").predict(_row(more=1)),
    "dicts for a model without names": lambda: celeris.load(_unnamed()).predict({"a": 1}),
    "unseen category": lambda: _strict_encoder().predict(pd.DataFrame({"port": ["a", "z"], "n": [1.0, 2.0]})),
    "unseen category, dict": lambda: _strict_encoder().predict({"port": "z", "n": 1.0}),
    "no such output": lambda: _matrix().decision_function(_iris_array()),
    "unknown name in run": lambda: _matrix().run(_iris_array(), ["probability"]),
    "unfitted estimator": _unfitted,
    "columns by name without rows": _by_name_without_rows,
    "wrong kind of source": lambda: celeris.load(3),
    "wrong setting": lambda: celeris.load(matrix_model()[1], extra="drop"),  # type: ignore[arg-type]
    "wrong number of names": lambda: celeris.load(_unnamed(), columns=["a", "b"]),
    "wrong file type": lambda: celeris.load(b"PK\x03\x04 this is a zip file"),
    "pickle": lambda: celeris.load(pickle.dumps({"a": 1})),
    "LightGBM's text": lambda: celeris.load(b"tree\nversion=v4\nnum_class=1\n"),
    "JSON": lambda: celeris.load(b'{"learner": {}}'),
    "empty file": lambda: celeris.load(b""),
    "truncated file": lambda: celeris.load(matrix_model()[1][:-10]),
    "no file": lambda: celeris.load("nowhere/model.onnx"),
}


def _unnamed() -> bytes:
    from skl2onnx import to_onnx

    model, _ = matrix_model()
    onnx: bytes = to_onnx(model, _iris_array()[:1], target_opset={"": 18, "ai.onnx.ml": 3}).SerializeToString()
    return onnx


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_explained(mistake: str) -> None:
    with pytest.raises(Exception) as caught:
        MISTAKES[mistake]()
    golden("predictor", mistake, f"{type(caught.value).__name__}: {caught.value}")

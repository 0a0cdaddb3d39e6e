"""The same rows in every kind of table give the same bits, and results come back in kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import celeris
from tests.frames.models import columns_model, iris, matrix_model, titanic


def _nullable(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.convert_dtypes()


def _arrow_backed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.convert_dtypes(dtype_backend="pyarrow")


def _narrow(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(siblings=frame["siblings"].astype(np.int8), fare=frame["fare"].astype(np.float64))


def _objects(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: frame[name].astype(object) for name in frame})


def _shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["class", "age", "port", "adult", "fare", "siblings"]].assign(more=1)


def _strided(frame: pd.DataFrame) -> pd.DataFrame:
    doubled = pd.concat([frame, frame]).sort_index(kind="stable")
    return doubled.iloc[::2]


def _polars(frame: pd.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({name: _list(frame[name]) for name in frame}).with_columns(pl.col("class").cast(pl.Categorical))


def _list(series: pd.Series) -> list[Any]:
    return [None if isinstance(v, float) and np.isnan(v) else v for v in series.tolist()]


def _arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.table({name: _list(frame[name]) for name in frame})


def _chunks(frame: pd.DataFrame) -> pa.Table:
    whole = _arrow(frame)
    dictionary = whole.column("class").dictionary_encode()
    whole = whole.set_column(5, "class", dictionary)
    return pa.concat_tables([whole.slice(0, 3), whole.slice(3, 70), whole.slice(73)])


def _views(frame: pd.DataFrame) -> pa.Table:
    whole = _arrow(frame)
    return whole.set_column(4, "port", whole.column("port").cast(pa.string_view()))


KINDS: list[Callable[[pd.DataFrame], Any]] = [
    _nullable, _arrow_backed, _narrow, _objects, _shuffled, _strided, _polars, _arrow, _chunks, _views,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_agree(kind: Callable[[pd.DataFrame], Any]) -> None:
    model, onnx = columns_model()
    frame = titanic()
    predictor = celeris.load(onnx)
    reference = predictor.predict_proba(frame)
    np.testing.assert_allclose(reference, model.predict_proba(frame), atol=1e-5)
    table = kind(frame)
    got = predictor.predict_proba(table)
    assert type(got).__module__.split(".")[0] == type(table).__module__.split(".")[0]
    np.testing.assert_array_equal(_numbers(got), reference.to_numpy())
    labels = predictor.predict(table)
    assert list(_numbers(labels)) == list(model.predict(frame))


def _numbers(result: Any) -> np.ndarray:
    if isinstance(result, pa.Table):
        return np.column_stack([column.to_numpy() for column in result.columns])
    if isinstance(result, pa.Array):
        return np.array(result.to_pylist())
    return np.asarray(result.to_numpy())


@pytest.mark.parametrize("rows", [0, 1, 2, 63, 64, 65, 200])
def test_any_number_of_rows(rows: int) -> None:
    _, onnx = columns_model()
    predictor = celeris.load(onnx)
    frame = titanic()
    whole = predictor.predict_proba(frame).to_numpy()
    for table in (frame.head(rows), _chunks(frame).slice(0, rows)):
        got = _numbers(predictor.predict_proba(table))
        np.testing.assert_array_equal(got, whole[:rows])
    records = frame.head(rows).to_dict("records")
    got_rows = predictor.predict_proba(records) if rows else []
    assert [list(row.values()) for row in got_rows] == whole[:rows].tolist()


def test_results_carry_the_index_and_the_classes() -> None:
    _, onnx = columns_model()
    frame = titanic().set_index(np.arange(1000, 1200))
    predictor = celeris.load(onnx)
    labels, table = predictor.predict(frame), predictor.predict_proba(frame)
    assert labels.index.equals(frame.index)
    assert table.index.equals(frame.index)
    assert list(table.columns) == ["no", "yes"]
    assert predictor.predict_proba(_polars(frame)).columns == ["no", "yes"]


def test_one_dict_is_one_row() -> None:
    _, onnx = columns_model()
    predictor = celeris.load(onnx)
    frame = titanic()
    expected = predictor.predict_proba(frame).iloc[7]
    row = frame.iloc[7].to_dict()
    assert predictor.predict_proba(row) == expected.to_dict()
    assert predictor.predict(row) == predictor.predict(frame).iloc[7]
    assert predictor.predict([row, row]) == [predictor.predict(row)] * 2
    typed = {name: np.asarray(value)[()] if not isinstance(value, str) else value for name, value in row.items()}
    assert predictor.predict_proba(typed) == predictor.predict_proba(row)


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", ">f8", "g", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "O"]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_dtype(dtype: str, order: Any) -> None:
    _, onnx = matrix_model()
    predictor = celeris.load(onnx)
    values = (np.arange(40).reshape(10, 4) % 7).astype(dtype, order=order)
    expected = predictor.predict_proba(values.astype(np.float32))
    np.testing.assert_array_equal(predictor.predict_proba(values), expected)
    np.testing.assert_array_equal(predictor.predict_proba(values[::2, ::-1]), predictor.predict_proba(
        np.ascontiguousarray(values[::2, ::-1]).astype(np.float32)))  # fmt: skip


def test_a_file_names_the_columns_of_its_matrix() -> None:
    model, onnx = matrix_model()
    predictor = celeris.load(onnx)
    X, _ = iris()
    assert predictor.columns == list(X.columns)
    turned = X[X.columns[::-1]]
    np.testing.assert_array_equal(predictor.predict(turned), model.predict(X))
    np.testing.assert_array_equal(predictor.predict(X.to_numpy()), model.predict(X))
    np.testing.assert_array_equal(predictor.predict(X.to_numpy().tolist()), model.predict(X))


def test_nulls_in_every_layout_are_nan() -> None:
    model, onnx = columns_model()
    frame = titanic().head(20).copy()
    frame["age"] = np.nan
    predictor = celeris.load(onnx)
    expected = predictor.predict_proba(frame).to_numpy()
    np.testing.assert_allclose(expected, model.predict_proba(frame), atol=1e-5)
    tables = [
        frame.assign(age=pd.array([None] * 20, dtype="Float64")),
        frame.assign(age=pd.array([None] * 20, dtype="Int8")),
        frame.assign(age=[None] * 20),
        _polars(frame).with_columns(age=pl.lit(None)),
        _polars(frame).with_columns(age=pl.lit(None, dtype=pl.Int32)),
    ]
    for table in tables:
        np.testing.assert_array_equal(_numbers(predictor.predict_proba(table)), expected)
    row = {**frame.iloc[3].to_dict(), "age": None}
    assert list(predictor.predict_proba(row).values()) == expected[3].tolist()


def test_missing_text_is_what_training_called_it() -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = pd.DataFrame({"port": np.array(["a", "b", None, "a", None, "b"], object), "n": np.arange(6.0)})
    frame["port"] = frame["port"].where(frame["port"].notna(), np.nan)
    columns = ColumnTransformer([("t", OneHotEncoder(), ["port"]), ("n", "passthrough", ["n"])])
    model = make_pipeline(columns, LogisticRegression()).fit(frame, [0, 1, 1, 0, 1, 1])
    predictor = celeris.load(model, X=frame)
    expected = model.predict_proba(frame)
    for table in (frame, frame.assign(port=frame["port"].astype("category")), pl.from_pandas(frame)):
        np.testing.assert_allclose(_numbers(predictor.predict_proba(table)), expected, atol=1e-6)
    assert predictor.predict({"port": None, "n": 2.0}) == 1


def test_integers_beyond_float32_reach_an_integer_input() -> None:
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Identity", ["id"], ["same"])],
        "g",
        [helper.make_tensor_value_info("id", TensorProto.INT64, ["n", 1])],
        [helper.make_tensor_value_info("same", TensorProto.INT64, ["n", 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    predictor = celeris.load(model.SerializeToString(), columns=["id"])
    big = 2**60 + 1
    for table in (
        pd.DataFrame({"id": [big]}),
        pl.DataFrame({"id": [big]}),
        pd.DataFrame({"id": [str(big)]}).astype(int),
    ):
        assert predictor.run(table)["same"].tolist() == [[big]]
    assert predictor.run({"id": big})["same"].tolist() == [[big]]
    assert predictor.run(pd.DataFrame({"id": [3.0]}))["same"].tolist() == [[3]]


@pytest.mark.parametrize("classes", [2, 3, 8, 9])
@pytest.mark.parametrize("trees", [False, True])
def test_many_rows_of_a_table_come_by_columns_and_are_the_same(classes: int, trees: bool) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(3001, 4)).astype(np.float32), columns=list("abcd"))
    made = RandomForestClassifier(5, max_depth=6) if trees else LogisticRegression()
    predictor = celeris.load(made.fit(table, rng.integers(0, classes, len(table))), X=table)
    found = predictor.run(table)["probabilities"]
    assert found.shape == (3001, classes) and found.flags.f_contiguous == (classes <= 8)
    pieces = [predictor.run(table[at : at + 100])["probabilities"] for at in range(0, 3001, 100)]
    assert pieces[0].flags.c_contiguous
    np.testing.assert_array_equal(found, np.concatenate(pieces))
    np.testing.assert_array_equal(found, predictor.array("predict_proba", table.to_numpy()))

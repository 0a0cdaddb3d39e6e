"""Small trained models for tests of tables, each made once."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

ROWS = 200


@functools.cache
def titanic(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Numbers with nulls, an integer, a boolean, text, a categorical."""
    rng = np.random.default_rng(seed)
    age = rng.normal(30, 12, rows)
    age[rng.random(rows) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "fare": rng.gamma(2.0, 20.0, rows),
            "siblings": rng.integers(0, 5, rows),
            "adult": rng.random(rows) < 0.7,
            "port": rng.choice(["Cherbourg", "Queenstown", "Southampton"], rows).astype(object),
            "class": pd.Categorical(rng.choice(["first", "second", "third"], rows)),
        }
    )


@functools.cache
def columns_model() -> tuple[Any, bytes]:
    """A fitted pipeline on `titanic`, of a column each; and its file."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from celeris.conversion import convert

    frame = titanic()
    y = np.where(frame["fare"] + 10 * frame["adult"] > 45, "yes", "no")
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "fare", "siblings", "adult"]),
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["port", "class"]),
        ]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(frame, y)
    return model, convert(model, frame)


@functools.cache
def iris() -> tuple[pd.DataFrame, np.ndarray]:
    """The classic, its columns named."""
    from sklearn.datasets import load_iris

    data = load_iris(as_frame=True)
    return data.data.astype(np.float32), data.target.to_numpy()


@functools.cache
def matrix_model() -> tuple[Any, bytes]:
    """A logistic regression on `iris`: one matrix, whose columns the file names; and its file."""
    from sklearn.linear_model import LogisticRegression

    from celeris.conversion import convert

    X, y = iris()
    model = LogisticRegression(max_iter=500).fit(X, y)
    return model, convert(model)

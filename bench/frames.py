"""How fast is a table predicted, from the frame to the labels? A pandas frame of 20 mixed columns against onnxruntime.

`python -m bench.frames [--rows 1000000] [--threads 0] [--model trees|linear]`. The model: a ColumnTransformer
(imputing, scaling, one-hot) and boosted trees, or a logistic regression, which shows what the columns cost. onnxruntime
is fed column by column, as its documentation shows; both ends are frame to probabilities.
"""

from __future__ import annotations

import argparse
import os
import pickle
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd

import celeris
from bench.sides import Report, alternate
from bench.zoo import FOLDER

_TRAINED_ON = 20_000


def frame_of(rows: int, seed: int = 0) -> pd.DataFrame:
    """20 columns: 10 numbers (4 with nulls), 2 integers, 2 booleans, 3 text, 3 categoricals."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"number{i}": rng.normal(40, 12, rows) for i in range(10)}
    for i in range(4):
        columns[f"number{i}"][rng.random(rows) < 0.05] = np.nan
    columns |= {f"count{i}": rng.integers(0, 50, rows) for i in range(2)}
    columns |= {f"flag{i}": rng.random(rows) < 0.3 for i in range(2)}
    towns = [f"town {i}" for i in range(30)]
    columns |= {f"town{i}": rng.choice(towns, rows) for i in range(3)}
    kinds = np.array(["bronze", "silver", "gold", "platinum"])
    columns |= {f"kind{i}": pd.Categorical.from_codes(rng.integers(0, 4, rows), kinds) for i in range(3)}
    return pd.DataFrame(columns)


def train(kind: str) -> bytes:
    """The model's file, trained once."""
    path = FOLDER / f"frames_{kind}.pickle"
    if path.exists():
        return bytes(pickle.loads(path.read_bytes()))
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = frame_of(_TRAINED_ON, seed=1)
    y = (frame["number5"] + 20 * frame["flag0"] + 5 * (frame["kind0"] == "gold") > 45).astype(int)
    words = [n for n in frame if n.startswith(("town", "kind"))]
    numbers = [n for n in frame if n not in words]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
        ]
    )
    trees = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    model = make_pipeline(columns, trees if kind == "trees" else LogisticRegression(max_iter=500)).fit(frame, y)
    from celeris.conversion import convert

    onnx = convert(model, frame.head(100))
    FOLDER.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(onnx))
    return onnx


_DTYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_, "tensor(string)": object}


def columns_of(session: Any, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """What onnxruntime is fed: an array [N, 1] for each column."""
    return {each.name: frame[each.name].to_numpy(_DTYPES[each.type]).reshape(-1, 1) for each in session.get_inputs()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--model", choices=["trees", "linear"], default="trees")
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    onnx, threads = train(arguments.model), arguments.threads or len(os.sched_getaffinity(0))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    theirs = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    ours = celeris.load(onnx, threads=threads)
    frame = frame_of(arguments.rows)
    few = frame.head(1000)
    expected = theirs.run(None, columns_of(theirs, few))[1]
    np.testing.assert_allclose(ours.predict_proba(few).to_numpy(), expected, atol=1e-5)

    names = [each.name for each in theirs.get_outputs()]
    report = Report("what", "rows", "threads")
    times = alternate(
        lambda: ours.predict_proba(frame), lambda: theirs.run(names[1:2], columns_of(theirs, frame)), arguments.seconds
    )
    report.add("pandas frame", len(frame), threads, times=times)
    row = frame.iloc[0].to_dict()
    kinds = {each.name: _DTYPES[each.type] for each in theirs.get_inputs()}
    times = alternate(
        lambda: ours.predict_proba(row),
        lambda: theirs.run(names[1:2], {name: np.array([[row[name]]], kind) for name, kind in kinds.items()}),
        min(arguments.seconds, 3),
    )
    report.add("one dict", 1, threads, times=times)
    report.close()


if __name__ == "__main__":
    main()

"""The mistakes that people make on the command line: one line on standard error each, kept in tests/golden."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from celeris.cli import main
from celeris.conversion import convert
from tests.cli.runs import frame, write_model
from tests.golden import golden

MISTAKES: dict[str, list[str]] = {
    "no model": ["predict", "modle.onnx", "rows.csv"],
    "model and rows the other way round": ["predict", "rows.csv", "model.onnx"],
    "model and Parquet the other way round": ["show", "rows.parquet"],
    "pickle for a model": ["show", "model.pkl"],
    "folder for a model": ["show", "folder.csv"],
    "no rows": ["predict", "model.onnx", "nowhere.csv"],
    "pattern that nothing matches": ["predict", "model.onnx", "part-*.csv"],
    "folder for rows": ["predict", "model.onnx", "folder.csv"],
    "unknown ending": ["predict", "model.onnx", "rows.xlsx"],
    "unknown ending of the output": ["predict", "model.onnx", "rows.csv", "-o", "out.xlsx"],
    "output in a folder that is not there": ["predict", "model.onnx", "rows.csv", "-o", "nowhere/out.csv"],
    "CSV that calls itself Parquet": ["predict", "model.onnx", "csv.parquet"],
    "truncated Parquet": ["predict", "model.onnx", "cut.parquet"],
    "empty CSV": ["predict", "model.onnx", "empty.csv"],
    "missing column": ["predict", "model.onnx", "missing.csv"],
    "misspelt column": ["predict", "model.onnx", "misspelt.csv"],
    "text for a number": ["predict", "model.onnx", "text.csv"],
    "missing value without a route": ["predict", "model.onnx", "gap.csv"],
    "short row": ["predict", "model.onnx", "short.csv"],
    "text column in Parquet": ["predict", "model.onnx", "text.parquet"],
    "date column in Parquet": ["predict", "model.onnx", "date.parquet"],
    "unseen category": ["predict", "strict.onnx", "unseen.csv"],
    "unknown column to keep": ["predict", "model.onnx", "rows.csv", "--keep", "ident"],
    "unknown column to map": ["predict", "model.onnx", "rows.csv", "--map", "years=age"],
    "map without =": ["predict", "model.onnx", "rows.csv", "--map", "age"],
    "no line of JSON": ["predict", "model.onnx", "rows.jsonl"],
    "labels of a regression": ["predict", "scaler.onnx", "rows.csv", "--output", "labels"],
    "threads below zero": ["predict", "model.onnx", "rows.csv", "--threads", "-1"],
    "pickle to validate against": ["validate", "model.onnx", "--data", "rows.parquet", "--against", "model.pkl"],
    "other number of rows": ["validate", "model.onnx", "--data", "rows.parquet", "--against", "few.csv"],
    "report of another kind": ["validate", "model.onnx", "--data", "rows.csv", "--against", "all.csv", "--report", "x.pdf"],
    "picture of another kind": ["explain", "model.onnx", "rows.csv", "--background", "rows.csv", "--plot", "x.jpg"],
    "nothing to explain": ["explain", "scaler.onnx", "rows.csv"],
    "sizes that are no numbers": ["bench", "model.onnx", "--rows", "many"],
    "misspelt option": ["predict", "model.onnx", "rows.csv", "--kep", "id"],
    "misspelt command": ["predcit", "model.onnx", "rows.csv"],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models and files of rows, right ones and wrong ones."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    made = tmp_path_factory.mktemp("mistakes")
    rows = frame(12)
    write_model(made / "model.onnx")
    (made / "scaler.onnx").write_bytes(convert(StandardScaler().fit(rows[["age", "fare"]]), rows[["age", "fare"]]))
    ports = pd.DataFrame({"port": list("SCS" * 4), "fare": rows.fare})
    encoder = ColumnTransformer([("w", OneHotEncoder(), ["port"])], remainder="passthrough")
    strict = make_pipeline(encoder, LogisticRegression()).fit(ports, ports.fare > 30)
    (made / "strict.onnx").write_bytes(convert(strict, ports))
    (made / "model.pkl").write_bytes(pickle.dumps([1]))
    (made / "folder.csv").mkdir()
    rows.to_csv(made / "rows.csv", index=False)
    rows.to_csv(made / "csv.parquet", index=False)
    rows.to_parquet(made / "rows.parquet")
    (made / "cut.parquet").write_bytes((made / "rows.parquet").read_bytes()[:-100])
    (made / "empty.csv").write_text("")
    (made / "rows.xlsx").write_text("")
    (made / "rows.jsonl").write_text("id,age,fare\n")
    rows.drop(columns="fare").to_csv(made / "missing.csv", index=False)
    rows.rename(columns={"fare": "Fares"}).to_csv(made / "misspelt.csv", index=False)
    (made / "text.csv").write_text("age,fare\n30,1.5\n31,cheap\n")
    (made / "gap.csv").write_text("age,fare\n30,1.5\n31,\n")
    (made / "short.csv").write_text("age,fare\n30,1.5\n31\n")
    (made / "unseen.csv").write_text("port,fare\nS,30\nQ,20\n")
    rows.assign(fare="cheap").to_parquet(made / "text.parquet")
    rows.assign(fare=pd.Timestamp("2026-01-01")).to_parquet(made / "date.parquet")
    pd.DataFrame({"label": ["no", "yes"]}).to_csv(made / "few.csv", index=False)
    pd.DataFrame({"label": np.repeat("no", 12)}).to_csv(made / "all.csv", index=False)
    return made


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(
    mistake: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    try:
        code = main(MISTAKES[mistake])
    except SystemExit as stop:  # the call itself is wrong: argparse shows how it goes, then says what is wrong
        code = int(stop.code or 0)
    told = capsys.readouterr()
    last = told.err.strip().split("\n")[-1]
    assert code == 2 and told.out == "" and (told.err.count("\n") == 1 or told.err.startswith("usage: "))
    golden("command-line", mistake, f"$ celeris {' '.join(MISTAKES[mistake])}\n{last}")

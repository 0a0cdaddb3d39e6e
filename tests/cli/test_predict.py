"""celeris predict: every kind of file in and out, columns, bad rows, whole files, errors."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import feather, parquet

import celeris
from tests.cli.runs import fails, frame, piped, run, write_model

KINDS = ("csv", "parquet", "arrow", "jsonl")
Capsys = pytest.CaptureFixture[str]
BAD = "id,age,fare\n1,30,20\n2,abc,20\n3,40\n\n4,50,60\n5,,6\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("predict")
    write_model(made / "m.onnx")
    table = frame()
    table.to_csv(made / "d.csv", index=False)
    table.to_parquet(made / "d.parquet")
    feather.write_feather(pyarrow.Table.from_pandas(table), made / "d.arrow")
    table.to_json(made / "d.jsonl", orient="records", lines=True, double_precision=15)
    (made / "bad.csv").write_text(BAD)
    return made


def expected(folder: Path) -> pd.DataFrame:
    predictor = celeris.load(folder / "m.onnx")
    table = frame()
    scores = predictor.array("predict_proba", table)
    return pd.DataFrame({"id": table.id, "label": predictor.predict(table), "no": scores[:, 0], "yes": scores[:, 1]})


def read_back(kind: str, data: bytes) -> pd.DataFrame:
    if kind == "csv":
        return pd.read_csv(io.BytesIO(data), dtype={"id": str})
    if kind == "parquet":
        return parquet.read_table(io.BytesIO(data)).to_pandas()
    if kind == "arrow":
        opener = pyarrow.ipc.open_file if data[:6] == b"ARROW1" else pyarrow.ipc.open_stream
        return opener(io.BytesIO(data)).read_all().to_pandas()
    return pd.DataFrame([json.loads(line) for line in data.splitlines()])


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    assert list(found) == ["id", "label", "probabilities.no", "probabilities.yes"]
    assert found.id.tolist() == wanted.id.tolist() and found.label.tolist() == wanted.label.tolist()
    np.testing.assert_allclose(found.iloc[:, 2:].to_numpy(float), wanted.iloc[:, 2:].to_numpy(float), rtol=1e-5)


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_every_kind_to_every_kind(folder: Path, tmp_path: Path, capsys: Capsys, source: str, target: str) -> None:
    out = tmp_path / f"o.{target}"
    done = run(capsys, "predict", folder / "m.onnx", folder / f"d.{source}", "-o", out, "--keep", "id")
    assert (done.code, done.out, done.err) == (0, "", "")
    same(read_back(target, out.read_bytes()), expected(folder))
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("kind", KINDS)
def test_standard_input_and_output(folder: Path, kind: str) -> None:
    data = (folder / f"d.{kind}").read_bytes()
    if kind == "arrow":
        table, sink = feather.read_table(folder / "d.arrow"), io.BytesIO()
        with pyarrow.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        data = sink.getvalue()
    done = piped("predict", folder / "m.onnx", "-", "--keep", "id", "--from", kind, "--to", kind, stdin=data)
    assert done.returncode == 0, done.stderr
    same(read_back(kind, done.stdout), expected(folder))


def test_globs_and_several_files(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    table = frame()
    table[:20].to_csv(tmp_path / "part0.csv", index=False)
    table[20:].to_csv(tmp_path / "part1.csv", index=False)
    done = run(capsys, "predict", folder / "m.onnx", tmp_path / "part*.csv", "--keep", "id")
    same(read_back("csv", done.out.encode()), expected(folder))
    fails(run(capsys, "predict", folder / "m.onnx", tmp_path / "none*.csv"), "expected files that match")


def test_blocks_of_any_size_answer_the_same(folder: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    from celeris.cli import arrow_rows, csv_rows
    from celeris.cli.blocks import text_blocks

    monkeypatch.setattr(arrow_rows, "BLOCK_ROWS", 7)
    for module in (arrow_rows, csv_rows):
        monkeypatch.setattr(module, "text_blocks", lambda file, quotes: text_blocks(file, 150, quotes=quotes))
    for kind in KINDS:
        done = run(capsys, "predict", folder / "m.onnx", folder / f"d.{kind}", "--keep", "id")
        same(read_back("csv", done.out.encode()), expected(folder))


def test_outputs_chosen(folder: Path, capsys: Capsys) -> None:
    def heading(choice: str) -> str:
        return run(capsys, "predict", folder / "m.onnx", folder / "d.csv", "--output", choice).out.splitlines()[0]

    assert heading("labels") == "label"
    assert heading("probabilities") == "probabilities.no,probabilities.yes"
    assert heading("all") == "label,probabilities.no,probabilities.yes"


def test_columns_mapped(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    frame().rename(columns={"age": "years"}).to_csv(tmp_path / "d.csv", index=False)
    call = ("predict", folder / "m.onnx", tmp_path / "d.csv", "--keep", "id")
    same(read_back("csv", run(capsys, *call, "--map", "age=years").out.encode()), expected(folder))
    fails(run(capsys, *call), "d.csv: expected column 'age'", "--map MODEL_COLUMN=FILE_COLUMN")
    fails(run(capsys, *call, "--map", "aeg=years"), "--map: expected a column of the model", "got 'aeg'")
    fails(run(capsys, *call, "--map", "age"), "--map: expected MODEL=FILE, got 'age'")
    fails(run(capsys, *call, "--map", "age=x"), "expected column 'x'")
    fails(run(capsys, *call, "--keep", "no"), "--keep: expected one column 'no'")


def test_columns_in_order_where_none_is_named_as_in_the_model(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    table = frame().drop(columns="id")
    table.to_csv(tmp_path / "bare.csv", index=False, header=False)
    table.set_axis(["p", "q"], axis=1).to_csv(tmp_path / "other.csv", index=False)
    wanted = run(capsys, "predict", folder / "m.onnx", folder / "d.csv").out
    assert run(capsys, "predict", folder / "m.onnx", tmp_path / "bare.csv").out == wanted
    assert run(capsys, "predict", folder / "m.onnx", tmp_path / "other.csv").out == wanted
    (tmp_path / "wide.csv").write_text("1,2,3\n")
    fails(
        run(capsys, "predict", folder / "m.onnx", tmp_path / "wide.csv"),
        "expected 2 columns, as the model takes, got 3",
    )


def test_columns_chosen_for_a_model_without_names(tmp_path: Path, capsys: Capsys) -> None:
    from importlib.resources import files

    data = files("celeris.datasets")
    model = str(data.joinpath("iris.onnx"))
    text = data.joinpath("iris.csv").read_text(encoding="utf-8").splitlines()
    names = text[0].split(",")
    (tmp_path / "d.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    call = ("predict", model, tmp_path / "d.csv")
    fails(run(capsys, *call), "expected 4 columns for the model, got 5", "--columns")
    chosen = run(capsys, *call, "--columns", ",".join(names[:4]))
    assert chosen.out == run(capsys, *call, "--keep", names[4]).out.replace(f"{names[4]},", "") or chosen.code == 0
    assert len(chosen.out.splitlines()) == 151
    fails(run(capsys, *call, "--map", "a=b"), "--map: the model does not name its columns")


# Bad rows.


def test_a_bad_row_stops_the_run(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    out = tmp_path / "o.csv"
    done = run(capsys, "predict", folder / "m.onnx", folder / "bad.csv", "-o", out)
    fails(done, "bad.csv, line 3: column 'age': expected a number (float), got 'abc'")
    assert not list(tmp_path.iterdir())


def test_a_bad_row_is_predicted_as_missing(folder: Path, capsys: Capsys) -> None:
    done = run(capsys, "predict", folder / "m.onnx", folder / "bad.csv", "--bad", "missing", "--keep", "id")
    assert [line.split(",")[:2] for line in done.out.splitlines()[1:]] == [
        ["1", "no"], ["2", ""], ["3", ""], ["4", "yes"], ["5", ""],
    ]  # fmt: skip
    assert done.code == 0
    assert "bad.csv, line 4: expected 3 columns, as in the first row, got 2" in done.err
    assert "bad.csv, line 7: column 'age': expected a number, got NaN" in done.err and "--missing allow" in done.err
    assert "3 bad rows, predicted as missing" in done.err


def test_bad_rows_in_a_side_file(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    out = tmp_path / "o.csv"
    call = ("predict", folder / "m.onnx", folder / "bad.csv", "--bad", "side-file", "--keep", "id")
    run(capsys, *call, "-o", out)
    assert [line.split(",")[0] for line in out.read_text().splitlines()] == ["id", "1", "4"]
    rows = [json.loads(line) for line in (tmp_path / "o.csv.bad.jsonl").read_text().splitlines()]
    assert [(row["line"], row["values"]) for row in rows] == [(3, "2,abc,20"), (4, "3,40"), (7, "5,,6")]
    fails(run(capsys, *call), "expected -o OUT or --bad-file FILE")
    fails(run(capsys, *call[:3], "--bad-file", "x"), "expected --bad side-file")


def test_no_side_file_without_bad_rows(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    run(capsys, "predict", folder / "m.onnx", folder / "d.csv", "--bad", "side-file", "-o", tmp_path / "o.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["o.csv"]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_null_is_named_by_its_row(folder: Path, tmp_path: Path, capsys: Capsys, kind: str) -> None:
    table = frame()
    table.loc[41, "fare"] = None
    path = tmp_path / f"d.{kind}"
    table.to_parquet(path) if kind == "parquet" else feather.write_feather(pyarrow.Table.from_pandas(table), path)
    fails(
        run(capsys, "predict", folder / "m.onnx", path), f"d.{kind}, row 42: column 'fare': expected a number, got NaN"
    )
    side = tmp_path / "bad.jsonl"
    run(capsys, "predict", folder / "m.onnx", path, "--bad", "side-file", "--bad-file", side)
    [kept] = [json.loads(line) for line in side.read_text().splitlines()]
    assert kept["row"] == 42 and kept["values"]["fare"] is None and kept["values"]["age"] == table.loc[41, "age"]
    done = run(capsys, "predict", folder / "m.onnx", path, "--bad", "missing", "--output", "labels")
    assert [at for at, line in enumerate(done.out.splitlines()[1:]) if not line.strip('"')] == [41]
    assert run(capsys, "predict", folder / "m.onnx", path, "--missing", "allow").code == 0


def test_bad_lines_of_json(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    lines = ['{"id": "a", "age": 30, "fare": 20}', "{nonsense", '{"id": "b", "age": "x", "fare": 1}', "[1]",
             '{"id": "c", "fare": 60, "age": 50}']  # fmt: skip
    path = tmp_path / "d.jsonl"
    path.write_text("\n".join(lines))
    done = run(capsys, "predict", folder / "m.onnx", path, "--bad", "missing", "--output", "labels")
    assert done.out.splitlines() == ["label", "no", "", "", "", "yes"]
    assert "line 2: expected JSON" in done.err and "line 4: expected an object, got list" in done.err
    assert "line 3: column 'age': expected a number, got 'x'" in done.err


def test_many_bad_rows_are_counted(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "d.csv").write_text("age,fare\n" + "x,1\n" * 30 + "1,1\n")
    done = run(capsys, "predict", folder / "m.onnx", tmp_path / "d.csv", "--bad", "missing")
    assert done.err.count("line") == 20 and "30 bad rows" in done.err


def test_a_cell_of_several_lines_keeps_the_count(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "d.csv").write_text('id,age,fare\n"a\nb",1,2\n"c,""d""",3,4\ne,?,5\n')
    fails(run(capsys, "predict", folder / "m.onnx", tmp_path / "d.csv"), "line 5: column 'age'", "got '?'")
    done = run(capsys, "predict", folder / "m.onnx", tmp_path / "d.csv", "--keep", "id", "--bad", "missing")
    assert pd.read_csv(io.StringIO(done.out)).id.tolist() == ["a\nb", 'c,"d"', "e"]


# Without pyarrow.


@pytest.mark.parametrize("first", ["True", "1"])
def test_truth_values_are_numbers(folder: Path, tmp_path: Path, capsys: Capsys, first: str) -> None:
    """As pandas writes them, whether Arrow reads the block or, where the first row has a number, each row is looked at."""
    (tmp_path / "words.csv").write_text(f"age,fare\n{first},20\nFalse,20\nTRUE,90\n")
    (tmp_path / "numbers.csv").write_text("age,fare\n1,20\n0,20\n1,90\n")
    words, numbers = (
        run(capsys, "predict", folder / "m.onnx", tmp_path / f"{each}.csv") for each in ("words", "numbers")
    )
    assert words.code == 0 and words.out == numbers.out


def test_csv_needs_no_extras(folder: Path, tmp_path: Path) -> None:
    hide = "import sys\nsys.modules['pyarrow'] = sys.modules['rich'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hide)
    call = ("predict", folder / "m.onnx")
    done = piped(*call, folder / "d.csv", "--keep", "id", path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    same(read_back("csv", done.stdout), expected(folder))
    missing = piped(*call, folder / "bad.csv", "--bad", "missing", path=str(tmp_path))
    assert missing.stdout.splitlines()[2] == b",,"
    refused = piped(*call, folder / "d.parquet", path=str(tmp_path))
    assert refused.returncode == 2 and b"pip install 'celeris[cli]'" in refused.stderr


# Errors.


@pytest.mark.parametrize("kind", KINDS)
def test_files_at_fault(folder: Path, tmp_path: Path, capsys: Capsys, kind: str) -> None:
    path = tmp_path / f"d.{kind}"
    fails(run(capsys, "predict", folder / "m.onnx", path), "no such file", path.name)
    path.write_bytes(b"")
    fails(run(capsys, "predict", folder / "m.onnx", path), path.name, "expected")
    path.write_bytes(b"\x00\xff\xfe\xd8 nothing that is a table")
    fails(run(capsys, "predict", folder / "m.onnx", path), path.name, "expected")


def test_models_at_fault(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    fails(run(capsys, "predict", tmp_path / "no.onnx", folder / "d.csv"), "no.onnx")
    fails(run(capsys, "predict", folder / "d.csv", folder / "d.csv"), "d.csv")
    fails(run(capsys, "predict", folder / "m.onnx", folder / "d.csv", "--threads", "-1"), "--threads")
    fails(run(capsys, "predict", folder / "m.onnx", "data.xls"), "expected a name that ends in .csv")


def test_outputs_that_cannot_be_written(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    call = ("predict", folder / "m.onnx", folder / "d.csv", "-o")
    fails(run(capsys, *call, tmp_path / "none" / "o.csv"), "cannot be written")
    fails(run(capsys, *call, tmp_path, "--to", "csv"), "directory")
    fails(run(capsys, *call, tmp_path / "o.docx"), "expected a name that ends in")


def test_an_old_file_stays_where_the_run_fails(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    out = tmp_path / "o.parquet"
    out.write_bytes(b"old")
    fails(run(capsys, "predict", folder / "m.onnx", folder / "bad.csv", "-o", out))
    assert out.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_a_column_of_text_where_numbers_are_wanted(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    frame().astype({"age": str}).to_parquet(tmp_path / "d.parquet")
    fails(run(capsys, "predict", folder / "m.onnx", tmp_path / "d.parquet"), "column 'age': expected numbers")


def test_help(capsys: Capsys) -> None:
    done = run(capsys, "predict", "--help")
    assert done.code == 0 and "--bad" in done.out and done.err == ""

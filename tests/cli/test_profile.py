"""celeris profile: table, picture, trace, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.runs import fails, frame, run, write_model

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("profile")
    write_model(made / "m.onnx")
    frame().to_csv(made / "d.csv", index=False)
    frame().to_parquet(made / "d.parquet")
    return made


@pytest.mark.parametrize("name", ["d.csv", "d.parquet"])
def test_table(folder: Path, capsys: Capsys, name: str) -> None:
    done = run(capsys, "profile", folder / "m.onnx", folder / name, "--repeat", "2")
    assert done.code == 0 and done.out.startswith("120 rows in 2 runs, ")
    assert "LinearClassifier" in done.out and "(feeds, results)" in done.out


def test_trace(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    assert run(capsys, "profile", folder / "m.onnx", folder / "d.csv", "--trace", tmp_path / "t.json").code == 0
    events = json.loads((tmp_path / "t.json").read_text())
    assert len(events) == 3 and {event["ph"] for event in events} == {"X"}
    assert events[0]["ts"] == 0 and all(event["dur"] >= 0 for event in events)
    assert events[0]["args"] == {"op_name": "LinearClassifier"}


@pytest.mark.parametrize(("ending", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_picture(folder: Path, tmp_path: Path, capsys: Capsys, ending: str, start: bytes) -> None:
    path = tmp_path / f"p{ending}"
    assert run(capsys, "profile", folder / "m.onnx", folder / "d.csv", "--plot", path).code == 0
    assert path.read_bytes().startswith(start) and len(list(tmp_path.iterdir())) == 1


def test_errors(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    call = ("profile", folder / "m.onnx")
    fails(run(capsys, *call, folder / "no.csv"), "no such file")
    fails(run(capsys, "profile", folder / "no.onnx", folder / "d.csv"), "no.onnx")
    fails(run(capsys, *call, folder / "d.csv", "--plot", tmp_path / "p.gif"), "ends in .png or .svg")
    fails(run(capsys, *call, folder / "d.csv", "--repeat", "0"), "--repeat: expected 1 or more")
    fails(run(capsys, *call, folder / "d.csv", "--trace", tmp_path / "none" / "t.json"), "cannot be written")
    fails(run(capsys, *call, folder / "d.csv", "--plot", tmp_path / "none" / "p.png"), "no such file")
    (tmp_path / "bad.csv").write_text("age,fare\n1,x\n")
    fails(run(capsys, *call, tmp_path / "bad.csv"), "bad.csv, line 2: column 'fare'")
    (tmp_path / "null.csv").write_text("age,fare\n1,\n")
    fails(run(capsys, *call, tmp_path / "null.csv"), "column 'fare', row 0: expected a number, got NaN")
    (tmp_path / "none.csv").write_text("age,fare\n")
    fails(run(capsys, *call, tmp_path / "none.csv"), "expected rows, got none")

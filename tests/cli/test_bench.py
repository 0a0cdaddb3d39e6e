"""celeris bench: tables alone and beside onnxruntime, picture, rows of the user's, errors."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.runs import fails, frame, run, write_model

Capsys = pytest.CaptureFixture[str]
QUICK = ("--seconds", "0.01", "--rows", "1,20", "--threads", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench")
    write_model(made / "m.onnx")
    frame().to_csv(made / "d.csv", index=False)
    return made


def test_alone(folder: Path, capsys: Capsys) -> None:
    done = run(capsys, "bench", folder / "m.onnx", *QUICK)
    assert done.code == 0 and "p99.9" in done.out and "onnxruntime" not in done.out
    assert [line.split()[:2] for line in done.out.splitlines()[-2:]] == [["1", "1"], ["1", "20"]]


def test_beside_onnxruntime_with_a_picture(folder: Path, tmp_path: Path, capsys: Capsys) -> None:
    path = tmp_path / "b.png"
    done = run(capsys, "bench", folder / "m.onnx", *QUICK, "--against", "onnxruntime", "--plot", path)
    assert done.code == 0 and "times faster" in done.out
    assert path.read_bytes().startswith(b"\x89PNG")


def test_rows_of_a_file(folder: Path, capsys: Capsys) -> None:
    assert run(capsys, "bench", folder / "m.onnx", *QUICK, "--data", folder / "d.csv").code == 0


def test_every_kind_of_input_is_made_up(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    from celeris.cli.bench import made_up

    kinds = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "s": TensorProto.STRING, "b": TensorProto.BOOL}
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name in kinds]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info(n, k, ["N", 2]) for n, k in kinds.items()],
                              [helper.make_tensor_value_info(f"{n}_out", k, ["N", 2]) for n, k in kinds.items()])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    feeds = made_up(str(path), 5)
    assert {name: (value.shape, value.dtype.kind) for name, value in feeds.items()} == {
        "f": ((5, 2), "f"), "i": ((5, 2), "i"), "s": ((5, 2), "O"), "b": ((5, 2), "b"),
    }  # fmt: skip


def test_errors(folder: Path, tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    call = ("bench", folder / "m.onnx")
    fails(run(capsys, "bench", folder / "no.onnx"), "no.onnx")
    fails(run(capsys, *call, "--plot", "b.gif"), "ends in .png or .svg")
    fails(run(capsys, *call, "--seconds", "0"), "--seconds: expected a time above 0")
    fails(run(capsys, *call, "--data", folder / "no.csv"), "no such file")
    (tmp_path / "none.csv").write_text("age,fare\n")
    fails(run(capsys, *call, "--data", tmp_path / "none.csv"), "expected rows, got none")
    assert "expected numbers from 1" in run(capsys, *call, "--rows", "0").err
    assert "invalid choice" in run(capsys, *call, "--against", "other").err
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    fails(run(capsys, *call, *QUICK, "--against", "onnxruntime"), "pip install onnxruntime")

"""celeris explain, validate and lint from their arguments to files and exit codes."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from celeris.cli import main
from celeris.conversion import convert

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, its estimator in two forms, rows and predictions."""
    import skops.io
    from sklearn.ensemble import GradientBoostingClassifier

    made = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 3)).astype(np.float32), columns=["age", "fare", "tenure"])
    y = (frame["age"] + frame["fare"] > 0).astype(int)
    model = GradientBoostingClassifier(n_estimators=5, random_state=0).fit(frame, y)
    (made / "model.onnx").write_bytes(convert(model, frame))
    frame.to_parquet(made / "rows.parquet")
    frame.to_csv(made / "rows.csv", index=False)
    (made / "model.pickle").write_bytes(pickle.dumps(model))
    skops.io.dump(model, made / "model.skops")
    kept = pd.DataFrame(model.predict_proba(frame), columns=["p0", "p1"])
    kept.insert(0, "label", model.predict(frame))
    kept.to_parquet(made / "predictions.parquet")
    kept.loc[3, ["p0", "p1"]] = [0.9, 0.1]
    kept.to_csv(made / "wrong.csv", index=False)
    return made


@pytest.fixture
def command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.chdir(folder)
    return lambda *arguments: main(list(arguments))


def test_explain(command: Callable[..., int], capsys: Capture) -> None:
    files = ["-o", "parts.csv", "--plot", "swarm.svg", "--kind", "beeswarm"]
    assert command("explain", "model.onnx", "rows.csv", *files) == 0
    out = capsys.readouterr().out
    assert out.startswith("200 rows; base: 1 ") and "age" in out
    parts = pd.read_csv("parts.csv")
    assert list(parts.columns) == ["age", "fare", "tenure", "base"] and len(parts) == 200
    assert Path("swarm.svg").read_text().startswith("<?xml")
    assert command("explain", "model.onnx", "rows.csv", "--plot", "p.gif") == 2
    assert "ends in .png or .svg" in capsys.readouterr().err
    assert not Path("p.gif").exists()


_TRUST = ("--trust", "sklearn.tree._tree.Tree")


@pytest.mark.parametrize(
    "against", [["model.skops", *_TRUST], ["model.pickle", "--unsafe-pickle"], ["predictions.parquet"]]
)
def test_validate_passes(command: Callable[..., int], capsys: Capture, against: list[str]) -> None:
    assert command("validate", "model.onnx", "--data", "rows.parquet", "--against", *against) == 0
    assert capsys.readouterr().out.startswith("PASS: 200 rows")


def test_validate_fails(command: Callable[..., int], capsys: Capture) -> None:
    arguments = ["validate", "model.onnx", "--data", "rows.parquet", "--against", "wrong.csv"]
    assert command(*arguments, "--report", "r.json", "--report", "r.html") == 1
    assert capsys.readouterr().out.startswith("FAIL: 200 rows")
    assert json.loads(Path("r.json").read_text())["worst"][0]["row"] == 3
    assert Path("r.html").read_text().startswith("<!doctype html>")
    assert command(*arguments, "--tolerance", "1") == 0


def test_scores_are_told_apart_by_their_names(command: Callable[..., int], capsys: Capture) -> None:
    assert command("predict", "model.onnx", "rows.parquet", "-o", "own.csv") == 0
    own = pd.read_csv("own.csv")
    backwards = own[own.columns[::-1]]
    backwards.to_csv("backwards.csv", index=False)
    backwards.set_axis(["y", "x", own.columns[0]], axis=1).to_csv("nameless.csv", index=False)
    for against, code in (("own.csv", 0), ("backwards.csv", 0), ("nameless.csv", 1)):
        assert command("validate", "model.onnx", "--data", "rows.parquet", "--against", against) == code


def test_types_that_skops_does_not_know_need_trust(command: Callable[..., int], capsys: Capture) -> None:
    assert command("validate", "model.onnx", "--data", "rows.csv", "--against", "model.skops") == 2
    assert "if you do: --trust sklearn.tree._tree.Tree" in capsys.readouterr().err


def test_a_pickle_needs_its_flag(command: Callable[..., int], capsys: Capture) -> None:
    assert command("validate", "model.onnx", "--data", "rows.csv", "--against", "model.pickle") == 2
    assert "add --unsafe-pickle" in capsys.readouterr().err


def test_lint(command: Callable[..., int], capsys: Capture) -> None:
    assert command("lint", "model.onnx", "--json") == 0
    assert "missing-routes" in [finding["rule"] for finding in json.loads(capsys.readouterr().out)]
    assert command("lint", "model.onnx") == 0
    assert "0 errors" in capsys.readouterr().out
    assert command("lint", "rows.csv") == 2

"""The zoo: trained once, kept, fed in slices; ensembles that are written by hand answer as their library does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench.models import huge, made, sets

import celeris
from bench import zoo


def test_a_model_is_trained_once_and_kept_with_what_was_trained(folder: Path) -> None:
    entry = zoo.load("logistic")
    assert (folder / "logistic.pickle").exists()
    assert type(zoo.trained("logistic").estimator).__name__ == "LogisticRegression"
    found = celeris.InferenceSession(entry.onnx).run(None, entry.rows(0, 150))[1]
    np.testing.assert_allclose(found, entry.expected, atol=1e-6)


def test_what_was_trained_is_trained_again_where_only_the_file_is_kept(folder: Path) -> None:
    zoo.load("logistic")
    (folder / "logistic.trained.pickle").unlink()
    assert zoo.trained("logistic").estimator is not None


def test_rows_begin_again_beyond_their_end() -> None:
    entry = zoo.load("logistic")
    rows = entry.rows(149, 152)["X"]
    np.testing.assert_array_equal(rows, entry.feeds["X"][[149, 0, 1]])


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(SystemExit, match="expected models among logistic, .*; got nothing"):
        zoo.pick(["nothing"])


def test_a_model_whose_library_is_missing_is_left_out_with_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train() -> made.Made:
        raise ModuleNotFoundError("No module named 'catboost'", name="catboost")

    monkeypatch.setattr(zoo, "MODELS", {"catboost": zoo.Model(train, "CatBoost", "trees")})
    assert zoo.pick([]) == []
    assert "without catboost: catboost is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(("module", "name", "rows"), [(huge, "forest_huge", "_ROWS"), (sets, "sets", "ROWS")])
def test_an_ensemble_written_array_by_array_answers_as_its_library(
    module: object, name: str, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, rows, 300)
    model = zoo.MODELS[name].train()
    found = celeris.InferenceSession(model.onnx).run(None, model.feeds)[0]
    np.testing.assert_allclose(found.ravel(), model.expected, rtol=1e-5, atol=1e-5)

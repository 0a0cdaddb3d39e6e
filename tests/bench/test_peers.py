"""Peers: those at hand answer, those that are not say why; wrong answers are found out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.peers import PEERS, Loaded, Unable, compiled, open_peer
from bench.sides import Turns

from bench import against, peers, zoo


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_has_a_file_and_answers_or_says_why(name: str) -> None:
    assert util.find_spec(f"bench.peers.{PEERS[name]}") is not None
    entry = zoo.load("logistic")
    try:
        loaded = open_peer(name, entry, threads=1)
    except Unable as why:
        assert str(why)
        assert name not in ("celeris", "onnxruntime", "scikit-learn")
    else:
        loaded.predict(loaded.prepare(entry.rows(0, 2)))


def test_boosted_trees_by_their_own_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def train() -> Any:
        from bench.models.made import lightgbm, table
        from lightgbm import LGBMClassifier

        return lightgbm(LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1), *table(20, rows=300))

    monkeypatch.setitem(zoo.MODELS, "small", zoo.Model(train, "small", "trees"))
    assert open_peer("lightgbm", zoo.load("small"), 1).predict(np.zeros((2, 20), np.float32)).shape == (2,)


def test_a_peer_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bench.peers.treelite", None)
    with pytest.raises(Unable, match="not installed"):
        open_peer("treelite", zoo.load("logistic"), 1)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda rows: np.zeros((len(rows), 3)), "answers differ from the training library's by"),
        (lambda rows: np.zeros((len(rows), 2)), "answers in the shape"),
        (lambda rows: np.full((len(rows), 3), np.nan), "answers differ from the training library's by nan"),
    ],
)
def test_wrong_answers_are_not_timed(
    answer: Callable[[Any], np.ndarray], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("bench.peers.onnxruntime")
    monkeypatch.setattr(module, "load", lambda entry, threads: Loaded(answer))
    with pytest.raises(Unable, match=why):
        open_peer("onnxruntime", zoo.load("logistic"), 1)


def test_how_a_compilation_ended_badly_is_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = zoo.load("logistic")
    runs = []

    def fail(*command: Any, **_: Any) -> Any:
        runs.append(command)
        return subprocess.Popen([sys.executable, "-c", "raise SystemExit('no such node')"], stderr=subprocess.PIPE,
                                text=True, start_new_session=True)  # fmt: skip

    monkeypatch.setattr(compiled, "subprocess", _Instead(fail))
    for _ in range(2):
        with pytest.raises(Unable, match="did not compile: no such node"):
            compiled.compiled("tl2cgen", entry, ".so")
    assert len(runs) == 1


class _Instead:
    """subprocess with another Popen."""

    DEVNULL, PIPE, TimeoutExpired = subprocess.DEVNULL, subprocess.PIPE, subprocess.TimeoutExpired

    def __init__(self, popen: Callable[..., Any]) -> None:
        self.Popen = popen


def test_turns_are_taken_by_all_alike() -> None:
    counts = {"a": 0, "b": 0}

    def count(name: str) -> None:
        counts[name] += 1

    times = Turns({"a": lambda: count("a"), "b": lambda: count("b")}, seconds=0).take()
    assert [len(each) for each in times.values()] == [3, 3]
    assert all(value > 0 for each in times.values() for value in each)
    assert min(counts.values()) > 5  # short calls are repeated within their turn


def test_against_prints_a_line_a_peer_and_why_others_cannot(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["against", "logistic", "--peers", "celeris,onnxruntime,xgboost", "--rows", "1,5", "--seconds", "0"]
    monkeypatch.setattr(sys, "argv", command)
    against.main()
    text = capsys.readouterr().out
    assert text.count("celeris") == 2 and text.count("onnxruntime") == 2
    assert "without xgboost: trained by sklearn" in text
    assert peers.PEERS.keys() >= {"celeris", "onnxruntime"}

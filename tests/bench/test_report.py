"""The report: measured on one small model, written, drawn, and drawn again; limits by arithmetic that can be checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.models.made import Made
from bench.reporting import collect, text
from bench.zoo import Entry, Model

from bench import limits, report, start, trees, zoo


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes processes, compilers and seconds is made up."""
    monkeypatch.setattr(start, "figures", lambda names, runs: [("load (logistic)", "ms", 1.0, 10.0)])
    monkeypatch.setattr(limits, "machine", lambda: limits.Machine(200.0, 1e10, 5e10, 1e11, 1e11, 1e9, 8e8))
    monkeypatch.setattr(trees, "ensemble", lambda *_, **__: _stump())
    monkeypatch.setattr(collect, "_CORES", ["logistic"])


def _stump() -> bytes:
    return _ENSEMBLE(2, trees=2)


_ENSEMBLE = trees.ensemble


def test_a_report_is_measured_written_and_drawn(fast: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "PEERS", dict.fromkeys(["celeris", "onnxruntime", "lightgbm"], ""))
    page = tmp_path / "report.md"
    report.main(["--quick", "--page", str(page), "logistic"])
    written = page.read_text()
    for heading in ("Against onnxruntime", "Against everybody", "Physical limits", "Start, load, memory"):
        assert f"## {heading}" in written
    assert "| logistic, 4 features |" in written
    for name in ("latency", "latency_all", "rows", "trees", "cores"):
        assert f"(report/{name}.png)" in written
        assert (tmp_path / "report" / f"{name}.png").stat().st_size > 5000

    page.unlink()
    report.main(["--redraw", "--page", str(page)])
    assert page.read_text() == written


def _cell(model: str, rows: int, **times: float) -> dict[str, Any]:
    return {"model": model, "threads": 1, "rows": rows, "times": times}


def test_what_is_slow_is_listed() -> None:
    grid = [_cell("ridge", 1, celeris=100.0, onnxruntime=2000.0), _cell("ridge", 100, celeris=100.0, onnxruntime=140.0)]
    peers = [_cell("lightgbm", 100, celeris=100.0, lightgbm=50.0)]
    results = collect.Results({"threads": 1}, grid=grid, peers=peers)
    assert "- 1.40: ridge, 50 features (`ridge`), 100 rows, 1 thread" in text._short(results)
    assert "20" not in text._short(results).partition("ridge")[0]
    assert "lightgbm takes 0.50 times as long" in text._ahead(results)


def test_faults_are_told_by_peer_and_reason() -> None:
    faults = {"ridge": {"timber-compiler": "has one thread", "xgboost": "trained by sklearn"}}
    assert text._faults(collect.Results({}, faults=faults)) == (
        "## Who could not run what\n\n- timber-compiler: ridge: has one thread\n"
    )


def test_limits_count_bytes_operations_and_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = trees.ensemble(8, trees=5, complete=True)  # 3 nodes from root to leaf in each of 5 trees

    def made() -> Made:
        raise AssertionError

    monkeypatch.setitem(zoo.MODELS, "t", Model(made, "t", "trees"))
    x = np.zeros((10, trees.FEATURES), np.float32)
    monkeypatch.setattr(limits, "open_peer", lambda *_: _Same())
    needed = limits.needs(Entry("t", onnx, {"X": x}, np.zeros(0)), 10)
    assert needed == limits.Needs(x.nbytes + 40, 0, 150, 35)


class _Same:
    def predict(self, feed: object) -> list[np.ndarray]:
        return [np.zeros(10, np.float32)]


def test_the_machine_is_measured() -> None:
    found = limits.machine()
    assert 0 < found.call < 1e5
    assert min(found.copy, found.near_copy, found.cached_copy, found.operations, found.visits, found.far_visits) > 1e6

"""A short run of the fuzzer, always the same; the long one is a command (see fuzz_models.py)."""

from __future__ import annotations

import pytest

from tests.fuzz import fuzz_models
from tests.onnx_models import file_models


def test_damaged_models_are_refused_cleanly() -> None:
    models = fuzz_models.corpus()
    assert len(models) > 1500
    ends = {fuzz_models.case(number, 7, models, session=False) for number in range(400)}
    assert {"model", "protobuf"} <= ends


def test_a_fault_is_seen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(data: bytes) -> str:
        raise KeyError(len(data))

    monkeypatch.setattr(fuzz_models, "check_reader", broken)
    monkeypatch.setattr(fuzz_models, "corpus", lambda: list(file_models().values())[:1])
    assert fuzz_models.main(["--cases", "2", "--seed", "3"]) == 1
    assert "case 0 of seed 3" in capsys.readouterr().err

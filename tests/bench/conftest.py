"""A zoo of its own, so that tests train what they need and leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import zoo


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zoo")


@pytest.fixture(autouse=True)
def own_zoo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "FOLDER", folder)
    monkeypatch.setattr("bench.peers.compiled.FOLDER", folder)

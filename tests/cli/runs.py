"""Runs `celeris` in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from celeris.cli import main
from celeris.conversion import convert


@dataclass
class Done:
    """What a command answered."""

    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    """The command's exit code and what it printed."""
    capsys.readouterr()
    try:
        code = main([str(each) for each in arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return Done(code, captured.out, captured.err)


def piped(*arguments: object, stdin: bytes = b"", path: str = "") -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own; `path` stands before the others on Python's."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [path, *sys.path]))
    return subprocess.run([sys.executable, "-m", "celeris", *map(str, arguments)], input=stdin, capture_output=True,
                          env=environment, check=False)  # fmt: skip


def frame(rows: int = 60) -> pd.DataFrame:
    """An id, and two numbers that a model was trained on."""
    rng = np.random.default_rng(0)
    ids = [f"{i:03d}" for i in range(rows)]
    return pd.DataFrame({"id": ids, "age": rng.normal(40, 10, rows), "fare": rng.normal(30, 5, rows)})


def write_model(path: Path) -> Path:
    """A logistic regression on `frame` by name; no or yes."""
    from sklearn.linear_model import LogisticRegression

    table = frame().drop(columns="id")
    y = np.where(table.age + table.fare > 70, "yes", "no")
    path.write_bytes(convert(LogisticRegression().fit(table, y), table))
    return path


def fails(done: Done, *said: str) -> None:
    """Exit code 2, one line on standard error that says this, nothing on standard output."""
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1 and done.err.startswith("celeris "), done.err
    for text in said:
        assert text in done.err, done.err

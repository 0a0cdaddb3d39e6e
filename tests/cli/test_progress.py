"""The progress bar: on a terminal, and silent elsewhere."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from celeris.cli.progress import progress
from tests.cli.runs import frame, write_model


def test_silent_where_standard_error_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(100) as advance:
        advance(10, 50)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_rows_and_rate_on_a_terminal(tmp_path: Path) -> None:
    import pty

    write_model(tmp_path / "m.onnx")
    frame().to_csv(tmp_path / "d.csv", index=False)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "celeris", "predict", "m.onnx", "d.csv", "-o", "o.csv"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command, stderr=theirs, cwd=tmp_path, env=environment)
    os.close(theirs)
    read = b""
    with contextlib.suppress(OSError):  # which is how a terminal ends
        while part := os.read(ours, 4096):  # a read gives no more
            read += part
    os.close(ours)
    seen = read.decode()
    assert process.wait() == 0, seen
    assert "60 rows" in seen and "rows/s" in seen and "100%" in seen

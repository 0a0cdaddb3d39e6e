"""The sample of converted models on tables of 40 columns, whose rows stay rows where those of 5 become columns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_the_sample_on_40_columns() -> None:
    sample = str(Path(__file__).with_name("test_converters.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", sample, "-k", "test_a_sample"]
    environment = {**os.environ, "CELERIS_CASE_COLUMNS": "40"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:]

"""The cases that are known not to pass: `skips.txt`, a line each, with its reason."""

from __future__ import annotations

from pathlib import Path


def skips() -> dict[str, str]:
    """Case -> reason."""
    lines = Path(__file__).with_name("skips.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))

"""docs/operators.md tells of the operators that there are."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def test_the_page_is_what_the_tool_makes() -> None:
    path = Path(__file__).parent.parent / "tools" / "make_operators.py"
    spec = importlib.util.spec_from_file_location("make_operators", path)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(), "run python tools/make_operators.py"

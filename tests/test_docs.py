"""Every fenced block of Python in docs/ runs, page by page, top to bottom; a block of text after one is its output."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> Iterator[tuple[str, str | None, int]]:
    """Each block of Python, the output written right below it if there is any, and its line."""
    found = list(_BLOCK.finditer(page))
    for at, block in enumerate(found):
        if block[1] != "python":
            continue
        below = found[at + 1] if at + 1 < len(found) else None
        follows = below is not None and below[1] == "text" and not page[block.end() : below.start()].strip()
        yield block[2], below[2] if follows and below is not None else None, page.count("\n", 0, block.start()) + 2


PAGES = [path for path in sorted(FOLDER.glob("*.md")) if "```python" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_snippets_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for code, expected, line in blocks(page.read_text(encoding="utf-8")):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)
        if expected is not None:
            assert output.getvalue().strip() == expected.strip(), f"{page.name}, line {line}"


def test_pages_with_snippets_are_found() -> None:
    assert {"predictor.md", "scikit-learn.md", "asyncio.md", "command-line.md"} <= {page.name for page in PAGES}

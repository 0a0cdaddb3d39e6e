"""Texts that people read, kept in files beside this one; `CELERIS_GOLDEN=1 pytest` writes them anew."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

FOLDER = Path(__file__).parent


def golden(file: str, title: str, text: str) -> None:
    """Asserts that `text` stands under `## title` in FILE.md; with CELERIS_GOLDEN=1 puts it there."""
    path = FOLDER / f"{file}.md"
    kept = _read(path)
    if os.environ.get("CELERIS_GOLDEN") == "1":
        kept[title] = text
        parts = (f"## {each}\n\n{textwrap.indent(kept[each], '    ')}\n\n" for each in sorted(kept))
        path.write_text("".join(parts))
    assert kept.get(title) == text, f"{path.name}, '{title}': CELERIS_GOLDEN=1 pytest ... writes it anew"


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    found: dict[str, str] = {}
    for part in path.read_text().split("## ")[1:]:
        title, _, body = part.partition("\n\n")
        found[title] = "\n".join(line.removeprefix("    ") for line in body.rstrip("\n").split("\n"))
    return found

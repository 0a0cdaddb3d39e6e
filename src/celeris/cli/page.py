"""What `celeris show` tells, as one HTML page that needs nothing besides itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TypeAlias

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, Helvetica, Arial, sans-serif; color: #1d242c; background: #f6f7f9; margin: 0; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 24px; margin: 0 0 2px; } h2 { font-size: 17px; margin: 30px 0 8px; }
p.sub { color: #55606e; margin: 0 0 14px; }
table { border-collapse: collapse; background: #fff; border: 1px solid #dfe3e8; font-size: 14px; }
th, td { text-align: left; padding: 5px 14px 5px 10px; border-bottom: 1px solid #eceff2; vertical-align: top; }
th { background: #eef1f5; font-weight: 600; } td { overflow-wrap: anywhere; }
.drawing { background: #fff; border: 1px solid #dfe3e8; overflow: auto; max-height: 86vh; text-align: center; }
.drawing svg { max-width: none; }
"""


Section: TypeAlias = tuple[str, Sequence[str], Sequence[Sequence[str]]]  # heading, column headings, rows


def page(title: str, below: str, drawing: str, sections: Sequence[Section]) -> str:
    """The drawing (SVG), and tables below it."""
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width">',
        f"<style>{_STYLE}</style></head><body><main>",
        f'<h1>{escape(title)}</h1><p class="sub">{escape(below)}</p>',
        f'<div class="drawing">{drawing}</div>',
    ]
    for heading, columns, rows in sections:
        parts.append(f"<h2>{escape(heading)}</h2>{_table(columns, rows)}")
    return "\n".join([*parts, "</main></body></html>\n"])


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in columns)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"

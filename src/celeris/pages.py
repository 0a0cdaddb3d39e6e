"""HTML pages that need nothing besides themselves, for wide screens and narrow, light and dark: `show`, `validate`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
:root { color-scheme: light dark; --text: #1d242c; --soft: #55606e; --ground: #f6f7f9; --sheet: #fff; --head: #eef1f5;
  --line: #dfe3e8; }
body { font: 15px/1.5 system-ui, Helvetica, Arial, sans-serif; margin: 0; }
body { color: var(--text); background: var(--ground); }
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 24px; margin: 0 0 2px; overflow-wrap: anywhere; } h2 { font-size: 17px; margin: 30px 0 8px; }
h1 b { padding: 0 8px; border-radius: 5px; color: #fff; } .pass { background: #2c7a4b; } .fail { background: #b3261e; }
p.sub { color: var(--soft); margin: 0 0 14px; overflow-wrap: anywhere; }
.table { overflow-x: auto; }
table { border-collapse: collapse; background: var(--sheet); border: 1px solid var(--line); font-size: 14px; }
th, td { text-align: left; padding: 5px 14px 5px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
th { background: var(--head); font-weight: 600; }
td:last-child:not(:first-child) { overflow-wrap: anywhere; }
td:nth-child(n+3):last-child:not(:empty) { min-width: 14em; }
.picture { background: #fff; border: 1px solid var(--line); overflow: auto; max-height: 86vh; text-align: center; }
.picture svg { vertical-align: top; } .fit svg { max-width: 100%; height: auto; }
.table + .picture { margin-top: 20px; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e3e8ee; --soft: #a4b0bd; --ground: #14181d; --sheet: #1b2128; --head: #252d36; --line: #37414c; }
  .picture { background: #1a1a1a; } .picture svg { filter: invert(0.9) hue-rotate(180deg); }
}
"""


def page(title: str, heading: str, parts: Iterable[str]) -> str:
    """A document of parts that are HTML, as is the heading."""
    lines = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main>',
        f"<h1>{heading}</h1>",
    ]
    return "\n".join([*lines, *parts, "</main></body></html>\n"])


def below(text: str) -> str:
    """What stands below the heading."""
    return f'<p class="sub">{escape(text)}</p>'


def picture(svg: str, *, fit: bool = False) -> str:
    """A drawing in a frame that scrolls, or that it fits into."""
    return f'<div class="picture{" fit" * fit}">{svg}</div>'


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, with a row of headings where there are any."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in columns)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'

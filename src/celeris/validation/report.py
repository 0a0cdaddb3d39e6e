"""Report: what a comparison found, as text, JSON, HTML and a picture."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 10
ENDINGS = (".txt", ".json", ".html", ".png", ".svg")  # of the names that `Report.save` takes


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A row whose answers differ: by how much, why (a cause's name), and where."""

    row: int
    expected: Any
    got: Any
    difference: float
    cause: str
    detail: str


@dataclass(slots=True)
class Report:
    """Answers of a model file beside those expected.

    Differences are relative: `|got - expected| / (1 + |expected|)`.
    """

    rows: int
    tolerance: float
    largest: float
    quantiles: dict[str, float]
    over: int  # rows beyond the tolerance
    labels: int | None  # rows with another label; None where there are none to compare
    ties: int  # of these, rows whose best scores lie within the tolerance of one another
    worst: list[RowDifference]
    causes: dict[str, int]  # of the rows in `worst`
    fixes: dict[str, str]
    differences: np.ndarray = field(repr=False)  # float64 [rows], each row's largest
    subject: str = ""  # what was compared, for headings

    @property
    def passed(self) -> bool:
        """No row beyond the tolerance, no other label but at ties."""
        return self.over == 0 and (self.labels or 0) == self.ties

    def text(self) -> str:
        """A page for a terminal."""
        from celeris.cli.table import table  # the commands import this package

        lines = [
            f"{'PASS' if self.passed else 'FAIL'}: {self.rows:,} rows, tolerance {self.tolerance:g}"
            + (f"; {self.subject}" if self.subject else ""),
            "",
            *(f"{name:<29}{value}" for name, value in self._facts()),
        ]
        if self.worst:
            rows = [
                (str(w.row), _short(w.expected), _short(w.got), f"{w.difference:.2g}", w.cause, w.detail)
                for w in self.worst[:_SHOWN]
            ]
            lines += ["", table(["row", "expected", "got", "difference", "cause", "where"], rows, right=(0, 3))]
            if len(self.worst) > _SHOWN:
                lines.append(f"... and {len(self.worst) - _SHOWN} more of the {len(self.worst)} rows looked into")
            lines += ["", *(f"{cause} ({count} rows): {self.fixes[cause]}" for cause, count in self.causes.items())]
        return "\n".join(lines)

    def _facts(self) -> list[tuple[str, str]]:
        labels = "none to compare" if self.labels is None else f"{self.labels:,}"
        return [
            ("labels that differ", labels + (f" ({self.ties:,} at ties)" if self.ties else "")),
            ("rows beyond the tolerance", f"{self.over:,}"),
            ("largest relative difference", f"{self.largest:.3g}"),
            *((f"  {name}", f"{value:.3g}") for name, value in self.quantiles.items()),
        ]

    def json(self) -> str:
        """All but the single differences."""
        content = asdict(self)
        del content["differences"]
        return json.dumps({"passed": self.passed, **content}, indent=2, default=_plain)

    def html(self) -> str:
        """One page that needs no other file."""
        verdict = "pass" if self.passed else "fail"
        facts = [("rows", f"{self.rows:,}"), ("tolerance", f"{self.tolerance:g}"), *self._facts()]
        worst = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in
            (w.row, _short(w.expected), _short(w.got), f"{w.difference:.2g}", w.cause, w.detail)) + "</tr>"
            for w in self.worst
        )  # fmt: skip
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts)
        fixes = "".join(
            f"<li><b>{escape(cause)}</b> ({count} rows): {escape(self.fixes[cause])}</li>"
            for cause, count in self.causes.items()
        )
        head = "<tr>" + "".join(f"<th>{n}</th>" for n in ("row", "expected", "got", "difference", "cause", "where"))
        return _PAGE.format(
            verdict=verdict, word=verdict.upper(), facts=rows, picture=self._svg(),
            subject=f"<p>{escape(self.subject)}</p>" if self.subject else "",
            fixes=f"<h2>Causes and fixes</h2><ul>{fixes}</ul>" if fixes else "",
            worst=f"<h2>Rows that differ most</h2><table>{head}</tr>{worst}</table>" if worst else "",
        )  # fmt: skip

    def figure(self) -> Figure:
        """How many rows differ by how much."""
        from matplotlib.figure import Figure

        made = Figure(figsize=(8, 3.2), layout="constrained")
        axes = made.add_subplot()
        finite = self.differences[np.isfinite(self.differences)]
        least = 1e-17
        edges = np.logspace(-17, np.log10(max(finite.max(initial=0), self.tolerance, least)) + 1, 71)
        heights, _ = np.histogram(np.maximum(finite, least), edges)
        beyond = edges[:-1] >= self.tolerance
        axes.bar(edges[:-1], heights, np.diff(edges), align="edge", color=np.where(beyond, "#c8375a", "#3f6b8f"))
        axes.axvline(self.tolerance, color="black", linewidth=1)
        axes.annotate(f" tolerance {self.tolerance:g}", (self.tolerance, 1), xycoords=("data", "axes fraction"),
                      va="top", fontsize=9)  # fmt: skip
        axes.set(xscale="log", yscale="symlog", xlabel="a row's largest relative difference (0 at the left edge)",
                 ylabel="rows")  # fmt: skip
        axes.spines[["top", "right"]].set_visible(False)
        return made

    def save(self, path: str | Path) -> None:
        """As .txt, .json, .html, .png or .svg, by the name's ending."""
        ending = Path(path).suffix.lower()
        if ending in (".png", ".svg"):
            self.figure().savefig(path, dpi=150)
            return
        writers = {".txt": self.text, ".json": self.json, ".html": self.html}
        if ending not in writers:
            raise ValueError(f"{path}: expected a name that ends in {', '.join(ENDINGS)}")
        Path(path).write_text(writers[ending]() + "\n", encoding="utf-8")

    def _svg(self) -> str:
        try:
            figure = self.figure()
        except ImportError:
            return "<p>(a picture needs matplotlib)</p>"
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        return text.getvalue()[text.getvalue().index("<svg") :]

    def __str__(self) -> str:
        return self.text()


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return "[" + ", ".join(_short(each) for each in value[:4]) + (", ...]" if len(value) > 4 else "]")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>celeris validate: {word}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
h1 span {{ padding: .1em .5em; border-radius: .3em; color: white }}
.pass {{ background: #2c7a4b }} .fail {{ background: #b3261e }}
table {{ border-collapse: collapse; margin: 1rem 0 }}
th, td {{ text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #ddd; vertical-align: top }}
svg {{ max-width: 100%; height: auto }}
</style></head><body>
<h1>Validation <span class="{verdict}">{word}</span></h1>
{subject}
<table>{facts}</table>
{picture}
{fixes}
{worst}
</body></html>"""

"""Report: what a comparison found, as text, JSON, HTML and a picture."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 10
_DIFFERENCE = ("row", "expected", "got", "difference", "cause", "where")
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
            lines += ["", table(_DIFFERENCE, [_cells(w) for w in self.worst[:_SHOWN]], right=(0, 3))]
            if len(self.worst) > _SHOWN:
                lines.append(f"... and {len(self.worst) - _SHOWN} more of the {len(self.worst)} rows looked into")
            lines.append("")
            for cause, count in self.causes.items():
                lines.append(f"{cause} ({count} row{'s' * (count != 1)}): {self.fixes[cause]}")
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
        from celeris.pages import below, page, picture, table

        verdict = "pass" if self.passed else "fail"
        facts = [("rows", f"{self.rows:,}"), ("tolerance", f"{self.tolerance:g}"), *self._facts()]
        parts = [below(self.subject), table((), facts), picture(self._svg(), fit=True)]
        if self.causes:
            rows = [(cause, count, self.fixes[cause]) for cause, count in self.causes.items()]
            parts += ["<h2>Causes and fixes</h2>", table(("cause", "rows", "fix"), rows)]
        if self.worst:
            parts += ["<h2>Rows that differ most</h2>", table(_DIFFERENCE, map(_cells, self.worst))]
        return page(
            f"celeris validate: {verdict.upper()}", f'Validation <b class="{verdict}">{verdict.upper()}</b>', parts
        )

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


def _cells(row: RowDifference) -> tuple[str, ...]:
    shown = str(row.row), _short(row.expected), _short(row.got), f"{row.difference:.2g}"
    return *shown, row.cause, row.detail


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return "[" + ", ".join(_short(each) for each in value[:4]) + (", ...]" if len(value) > 4 else "]")
    return f"{value:.6g}" if isinstance(value, float) else str(value)

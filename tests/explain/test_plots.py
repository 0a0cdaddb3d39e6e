"""Pictures: they are drawn, with the names and numbers that they should show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from celeris.explain import Explanation, plots


@pytest.fixture
def explanation() -> Explanation:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 15))
    values[3, 2] = np.nan
    return Explanation(values * np.arange(15), 0.5, values, [f"f{i}" for i in range(15)], ["yes"])


def _texts(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["bar", "waterfall", "beeswarm"])
def test_pictures_name_features(explanation: Explanation, tmp_path: Path, kind: str) -> None:
    figure = getattr(plots, kind)(explanation, top=5)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert len(labels) == (5 if kind == "beeswarm" else 6)
    assert any(label.startswith("f14") for label in labels)
    for ending in ("png", "svg"):
        plots.save(figure, tmp_path / f"p.{ending}")
        assert (tmp_path / f"p.{ending}").stat().st_size > 1000


def test_a_waterfall_ends_at_the_score(explanation: Explanation) -> None:
    axes = plots.waterfall(explanation, row=4, top=20).axes[0]
    widths = [patch.get_width() for patch in axes.patches if isinstance(patch, Rectangle)]
    assert sum(widths) == pytest.approx(explanation.scores[4] - 0.5)


def test_faults(explanation: Explanation, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="row: expected one of 60 rows, got 60"):
        plots.waterfall(explanation, row=60)
    with pytest.raises(ValueError, match=r"ends in \.png or \.svg"):
        plots.save(plots.bar(explanation), tmp_path / "p.gif")
    several = Explanation(np.zeros((2, 3, 2)), np.zeros(2), np.zeros((2, 3)), ["a", "b", "c"], ["x", "y"])
    with pytest.raises(ValueError, match="output: expected one of x, y, got none"):
        plots.beeswarm(several)

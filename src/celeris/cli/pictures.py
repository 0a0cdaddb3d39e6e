"""Pictures that commands write, by matplotlib, which is imported only for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from celeris.cli.errors import UsageError
from celeris.cli.tables import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_name(path: str | None) -> None:
    """UsageError for a name that is no picture's: before the work, not after it."""
    if path is not None and Path(path).suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"{path}: expected a name that ends in .png or .svg")


def save(path: str, make: Callable[[], Figure]) -> None:
    """A picture as PNG or SVG, by the name's ending."""
    try:
        figure = make()
    except ImportError:
        raise UsageError(f"{path}: expected matplotlib to be installed; pip install 'celeris[explain]'") from None
    whole(path, lambda name: figure.savefig(name, dpi=150))

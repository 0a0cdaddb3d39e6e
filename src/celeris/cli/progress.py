"""A progress bar on standard error, where that is a terminal and rich is installed; silent otherwise."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

Advance = Callable[[int, int], None]  # rows, bytes of the files


@contextlib.contextmanager
def progress(total: int | None) -> Iterator[Advance]:
    """A function to call after each block. `total`: bytes of all files, None where that is not known."""
    shown = _bar(total) if sys.stderr.isatty() else None
    if shown is None:
        yield lambda rows, size: None
        return
    bar, task = shown
    done = 0

    def advance(rows: int, size: int) -> None:
        nonlocal done
        done += rows
        seconds = bar.tasks[0].elapsed or 0.0
        rate = f"{done / seconds:,.0f} rows/s" if seconds else ""
        bar.update(task, advance=size, rows=f"{done:,} rows", rate=rate)

    with bar:
        yield advance
        if total is not None:
            bar.update(task, completed=total)


def _bar(total: int | None) -> tuple[Any, Any] | None:
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
    except ImportError:
        return None
    bar = Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
    )
    return bar, bar.add_task("", total=total, rows="", rate="")

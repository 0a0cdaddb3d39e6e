"""Blocks of rows, as readers of every kind give them: the model's columns, columns passed through, bad rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from celeris.records import Record, field

BLOCK_BYTES = 1 << 23  # of text; a block of rows is parsed, predicted and written before the next but two is read
BLOCK_ROWS = 1 << 17  # of columns


class Block(Record):
    """`count` rows of a file. `features` holds those at `good` (all for None); `bad` says of the others why."""

    where: str
    unit: str  # what `place` counts from 1: line or row
    count: int
    features: Any  # an Arrow table or an array, columns in the model's order
    names: list[str]  # of those columns
    kept: list[Any]  # of all rows: Arrow arrays, or lists
    place: Callable[[int], int]
    size: int  # of the file's bytes, about
    row: Callable[[int], Any]  # as it was read, for the side file
    good: list[int] | None = None
    bad: dict[int, str] = field(default_factory=dict)


class Text(Record, frozen=True):
    """Whole lines of a file, the first of them being line `line`, counted from 1."""

    data: bytes
    line: int


def text_blocks(file: BinaryIO, size: int = BLOCK_BYTES, *, quotes: bool) -> Iterator[Text]:
    """The file cut at line ends; with `quotes` not within a quoted cell of CSV."""
    rest, line = b"", 1
    while True:
        new = file.read(size)
        data = rest + new
        if not data:
            return
        end = len(data) if not new else _last_line_end(data, quotes)
        if end:
            yield Text(data[:end], line)
            line += data.count(b"\n", 0, end)
        rest = data[end:]
        if not new:
            return


def _last_line_end(data: bytes, quotes: bool) -> int:
    end = data.rfind(b"\n") + 1
    if not quotes:
        return end
    open_quotes = data.count(b'"', 0, end)
    while end and open_quotes % 2:
        earlier = data.rfind(b"\n", 0, end - 1) + 1
        open_quotes -= data.count(b'"', earlier, end)
        end = earlier
    return end

"""The estimator that the zoo keeps, of the library a peer wants."""

from __future__ import annotations

from typing import Any

from bench.peers import Unable
from bench.zoo import Entry, trained


def estimator(entry: Entry, *libraries: str) -> Any:
    """What was trained, if one of these libraries trained it."""
    try:
        found = trained(entry.name).estimator
    except ModuleNotFoundError as error:
        raise Unable(f"trained by {error.name}, which is not installed") from error
    if found is None:
        raise Unable("the model has no estimator, only a file")
    library = library_of(found)
    if library not in libraries:
        raise Unable(f"trained by {library}")
    return found


def library_of(found: Any) -> str:
    """Which library an estimator is of."""
    return str(type(found).__module__.partition(".")[0])


def is_float(entry: Entry) -> bool:
    """Whether the rows are one table of numbers."""
    return len(entry.feeds) == 1 and next(iter(entry.feeds.values())).dtype.kind == "f"

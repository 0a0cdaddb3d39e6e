"""An iterator that runs a little ahead on a thread of its own, so that reading, predicting and writing overlap."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")


def ahead(source: Iterable[T], depth: int = 2) -> Generator[T, None, None]:
    """The same items in order, up to `depth` of them waiting. What the source raises is raised here."""
    waiting: queue.Queue[tuple[str, object]] = queue.Queue(depth)
    stopped = threading.Event()

    def put(what: str, item: object) -> bool:
        while not stopped.is_set():
            try:
                waiting.put((what, item), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in source:
                if not put("item", item):
                    return
            put("end", None)
        except BaseException as problem:
            put("problem", problem)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            what, item = waiting.get()
            if what == "end":
                return
            if isinstance(item, BaseException):
                raise item
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()

"""Runs off the caller's thread, for `run_async` and asyncio: a few threads for the process, made when first needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celeris.errors import plain_text

_THREADS = 4  # runs that wait for their turn; the work inside one run has the engine's pool

_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}  # by process id: threads do not survive fork


def pool() -> ThreadPoolExecutor:
    """The threads on which runs wait for their turn."""
    with _lock:
        found = _pools.get(os.getpid())
        if found is None:
            _pools.clear()
            found = _pools[os.getpid()] = ThreadPoolExecutor(_THREADS, thread_name_prefix="celeris-run")
        return found


class _Unraisable:
    """Tells sys.unraisablehook of an exception that nobody can catch: by an object that raises it as it goes."""

    def __init__(self, failure: BaseException) -> None:
        self._failure = failure

    def __del__(self) -> None:
        raise self._failure


def submit(work: Callable[[], list[Any]], callback: Callable[[list[Any], Any, str], None], user_data: Any) -> None:
    """Calls `callback(work(), user_data, '')` on another thread, or `callback([], user_data, problem)`."""

    def task() -> None:
        try:
            results, problem = work(), ""
        except Exception as failure:
            results, problem = [], plain_text(failure).replace("Invalid output name:", "Invalid output name: ")
        try:
            callback(results, user_data, problem)
        except BaseException as failure:
            _Unraisable(failure)

    pool().submit(task)

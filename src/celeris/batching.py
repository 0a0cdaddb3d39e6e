"""Predictions for asyncio: off the event loop's thread, single rows on it where they are quick, and in batches."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

if TYPE_CHECKING:
    import asyncio

    from celeris.predictor import Predictor

_QUICK = 200e-6  # seconds that the event loop may be kept from its work: about what a thread's wake-up costs
_WAITING = 64  # tables that wait for a thread; more of them wait before they are taken


class Turns:
    """Decides who runs on the event loop, and who waits for a thread. One for a predictor."""

    def __init__(self) -> None:
        self._row_seconds = float("inf")  # what one row takes, as seen; nothing has been seen yet
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    def quick(self, rows: int) -> bool:
        """Whether so many rows take no longer than the event loop may wait."""
        return rows * self._row_seconds < _QUICK

    def run(self, call: Callable[[Any], Any], X: Any, rows: int) -> Any:
        """Calls it, and remembers what a row took: the least of late, so that one slow turn counts little."""
        start = perf_counter()
        result = call(X)
        spent = (perf_counter() - start) / max(rows, 1)
        self._row_seconds = min(spent, self._row_seconds * 1.1)
        return result

    async def ask(self, call: Callable[[Any], Any], X: Any) -> Any:
        """`call(X)`: here for one quick row, else on another thread. Cancelled while it waits, it never runs."""
        one = type(X) is dict
        if one and self.quick(1):
            return self.run(call, X, 1)
        return await self.elsewhere(lambda: self.run(call, X, 1) if one else call(X))

    async def elsewhere(self, call: Callable[[], Any]) -> Any:
        """`call()` on another thread; waits before that while too many others do."""
        import asyncio

        from celeris.asynchronous import pool

        loop = asyncio.get_running_loop()
        if loop not in self._gates:
            self._gates[loop] = asyncio.Semaphore(_WAITING)
        async with self._gates[loop]:
            return await loop.run_in_executor(pool(), call)


class Batcher:
    """Predicts concurrent single rows together; made by `Predictor.batched`. Belongs to one event loop.

    A row is a dict, or an array [1, columns]. A row that does not fit the model fails alone.
    """

    def __init__(self, predictor: Predictor, *, rows: int, delay: float, waiting: int) -> None:
        if rows < 1 or delay < 0 or waiting < rows:
            raise ValueError(
                f"batched: expected rows >= 1, delay >= 0 and waiting >= rows, got rows={rows}, delay={delay}, "
                f"waiting={waiting}"
            )
        self._predictor, self._rows, self._delay = predictor, rows, delay
        self._waiting = waiting
        self._gate: asyncio.Semaphore | None = None
        self._groups: dict[tuple[str, bool], list[tuple[Any, asyncio.Future[Any]]]] = {}
        self._timers: dict[tuple[str, bool], asyncio.TimerHandle] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def apredict(self, row: Any) -> Any:
        """`predict` of one row, together with others."""
        return await self._ask("predict", row)

    async def apredict_proba(self, row: Any) -> Any:
        """`predict_proba` of one row, together with others."""
        return await self._ask("predict_proba", row)

    async def adecision_function(self, row: Any) -> Any:
        """`decision_function` of one row, together with others."""
        return await self._ask("decision_function", row)

    async def __aenter__(self) -> Batcher:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Waits for the rows that are on their way."""
        import asyncio

        for key in list(self._groups):
            self._leave(key)
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _ask(self, method: str, row: Any) -> Any:
        import asyncio

        array = isinstance(row, np.ndarray)
        if not array and type(row) is not dict:
            raise TypeError(f"row: expected a dict or an array [1, columns], got {type(row).__name__}")
        if array and (row.ndim != 2 or len(row) != 1):
            raise ValueError(f"row: expected an array [1, columns], got one of shape {list(row.shape)}")
        if self._gate is None:
            self._gate = asyncio.Semaphore(self._waiting)
        async with self._gate:
            loop = asyncio.get_running_loop()
            key = (method, array)
            group = self._groups.setdefault(key, [])
            future: asyncio.Future[Any] = loop.create_future()
            group.append((row, future))
            if len(group) >= self._rows:
                self._leave(key)
            elif len(group) == 1:
                self._timers[key] = loop.call_later(self._delay, self._leave, key)
            return await future

    def _leave(self, key: tuple[str, bool]) -> None:
        """Sends a group on its way, without the rows that nobody waits for any more."""
        import asyncio

        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        group = [(row, future) for row, future in self._groups.pop(key, []) if not future.done()]
        if group:
            task = asyncio.get_running_loop().create_task(self._run(key, group))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, key: tuple[str, bool], group: list[tuple[Any, asyncio.Future[Any]]]) -> None:
        turns = self._predictor._turns
        rows = [row for row, _ in group]
        if turns.quick(len(rows)):
            answers = self._answers(key, rows)
        else:
            answers = await turns.elsewhere(lambda: self._answers(key, rows))
        for (_, future), (answer, problem) in zip(group, answers, strict=True):
            if future.done():
                continue
            if problem is not None:
                future.set_exception(problem)
            else:
                future.set_result(answer)

    def _answers(self, key: tuple[str, bool], rows: list[Any]) -> list[tuple[Any, Exception | None]]:
        """An answer or an exception for each row; alone where one among them fails."""
        method, array = key
        call, turns = getattr(self._predictor, method), self._predictor._turns
        try:
            if array:
                found = turns.run(call, np.concatenate(rows), len(rows))
                return [(found[at : at + 1], None) for at in range(len(rows))]
            return [(answer, None) for answer in turns.run(call, rows, len(rows))]
        except Exception as problem:
            if len(rows) == 1:
                return [(None, problem)]
            return [answer for row in rows for answer in self._answers(key, [row])]

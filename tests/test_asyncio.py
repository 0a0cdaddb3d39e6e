"""apredict: the event loop is never blocked, rows are batched, cancelled, and made to wait."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import numpy as np
import pytest

import celeris
from celeris.frames import DataError
from tests.frames.models import columns_model, matrix_model, titanic


def _predictor() -> celeris.Predictor:
    return celeris.load(columns_model()[1])


def _rows(count: int) -> list[dict[str, Any]]:
    return titanic().head(count).to_dict("records")


class _Slow:
    """Makes a predictor's runs take a while, and counts them."""

    def __init__(self, predictor: celeris.Predictor, seconds: float) -> None:
        self.sizes: list[int] = []
        self.threads: set[int] = set()
        plain = predictor.predict

        def slow(X: Any) -> Any:
            self.sizes.append(len(X) if isinstance(X, (list, np.ndarray)) else 1)
            self.threads.add(threading.get_ident())
            time.sleep(seconds)
            return plain(X)

        predictor.predict = slow  # type: ignore[method-assign]


def test_apredict_answers_as_predict() -> None:
    predictor = _predictor()
    frame = titanic()

    async def main() -> None:
        assert (await predictor.apredict(frame)).equals(predictor.predict(frame))
        assert (await predictor.apredict_proba(frame)).equals(predictor.predict_proba(frame))
        for row in _rows(5):
            assert await predictor.apredict(row) == predictor.predict(row)
        with pytest.raises(AttributeError):
            await predictor.adecision_function(frame)
        with pytest.raises(DataError):
            await predictor.apredict(frame.drop(columns="age"))

    asyncio.run(main())


def test_the_event_loop_goes_on_while_a_table_is_predicted() -> None:
    predictor = _predictor()
    slow = _Slow(predictor, 0.1)

    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.002)
                ticks += 1

        ticking = asyncio.create_task(tick())
        await asyncio.gather(*(predictor.apredict(titanic()) for _ in range(3)))
        ticking.cancel()
        assert ticks >= 10

    asyncio.run(main())
    assert threading.get_ident() not in slow.threads


def test_quick_rows_stay_on_the_loop_and_slow_ones_leave_it() -> None:
    predictor = _predictor()
    here = threading.get_ident()
    seen: list[int] = []
    plain = predictor.predict

    def watched(X: Any) -> Any:
        seen.append(threading.get_ident())
        return plain(X)

    predictor.predict = watched  # type: ignore[method-assign]

    async def main() -> None:
        for row in _rows(50):
            await predictor.apredict(row)

    asyncio.run(main())
    assert seen[0] != here  # nothing is known of the first
    assert here in seen

    slow = _Slow(predictor, 0.002)
    predictor._turns = type(predictor._turns)()
    asyncio.run(main())
    assert here not in slow.threads


def test_concurrent_rows_share_a_run() -> None:
    predictor = _predictor()
    rows = _rows(100)
    expected = predictor.predict(rows)
    slow = _Slow(predictor, 0.001)

    async def main() -> None:
        async with predictor.batched(rows=32, delay=0.05) as batch:
            assert await asyncio.gather(*(batch.apredict(row) for row in rows)) == expected

    asyncio.run(main())
    assert slow.sizes == [32, 32, 32, 4]


def test_a_lone_row_waits_no_longer_than_the_delay() -> None:
    predictor = _predictor()
    [row] = _rows(1)

    async def main() -> None:
        async with predictor.batched(rows=1000, delay=0.02, waiting=1000) as batch:
            start = time.perf_counter()
            assert await batch.apredict(row) == predictor.predict(row)
            assert 0.015 < time.perf_counter() - start < 2

    asyncio.run(main())


def test_a_bad_row_fails_alone() -> None:
    predictor = _predictor()
    rows = _rows(5)
    rows[2] = {"age": 3.0}

    async def main() -> list[Any]:
        async with predictor.batched(rows=5, delay=1) as batch:
            return await asyncio.gather(*(batch.apredict(row) for row in rows), return_exceptions=True)

    answers = asyncio.run(main())
    assert isinstance(answers[2], DataError)
    assert [a for at, a in enumerate(answers) if at != 2] == predictor.predict(
        [r for at, r in enumerate(rows) if at != 2]
    )


def test_a_cancelled_row_is_not_predicted() -> None:
    predictor = _predictor()
    slow = _Slow(predictor, 0.001)

    async def main() -> None:
        async with predictor.batched(rows=10, delay=0.02) as batch:
            tasks = [asyncio.create_task(batch.apredict(row)) for row in _rows(6)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            tasks[5].cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(answers[0], asyncio.CancelledError)
            assert answers[1] in ("yes", "no")

    asyncio.run(main())
    assert slow.sizes == [4]


def test_a_cancelled_table_that_waits_never_runs() -> None:
    predictor = _predictor()
    slow = _Slow(predictor, 0.05)

    async def main() -> None:
        tasks = [asyncio.create_task(predictor.apredict(titanic())) for _ in range(12)]
        await asyncio.sleep(0.01)
        for task in tasks[6:]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(a, asyncio.CancelledError) for a in answers) == 6

    asyncio.run(main())
    assert len(slow.threads) <= 4
    assert len(slow.sizes) == 6


def test_more_rows_than_may_wait_are_held_back() -> None:
    predictor = _predictor()
    slow = _Slow(predictor, 0.002)
    rows = _rows(40)

    async def main() -> None:
        async with predictor.batched(rows=4, delay=0.001, waiting=8) as batch:
            tasks = [asyncio.create_task(batch.apredict(row)) for row in rows]
            await asyncio.sleep(0)
            assert sum(len(group) for group in batch._groups.values()) <= 8
            assert await asyncio.gather(*tasks) == celeris.load(columns_model()[1]).predict(rows)

    asyncio.run(main())
    assert max(slow.sizes) == 4


def test_rows_of_arrays() -> None:
    predictor = celeris.load(matrix_model()[1])
    X = np.arange(40, dtype=np.float32).reshape(10, 4)

    async def main() -> None:
        async with predictor.batched(rows=10, delay=1) as batch:
            answers = await asyncio.gather(*(batch.apredict_proba(X[at : at + 1]) for at in range(10)))
            np.testing.assert_array_equal(np.concatenate(answers), predictor.predict_proba(X))
            with pytest.raises(ValueError, match="shape"):
                await batch.apredict(X)
            with pytest.raises(TypeError, match="list"):
                await batch.apredict([1, 2])

    asyncio.run(main())


def test_settings_are_checked() -> None:
    for wrong in ({"rows": 0}, {"delay": -1}, {"waiting": 3}):
        with pytest.raises(ValueError, match="batched: expected"):
            _predictor().batched(**wrong)  # type: ignore[arg-type]

"""Output arrays that callers let go of are used again: nobody who still holds one, or changed one, must ever notice."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import celeris
from celeris import datasets

SESSION = celeris.InferenceSession(Path(datasets.get_example("iris.onnx")).read_bytes())
ROWS = np.random.default_rng(0).uniform(0, 8, (40, 1, 4)).astype(np.float32)
EXPECTED = [row.copy() for row in np.split(SESSION.run(None, {"X": ROWS[:, 0]})[1], len(ROWS))]


def probabilities(i: int) -> np.ndarray:
    result: np.ndarray = SESSION.run(None, {"X": ROWS[i]})[1]
    return result


def test_memory_is_used_again_only_after_it_was_let_go() -> None:
    first = probabilities(0)
    second = probabilities(1)
    assert not np.shares_memory(first, second)
    address = first.ctypes.data
    del first, second
    gc.collect()
    again = [probabilities(2).ctypes.data for _ in range(3)]
    assert address in again or len(set(again)) < 3


def test_results_that_are_kept_stay() -> None:
    for a, b in zip([probabilities(i) for i in range(len(ROWS))], EXPECTED, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("hold", [lambda a: a[:, 1:], memoryview, lambda a: a.T, lambda a: [a]])
def test_what_holds_an_array_keeps_it(hold: Callable[[np.ndarray], object]) -> None:
    held = hold(probabilities(0))
    before = np.array(held)
    for i in range(1, 10):
        probabilities(i)
    np.testing.assert_array_equal(np.array(held), before)


def reshape(a: np.ndarray) -> None:
    a.shape = (3, 1)


def read_as_int(a: np.ndarray) -> None:
    a.dtype = np.dtype(np.int32)  # type: ignore[misc]


def swap(a: np.ndarray) -> None:
    a.dtype = a.dtype.newbyteorder()  # type: ignore[misc]


def tag(a: np.ndarray) -> None:
    a.dtype = np.dtype(np.float32, metadata={"of": "the caller"})  # type: ignore[misc]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "change", [reshape, read_as_int, swap, tag, lambda a: a.setflags(write=False), lambda a: a.fill(7)]
)
def test_a_changed_array_does_not_come_back(change: Callable[[np.ndarray], None]) -> None:
    for i in range(8):
        change(probabilities(i))
        result = probabilities(i + 1)
        np.testing.assert_array_equal(result, EXPECTED[i + 1])
        assert result.flags.writeable and result.flags.c_contiguous and result.dtype.metadata is None


def test_a_watched_array_goes() -> None:
    watch = weakref.ref(probabilities(0))
    for i in range(4):
        assert probabilities(i) is not watch()
    assert watch() is None


def test_batches_of_changing_sizes() -> None:
    rng = np.random.default_rng(1)
    for n in rng.integers(0, 60, 200):
        x = ROWS[rng.integers(0, len(ROWS), n), 0]
        labels, found = SESSION.run(None, {"X": x})
        assert labels.shape == (n,) and found.shape == (n, 3)


def test_threads_do_not_share_arrays() -> None:
    wrong: list[int] = []

    def work(offset: int) -> None:
        for k in range(2000):
            i = (k + offset) % len(ROWS)
            if not np.array_equal(probabilities(i), EXPECTED[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(7 * t,)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong

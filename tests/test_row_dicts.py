"""ZipMap's dicts are dicts like any others: whatever is done to one, and what they keep alive."""

from __future__ import annotations

import gc
import sys
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper as h

import celeris
from tests import api_models as models


def _session(keys: list[Any]) -> celeris.InferenceSession:
    text = isinstance(keys[0], str)
    kind = h.make_map_type_proto(T.STRING if text else T.INT64, h.make_tensor_type_proto(T.FLOAT, None))
    labels = {"classlabels_strings" if text else "classlabels_int64s": keys}
    data = models.model(
        [h.make_node("ZipMap", ["x"], ["y"], name="z", domain="ai.onnx.ml", **labels)],
        [models.tensor("x", T.FLOAT, [None, len(keys)])],
        [models.value("y", h.make_sequence_type_proto(kind))],
    )
    return celeris.InferenceSession(data)


def _rows(session: celeris.InferenceSession, x: np.ndarray) -> list[dict[Any, float]]:
    return session.run(None, {"x": x})[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("rows", [0, 1, 2, 700])
@pytest.mark.parametrize("count", [1, 2, 5, 6, 10, 11, 300])
@pytest.mark.parametrize("text", [False, True])
def test_keys_ascend_and_values_are_theirs(text: bool, count: int, rows: int) -> None:
    numbers = [(7919 * i) % 100_003 - 500 for i in range(count)]
    keys: list[Any] = [f"key {n}" for n in numbers] if text else numbers
    x = np.random.default_rng(0).random((rows, count)).astype(np.float32)
    order = sorted(range(count), key=keys.__getitem__)
    found = _rows(_session(keys), x)
    assert found == [{keys[i]: float(row[i]) for i in order} for row in x]
    assert all(list(row) == [keys[i] for i in order] for row in found)
    assert {type(row) for row in found} <= {dict} and {type(v) for row in found for v in row.values()} <= {float}


@pytest.mark.parametrize("distinct", [1, 3, 200, 5000])
def test_values_that_come_back_are_theirs_to_the_bit(distinct: int) -> None:
    rng = np.random.default_rng(1)
    some = np.concatenate([[0.0, -0.0, np.nan, np.inf], rng.standard_normal(distinct)]).astype(np.float32)
    session = _session([1, 0])
    for rows in (1, 3000, 2, 700):
        x = rng.choice(some, (rows, 2))
        found = np.array([[row[1], row[0]] for row in _rows(session, x)])
        assert found.tobytes() == x.astype(np.float64).tobytes()


def test_they_change_apart_from_one_another() -> None:
    session = _session([2, 0, 1])
    x = np.arange(9, dtype=np.float32).reshape(3, 3)
    first, second, third = _rows(session, x)
    first[2] = "other"  # type: ignore[assignment]
    del second[0]
    second.update(dict.fromkeys(range(5, 50), 0.5))
    third.clear()
    assert first == {0: 1.0, 1: 2.0, 2: "other"} and list(second)[:3] == [1, 2, 5] and not third
    assert _rows(session, x)[2] == {0: 7.0, 1: 8.0, 2: 6.0}
    assert {**_rows(session, x)[0]} == _rows(session, x)[0].copy() == {0: 1.0, 1: 2.0, 2: 0.0}


def test_they_keep_nothing_alive_and_lose_nothing() -> None:
    session = _session(["a", "b"])
    x = np.full((5000, 2), 0.25, np.float32)
    _rows(session, x)
    gc.collect()
    before = sys.getrefcount(None), len(gc.get_objects()), sys.getallocatedblocks()
    for _ in range(5):
        _rows(session, x)
    gc.collect()
    after = sys.getrefcount(None), len(gc.get_objects()), sys.getallocatedblocks()
    assert max(abs(a - b) for a, b in zip(after, before, strict=True)) < 1000
    row = _rows(session, x)[0]
    ring: list[Any] = [row]
    row["self"] = ring  # type: ignore[assignment]
    assert gc.is_tracked(row)

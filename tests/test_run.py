"""InferenceSession.run: names, feeds, results, failures; what is fed object by object is in test_feeds.py."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper as h

import celeris
from tests import api_models as models
from tests.peers import same

ONES = np.ones(2, np.float32)
FEED = {"a": ONES, "b": ONES}


def two_outputs() -> bytes:
    """x [N, 2] -> y = -x, z = x + x."""
    return models.model(
        [h.make_node("Neg", ["x"], ["y"], name="neg"), h.make_node("Add", ["x", "x"], ["z"], name="add")],
        [models.tensor("x", T.FLOAT, ["N", 2])],
        [models.tensor("y", T.FLOAT, ["N", 2]), models.tensor("z", T.FLOAT, ["N", 2])],
    )


NAMES: dict[str, Any] = {
    "None": None, "empty": [], "empty tuple": (), "one": ["z"], "both, turned": ["z", "y"], "twice": ["y", "y"],
    "tuple": ("y",), "array": np.array(["z"]), "text": "y", "unknown": ["q"], "one unknown": ["y", "q"],
    "number": [3], "None inside": [None], "an input": ["x"], "numpy text": [np.str_("z")], "dict": {"y": 1},
}  # fmt: skip


@pytest.mark.parametrize("names", NAMES)
def test_output_names(names: str) -> None:
    x = np.array([[1, 2]], np.float32)
    same(lambda o: o.InferenceSession(two_outputs()).run(NAMES[names], {"x": x}))


FEEDS: dict[str, Any] = {
    "None": None, "list": [ONES, ONES], "array": ONES, "nothing": {}, "missing": {"a": ONES}, "extra": {**FEED, "z": ONES},
    "extra list": {**FEED, "z": [1.0]}, "extra None": {**FEED, "z": None}, "double": {"a": ONES.astype(float), "b": ONES},
    "rank": {"a": np.ones((1, 2), np.float32), "b": ONES}, "size": {"a": np.ones(3, np.float32), "b": ONES},
    "double and rank": {"a": np.ones((1, 2)), "b": ONES}, "missing and wrong": {"a": 3.0}, "text": {"a": "ab", "b": ONES},
    "unknown and double": {"a": ONES.astype(float), "b": ONES, "q": ONES}, "number as name": {"a": ONES, "b": ONES, 3: ONES},
}  # fmt: skip


@pytest.mark.parametrize("names", [None, ["y"], ["q"]])
@pytest.mark.parametrize("feed", FEEDS)
def test_feeds_and_the_order_of_checks(feed: str, names: Any) -> None:
    same(lambda o: o.InferenceSession(models.add()).run(names, FEEDS[feed]))


def test_a_mapping_that_is_no_dict() -> None:
    class Feed:
        def keys(self) -> list[str]:
            return ["a", "b"]

        def __getitem__(self, name: str) -> np.ndarray:
            return FEED[name]

        def items(self) -> Any:
            return FEED.items()

        def values(self) -> Any:
            return FEED.values()

    same(lambda o: o.InferenceSession(models.add()).run(None, Feed()))


CALLS: dict[str, Any] = {
    "keywords": lambda s: s.run(output_names=None, input_feed=FEED),
    "all keywords": lambda s: s.run(output_names=["y"], input_feed=FEED, run_options=None),
    "positions": lambda s: s.run(["y"], FEED, None),
    "too few": lambda s: s.run(None),
    "too many": lambda s: s.run(None, FEED, None, 3),
    "unknown keyword": lambda s: s.run(None, FEED, zz=3),
    "twice": lambda s: s.run(None, FEED, input_feed=FEED),
    "wrong options": lambda s: s.run(None, FEED, 3),
}


@pytest.mark.parametrize("call", CALLS)
def test_ways_to_call(call: str) -> None:
    same(lambda o: CALLS[call](o.InferenceSession(models.add())))


def test_run_options() -> None:
    def case(o: Any) -> Any:
        options = o.RunOptions()
        options.logid = "me"
        return o.InferenceSession(models.add()).run(None, FEED, options)

    same(case)


def test_terminate() -> None:
    def case(o: Any) -> Any:
        options = o.RunOptions()
        options.terminate = True
        return o.InferenceSession(models.add()).run(None, FEED, options)

    same(case)


def test_terminate_ends_a_loop() -> None:
    """The run of a body looks for the flag as well."""
    model = models.loop()
    feed = {"n": np.array(1 << 40), "x": np.ones(4, np.float32)}

    def case(o: Any) -> Any:
        options = o.RunOptions()
        threading.Timer(0.2, setattr, (options, "terminate", True)).start()
        return o.InferenceSession(model).run(None, feed, options)

    same(case)


def test_results_are_the_callers() -> None:
    """Writable, contiguous, independent of the feed, of the model and of later runs."""
    session = celeris.InferenceSession(models.identity(T.FLOAT, ["N"]))
    x = np.arange(4, dtype=np.float32)
    first = session.run(None, {"x": x})[0]
    first += 1
    assert x.tolist() == [0, 1, 2, 3]
    second = session.run(None, {"x": x})[0]
    assert second.tolist() == [0, 1, 2, 3] and first.tolist() == [1, 2, 3, 4]
    assert first.flags.owndata and first.flags.c_contiguous and first.flags.writeable


def test_a_constant_output_is_a_copy_each_time() -> None:
    data = models.model(
        [h.make_node("Constant", [], ["c"], value_floats=[1.0, 2.0]), h.make_node("Identity", ["c"], ["y"])],
        [],
        [models.tensor("y", T.FLOAT, [2])],
    )
    session = celeris.InferenceSession(data)
    session.run(None, {})[0][:] = 9
    assert session.run(None, {})[0].tolist() == [1, 2]


@pytest.mark.parametrize(
    "value",
    [
        np.array(3.0, np.float32),
        np.zeros((0,), np.float32),
        np.zeros((2, 0, 3), np.float32),
        np.ones((1, 1, 1), np.float32),
    ],
    ids=str,
)
def test_shapes_at_the_edge(value: np.ndarray) -> None:
    same(lambda o: o.InferenceSession(models.identity(T.FLOAT, None)).run(None, {"x": value}))


def failing(op: str, *inputs: str, **attributes: Any) -> bytes:
    kinds = {"i": T.INT64, "x": T.FLOAT, "s": T.INT64}
    return models.model(
        [h.make_node(op, list(inputs), ["y"], name="n", **attributes)],
        [models.tensor(name, kinds[name]) for name in inputs],
        [models.tensor("y")],
    )


FAILURES: dict[str, Any] = {
    "Reshape": (failing("Reshape", "x", "s"), {"x": np.ones(6, np.float32), "s": np.array([4, 2])}),
    "Gather": (failing("Gather", "x", "i", axis=0), {"x": ONES, "i": np.array([5])}),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failing_node_is_named(name: str) -> None:
    """onnxruntime's class or Fail, its form of message, then our words: the rule and the value."""
    data, feed = FAILURES[name]
    session = celeris.InferenceSession(data)
    state = celeris.capi.onnxruntime_pybind11_state
    with pytest.raises((state.Fail, state.InvalidArgument)) as caught:
        session.run(None, feed)
    assert f"Non-zero status code returned while running {name} node. Name:'n' Status Message: " in str(caught.value)
    assert len(str(caught.value).split("Status Message: ")[1]) > 20


def test_a_failed_run_changes_nothing() -> None:
    session = celeris.InferenceSession(models.add())
    for feed in FEEDS.values():
        try:
            session.run(None, feed)
        except Exception:
            continue
    assert session.run(None, FEED)[0].tolist() == [2, 2]


def test_the_native_way_and_the_checked_way_agree() -> None:
    session = celeris.InferenceSession(two_outputs())
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    for names in (None, ["z"], ["y", "z"]):
        fast, checked = session.run(names, {"x": x}), session._run_checked(names, {"x": x}, None)
        for a, b in zip(fast, checked, strict=True):
            np.testing.assert_array_equal(a, b)


def test_run_with_ort_values() -> None:
    def case(o: Any) -> Any:
        session = o.InferenceSession(models.add())
        value = o.OrtValue.ortvalue_from_numpy(ONES)
        results = session.run_with_ort_values(["y"], {"a": value, "b": value})
        return [[type(r).__name__, r.numpy()] for r in results]

    same(case)


def test_run_with_ort_values_refuses_arrays() -> None:
    same(lambda o: o.InferenceSession(models.add()).run_with_ort_values(["y"], FEED))


@pytest.mark.parametrize("shape", [(2, 3), (2,), (2, 2, 2), (), (0, 2), (3,)], ids=str)
def test_zipmap_of_other_shapes(shape: tuple[int, ...]) -> None:
    kind = h.make_sequence_type_proto(h.make_map_type_proto(T.INT64, h.make_tensor_type_proto(T.FLOAT, None)))
    data = models.model(
        [h.make_node("ZipMap", ["x"], ["y"], name="z", domain="ai.onnx.ml", classlabels_int64s=[3, 1])],
        [models.tensor("x", T.FLOAT, None)],
        [models.value("y", kind)],
    )
    same(lambda o: o.InferenceSession(data).run(None, {"x": np.ones(shape, np.float32)}))

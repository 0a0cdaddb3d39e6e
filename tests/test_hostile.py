"""Models that ask for too much or contradict themselves, found by fuzzing: an answer or a clean error, soon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper as h

import celeris
from tests import api_models as models

STATE = celeris.capi.onnxruntime_pybind11_state


@pytest.mark.parametrize("shape", [["N", 1 << 40], ["N", 1 << 40, 1 << 40, 0], ["N", -2, -3]], ids=str)
def test_declared_sizes_that_no_memory_holds(shape: list[Any]) -> None:
    """Nothing of that size is made at load."""
    perm = list(range(len(shape)))
    data = models.model(
        [h.make_node("Transpose", ["x"], ["y"], perm=[perm[0], *perm[:0:-1]])],
        [models.tensor("x", T.FLOAT, shape)],
        [models.tensor("y")],
    )
    assert celeris.InferenceSession(data).get_inputs()[0].name == "x"


def test_a_missing_operand() -> None:
    data = models.model(
        [h.make_node("Min", ["x", ""], ["y"])], [models.tensor("x", T.FLOAT, ["N", 2])], [models.tensor("y")]
    )
    session = celeris.InferenceSession(data)
    with pytest.raises(STATE.Fail, match="while running Min node"):
        session.run(None, {"x": np.ones((1, 2), np.float32)})


def test_more_outputs_than_the_operator_gives() -> None:
    node = h.make_node("Split", ["x"], ["a", "b", "c"], name="n", axis=0)
    data = models.model([node], [models.tensor("x")], [models.tensor(name) for name in "abc"], opsets={"": 13})
    session = celeris.InferenceSession(data)
    with pytest.raises(STATE.Fail, match="while running Split node. Name:'n'"):
        session.run(None, {"x": np.ones(2, np.float32)})


@pytest.mark.parametrize(
    "limits", [{"max_skip_count": 2**31}, {"max_gram_length": 2**31 - 1, "max_skip_count": 1}], ids=str
)
def test_ngrams_beyond_the_text(limits: dict[str, int]) -> None:
    node = h.make_node(
        "TfIdfVectorizer", ["x"], ["y"], mode="TF", min_gram_length=2, ngram_counts=[0, 2], ngram_indexes=[0, 1, 2, 3],
        pool_int64s=[5, 7, 5, 6, 7, 8], **{"max_gram_length": 2, **limits},
    )  # fmt: skip
    session = celeris.InferenceSession(models.model([node], [models.tensor("x", T.INT64)], [models.tensor("y")]))
    # Bigrams are (5, 6) in column 2 and (7, 8) in column 3; 5 and 6 lie two apart, which one skip allows.
    assert session.run(None, {"x": np.array([5, 0, 6, 7], np.int64)})[0].tolist() == [0, 0, 1, 0]


def test_steps_of_a_window_that_overflow() -> None:
    pool = h.make_node("MaxPool", ["x"], ["y"], kernel_shape=[5, 5], strides=[3, (1 << 63) - 1])
    data = models.model([pool], [models.tensor("x", T.FLOAT, [1, 3, 32, 32])], [models.tensor("y")])
    assert celeris.InferenceSession(data).run(None, {"x": np.ones((1, 3, 32, 32), np.float32)})[0].shape == (
        1,
        3,
        10,
        1,
    )

"""No operator's error is NumPy's: whatever inputs it is given, what fails names the node, the operator, rule and value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest

import celeris
from celeris.errors import EXCEPTIONS
from celeris.node_errors import explained
from tests.conformance.cases import Case, all_cases

# What NumPy and Python say when arrays or numbers do not fit, wherever it happens inside an operator.
_FOREIGN = (
    "could not be broadcast", "out of bounds for axis", "values to unpack", "cannot reshape", "core dimension",
    "tuple index", "object of type", "unsized object", "not subscriptable", "0-d array", "unsupported operand",
    "axes don't match", "must match", "size-1 arrays", "invalid literal", "NoneType", "Traceback", "einstein sum",
)  # fmt: skip
_LEFT_OUT = {"ImageDecoder", "Loop"}  # an optional library; trips without end


def _of_each_operator() -> dict[str, Case]:
    """The first of ONNX's own cases for each operator."""
    found: dict[str, Case] = {}
    for name, case in all_cases().items():
        if case.kind != "node" or "expanded" in name or "FLOAT16" in name or case.source.model is None:
            continue
        nodes = case.source.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type not in _LEFT_OUT:
            found.setdefault(nodes[0].op_type, case)
    return found


_CASES = _of_each_operator()


def _unshaped(model: onnx.ModelProto) -> bytes:
    """The model without declared shapes, so that nothing is refused before the node runs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in (*copy.graph.input, *copy.graph.output, *copy.graph.value_info):
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    return copy.SerializeToString()


def _bent(x: np.ndarray) -> Iterator[np.ndarray]:
    """`x` in other ranks and sizes, and where it is of integers with other values."""
    if x.ndim:
        yield x[:1].reshape(x.shape[1:]) if len(x) else np.zeros((), x.dtype)
    yield x[None]
    yield x[..., None]
    yield x.reshape(-1)
    for axis in range(x.ndim):
        yield np.concatenate([x, np.take(x, range(min(1, x.shape[axis])), axis)], axis)
        yield np.take(x, [], axis)
    if x.dtype in (np.int32, np.int64) and x.size:
        yield from (np.full_like(x, value) for value in (-9, -1, 0, 9))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op_type", _CASES)
def test_what_fails_is_told_in_words_of_the_operator(op_type: str) -> None:
    model = _CASES[op_type].model()
    session = celeris.InferenceSession(_unshaped(model), disabled_optimizers=["native"])
    inputs, _ = next(_CASES[op_type].data_sets(model))
    feed: dict[str, Any] = dict(zip([arg.name for arg in session.get_inputs()], inputs, strict=False))
    for name, value in feed.items():
        for bent in _bent(value) if isinstance(value, np.ndarray) and value.dtype.isbuiltin == 1 else ():
            try:
                session.run(None, {**feed, name: bent})
            except EXCEPTIONS as error:
                text = str(error)
                assert " node. Name:'" in text, text
                assert not [words for words in _FOREIGN if words.lower() in text.lower()], text


def _failed(error: type[Exception], *inputs: Any, doc: str | None = "Y = A @ B: A [M,K], B [K,N]. Source: x") -> str:
    def function() -> None:
        """Given its docstring below."""

    function.__doc__ = doc
    return explained("Op", function, error("inner words"), inputs)


def test_the_rule_is_the_docstring_and_values_are_shown_where_small() -> None:
    text = _failed(IndexError, np.zeros((2, 3), np.float32), np.array([4, 5]), None, ["x"])
    assert text == (
        "Op: expected inputs that fit its rule (Y = A @ B: A [M,K], B [K,N]), "
        "got float32[2, 3], int64[2] = [4, 5], nothing, list"
    )


def test_shapes_that_do_not_broadcast() -> None:
    text = _failed(ValueError, np.zeros((2, 3)), np.zeros(4), doc="C = A + B, broadcast.")
    assert text == "Op: expected shapes that broadcast, got [2, 3] and [4]"
    assert "its rule" in _failed(ValueError, np.zeros(4), np.zeros(4), doc="C = A + B, broadcast.")


def test_what_memory_cannot_hold() -> None:
    assert _failed(MemoryError, np.array([1 << 60])) == (
        "Op: expected a result that memory holds, got int64[1] = [1152921504606846976]; inner words"
    )


def test_without_docstrings() -> None:
    assert _failed(ValueError, doc=None) == "Op: expected inputs that go together, got no inputs; inner words"

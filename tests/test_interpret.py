"""What a failing node says."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.graph.graph import Attribute, Node
from celeris.interpret import NodeError, Scope, bind

_SCOPE = Scope({"": 20})
_X = np.zeros((2, 3), np.float32)


def _fail(node: Node, *inputs: object) -> str:
    with pytest.raises(NodeError) as caught:
        bind(node, _SCOPE).function(*inputs)
    return str(caught.value)


def test_an_operator_s_own_words_stand() -> None:
    node = Node("Transpose", ["x"], ["y"], {"perm": Attribute("INTS", np.array([0, 0]))}, name="t")
    assert _fail(node, _X) == "Transpose node 't': Transpose: expected perm to order axes 0 to 1, got [0, 0]"


def test_what_numpy_refuses_is_told_with_the_inputs() -> None:
    text = _fail(Node("Add", ["a", "b"], ["c"], name="sum"), _X, np.zeros(4, np.float32))
    assert text == "Add node 'sum': Add: expected shapes that broadcast, got [2, 3] and [4]"


def test_an_operator_that_is_not_there() -> None:
    with pytest.raises(NodeError, match="has no such operator"):
        bind(Node("NoSuch", [], ["y"]), _SCOPE)

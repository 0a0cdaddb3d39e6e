"""find_distances: a loop that sums squares of differences is CDist."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.infer import infer
from celeris.graph.types import Tensor
from celeris.passes.find_distances import find_distances
from celeris.plan.compile import compile_model
from tests.native.tables import node

_POINTS = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)


def _model(total: Node | None = None, difference: Node | None = None, **attributes: int) -> Model:
    """Scan over the points, as scikit-learn's converter writes it; the body's nodes may be exchanged."""
    body = Graph(
        "body",
        ["next_in", "next"],
        ["next_out", "scan_out"],
        [
            node("Identity", ["next_in"], ["next_out"]),
            difference or node("Sub", ["next_in", "next"], ["d"]),
            total or node("ReduceSumSquare", ["d", "axes"], ["sum"], keepdims=0),
            node("Identity", ["sum"], ["scan_out"]),
        ],
        {"axes": np.array([1])},
        {"next_in": Tensor("float", (None, 3)), "next": Tensor("float", (3,))},
    )
    scan = node("Scan", ["x", "points"], ["state", "found"], num_scan_inputs=1, **attributes)
    scan.attributes["body"] = Attribute("GRAPH", body)
    nodes = [scan, node("Transpose", ["found"], ["t"], perm=[1, 0]), node("Sqrt", ["t"], ["y"])]
    graph = Graph("g", ["x"], ["y"], nodes, {"points": _POINTS}, {"x": Tensor("float", ("N", 3))})
    made = Model(graph, 8, {"": 18})
    infer(made)
    return made


def test_it_is_found_and_gives_the_same() -> None:
    made = _model()
    x = np.random.default_rng(1).normal(size=(70, 3)).astype(np.float32)
    plain = compile_model(made, passes=False, disabled=["native"]).execute({"x": x})[0]
    assert list(find_distances(made)) == ["Scan '' over 7 points"]
    assert [n.op_type for n in made.graph.nodes] == ["CDist", "Transpose", "Transpose", "Sqrt"]
    assert made.opsets["com.microsoft"] == 1
    program = compile_model(made)
    assert [why[1] for why in program.plan.reasons] == ["native"] * 4
    assert np.allclose(program.execute({"x": x})[0], plain, rtol=1e-6)


@pytest.mark.parametrize(
    "made",
    [
        _model(total=node("ReduceSum", ["d", "axes"], ["sum"], keepdims=0)),
        _model(difference=node("Add", ["next_in", "next"], ["d"])),
        _model(difference=node("Sub", ["next_in", "next_in"], ["d"])),
    ],
)  # fmt: skip
def test_other_bodies_stay(made: Model) -> None:
    before = [n.op_type for n in made.graph.nodes]
    assert list(find_distances(made)) == []
    assert [n.op_type for n in made.graph.nodes] == before


def test_a_state_that_is_read_stays() -> None:
    made = _model()
    made.graph.outputs.append("state")
    assert list(find_distances(made)) == []

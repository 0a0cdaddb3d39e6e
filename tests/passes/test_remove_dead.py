"""remove_dead: what no output needs goes; inputs stay."""

from __future__ import annotations

from celeris.passes.remove_dead import remove_dead
from tests.passes.models import parsed, rewritten, untouched

DEAD = """graph "g" (%x: float[N,2], %u: float[N,2]) -> (%y: float[N,2]) {
  init %k = float[1]{1.0}
  %a = ai.onnx.Add(%x, %k)
  %b = ai.onnx.Neg(%a)
  %y = ai.onnx.Neg(%x)
}"""


def test_chains_and_their_constants_go() -> None:
    said, nodes = rewritten(remove_dead, DEAD)
    assert said == ["3 nodes and constants"]
    assert nodes == ["%y = ai.onnx.Neg(%x)"]


def test_inputs_stay() -> None:
    model = parsed(DEAD)
    list(remove_dead(model))
    assert model.graph.inputs == ["x", "u"]


def test_a_node_with_one_output_in_use_stays() -> None:
    untouched(
        remove_dead,
        """graph "g" (%x: float[N,4]) -> (%v: float[N,2]) {
  init %k = int64[1]{2}
  %v, %i = ai.onnx.TopK(%x, %k)
}""",
    )

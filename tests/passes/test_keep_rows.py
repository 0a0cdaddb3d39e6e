"""keep_rows: elements of a flattened table are those of its rows."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.passes.keep_rows import keep_rows
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from tests.passes.models import parsed, rewritten, untouched

FLAT = """graph "g" (%x: float[N,2]) -> (%y: float[N,2]) {
  init %t = float[3]{1, 2, 3}
  init %two = int64[1]{2}
  init %offsets = int64[2]{0, 1}
  init %half = float[]{0.5}
  %n = ai.onnx.Neg(%x)
  %i = ai.onnx.Cast(%n, to=7)
  %s = ai.onnx.Add(%i, %offsets)
  %f = ai.onnx.Flatten(%s, axis=0)
  %g = ai.onnx.Flatten(%x, axis=0)
  %m = ai.onnx.Mod(%f, %two)
  %again = ai.onnx.Flatten(%m)
  %v = ai.onnx.Gather(%t, %again)
  %w = ai.onnx.Mul(%v, %g)
  %z = ai.onnx.Add(%w, %half)
  %shape = ai.onnx.Shape(%n)
  %y = ai.onnx.Reshape(%z, %shape) name="back"
}"""


def test_rows_stay_rows() -> None:
    said, nodes = rewritten(keep_rows, FLAT)
    assert said == ["8 nodes between Flatten and Reshape 'back'"]
    assert "%f: int64[N,2] = ai.onnx.Identity(%s)" in nodes
    assert "%again: int64[N,2] = ai.onnx.Identity(%m)" in nodes
    assert nodes[-1] == '%y = ai.onnx.Identity(%z) name="back"'


@pytest.mark.parametrize("rows", [1, 2, 7, 300])
def test_the_answers_are_the_same(rows: int) -> None:
    x = np.random.default_rng(0).normal(size=(rows, 2)).astype(np.float32) * 9
    program = compile_model(parsed(FLAT))
    assert [type(step) for step in program.plan.steps] == [PipelineStep]
    plain = compile_model(parsed(FLAT), passes=False, disabled=["native"])
    assert np.array_equal(program.execute({"x": x})[0], plain.execute({"x": x})[0])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Flatten(%x, axis=0)", "Flatten(%x)"),
        ("Shape(%n)", "Shape(%n, start=0)"),
        ("Shape(%n)", "Shape(%w)"),  # flat itself
        ("init %half = float[]{0.5}", "init %half = float[1,1,1]{0.5}"),
        ("init %two = int64[1]{2}", "init %two = int64[2]{2, 2}"),
        ("%w = ai.onnx.Mul(%v, %g)", "%w = ai.onnx.Softmax(%v)"),
        ("init %t = float[3]{1, 2, 3}", "init %t = float[3,1]{1, 2, 3}"),
        ("(%x: float[N,2]) -> (%y: float[N,2])", "(%x: float[N,2]) -> (%y: float[N,2], %m: int64[1,M])"),
        ('graph "g" (%x: float[N,2])', 'graph "g" (%x: float[N,1])'),  # offsets make two columns of one
        ('graph "g" (%x: float[N,2])', 'graph "g" (%x: float[N])'),
    ],
)
def test_others_stay(old: str, new: str) -> None:
    assert old in FLAT
    untouched(keep_rows, FLAT.replace(old, new).replace("-> (%y: float[N,2])", "-> (%y: float[?,?])"))

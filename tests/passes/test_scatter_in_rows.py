"""scatter_in_rows: what skl2onnx writes a FeatureHasher as, on several words a row."""

from __future__ import annotations

import numpy as np

from celeris.passes.scatter_in_rows import scatter_in_rows
from celeris.plan.compile import compile_model
from tests.passes.models import parsed, rewritten, untouched

HASHER = """graph "g" (%i: int64[N,3], %z: int64[M,3]) -> (%y: double[N,4]) {
  init %zero: int64[1] = int64[1]{0}
  init %one: int64[1] = int64[1]{1}
  init %last: int64[1] = int64[1]{-1}
  init %middle: int64[1] = int64[1]{-2}
  init %four: int64[1] = int64[1]{4}
  init %column: int64[2] = int64[2]{-1, 1}
  init %zeros: int64[4] = int64[4]{0, 0, 0, 0}
  %places = ai.onnx.Mod(%i, %four)
  %some = ai.onnx.GreaterOrEqual(%i, %zero)
  %signs = ai.onnx.Where(%some, %one, %last)
  %shape = ai.onnx.Shape(%i)
  %rows = ai.onnx.Slice(%shape, %zero, %last)
  %sizes = ai.onnx.Concat(%rows, %last, %four, axis=0)
  %v = ai.onnx.Reshape(%signs, %column)
  %p = ai.onnx.Reshape(%places, %column)
  %cells = ai.onnx.Mul(%p, %zeros)
  %s = ai.onnx.ScatterElements(%cells, %p, %v, axis=1)
  %r = ai.onnx.Reshape(%s, %sizes)
  %c = ai.onnx.Cast(%r, to=11)
  %y = ai.onnx.ReduceSum(%c, %middle, keepdims=0) name="sum"
}"""


def test_words_are_counted_in_rows() -> None:
    said, nodes = rewritten(scatter_in_rows, HASHER)
    assert said == ["ScatterElements before 'sum' row by row"]
    assert nodes[-2:] == [
        '%y_sums = ai.onnx.ScatterElements(%y_zeros, %places, %signs, axis=1, reduction="add") name="sum"',
        "%y = ai.onnx.Cast(%y_sums, to=11)",
    ]


def test_the_answers_are_the_same() -> None:
    feeds = {"i": np.random.default_rng(0).integers(-9, 9, (200, 3)), "z": np.zeros((2, 3), np.int64)}
    model = parsed(HASHER)
    ours, as_written = (compile_model(model, passes=passes) for passes in (True, False))
    assert np.array_equal(ours.execute(feeds)[0], as_written.execute(feeds)[0])
    assert [type(step).__name__ for step in ours.plan.steps] == ["PipelineStep"]


def test_others_stay() -> None:
    untouched(scatter_in_rows, HASHER, opset=17)  # nothing to add with
    untouched(scatter_in_rows, HASHER.replace("Shape(%i)", "Shape(%z)"))
    untouched(scatter_in_rows, HASHER.replace("{0, 0, 0, 0}", "{0, 0, 1, 0}"))
    untouched(scatter_in_rows, HASHER.replace("%rows, %last, %four", "%rows, %four, %last"))
    untouched(scatter_in_rows, HASHER.replace("%v, axis=1)", '%v, axis=1, reduction="add")'))

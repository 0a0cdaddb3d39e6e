"""gather_labels: the neighbours' labels stay in the row."""

from __future__ import annotations

import pytest

from celeris.passes.gather_labels import gather_labels
from tests.passes.models import rewritten, untouched

LABELS = """graph "g" (%x: float[N,4]) -> (%y: int64[N,3]) {
  init %k = int64[1]{3}
  init %t = int64[4]{1, 2, 3, 4}
  init %s = int64[2]{-1, 3}
  %v, %i = ai.onnx.TopK(%x, %k)
  %f = ai.onnx.Flatten(%i)
  %l = ai.onnx.ml.ArrayFeatureExtractor(%t, %f) name="look"
  %y = ai.onnx.Reshape(%l, %s)
}"""


def test_row_by_row() -> None:
    said, nodes = rewritten(gather_labels, LABELS)
    assert said == ["ArrayFeatureExtractor 'look' row by row"]
    assert nodes[3] == "init %t_flat: int64[4] = int64[4]{1, 2, 3, 4}"
    assert nodes[-1] == "%y = ai.onnx.Gather(%t_flat, %i, axis=0)"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("init %s = int64[2]{-1, 3}", "init %s = int64[2]{3, -1}"),  # another order
        ("init %s = int64[2]{-1, 3}", "init %s = int64[3]{-1, 3, 1}"),
        ("%f = ai.onnx.Flatten(%i)", "%f = ai.onnx.Neg(%i)"),  # indices that may be out of range
        ("%f = ai.onnx.Flatten(%i)", "%f = ai.onnx.Flatten(%i, axis=0)"),
        ("TopK(%x, %k)", "TopK(%x, %k, axis=0)"),
        ("init %t = int64[4]{1, 2, 3, 4}", "init %t = int64[2,2]{1, 2, 3, 4}"),
    ],
)
def test_other_shapes_stay(old: str, new: str) -> None:
    assert old in LABELS
    untouched(gather_labels, LABELS.replace(old, new))

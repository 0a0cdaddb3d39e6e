"""fold_row_counts: a shape that begins with a table's number of rows keeps that of what is reshaped."""

from __future__ import annotations

from celeris.passes.fold_row_counts import fold_row_counts
from tests.passes.models import rewritten, untouched

SHAPED = """graph "g" (%x: double[N,4], %z: float[M,4]) -> (%y: float[A,B]) {
  init %zero: int64[1] = int64[1]{0}
  init %one: int64[1] = int64[1]{1}
  init %rest: int64[1] = int64[1]{-1}
  %c = ai.onnx.Cast(%x, to=1)
  %s = ai.onnx.ml.Scaler(%c, offset=[0.0], scale=[2.0])
  %shape = ai.onnx.Shape(%x)
  %n = ai.onnx.Gather(%shape, %zero)
  %sizes = ai.onnx.Concat(%n, %rest, axis=0)
  %y = ai.onnx.Reshape(%s, %sizes) name="end"
}"""


def test_the_rows_of_a_model_stay() -> None:
    said, nodes = rewritten(fold_row_counts, SHAPED)
    assert said == ["Reshape 'end' to as many rows"]
    assert "init %sizes_same: int64[2] = int64[2]{0, -1}" in nodes
    assert nodes[-1] == '%y = ai.onnx.Reshape(%s, %sizes_same) name="end"'


def test_by_slices() -> None:
    said, _ = rewritten(fold_row_counts, SHAPED.replace("Gather(%shape, %zero)", "Slice(%shape, %zero, %one)"))
    assert said


def test_products_and_sums_with_constants() -> None:
    text = SHAPED.replace(
        "%s = ai.onnx.ml.Scaler(%c, offset=[0.0], scale=[2.0])",
        "%m = ai.onnx.MatMul(%c, %w)\n  %s = ai.onnx.Add(%m, %b)",
    )
    linear = text.replace(
        "  init %zero",
        "  init %w: float[4,1] = float[4,1]{1, 2, 3, 4}\n  init %b: float[2] = float[2]{1, 2}\n  init %zero",
        1,
    )
    assert rewritten(fold_row_counts, linear)[0]
    untouched(fold_row_counts, linear.replace("%b: float[2] = float[2]{1, 2}", "%b: float[2,1] = float[2,1]{1, 2}"))


def test_others_stay() -> None:
    untouched(fold_row_counts, SHAPED.replace("Shape(%x)", "Shape(%z)"))  # other rows
    untouched(fold_row_counts, SHAPED.replace("Gather(%shape, %zero)", "Gather(%shape, %one)"))  # columns
    untouched(fold_row_counts, SHAPED.replace("%sizes) name", "%sizes, allowzero=1) name"))
    untouched(fold_row_counts, SHAPED.replace("int64[1]{-1}", "int64[1]{0}"))
    untouched(fold_row_counts, SHAPED.replace("%x: double[N,4]", "%x: double[N]"))  # to the Scaler one row


def test_an_axis_that_is_told() -> None:
    assert rewritten(fold_row_counts, SHAPED.replace("Gather(%shape, %zero)", "Gather(%shape, %zero, axis=0)"))[0]

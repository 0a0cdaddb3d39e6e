"""fill_like: a constant in the shape of rows is chosen element by element."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.passes.fill_like import fill_like
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from tests.passes.models import parsed, rewritten, untouched

FILL = """graph "g" (%x: float[N,2]) -> (%y: float[N,2]) {
  %s = ai.onnx.Shape(%x)
  %y = ai.onnx.ConstantOfShape(%s, value=float[1]{7.0}) name="fill"
}"""


def test_fill() -> None:
    said, nodes = rewritten(fill_like, FILL)
    assert said == ["ConstantOfShape 'fill' like 'x'"]
    assert nodes[0] == "init %y_value: float[] = float[]{7.0}"
    assert nodes[-2:] == [
        "%y_everywhere = ai.onnx.Equal(%x, %x)",
        '%y = ai.onnx.Where(%y_everywhere, %y_value, %y_value) name="fill"',
    ]


def test_old_opsets_compare_no_reals() -> None:
    _, nodes = rewritten(fill_like, FILL, opset=10)
    assert nodes[-2] == "%y_everywhere = ai.onnx.IsNaN(%x)"
    _, nodes = rewritten(fill_like, FILL.replace("x: float", "x: int64"), opset=10)
    assert nodes[-2] == "%y_everywhere = ai.onnx.Equal(%x, %x)"


def test_parts_of_a_shape_and_scalars_stay() -> None:
    untouched(
        fill_like, FILL.replace("Shape(%x)\n", "Shape(%x, start=1)\n").replace("(%y: float[N,2])", "(%y: float[2])")
    )
    untouched(fill_like, FILL.replace("float[N,2]", "float[]"))
    untouched(fill_like, FILL.replace("float[N,2]", "string[N,2]").replace("(%y: string", "(%y: float"))


COLUMNS = """graph "g" (%x: float[N,2]) -> (%y: float[N,3]) {
  init %rows = int64[1]{0}
  init %columns = int64[1]{3}
  %s = ai.onnx.Shape(%x)
  %n = ai.onnx.Gather(%s, %rows)
  %t = ai.onnx.Concat(%n, %columns, axis=0)
  %y = ai.onnx.ConstantOfShape(%t, value=float[1]{7.0}) name="fill"
}"""


def test_other_columns() -> None:
    said, nodes = rewritten(fill_like, COLUMNS)
    assert said == ["ConstantOfShape 'fill' like 'x'"]
    assert "init %y_value: float[1,3] = float[1,3]{7.0, 7.0, 7.0}" in nodes
    assert nodes[-3:] == [
        "%x_first = ai.onnx.Gather(%x, %x_column, axis=1)",
        "%y_everywhere = ai.onnx.Equal(%x_first, %x_first)",
        '%y = ai.onnx.Where(%y_everywhere, %y_value, %y_value) name="fill"',
    ]
    program = compile_model(parsed(COLUMNS))
    assert [type(step) for step in program.plan.steps] == [PipelineStep]
    for rows in (0, 1, 9):
        x = np.full((rows, 2), np.nan, np.float32)
        assert np.array_equal(program.execute({"x": x})[0], np.full((rows, 3), 7, np.float32))


SLICES = """graph "g" (%x: float[N,2]) -> (%y: int64[N]) {
  init %zero = int64[1]{0}
  init %one = int64[1]{1}
  %s = ai.onnx.Shape(%x)
  %n = ai.onnx.Slice(%s, %zero, %one, %zero)
  %y = ai.onnx.ConstantOfShape(%n, value=int64[1]{7}) name="fill"
}"""


@pytest.mark.parametrize(
    ("opset", "part"),
    [(18, "(%s, %zero, %one, %zero)"), (18, "(%s, %zero, %one)"), (9, "(%s, starts=[0], ends=[1], axes=[0])")],
)
def test_an_answer_a_row(opset: int, part: str) -> None:
    text = SLICES.replace("(%s, %zero, %one, %zero)", part)
    said, nodes = rewritten(fill_like, text, opset=opset)
    assert said == ["ConstantOfShape 'fill' like 'x'"]
    assert "init %y_value: int64[] = int64[]{7}" in nodes
    program = compile_model(parsed(text, opset))
    assert [type(step) for step in program.plan.steps] == [PipelineStep]
    assert np.array_equal(program.execute({"x": np.full((9, 2), np.nan, np.float32)})[0], np.full(9, 7))
    untouched(fill_like, text.replace("ends=[1]", "ends=[2]").replace("int64[1]{1}", "int64[1]{2}"), opset=opset)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("init %rows = int64[1]{0}", "init %rows = int64[1]{1}"),
        ("init %columns = int64[1]{3}", "init %columns = int64[1]{0}"),
        ("init %columns = int64[1]{3}", "init %columns = int64[2]{3, 1}"),
        ("Concat(%n, %columns, axis=0)", "Concat(%columns, %n, axis=0)"),
        ("(%x: float[N,2])", "(%x: float[N,0])"),
        ("(%x: float[N,2])", "(%x: float[N,M])"),
    ],
)
def test_other_shapes_stay(old: str, new: str) -> None:
    assert old in COLUMNS
    untouched(fill_like, COLUMNS.replace(old, new).replace("(%y: float[N,3])", "(%y: float)"))

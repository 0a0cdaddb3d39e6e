"""fill_like: a constant in the shape of rows is chosen element by element."""

from __future__ import annotations

from celeris.passes.fill_like import fill_like
from tests.passes.models import rewritten, untouched

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
    untouched(fill_like, FILL, opset=10)


def test_parts_of_a_shape_and_scalars_stay() -> None:
    untouched(
        fill_like, FILL.replace("Shape(%x)\n", "Shape(%x, start=1)\n").replace("(%y: float[N,2])", "(%y: float[2])")
    )
    untouched(fill_like, FILL.replace("float[N,2]", "float[]"))
    untouched(fill_like, FILL.replace("float[N,2]", "string[N,2]").replace("(%y: string", "(%y: float"))

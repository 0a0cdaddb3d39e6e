"""remove_identity: nodes that give their input back are passed by, and outputs keep their names."""

from __future__ import annotations

from celeris.passes.remove_identity import remove_identity
from tests.passes.models import rewritten, untouched


def test_inside_and_at_an_output_that_is_also_read() -> None:
    said, nodes = rewritten(
        remove_identity,
        """graph "g" (%x: float[N,2]) -> (%y: float[N,2], %z: float[N,2]) {
  %a = ai.onnx.Identity(%x)
  %b = ai.onnx.Cast(%a, to=1)
  %c = ai.onnx.Neg(%b)
  %y = ai.onnx.Identity(%c)
  %z = ai.onnx.Abs(%y)
}""",
    )
    assert len(said) == 3
    assert nodes == ["%y = ai.onnx.Neg(%x)", "%z = ai.onnx.Abs(%y)"]


def test_dropout_and_transpose_to_the_same_order() -> None:
    said, nodes = rewritten(
        remove_identity,
        """graph "g" (%x: float[N,2]) -> (%y: float[N,2]) {
  %a = ai.onnx.Dropout(%x)
  %b = ai.onnx.Transpose(%a, perm=[0, 1])
  %y = ai.onnx.Neg(%b)
}""",
    )
    assert said == ["Dropout ''", "Transpose ''"]
    assert nodes == ["%y = ai.onnx.Neg(%x)"]


def test_what_changes_something_stays() -> None:
    untouched(
        remove_identity,
        """graph "g" (%x: float[N,2]) -> (%y: double[N,2], %z: float[2,N]) {
  %a = ai.onnx.Cast(%x, to=11)
  %y = ai.onnx.Neg(%a)
  %b = ai.onnx.Transpose(%x, perm=[1, 0])
  %z = ai.onnx.Neg(%b)
}""",
    )


def test_an_input_that_is_an_output_under_another_name_stays() -> None:
    untouched(
        remove_identity,
        """graph "g" (%x: float[N,2]) -> (%y: float[N,2]) {
  %y = ai.onnx.Identity(%x)
}""",
    )


LISTS = """graph "g" (%x: float[N,2]) -> (%y: float[N]) {
  init %axis = int64[1]{1}
  init %first = int64[]{0}
  %t = ai.onnx.Gather(%x, %first, axis=1)
  %a = ai.onnx.ReduceSum(%x, %axis, keepdims=0)
  %s = ai.onnx.Shape(%a)
  %b = ai.onnx.Reshape(%t, %s) name="same"
  %y = ai.onnx.Div(%a, %b)
}"""


def test_a_list_in_the_shape_of_another_is_the_list() -> None:
    said, nodes = rewritten(remove_identity, LISTS)
    assert said == ["Reshape 'same'"]
    assert nodes[-1] == "%y = ai.onnx.Div(%a, %t)"


def test_a_list_in_other_shapes_is_not() -> None:
    untouched(remove_identity, LISTS.replace("int64[]{0}", "int64[1]{0}"))
    untouched(remove_identity, LISTS.replace("(%x: float[N,2])", "(%x: float[N,2], %z: float[M])"))
    untouched(remove_identity, LISTS.replace("keepdims=0", "keepdims=1").replace("(%y: float[N])", "(%y: float)"))
    untouched(remove_identity, LISTS.replace("Shape(%a)", "Shape(%a, start=0)"))

"""merge_duplicates: of nodes that compute the same, the first serves all."""

from __future__ import annotations

from celeris.passes.merge_duplicates import merge_duplicates
from tests.passes.models import rewritten, untouched


def test_the_first_serves_all() -> None:
    said, nodes = rewritten(
        merge_duplicates,
        """graph "g" (%x: float[N,2]) -> (%y: float[N,2]) {
  %a = ai.onnx.LeakyRelu(%x, alpha=0.1) name="first"
  %b = ai.onnx.LeakyRelu(%x, alpha=0.1) name="second"
  %y = ai.onnx.Mul(%a, %b)
}""",
    )
    assert said == ["LeakyRelu 'second' as 'first'"]
    assert nodes == ['%a: float[N,2] = ai.onnx.LeakyRelu(%x, alpha=0.1) name="first"', "%y = ai.onnx.Mul(%a, %a)"]


def test_other_attributes_inputs_or_names_of_outputs_stay() -> None:
    untouched(
        merge_duplicates,
        """graph "g" (%x: float[N,2], %u: float[N,2]) -> (%y: float[N,2], %z: float[N,2]) {
  %a = ai.onnx.LeakyRelu(%x, alpha=0.1)
  %b = ai.onnx.LeakyRelu(%x, alpha=0.2)
  %c = ai.onnx.LeakyRelu(%u, alpha=0.1)
  %y = ai.onnx.Sum(%a, %b, %c)
  %z = ai.onnx.Sum(%a, %b, %c)
}""",
    )


def test_random_numbers_are_drawn_twice() -> None:
    untouched(
        merge_duplicates,
        """graph "g" (%x: float[N,2]) -> (%y: float[N,2]) {
  %a = ai.onnx.RandomNormalLike(%x)
  %b = ai.onnx.RandomNormalLike(%x)
  %y = ai.onnx.Mul(%a, %b)
}""",
    )

"""fold_constants: what depends on no input is computed once; what may differ or fails is left."""

from __future__ import annotations

from celeris.passes.fold_constants import fold_constants
from tests.passes.models import rewritten, untouched


def test_chains_are_folded() -> None:
    said, nodes = rewritten(
        fold_constants,
        """graph "g" (%x: float[N,2]) -> (%y: float[N,2]) {
  init %a = float[2]{1.0, 2.0}
  %c = ai.onnx.Add(%a, %a) name="sum"
  %d = ai.onnx.Neg(%c) name="neg"
  %y = ai.onnx.Mul(%x, %d)
}""",
    )
    assert said == ["Add 'sum' on constants", "Neg 'neg' on constants"]
    assert nodes[-3:] == [
        "init %c: float[2] = float[2]{2.0, 4.0}",
        "init %d: float[2] = float[2]{-2.0, -4.0}",
        "%y = ai.onnx.Mul(%x, %d)",
    ]


def test_random_numbers_stay() -> None:
    untouched(
        fold_constants,
        """graph "g" (%x: float[N,2]) -> (%y: float[N,2]) {
  init %a = float[2]{1.0, 2.0}
  %c = ai.onnx.RandomNormalLike(%a)
  %y = ai.onnx.Mul(%x, %c)
}""",
    )


def test_an_initializer_that_the_caller_may_feed_is_no_constant() -> None:
    untouched(
        fold_constants,
        """graph "g" (%x: float[N,2], %a: float[2]) -> (%y: float[N,2]) {
  init %a = float[2]{1.0, 2.0}
  %c = ai.onnx.Neg(%a)
  %y = ai.onnx.Mul(%x, %c)
}""",
    )


def test_a_node_that_fails_stays_to_fail_when_it_is_run() -> None:
    untouched(
        fold_constants,
        """graph "g" (%x: int64[N,2]) -> (%y: int64[N,2]) {
  init %a = int64[1]{1}
  init %b = int64[1]{0}
  %c = ai.onnx.Div(%a, %b)
  %y = ai.onnx.Mul(%x, %c)
}""",
    )

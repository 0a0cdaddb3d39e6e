"""Tensors made, joined, cut, padded and reshaped: shapes both real and symbolic, views, messages."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.graph.types import Tensor
from tests.ops.calls import call, floats, held, inferred, ints

_X = np.arange(6, dtype=np.float32).reshape(2, 3)
_N = Tensor("float", ("N", 6))


def test_reshape_keeps_and_infers() -> None:
    assert call("Reshape", _X, ints(0, -1, 1)).shape == (2, 3, 1)
    assert call("Reshape", np.zeros((0, 3)), ints(0, 3), allowzero=1).shape == (0, 3)
    assert call("Reshape", np.zeros((0, 3)), ints(-1, 3)).shape == (0, 3)
    assert np.shares_memory(call("Reshape", _X, ints(-1)), _X)
    with pytest.raises(ValueError, match=r"cannot be reshaped .*Input shape:\{2,3\}, requested shape:\{4,-1\}"):
        call("Reshape", _X, ints(4, -1))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [((-1, 3), (None, 3)), ((0, 2, 3), ("N", 2, 3)), ((0, -1), ("N", 6)), ((-1, 6), ("N", 6)), ((-1,), (None,))],
)
def test_reshape_of_a_batch(wanted: tuple[int, ...], expected: tuple[object, ...]) -> None:
    assert inferred("Reshape", _N, ints(*wanted)) == expected


def test_what_a_shape_tells_finds_its_way() -> None:
    assert held("Shape", _N, dims=[None]) == ("N", 6)
    assert held("Shape", _N, dims=[None], start=-1) == (6,)
    vector = Tensor("int64", (1,))
    assert held("Concat", vector, vector, dims=[("N",), (3,)], axis=0) == ("N", 3)
    assert held("Unsqueeze", Tensor("int64", ()), ints(0), dims=[("N",), None]) == ("N",)
    assert held("Add", vector, vector, dims=[(2,), (3,)]) == (5,)
    assert held("Mul", vector, vector, dims=[("N",), (1,)]) == ("N",)
    assert held("Size", Tensor("float", ("N", 1)), dims=[None]) == ("N",)


def test_views() -> None:
    for made in (
        call("Transpose", _X, perm=[1, 0]), call("Flatten", _X, axis=0), call("Expand", _X, ints(4, 1, 1)),
        call("Unsqueeze", _X, ints(0)), call("Squeeze", _X[None], ints(0)), *call("Split", _X, axis=1, _outputs=3),
        call("Identity", _X), call("Concat", _X, axis=0),
    ):  # fmt: skip
        assert np.shares_memory(made, _X)


def test_split_evenly_or_by_sizes() -> None:
    assert [p.shape[1] for p in call("Split", np.zeros((1, 7)), axis=1, num_outputs=3)] == [3, 3, 1]
    assert [p.shape[1] for p in call("Split", np.zeros((1, 7)), ints(2, 5), axis=1, opset=13, _outputs=2)] == [2, 5]
    with pytest.raises(ValueError, match="Split: expected sizes that add up to 7"):
        call("Split", np.zeros((1, 7)), ints(2, 2), axis=1)
    with pytest.raises(ValueError, match="Split: expected a size that 2 outputs divide, got 7"):
        call("Split", np.zeros(7), opset=13, _outputs=2)
    assert inferred("Split", Tensor("float", ("N", 7)), axis=1, num_outputs=3, outputs=3) == ("N", 3)


def test_ranges() -> None:
    assert call("Range", ints(5)[0], ints(0)[0], ints(-2)[0]).tolist() == [5, 3, 1]
    assert call("Range", floats(0)[0], floats(1)[0], np.float32(0.3)).size == 4
    assert call("Range", ints(3)[0], ints(3)[0], ints(1)[0]).size == 0
    with pytest.raises(ValueError, match="Range: expected a delta other than 0"):
        call("Range", ints(0)[0], ints(1)[0], ints(0)[0])


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_pads_grow_and_cut(mode: str) -> None:
    got = call("Pad", _X, ints(0, -1, 0, 2), mode=mode)
    assert got.shape == (2, 4)
    assert inferred("Pad", _N, ints(0, -1, 0, 2), mode=mode) == ("N", 7)
    with pytest.raises(ValueError, match="Pad: expected 4 pads"):
        call("Pad", _X, ints(1, 1), mode=mode)


def test_messages() -> None:
    for name, inputs, attributes, text in (
        ("Concat", (_X, floats(1)), {"axis": 0}, "Concat: expected inputs of one shape but for axis 0"),
        ("Transpose", (_X,), {"perm": [0, 0]}, "Transpose: expected perm to order axes 0 to 1"),
        ("Squeeze", (_X, ints(0)), {}, "Squeeze: expected dimensions of size 1, got 2 at axis 0"),
        ("Expand", (_X, ints(4)), {}, r"Expand: expected a shape that \[2, 3\] broadcasts with"),
        ("Tile", (_X, ints(1)), {}, "Tile: expected 2 repeats"),
        ("ConstantOfShape", (ints(-1),), {}, "ConstantOfShape: expected one value and sizes of at least 0"),
        ("Constant", (), {}, "Constant: expected exactly one value, got 0"),
    ):
        with pytest.raises(ValueError, match=text):
            call(name, *inputs, **attributes)


def test_triangles_and_tiles() -> None:
    assert call("Trilu", _X, np.array(1)).tolist() == [[0, 1, 2], [0, 0, 5]]
    assert call("Trilu", _X, upper=0).tolist() == [[0, 0, 0], [3, 4, 0]]
    assert call("Tile", _X, ints(1, 2)).shape == (2, 6)
    assert inferred("Tile", _N, ints(1, 2)) == ("N", 12)
    assert call("EyeLike", _X, k=1).tolist() == [[0, 1, 0], [0, 0, 1]]

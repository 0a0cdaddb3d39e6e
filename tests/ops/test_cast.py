"""Casts as onnxruntime makes them: strings both ways, saturation, rounding of scales, bits."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tests.ops.calls import call, floats, held

_FLOATS = [1, 0.1, 1 / 3, 1e10, 1e-10, 123456789, np.nan, np.inf, -np.inf, -0.0, 16777217, 2.5e8, 100000000]


def _peer(x: np.ndarray, to: int) -> np.ndarray:
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    node = helper.make_node("Cast", ["x"], ["y"], to=to)
    ends = [helper.make_tensor_value_info(n, k, [None]) for n, k in (("x", kind), ("y", to))]
    model = helper.make_model(
        helper.make_graph([node], "g", ends[:1], ends[1:]), opset_imports=[helper.make_opsetid("", 19)], ir_version=9
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return np.asarray(onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.bool_])
def test_numbers_to_strings(dtype: type) -> None:
    with np.errstate(all="ignore"):
        x: np.ndarray = np.array(_FLOATS[:6] if dtype in (np.int64, np.bool_) else _FLOATS).astype(dtype)
    assert call("Cast", x, to=TensorProto.STRING).tolist() == _peer(x, TensorProto.STRING).tolist()


@pytest.mark.parametrize("to", [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.UINT8])
def test_strings_to_numbers(to: int) -> None:
    x = np.array(["1.5", " 3", "3 ", "1e3", "-7"], object)
    np.testing.assert_array_equal(call("Cast", x, to=to), _peer(x, to))


def test_a_string_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="Cast: expected a string that starts with a whole number"):
        call("Cast", np.array(["abc"], object), to=TensorProto.INT64)
    with pytest.raises(ValueError, match=r"Cast: expected strings that are numbers: .*'abc'"):
        call("Cast", np.array(["abc"], object), to=TensorProto.FLOAT)


def test_float8_saturates_unless_told_not_to() -> None:
    x = floats(1e9, -1e9, np.inf, np.nan, 1)
    to = TensorProto.FLOAT8E4M3FN
    assert call("Cast", x, to=to).astype(np.float32)[:3].tolist() == [448, -448, 448]
    free = call("Cast", x, to=to, saturate=0).astype(np.float32)
    assert np.isnan(free[:4]).all()
    assert call("Cast", x, to=TensorProto.FLOAT8E5M2, saturate=0).astype(np.float32)[0] == np.inf


@pytest.mark.parametrize(("mode", "expected"), [("up", [4, 4, 8]), ("down", [2, 4, 4]), ("nearest", [4, 4, 4])])
def test_scales_are_powers_of_two(mode: str, expected: list[float]) -> None:
    got = call("Cast", floats(3, 4, 5), to=TensorProto.FLOAT8E8M0, round_mode=mode)
    assert got.astype(np.float32).tolist() == expected


def test_between_narrow_types() -> None:
    x = np.array([-8, 7, 3]).astype(ml_dtypes.int4)
    assert call("Cast", x, to=TensorProto.UINT4).dtype == ml_dtypes.uint4
    assert call("Cast", x, to=TensorProto.FLOAT4E2M1).dtype == ml_dtypes.float4_e2m1fn
    assert call("CastLike", x, floats(1)).tolist() == [-8, 7, 3]
    assert call("Cast", floats(1.5), to="INT32", opset=1).tolist() == [1]


def test_bits() -> None:
    assert call("BitCast", floats(1), to=TensorProto.INT32).tolist() == [0x3F800000]
    with pytest.raises(ValueError, match="BitCast: expected types of one width, got float to int64"):
        call("BitCast", floats(1), to=TensorProto.INT64)


def test_sizes_stay_sizes_as_integers_only() -> None:
    assert held("Cast", None, dims=[("N",)], to=TensorProto.INT32) == ("N",)
    assert held("Cast", None, dims=[("N",)], to=TensorProto.FLOAT) is None

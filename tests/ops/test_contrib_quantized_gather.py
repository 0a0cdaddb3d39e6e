"""GatherBlockQuantized, as onnxruntime has it."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import celeris
from tests.ops.one_node import same

RNG = np.random.default_rng(7)


def _scales(*shape: int) -> np.ndarray:
    return RNG.uniform(0.1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("kind", ["int4", "uint4"])
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize(("gathered", "quantized"), [(0, 1), (1, 0), (0, 2), (-1, 1)])
def test_slices_of_four_bits(kind: str, zeros: bool, gathered: int, quantized: int) -> None:
    dtype = np.dtype(getattr(ml_dtypes, kind))
    shape = [3, 4, 5]
    shape[quantized] = 40
    low = 0 if kind == "uint4" else -8
    data = RNG.integers(low, low + 16, shape).astype(dtype)
    blocks = list(shape)
    blocks[quantized] = 3
    zero = RNG.integers(low, low + 16, blocks).astype(dtype) if zeros else None
    at = np.array([[0, 2], [1, -1]], np.int64)
    agree_constant([data, at, _scales(*blocks), zero], block_size=16, gather_axis=gathered, quantize_axis=quantized)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zeros", [False, True])
def test_slices_of_packed_bytes(bits: int, zeros: bool) -> None:
    data = RNG.integers(0, 256, (6, 64 * bits // 8)).astype(np.uint8)
    zero = RNG.integers(0, 256, (6, max(4 * bits // 8, 1))).astype(np.uint8) if zeros else None
    at = np.array([5, 0, 3], np.int32)
    agree_constant([data, at, _scales(6, 4), zero], block_size=16, bits=bits)


def agree_constant(inputs: list[np.ndarray | None], **attributes: int) -> None:
    """All but the indices are constants, as onnxruntime's API takes no arrays of 4 bits."""
    names = ["data", "indices", "scales", "zeros"]
    node = helper.make_node(
        "GatherBlockQuantized", [n if x is not None else "" for n, x in zip(names, inputs, strict=True)], ["y"],
        domain="com.microsoft", **attributes,
    )  # fmt: skip
    at = inputs[1]
    assert at is not None
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("indices", helper.np_dtype_to_tensor_dtype(at.dtype), at.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(x, n) for n, x in zip(names, inputs, strict=True) if x is not None and n != "indices"],
    )
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10).SerializeToString()
    theirs = onnxruntime.InferenceSession(model).run(None, {"indices": at})[0]
    ours = celeris.InferenceSession(model).run(None, {"indices": at})[0]
    same(ours, theirs, 1e-6, 1e-6)


def test_an_index_out_of_range_gives_zeros() -> None:
    data = RNG.integers(0, 256, (4, 8)).astype(np.uint8)
    agree_constant([data, np.array([1, 9, -5], np.int64), _scales(4, 1), None], block_size=16)

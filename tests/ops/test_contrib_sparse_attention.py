"""Attention to blocks and rotary embeddings of three positions, as onnxruntime has them."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

import celeris
from tests.ops.calls import call
from tests.ops.one_node import agree, model_of, run, same

RNG = np.random.default_rng(11)
HEADS, GROUPS, DEPTH, MOST = 4, 2, 16, 64
ROWS = np.array([[0, 1, 3, 5, 8], [0, 1, 3, 6, 9]], np.int32)
COLUMNS = np.array([[0, 0, 1, 1, 2, 1, 2, 3, -1], [0, 0, 1, 0, 1, 2, 0, 2, 3]], np.int32)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def _caches() -> list[np.ndarray]:
    angles = RNG.uniform(0, 6, (MOST, DEPTH // 2)).astype(np.float32)
    return [np.cos(angles), np.sin(angles)]


@pytest.mark.parametrize(("length", "totals"), [(50, [50, 50]), (1, [60, 60])])
@pytest.mark.parametrize("rotary", [0, 1])
@pytest.mark.parametrize("packed", [False, True])
def test_blocks_of_the_past(length: int, totals: list[int], rotary: int, packed: bool) -> None:
    longest = length if length > 1 else max(totals)
    query = floats(2, length, (HEADS + 2 * GROUPS if packed else HEADS) * DEPTH)
    others = [None, None] if packed else [floats(2, length, GROUPS * DEPTH) for _ in range(2)]
    past = [floats(2, GROUPS, MOST, DEPTH) for _ in range(2)]
    sizes = [np.array([longest], np.int32), np.array(totals, np.int32)]
    inputs = [query, *others, *past, ROWS, COLUMNS, *sizes, *(_caches() if rotary else [])]
    options = {"num_heads": HEADS, "kv_num_heads": GROUPS, "sparse_block_size": 16, "do_rotary": rotary}
    model = model_of("SparseAttention", inputs, 3, attributes=options)
    theirs = _in_place(model, inputs)
    ours = run(celeris, model, inputs)[0]
    for mine, other in zip(ours, theirs, strict=True):
        same(mine, other, 1e-4, 1e-4)


@pytest.mark.parametrize("totals", [[35, 60], [60, 7]])
def test_items_of_two_lengths_are_each_as_if_alone(totals: list[int]) -> None:
    """Not held to onnxruntime: of an item shorter than another it reads a mask with the strides of the longer one."""
    arrays = [floats(2, 1, HEADS * DEPTH), *(floats(2, 1, GROUPS * DEPTH) for _ in range(2))]
    past = [floats(2, GROUPS, MOST, DEPTH) for _ in range(2)]
    options = {"num_heads": HEADS, "kv_num_heads": GROUPS, "sparse_block_size": 16}

    def answer(items: slice) -> np.ndarray:
        longest = max(totals[items])
        each = [x[items] for x in (*arrays, *past)]
        sizes = np.array([longest], np.int32), np.array(totals[items], np.int32)
        return call("SparseAttention", *each, ROWS, COLUMNS, *sizes, opset=1, domain="com.microsoft", **options)[0]

    together = answer(slice(0, 2))
    for item in (0, 1):
        np.testing.assert_allclose(together[item], answer(slice(item, item + 1))[0], rtol=1e-5, atol=1e-6)


def _in_place(model: bytes, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
    """onnxruntime's kernel wants the caches given on in the memory of the old ones."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    values = {
        f"x{i}": onnxruntime.OrtValue.ortvalue_from_numpy(value.copy())
        for i, value in enumerate(inputs)
        if value is not None
    }
    for name, value in values.items():
        binding.bind_ortvalue_input(name, value)
    binding.bind_output("y0")
    binding.bind_ortvalue_output("y1", values["x3"])
    binding.bind_ortvalue_output("y2", values["x4"])
    session.run_with_iobinding(binding)
    return binding.copy_outputs_to_cpu()


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("interleaved", [0, 1])
def test_three_positions(layout: int, interleaved: int) -> None:
    at = RNG.integers(0, MOST, (3, 2, 5)).astype(np.int64)
    options = {"mrope_section": [4, 2, 2], "mrope_layout": layout, "interleaved": interleaved}
    agree("MRotaryEmbedding", [floats(2, 3, 5, DEPTH), at, *_caches()], **options)
    agree("MRotaryEmbedding", [floats(2, 5, 3 * DEPTH), at, *_caches()], num_heads=3, **options)

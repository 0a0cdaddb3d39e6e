"""Texts as keys: every length around a word of 8 bytes, and texts that share their beginnings, ends or letters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from onnx import TensorProto, helper

import celeris
from tests.native.tables import check, model, node


def test_texts_of_every_length_are_told_apart() -> None:
    texts = ["".join(letters) for size in range(5) for letters in itertools.product("ab", repeat=size)]
    texts += [("abcdefgh" * 4)[:size] for size in range(5, 33)]
    texts += [("abcdefgh" * 4)[: size - 1] + "z" for size in range(5, 33)]
    texts += ["z" + ("abcdefgh" * 4)[1:size] for size in range(5, 33)]
    texts += ["aab\0", "aa\0b", "é", "e\u0301", "日本語", "日本"]
    assert len(set(texts)) == len(texts)
    known, unknown = texts[::2], texts[1::2]
    node = helper.make_node(
        "LabelEncoder", ["x"], ["y"], domain="ai.onnx.ml", keys_strings=known, values_int64s=range(len(known)),
        default_int64=-1,
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.STRING, ["n", 1])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, ["n", 1])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    x = np.array([*known, *unknown], object).reshape(-1, 1)
    expected = [*range(len(known)), *[-1] * len(unknown)]
    for disabled in ([], ["native"]):
        session = celeris.InferenceSession(model, disabled_optimizers=disabled)
        assert session.run(None, {"x": x})[0].reshape(-1).tolist() == expected


@pytest.mark.parametrize("seed", [0, 7, -1])
def test_hashes(seed: int) -> None:
    texts = [("äbc日\0d" * 9)[at : at + size] for size in range(30) for at in range(10)]
    feeds = {"x": np.array(texts, dtype=object).reshape(-1, 2)}
    check(model([node("MurmurHash3", ["x"], ["y"], "com.microsoft", positive=0, seed=seed)], feeds, {}, ["y"]), feeds)

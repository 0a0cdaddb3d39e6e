"""Tokenizer and MurmurHash3 against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import celeris
from tests.ops.one_node import agree, model_of, run

_TEXTS = ["Hello World", "I love computer science !", "", "  a  bb ccc", "äö ü", "a|ab abab", "\x02\n\t", "日本 語"]
_WAYS: list[dict[str, Any]] = [
    {"separators": [" "]},
    {"separators": ["l", "o+"]},
    {"separators": ["b*"]},
    {"separators": [""]},
    {"separators": ["a"], "tokenexp": "a|ab"},
    {"tokenexp": "."},
    {"tokenexp": "[a-zA-Z0-9_]+"},
    {"tokenexp": r"\w\w+"},
    {"tokenexp": "b*"},
]


def texts(*values: str) -> np.ndarray:
    return np.array(values, object)


@pytest.mark.parametrize("mark", [0, 1])
@pytest.mark.parametrize("way", _WAYS, ids=str)
@pytest.mark.parametrize("shape", [(8,), (2, 4), (0,), (2, 0), (0, 2)], ids=str)
def test_tokens_are_onnxruntime_s(way: dict[str, Any], mark: int, shape: tuple[int, ...]) -> None:
    x = texts(*_TEXTS) if np.prod(shape) else texts()
    agree("Tokenizer", [x.reshape(shape)], mark=mark, mincharnum=1, pad_value="#", **way)


@pytest.mark.parametrize("least", [1, 2, 3, 30])
@pytest.mark.parametrize("way", [{"separators": [" "]}, {"tokenexp": "[a-z]+"}], ids=str)
def test_short_tokens_are_dropped_by_characters_not_bytes(way: dict[str, Any], least: int) -> None:
    agree("Tokenizer", [texts(*_TEXTS)], mark=1, mincharnum=least, pad_value="", **way)


@pytest.mark.parametrize("pattern", ["a|ab", "(a|ab)(c|bcd)?", "a+?b*", "ab??", "(?:x|xy|xyz)"])
def test_of_several_matches_the_longest_is_taken(pattern: str) -> None:
    x = texts("a", "ab", "abcd", "xyzabc", "aaab bba", "xxyxyz")
    agree("Tokenizer", [x], mark=0, mincharnum=1, pad_value="#", tokenexp=pattern)
    agree("Tokenizer", [x], mark=0, mincharnum=1, pad_value="#", separators=[pattern])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab cé.1_\n", max_size=12), min_size=1, max_size=5), st.integers(0, len(_WAYS) - 1))
def test_any_text(strings: list[str], way: int) -> None:
    agree("Tokenizer", [texts(*strings)], mark=0, mincharnum=1, pad_value="#", **_WAYS[way])


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"mincharnum": 0, "separators": [" "]}, "Tokenizer: expected mincharnum of at least 1, got 0"),
        ({"mincharnum": 2, "separators": [""]}, "expected mincharnum 1 where each character is a token, got 2"),
        ({"mincharnum": 1}, "expected separators or tokenexp, got neither"),
    ],
)
def test_what_onnxruntime_refuses_is_refused_at_load(attributes: dict[str, Any], text: str) -> None:
    model = model_of("Tokenizer", [texts("a")], attributes={"mark": 0, "pad_value": "#", **attributes})
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail):
        onnxruntime.InferenceSession(model)
    with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail, match=text):
        celeris.InferenceSession(model)


def test_a_cube_is_refused() -> None:
    model = model_of(
        "Tokenizer",
        [texts("a").reshape(1, 1, 1)],
        attributes={"mark": 0, "pad_value": "#", "mincharnum": 1, "separators": [" "]},
    )
    with pytest.raises(celeris.capi.onnxruntime_pybind11_state.Fail, match=r"either \[C\] or \[N\]\[C\] allowed"):
        run(celeris, model, [texts("a").reshape(1, 1, 1)])


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1])
@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64", "float32", "float64"])
def test_hashes_of_numbers(dtype: str, seed: int, positive: int) -> None:
    agree("MurmurHash3", [np.arange(12).reshape(3, 4).astype(dtype)], positive=positive, seed=seed)


@pytest.mark.parametrize("positive", [0, 1])
def test_hashes_of_strings_of_every_length(positive: int) -> None:
    agree("MurmurHash3", [texts(*[("äb日c" * 5)[:n] for n in range(20)])], positive=positive, seed=3)


def test_murmur_hash_of_a_known_text() -> None:
    """The verification values of the algorithm's author: 'hello, world' under seed 0."""
    (found,) = run(celeris, model_of("MurmurHash3", [texts("hello, world")]), [texts("hello, world")])[0]
    assert int(found[0]) == 0x149BBB7F

"""From texts to counts of n-grams in one kernel: against onnxruntime, and against the reference tier."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import celeris
from celeris.plan import joins
from celeris.plan.compile import compile_model
from celeris.providers.native.ngrams import cut_of
from tests.native import tables

onnxruntime.set_default_logger_severity(4)

_TEXTS = [
    "the quick brown fox, the end", "", " ", "the", "THE The tHe", "a", "don't stop-me now_1 2 33", "nan", "NaN", "None",
    "\n\t the\vthe\x00the", "thethe the" * 40, "été ÉTÉ naïve Ünï", "日本 語 the", "\U0001d400 the \U0001f600", "#", "# the #",
    "the the the the", "quick the brown the", "K Kelvin", "İstanbul ısı", "ß ẞ", "x" * 1000,
]  # fmt: skip
_WAYS: list[dict[str, Any]] = [
    {"tokenexp": "[a-zA-Z0-9_]+"},
    {"tokenexp": r"\w\w+"},
    {"tokenexp": r"\b\w\w+\b"},
    {"tokenexp": r"\b[a-z]+\b"},
    {"tokenexp": r"\b[a-zA-Z]{2,}\b"},
    {"tokenexp": "[a-z]{2,}"},
    {"tokenexp": "[^ ,]+"},
    {"tokenexp": r"\S+"},
    {"tokenexp": "."},
    {"separators": [" "]},
    {"separators": [" ", ",", "[.-]+", r"\n"]},
    {"separators": ["."]},
    {"separators": [""]},
]
_LEFT: list[dict[str, Any]] = [
    {"tokenexp": "a|ab"},
    {"tokenexp": r"\b[a-z-]+\b"},
    {"tokenexp": "[a-z]+[0-9]+"},
    {"tokenexp": "[a-z]*"},
    {"tokenexp": "[à-ü]+"},
    {"tokenexp": "[[:alpha:]]+"},
    {"separators": ["ab"]},
    {"separators": ["b*"]},
]


def texts(values: list[str]) -> np.ndarray:
    return np.array(values, object)


def pool(grams: list[tuple[Any, ...]]) -> dict[str, Any]:
    """N-grams as TfIdfVectorizer has them: by length, and where each length begins."""
    grams = sorted(dict.fromkeys(grams), key=len)
    starts = [sum(len(g) for g in grams if len(g) < n) for n in range(1, len(grams[-1]) + 1)]
    flat = [token for gram in grams for token in gram]
    kind = "pool_strings" if isinstance(flat[0], str) else "pool_int64s"
    return {kind: flat, "ngram_counts": starts, "ngram_indexes": list(range(len(grams)))[::-1]}


def chain(
    way: dict[str, Any], grams: list[tuple[str, ...]], *, case: str = "", columns: bool = False, **count: Any
) -> bytes:
    """The graph that skl2onnx makes of a CountVectorizer."""
    nodes = []
    if case:
        nodes.append(helper.make_node("StringNormalizer", ["x"], ["n"], case_change_action=case, locale="C.utf8"))
    tokens = {"mark": 0, "mincharnum": 1, "pad_value": "#", **way}
    nodes.append(helper.make_node("Tokenizer", ["n" if case else "x"], ["t"], domain="com.microsoft", **tokens))
    nodes.append(helper.make_node("Flatten", ["t"], ["f"]))
    lengths = {len(gram) for gram in grams}
    count = {
        "mode": "TF", "max_skip_count": 0, "min_gram_length": min(lengths), "max_gram_length": max(lengths), **count
    }  # fmt: skip
    nodes.append(helper.make_node("TfIdfVectorizer", ["f"], ["y"], **pool(grams), **count))
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.STRING, [None, 1] if columns else [None])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString()


def native(model: bytes) -> celeris.InferenceSession:
    """A session in which no node is left to the reference tier."""
    session = celeris.InferenceSession(model)
    reasons = session._sess._program.plan.reasons
    assert [tier for _, tier, _ in reasons] == ["native"] * len(reasons), reasons
    return session


def agree(model: bytes, x: np.ndarray, *, peer: bool = True) -> None:
    """onnxruntime's answer, and the reference tier's, whole and row by row."""
    session = native(model)
    (found,) = session.run(None, {"x": x})
    (expected,) = celeris.InferenceSession(model, disabled_optimizers=["native"]).run(None, {"x": x})
    assert found.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    for at in range(len(x)):
        np.testing.assert_array_equal(session.run(None, {"x": x[at : at + 1]})[0], expected[at : at + 1])
    if peer:
        np.testing.assert_array_equal(found, onnxruntime.InferenceSession(model).run(None, {"x": x})[0])


_WORDS = [
    ("the",), ("quick",), ("a",), ("nan",), ("été",), ("日",), ("1",), ("e",), ("t",), ("thethe",), ("k",), ("the", "the"),
    ("the", "quick"), ("t", "h"), ("h", "e"), ("the", "quick", "brown"), ("the", "the", "the"), ("é", "t"), (" ", "t"),
]  # fmt: skip


@pytest.mark.parametrize("way", _WAYS, ids=str)
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("skips", [0, 2])
def test_counts_are_onnxruntime_s(way: dict[str, Any], columns: bool, skips: int) -> None:
    model = chain(way, _WORDS, columns=columns, max_skip_count=skips)
    x = texts(_TEXTS)
    agree(model, x.reshape(-1, 1) if columns else x)


@pytest.mark.parametrize("way", _WAYS[:8], ids=str)
@pytest.mark.parametrize("least", [2, 3, 5])
def test_short_tokens_are_dropped_by_characters(way: dict[str, Any], least: int) -> None:
    if way.get("tokenexp") != ".":
        agree(chain({**way, "mincharnum": least}, _WORDS), texts(_TEXTS))


@pytest.mark.parametrize("mode", ["TF", "IDF", "TFIDF"])
@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 1000])
def test_modes_and_batches(mode: str, rows: int) -> None:
    weights = np.linspace(0.5, 3, len(_WORDS)).tolist()
    model = chain(_WAYS[0], _WORDS, mode=mode, weights=weights)
    agree(model, texts([_TEXTS[at % len(_TEXTS)] for at in range(rows)]), peer=rows > 0)


@pytest.mark.parametrize("way", _WAYS, ids=str)
def test_lower_case_is_unicode_s(way: dict[str, Any]) -> None:
    agree(chain(way, [*_WORDS, ("\u0307",), ("i\u0307stanbul",)], case="LOWER"), texts(_TEXTS), peer=False)
    ascii_only = [text for text in _TEXTS if text.isascii()]
    agree(chain(way, _WORDS, case="LOWER"), texts(ascii_only))


def test_every_character_has_its_lower_case() -> None:
    """But for capital sigma, whose lower case depends on its neighbours: that is left to the reference tier."""
    letters = [chr(c) for c in range(0x20000) if not 0xD800 <= c < 0xE000 and c not in (ord("#"), 0x3A3)]
    small = sorted({c for letter in letters if letter.lower() != letter for c in letter.lower()})
    model = chain({"tokenexp": "."}, [(c,) for c in small], case="LOWER")
    x = texts(["".join(letters[at : at + 97]) for at in range(0, len(letters), 97)])
    session = native(model)
    (expected,) = celeris.InferenceSession(model, disabled_optimizers=["native"]).run(None, {"x": x})
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)
    last = native(chain({"tokenexp": "."}, [("σ",), ("ς",)], case="LOWER")).run(None, {"x": texts(["ΑΣ ΣΑ", "Σ"])})[0]
    assert last.tolist() == [[1, 1], [0, 1]]  # columns are in the opposite order
    beyond_tables = [c for c in range(0x20000, 0x110000) if chr(c).lower() != chr(c)]
    becoming_ascii = [c for c in range(128, 0x110000) if any(each.isascii() for each in chr(c).lower())]
    assert (beyond_tables, becoming_ascii) == ([], [0x130, 0x212A])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("ab c.é日_\n", max_size=14), max_size=5), st.integers(0, len(_WAYS) - 1), st.integers(0, 2))
def test_any_text(strings: list[str], way: int, skips: int) -> None:
    grams = [("a",), ("b",), ("ab",), ("é",), ("a", "b"), ("a", "a"), ("b", "a", "b"), ("日", "a")]
    agree(chain(_WAYS[way], grams, max_skip_count=skips), texts(strings), peer=bool(strings))


@pytest.mark.parametrize("way", _LEFT, ids=str)
def test_other_patterns_are_left_to_the_reference_tier(way: dict[str, Any]) -> None:
    model, x = chain(way, _WORDS), texts(_TEXTS)
    session = celeris.InferenceSession(model)
    assert "native" not in [tier for _, tier, _ in session._sess._program.plan.reasons[:2]]
    np.testing.assert_array_equal(
        session.run(None, {"x": x})[0], onnxruntime.InferenceSession(model).run(None, {"x": x})[0]
    )


def test_what_depends_on_other_rows_is_left_to_the_reference_tier() -> None:
    """Short rows are filled with '#': a pool that holds it counts the filling."""
    for model in (chain(_WAYS[6], [("#",), ("a",)]), chain({**_WAYS[6], "mark": 1}, [("\x02",), ("a",)])):
        session = celeris.InferenceSession(model)
        assert {tier for _, tier, _ in session._sess._program.plan.reasons} == {"NumPy"}
        x = texts(["a#", "a", ""])
        expected = onnxruntime.InferenceSession(model).run(None, {"x": x})[0]
        np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)


def test_tokens_seen_outside_are_made() -> None:
    """The chain is claimed whole or not at all."""
    made = onnx.load_from_string(chain(_WAYS[0], _WORDS))
    made.graph.output.append(helper.make_tensor_value_info("t", TensorProto.STRING, None))
    session = celeris.InferenceSession(made.SerializeToString())
    counts, tokens = session.run(None, {"x": texts(["the the", "a"])})
    assert tokens.tolist() == [["the", "the"], ["a", "#"]] and counts.sum() == 4


@pytest.mark.parametrize("dtype", [object, np.int64])
@pytest.mark.parametrize("mode", ["TF", "IDF", "TFIDF"])
@pytest.mark.parametrize(("least", "longest", "skips"), [(1, 1, 0), (1, 3, 0), (2, 2, 1), (1, 3, 5)])
def test_columns_of_tokens(dtype: Any, mode: str, least: int, longest: int, skips: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (300, 7))
    grams = [(0,), (1,), (2,), (0, 1), (1, 1), (-2, 2), (1, 0, 1), (0, 0, 0)]
    if dtype is object:
        x = x.astype(str).astype(object)
        grams = [tuple(map(str, gram)) for gram in grams]
    nodes = [
        tables.node(
            "TfIdfVectorizer", ["x"], ["y"], mode=mode, min_gram_length=least, max_gram_length=longest,
            max_skip_count=skips, weights=[0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], **pool(grams),
        )
    ]  # fmt: skip
    tables.check(tables.model(nodes, {"x": x}, {}, ["y"]), {"x": x})


def test_the_kernel_runs_in_a_pipeline_with_what_follows() -> None:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import StringTensorType
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = texts(["good film", "bad film indeed", "good good", "so bad", "a film", "good, indeed"] * 20)
    for options in ({}, {"ngram_range": (1, 2), "sublinear_tf": True}, {"analyzer": "char", "ngram_range": (1, 3)}):
        model = make_pipeline(TfidfVectorizer(lowercase=False, **options), LogisticRegression())
        model.fit(words, np.arange(len(words)) % 3)
        warnings.simplefilter("ignore")  # of the converter, about analyzer='char'
        made = to_onnx(
            model, initial_types=[("x", StringTensorType([None]))], options={"zipmap": False},
            target_opset={"": 18, "ai.onnx.ml": 3},
        ).SerializeToString()  # fmt: skip
        session = native(made)
        assert len(session._sess._program.plan.steps) == 1
        theirs = onnxruntime.InferenceSession(made).run(None, {"x": words})
        for mine, other in zip(session.run(None, {"x": words}), theirs, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
        tables.assert_independent(compile_model(session._sess._program.model).execute, {"x": words})


def test_patterns_are_read_as_classes() -> None:
    cut = cut_of([], r"\w\w+", 1)
    assert cut is not None and (cut.way, cut.beyond, cut.shortest) == ("runs", False, 2)
    assert cut_of([], r"\w{0,}", 1) is None and cut_of([], r"\s\w+", 1) is None and cut_of([], r"\b\w+", 1) is None
    cut = cut_of(["[^a-z]"], None, 3)
    assert cut is not None and not cut.beyond and cut.members.sum() == 26 and cut.shortest == 3


@pytest.mark.parametrize("classes", [1, 2, 4, 5, 15, 16, 20])
@pytest.mark.parametrize("norm", [None, "L1", "L2"])
@pytest.mark.parametrize("logarithm", [False, True])
def test_what_is_made_of_counts_is_joined(
    monkeypatch: pytest.MonkeyPatch, classes: int, norm: str | None, logarithm: bool
) -> None:
    """The same bits as kernel after kernel, but for wide products, which those sum in float32."""
    rng = np.random.default_rng(classes)
    grams = [(f"w{at}",) for at in range(150)] + [(f"w{at}", f"w{at * 7 % 150}") for at in range(150)]
    nodes = [
        tables.node(
            "Tokenizer", ["x"], ["t"], "com.microsoft", mark=0, mincharnum=1, pad_value="#", tokenexp="[a-z0-9]+"
        ),
        tables.node("Flatten", ["t"], ["f"]),
        tables.node(
            "TfIdfVectorizer", ["f"], ["c"], mode="TF", min_gram_length=1, max_gram_length=2, max_skip_count=0,
            **pool(grams),
        ),
    ]  # fmt: skip
    constants = {
        "one": np.ones(1, np.float32),
        "idf": (rng.random((1, 300)) - 0.2).astype(np.float32),
        "w": rng.normal(size=(300, classes)).astype(np.float32),
        "b": rng.normal(size=classes).astype(np.float32),
    }
    if logarithm:
        nodes += [tables.node("Add", ["c", "one"], ["d"]), tables.node("Log", ["d"], ["l"])]
    nodes.append(tables.node("Mul", ["idf", "l" if logarithm else "c"], ["s"]))
    if norm is not None:
        nodes.append(tables.node("Normalizer", ["s"], ["n"], "ai.onnx.ml", norm=norm))
    nodes.append(tables.node("Gemm", ["n" if norm else "s", "w", "b"], ["y"]))
    numbers = np.minimum(rng.zipf(1.3, (200, 40)), 200)
    x = texts([" ".join(f"w{each}" for each in row[: rng.integers(0, 40)]) for row in numbers])
    for outputs in (["y"], ["n" if norm else "s"]):
        made = tables.model(nodes, {"x": x}, constants, outputs)
        with monkeypatch.context() as patch:
            patch.setattr(joins, "RULES", {})
            apart = compile_model(made)
        joined = compile_model(made)
        count = [len(program.plan.steps[0].kernels) for program in (joined, apart)]
        assert count[0] == 1 + (outputs == ["s"]) * (1 + 2 * logarithm) and count[1] > 1
        (mine,), (other,) = joined.execute({"x": x}), apart.execute({"x": x})
        if classes < 5:
            assert tables.same(mine + np.float32(0), other + np.float32(0))  # apart, 0 times less than 0 is -0
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)
        tables.assert_independent(joined.execute, {"x": x})


def test_weights_that_are_not_finite_are_multiplied_with_zeros_too() -> None:
    nodes = [
        tables.node("Tokenizer", ["x"], ["t"], "com.microsoft", mark=0, mincharnum=1, pad_value="#", tokenexp="."),
        tables.node("Flatten", ["t"], ["f"]),
        tables.node(
            "TfIdfVectorizer", ["f"], ["c"], mode="TF", min_gram_length=1, max_gram_length=1, max_skip_count=0,
            **pool([("a",), ("b",)]),
        ),
        tables.node("MatMul", ["c", "w"], ["y"]),
    ]  # fmt: skip
    x = texts(["a", "b", ""])
    made = tables.model(nodes, {"x": x}, {"w": np.array([[1, np.inf], [2, 3]], np.float32)}, ["y"])
    tables.check(made, {"x": x})
    assert np.isnan(compile_model(made).execute({"x": x})[0]).any()

"""Text: normalising, splitting, joining and matching strings, and counting n-grams."""

from __future__ import annotations

from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.ngrams import NGrams, compiled
from celeris.ops.regex import full_matcher
from celeris.ops.table import Facts, Op


def _strings(values: list[str], shape: tuple[int, ...]) -> np.ndarray:
    result = np.empty(len(values), object)
    result[:] = values
    return result.reshape(shape)


def StringNormalizer(
    X: np.ndarray,
    *,
    case_change_action: str = "NONE",
    is_case_sensitive: int = 0,
    locale: str | None = None,
    stopwords: Seq[str] | None = None,
) -> np.ndarray:
    """Drops stop words, then changes case: X [C] or [1,C] string -> Y [K] or [1,K]; one '' where all are dropped.

    No strings stay none (onnxruntime refuses them). Case follows Unicode's rules for every `locale`.
    Source: ai.onnx StringNormalizer-10.
    """
    if X.ndim not in (1, 2) or (X.ndim == 2 and len(X) != 1):
        raise ValueError(f"StringNormalizer: expected X of shape [C] or [1,C], got {list(X.shape)}")
    if case_change_action not in ("NONE", "LOWER", "UPPER"):
        raise ValueError(
            f"StringNormalizer: expected case_change_action NONE, LOWER or UPPER, got {case_change_action}"
        )
    words = [str(word) for word in X.ravel()]
    if stopwords:
        stops = set(stopwords) if is_case_sensitive else {word.lower() for word in stopwords}
        words = [word for word in words if (word if is_case_sensitive else word.lower()) not in stops]
    if case_change_action == "LOWER":
        words = [word.lower() for word in words]
    elif case_change_action == "UPPER":
        words = [word.upper() for word in words]
    if X.size and not words:
        words = [""]
    return _strings(words, (len(words),) if X.ndim == 1 else (1, len(words)))


def TfIdfVectorizer(
    X: np.ndarray,
    *,
    max_gram_length: int,
    max_skip_count: int,
    min_gram_length: int,
    mode: str,
    ngram_counts: Seq[int],
    ngram_indexes: Seq[int],
    pool_int64s: Seq[int] | None = None,
    pool_strings: Seq[str] | None = None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """How often each n-gram of the pool occurs: X [C] or [N,C] -> Y [V] or [N,V] f32, V = max(ngram_indexes) + 1.

    Y is the count (TF), presence times weight (IDF) or count times weight (TFIDF). Source: TfIdfVectorizer-9.
    """
    if mode not in ("TF", "IDF", "TFIDF"):
        raise ValueError(f"TfIdfVectorizer: expected mode TF, IDF or TFIDF, got {mode!r}")
    if X.ndim not in (1, 2):
        raise ValueError(f"TfIdfVectorizer: expected X of shape [C] or [N,C], got {list(X.shape)}")
    if (pool_strings is None) == (pool_int64s is None):
        raise ValueError("TfIdfVectorizer: expected either pool_strings or pool_int64s, got both or neither")
    pool: Seq[str] | Seq[int] | None = pool_int64s if pool_strings is None else pool_strings
    assert pool is not None
    if not 1 <= min_gram_length <= max_gram_length or max_skip_count < 0:
        raise ValueError(
            "TfIdfVectorizer: expected gram lengths from 1 up and skips from 0, "
            f"got {min_gram_length} to {max_gram_length} and {max_skip_count}"
        )
    ngrams: NGrams = compiled(pool, ngram_counts, ngram_indexes)
    tokens = ngrams.token_ids(np.atleast_2d(X))
    counts = np.zeros((len(tokens), ngrams.width), np.float32)
    last = tokens.shape[1] - 1
    for length in range(min_gram_length, min(max_gram_length, last + 1, ngrams.longest) + 1):
        # A unigram skips nothing: it is counted once. No gram reaches beyond the last token.
        for step in range(1, 2 if length == 1 else min(max_skip_count + 1, last // (length - 1)) + 1):
            rows, found = ngrams.find(tokens, length, step)
            np.add.at(counts, (rows, ngrams.columns[found]), np.float32(1))
    if mode == "IDF":
        counts = np.minimum(counts, 1)
    if mode != "TF":
        counts *= ngrams.scale(weights)
    return counts if X.ndim == 2 else counts[0]


def StringConcat(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Z = X + Y, string by string, broadcast. Source: ai.onnx StringConcat-20."""
    return np.asarray(X.astype(object) + Y.astype(object), dtype=object)


def StringSplit(
    X: np.ndarray, *, delimiter: str | None = None, maxsplit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Y [*X, most] the parts, '' behind the last; Z [*X] i64 how many. Source: ai.onnx StringSplit-20."""
    limit = -1 if maxsplit is None else maxsplit
    parts = [str(text).split(delimiter or None, limit) for text in X.ravel()]
    most = max(map(len, parts), default=0)
    padded = [part for row in parts for part in row + [""] * (most - len(row))]
    return _strings(padded, (*X.shape, most)), np.array([len(row) for row in parts], np.int64).reshape(X.shape)


def RegexFullMatch(X: np.ndarray, *, pattern: str | None = None) -> np.ndarray:
    """Y = the whole of X matches `pattern` (RE2 syntax), bool. Source: ai.onnx RegexFullMatch-20."""
    if pattern is None:
        raise ValueError("RegexFullMatch: expected the attribute pattern, got none")
    matches = full_matcher(pattern)
    return np.array([matches(str(text)) is not None for text in X.ravel()], bool).reshape(X.shape)


def _normalized(facts: Facts) -> list[Type | None]:
    known = shapes.tensor(facts, 0)
    if known is None or known.shape is None:
        return [Tensor("string")]
    return [Tensor("string", (1, None) if len(known.shape) == 2 else (None,))]


def _counted(facts: Facts) -> list[Type | None]:
    known = shapes.tensor(facts, 0)
    indexes = facts.raw.get("ngram_indexes")
    width = int(np.max(indexes)) + 1 if indexes is not None and len(indexes) else None
    if known is None or known.shape is None:
        return [Tensor("float")]
    return [Tensor("float", (*known.shape[:-1], width))]


def _split(facts: Facts) -> list[Type | None]:
    known = shapes.tensor(facts, 0)
    shape = None if known is None else known.shape
    return [Tensor("string", None if shape is None else (*shape, None)), Tensor("int64", shape)]


def _matched(facts: Facts) -> list[Type | None]:
    known = shapes.tensor(facts, 0)
    return [Tensor("bool", None if known is None else known.shape)]


OPS: tuple[Op, ...] = (
    Op("RegexFullMatch", 20, RegexFullMatch, _matched),
    Op("StringConcat", 20, StringConcat, shapes.broadcast),
    Op("StringNormalizer", 10, StringNormalizer, _normalized),
    Op("StringSplit", 20, StringSplit, _split),
    Op("TfIdfVectorizer", 9, TfIdfVectorizer, _counted),
)

"""Text operators of com.microsoft: cutting strings into tokens, and hashing."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.regex import longest_matcher
from celeris.ops.table import Facts, Op

MICROSOFT = "com.microsoft"
_START, _END = "\x02", "\x03"


def Tokenizer(
    X: np.ndarray,
    *,
    mark: int,
    mincharnum: int,
    pad_value: str,
    separators: Seq[str] | None = None,
    tokenexp: str | None = None,
) -> np.ndarray:
    """The tokens of each string: X [C] or [N,C] -> Y [...,D], D the most tokens, short rows filled with pad_value.

    A token is what lies between separators or, without them, what `tokenexp` matches (leftmost, longest). Where there
    is no token at all, D is 0, marks or not. Source: com.microsoft Tokenizer-1.
    """
    if X.ndim not in (1, 2):
        raise ValueError(f"Tokenizer: expected X of shape [C] or [N,C], got {list(X.shape)}")
    if not X.size:
        return np.empty((*X.shape[: X.ndim - 1], 0), object)
    cut = _cutter(separators or [], tokenexp, mincharnum)
    rows = [cut(str(text)) for text in X.reshape(-1)]
    most = max(map(len, rows))
    if mark and most:
        rows = [[_START, *row, _END] for row in rows]
        most += 2
    out = np.full((len(rows), most), pad_value, object)
    for row, tokens in zip(out, rows, strict=True):
        row[: len(tokens)] = tokens
    return out.reshape(*X.shape, most)


def _cutter(separators: Seq[str], tokenexp: str | None, least: int) -> Callable[[str], list[str]]:
    if _by_character(separators, tokenexp):
        return list
    if not separators:
        search = longest_matcher(tokenexp or "")
        return lambda text: [text[a:b] for a, b in _matches(search, text) if b - a >= least]
    searches = [longest_matcher(separator) for separator in separators]

    def split(text: str) -> list[str]:
        pieces = [text]
        for search in searches:
            pieces = [part for piece in pieces for part in _between(search, piece) if len(part) >= least]
        return pieces

    return split


def _by_character(separators: Seq[str], tokenexp: str | None) -> bool:
    return list(separators) == [""] or (not separators and tokenexp == ".")


def _tokenizer_fault(facts: Facts) -> str | None:
    least, tokenexp = int(facts.attributes["mincharnum"]), facts.attributes.get("tokenexp")
    separators = facts.attributes.get("separators") or []
    if least < 1:
        return f"Tokenizer: expected mincharnum of at least 1, got {least}"
    if not separators and not tokenexp:
        return "Tokenizer: expected separators or tokenexp, got neither"
    if least > 1 and _by_character(separators, tokenexp):
        return f"Tokenizer: expected mincharnum 1 where each character is a token, got {least}"
    return None


def _matches(search: Callable[[str, int], tuple[int, int] | None], text: str) -> list[tuple[int, int]]:
    """The matches from left to right, where they begin and end; after an empty one, a character is passed over."""
    spans, start = [], 0
    while start <= len(text):
        span = search(text, start)
        if span is None:
            break
        spans.append(span)
        start = span[1] if span[1] > span[0] else span[1] + 1
    return spans


def _between(search: Callable[[str, int], tuple[int, int] | None], text: str) -> list[str]:
    parts, at = [], 0
    for begin, end in _matches(search, text):
        parts.append(text[at:begin])
        at = end if end > begin else end + 1
    return [*parts, text[at:]]


def MurmurHash3(X: np.ndarray, *, positive: int = 1, seed: int = 0) -> np.ndarray:
    """A hash of 32 bits of each element's bytes (UTF-8 for strings) -> Y as X, uint32, or int32 where not `positive`.

    Source: com.microsoft MurmurHash3-1; Austin Appleby's MurmurHash3_x86_32.
    """
    if X.dtype == object:
        texts = [str(text).encode() for text in X.reshape(-1)]
        sizes = np.array([len(text) for text in texts], np.int64)
        words = np.zeros((len(texts), int(sizes.max(initial=0)) // 4 + 1), "<u4")
        rows = words.view(np.uint8)
        for row, text in zip(rows, texts, strict=True):
            row[: len(text)] = np.frombuffer(text, np.uint8)
    else:
        flat = np.ascontiguousarray(X.reshape(-1, 1))
        sizes = np.full(X.size, X.itemsize, np.int64)
        words = np.zeros((X.size, X.itemsize // 4 + 1), "<u4")
        words[:, :-1] = flat.view("<u4")
    hashed = _hashed(words, sizes, seed).reshape(X.shape)
    return hashed if positive else hashed.view(np.int32)


def _hashed(words: np.ndarray, sizes: np.ndarray, seed: int) -> np.ndarray:
    """Words [N,W] of little-endian bytes, as many of them as sizes [N] says, 0 behind -> uint32 [N]."""
    h = np.full(len(words), seed & 0xFFFFFFFF, np.uint32)
    for at in range(words.shape[1]):
        k = words[:, at] * np.uint32(0xCC9E2D51)
        k = _rotated(k, 15) * np.uint32(0x1B873593)
        whole, part = sizes // 4 > at, (sizes // 4 == at) & (sizes % 4 > 0)
        mixed = h ^ k
        h = np.where(whole, _rotated(mixed, 13) * np.uint32(5) + np.uint32(0xE6546B64), np.where(part, mixed, h))
    h = h ^ sizes.astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    return np.asarray(h ^ (h >> np.uint32(16)))


def _rotated(x: np.ndarray, bits: int) -> np.ndarray:
    return (x << np.uint32(bits)) | (x >> np.uint32(32 - bits))


def _token_type(facts: Facts) -> list[Type | None]:
    shape = shapes.shape_of(facts, 0)
    if shape is None:
        return [Tensor("string")]
    if len(shape) not in (1, 2):
        raise ValueError("Tokenizer: Input dimensions are either [C] or [N][C] allowed")
    most: Dim = None
    return [Tensor("string", (*shape[:-1], 0) if 0 in shape else (*shape, most))]


def _hash_type(facts: Facts) -> list[Type | None]:
    return [Tensor("uint32" if facts.attributes.get("positive", 1) else "int32", shapes.shape_of(facts, 0))]


OPS: tuple[Op, ...] = (
    Op("MurmurHash3", 1, MurmurHash3, _hash_type, MICROSOFT),
    Op("Tokenizer", 1, Tokenizer, _token_type, MICROSOFT, verify=_tokenizer_fault),
)

"""The n-gram pool of TfIdfVectorizer, in the form it is searched in: sorted keys, one search a token for all rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence as Seq
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np


class NGrams:
    """The n-grams of a pool: `tokens` are places in `vocabulary`, whose tokens are distinct.

    `columns[i]` is the output column of the i-th n-gram, `width` the number of columns, `longest` is how many tokens
    the longest n-grams have.
    """

    def __init__(
        self, vocabulary: Seq[Any], tokens: np.ndarray, counts: Seq[int] | np.ndarray, columns: Seq[int] | np.ndarray
    ) -> None:
        self.columns = np.asarray(columns, np.int64)
        if len(self.columns) == 0 or self.columns.min() < 0:
            raise ValueError("TfIdfVectorizer: expected ngram_indexes of at least 0, got none or a negative one")
        self.width = int(self.columns.max()) + 1
        self.vocabulary = vocabulary
        self.longest = len(counts)
        self._grams: dict[int, tuple[np.ndarray, int]] = {}  # length -> tokens [grams, length], and the first's number
        self._levels: dict[int, tuple[list[np.ndarray], np.ndarray]] = {}  # of lengths that were looked for
        starts = [int(start) for start in counts] + [len(tokens)]
        first = 0
        for length, (start, end) in enumerate(pairwise(starts), 1):
            if not 0 <= start <= end <= len(tokens) or (end - start) % length:
                raise ValueError(f"TfIdfVectorizer: expected ngram_counts to cut the pool evenly, got {list(counts)}")
            grams = tokens[start:end].reshape(-1, length)
            self._grams[length] = grams, first
            first += len(grams)
        if first != len(self.columns):
            raise ValueError(f"TfIdfVectorizer: expected {first} ngram_indexes, got {len(self.columns)}")

    @cached_property
    def _ids(self) -> dict[Any, int]:
        return {token: at for at, token in enumerate(self.vocabulary)}

    def _level(self, length: int) -> tuple[list[np.ndarray], np.ndarray]:
        """For each position of an n-gram, the sorted keys (prefix * vocabulary + token); then which n-gram."""
        if length in self._levels:
            return self._levels[length]
        grams, first = self._grams.get(length, (np.zeros((0, length), np.int64), 0))
        prefix = np.zeros(len(grams), np.int64)
        keys: list[np.ndarray] = []
        for column in grams.T:
            distinct, prefix = np.unique(prefix * len(self.vocabulary) + column, return_inverse=True)
            keys.append(distinct)
        which = np.zeros(len(keys[-1]), np.int64)
        which[prefix] = np.arange(first, first + len(grams))
        self._levels[length] = keys, which
        return keys, which

    def scale(self, weights: Seq[float] | np.ndarray | None) -> np.ndarray:
        """The weight of each column, from one for each n-gram; 1 where there are none."""
        by_column = np.ones(self.width, np.float32)
        if weights is not None:
            if len(weights) != len(self.columns):
                raise ValueError(f"TfIdfVectorizer: expected {len(self.columns)} weights, got {len(weights)}")
            by_column[self.columns] = np.asarray(weights, np.float32)
        return by_column

    def token_ids(self, X: np.ndarray) -> np.ndarray:
        """X's tokens as positions in the vocabulary, -1 where the pool has none."""
        known = self._ids
        return np.array([known.get(token, -1) for token in X.ravel().tolist()], np.int64).reshape(X.shape)

    def find(self, tokens: np.ndarray, length: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The row and the n-gram of each match of `length` tokens that lie `step` apart."""
        keys, which = self._level(length)
        starts = tokens.shape[1] - (length - 1) * step
        if starts <= 0 or not len(which):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        rows = np.repeat(np.arange(len(tokens)), starts)
        at = np.tile(np.arange(starts), len(tokens))
        prefix = np.zeros(len(rows), np.int64)
        for position, level in enumerate(keys):
            token = tokens[rows, at + position * step]
            key = prefix * len(self.vocabulary) + token
            prefix = np.minimum(np.searchsorted(level, key), len(level) - 1)
            hit = (token >= 0) & (level[prefix] == key)
            rows, at, prefix = rows[hit], at[hit], prefix[hit]
        return rows, which[prefix]


# A pool is an attribute: the same object at each call. Held here, its id stays its own.
_RECENT: OrderedDict[tuple[int, int, int], tuple[tuple[Any, ...], NGrams]] = OrderedDict()
_KEPT = 16


def compiled(pool: Seq[Any], counts: Seq[int], columns: Seq[int]) -> NGrams:
    """The n-grams of a pool's tokens, remembered for the attributes used last."""
    key = (id(pool), id(counts), id(columns))
    found = _RECENT.get(key)
    if found is not None:
        return found[1]
    ids: dict[Any, int] = {}
    tokens = np.array([ids.setdefault(token, len(ids)) for token in pool], np.int64)
    ngrams = NGrams(list(ids), tokens, counts, columns)
    _RECENT[key] = ((pool, counts, columns), ngrams)
    while len(_RECENT) > _KEPT:
        _RECENT.popitem(last=False)
    return ngrams

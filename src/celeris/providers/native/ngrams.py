"""Claims of TfIdfVectorizer: on columns of tokens, and on texts, together with the nodes that cut them into tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from celeris.graph import edit
from celeris.graph.attributes import python_value
from celeris.graph.graph import Graph, Node
from celeris.graph.strings import Strings
from celeris.ops.ngrams import NGrams
from celeris.ops.regex import compiled
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows
from celeris.providers.native.linear import text
from celeris.records import Record

_ESCAPE = r"\\[wdsWDSfnrtv]|\\[^\w\s]"
_CLASS = rf"(?:\[\^?(?:{_ESCAPE}|[^\\\[\]])+\]|{_ESCAPE}|[^\\\[\](){{}}*+?|^$])"  # one character
_RUN = re.compile(rf"(\\b)?(?P<first>{_CLASS})(?P<more>(?:(?P=first))*)(?:\+|\{{(?P<least>\d{{1,9}}),\}})(?(1)\\b)")


def _values(node: Node) -> dict[str, Any]:
    return {name: python_value(attribute) for name, attribute in node.attributes.items()}


class Cut(NamedTuple):
    """How texts become tokens: runs of the characters that are members, or each character by itself."""

    way: str
    members: np.ndarray  # of ASCII, bool
    beyond: bool  # whether all characters beyond ASCII are members
    shortest: int  # characters of a run that is a token
    spoilers: np.ndarray = np.zeros(128, bool)  # of ASCII: a run with one of them is no token


def cut_of(separators: Sequence[str], tokenexp: str | None, least: int) -> Cut | None:
    """Tokenizer's attributes as one set of characters, or None where they say more."""
    if list(separators) == [""] or (not separators and tokenexp == "."):
        return Cut("characters", np.ones(128, bool), True, 1)
    if separators:
        sets = [
            _members(each.removesuffix("+")) if re.fullmatch(rf"{_CLASS}\+?", each) else None for each in separators
        ]
        known = [each for each in sets if each is not None]
        if len(known) < len(sets):
            return None
        # What is cut off at one separator and too short stays too short at the next: their order does not matter.
        members = ~np.any([inside for inside, _ in known], axis=0)
        return Cut("runs", members, not any(beyond for _, beyond in known), least)
    run = _RUN.fullmatch(tokenexp or "")
    found = None if run is None else _members(run["first"])
    if run is None or found is None:
        return None
    (members, beyond), spoilers = found, np.zeros(128, bool)
    if run[1]:  # whole words, all of whose characters are of the class
        if (members & ~_words()).any() or beyond:
            return None  # runs of other characters than a word's end elsewhere, too
        members, spoilers = _words(), _words() & ~members
    repeats = len(run["more"]) // len(run["first"]) + int(run["least"] or 1)
    return Cut("runs", members, beyond, max(least, repeats), spoilers) if run["least"] != "0" else None


@lru_cache(64)
def _members(pattern: str) -> tuple[np.ndarray, bool] | None:
    """Which characters one class matches: of ASCII, and whether all others. None where some of these only may."""
    try:
        matches = compiled(pattern).fullmatch
    except ValueError:
        return None
    if not pattern.isascii():
        return None
    return np.array([matches(chr(code)) is not None for code in range(128)]), matches("é") is not None


@cache
def _words() -> np.ndarray:
    return np.array([chr(code).isalnum() or chr(code) == "_" for code in range(128)])


@cache
def _lower_cases() -> tuple[np.ndarray, np.ndarray]:
    """Characters beyond ASCII that have a lower case, and that; -1 where it depends on neighbours (capital sigma)."""
    sigma, dotted = 0x3A3, 0x130
    codes = np.array([c for c in range(128, 0x20000) if c not in (sigma, dotted) and not 0xD800 <= c < 0xE000], "<u4")
    lower = np.frombuffer(codes.tobytes().decode("utf-32-le").lower().encode("utf-32-le"), "<u4")
    changed = lower != codes
    upper = np.append(codes[changed], sigma).astype(np.int32)
    order = np.argsort(upper)
    return upper[order], np.append(lower[changed].astype(np.int32), -1)[order].astype(np.int32)


def claim_vectorizer(node: Node, context: Context) -> Claim | Refusal:
    """Counts of the n-grams of tokens that stand in columns."""
    rows = context.rows(node.inputs[0])
    if rows is None or rows.element not in ("string", "int64") or len(rows.tail) != 1 or not rows.width:
        return Refusal("expected rows of tokens")
    return _counted(node, node.inputs[0], rows, {"cut": "columns"}, None)


class Chain(Record):
    """A TfIdfVectorizer and the nodes before it that no other reads, by place: texts become counts."""

    graph: Graph
    normalizer: int | None
    tokenizer: int
    flatten: int
    vectorizer: int

    @property
    def members(self) -> list[int]:
        """In order."""
        return [at for at in (self.normalizer, self.tokenizer, self.flatten, self.vectorizer) if at is not None]

    def claim(self, context: Context) -> dict[int, Claim] | Refusal:
        """One kernel for all of them, claimed by the last: what lies between has no register."""
        nodes = [self.graph.nodes[at] for at in self.members]
        source = nodes[0].inputs[0]
        rows = context.rows(source)
        if rows is None or rows.element != "string" or rows.axis or rows.tail not in ((), (1,)):
            return Refusal("expected rows of one text")
        if rows.tail and self.normalizer is not None:
            return Refusal("expected texts of one dimension")
        lower = False
        if self.normalizer is not None:
            normalizer = _values(self.graph.nodes[self.normalizer])
            case = normalizer.get("case_change_action", "NONE")
            if normalizer.get("stopwords") or case not in ("NONE", "LOWER"):
                return Refusal("no kernel for stop words and upper case")
            lower = case == "LOWER"
        tokenizer = _values(self.graph.nodes[self.tokenizer])
        cut = cut_of(tokenizer.get("separators") or [], tokenizer.get("tokenexp"), tokenizer["mincharnum"])
        if cut is None or tokenizer["mark"]:
            return Refusal("no kernel for marks, and for tokens that are not runs of one class of characters")
        upper_case, lower_case = _lower_cases() if lower and cut.beyond else (np.zeros(0, np.int32),) * 2
        params = {
            "cut": cut.way, "lower": int(lower), "members": cut.members.astype(np.uint8), "beyond": int(cut.beyond),
            "spoilers": cut.spoilers.astype(np.uint8), "shortest": cut.shortest,
            "upper_case": upper_case, "lower_case": lower_case,
        }  # fmt: skip
        counted = _counted(nodes[-1], source, rows, params, tokenizer["pad_value"])
        if isinstance(counted, Refusal):
            return counted
        counted.note = "one kernel from texts to counts"
        passed = {at: Claim([], {self.graph.nodes[at].outputs[0]: rows}) for at in self.members[:-1]}
        return {**passed, self.vectorizer: counted}


def chains(graph: Graph) -> list[Chain]:
    """[StringNormalizer ->] Tokenizer -> Flatten -> TfIdfVectorizer."""
    makers = {name: at for at, node in enumerate(graph.nodes) for name in node.outputs if name}
    users = edit.users(graph)

    def before(at: int, domain: str, op_type: str) -> int | None:
        name = graph.nodes[at].inputs[0]
        found = makers.get(name)
        if found is None or len(users.get(name, ())) != 1 or name in graph.outputs:
            return None
        return found if (graph.nodes[found].domain, graph.nodes[found].op_type) == (domain, op_type) else None

    result = []
    for at, node in enumerate(graph.nodes):
        if node.domain or node.op_type != "TfIdfVectorizer":
            continue
        flatten = before(at, "", "Flatten")
        if flatten is None or graph.nodes[flatten].attr("axis", 1) != 1:
            continue  # without it no texts would have no tokens of one dimension
        tokenizer = before(flatten, "com.microsoft", "Tokenizer")
        if tokenizer is not None:
            result.append(Chain(graph, before(tokenizer, "", "StringNormalizer"), tokenizer, flatten, at))
    return result


def _distinct(pool: Any, element: str) -> tuple[list[Any], np.ndarray]:
    """A pool's distinct tokens, and for each token its own's place among them."""
    if element == "string":
        strings = Strings.of(pool)
        return strings.texts(), strings.codes()[1].astype(np.int64)
    ids: dict[int, int] = {}
    tokens = np.array([ids.setdefault(token, len(ids)) for token in np.asarray(pool).tolist()], np.int64)
    return list(ids), tokens


def _counted(node: Node, source: str, rows: Rows, params: dict[str, Any], padding: str | None) -> Claim | Refusal:
    """The kernel of TfIdfVectorizer's pool, on rows of `source`, which are short of `padding` tokens."""
    pool = node.attr("pool_strings" if rows.element == "string" else "pool_int64s", ())
    mode, counts = text(node, "mode", ""), node.attr("ngram_counts")
    if not len(pool) or mode not in ("TF", "IDF", "TFIDF"):
        return Refusal("expected a pool of the rows' type")
    keys, tokens = _distinct(pool, rows.element)
    if padding in keys:
        return Refusal("its pool holds the token that fills rows, so that they depend on one another")
    try:
        ngrams = NGrams(keys, tokens, counts, node.attr("ngram_indexes"))
        scale = None if mode == "TF" else ngrams.scale(node.attr("weights"))
        if rows.element == "string":
            "".join(keys).encode()
    except ValueError as error:
        return Refusal(str(error))
    least, longest = int(node.attr("min_gram_length")), min(int(node.attr("max_gram_length")), ngrams.longest)
    steps = int(node.attr("max_skip_count")) + 1
    if not 1 <= least <= longest or not 1 <= steps <= 64 or longest > 16:
        return Refusal("no kernel for grams of such lengths and skips")
    if scale is not None and not np.isfinite(scale).all():
        return Refusal("expected finite weights")
    params |= {
        "keys": keys if rows.element == "string" else np.array(keys, np.int64),
        "pool": tokens,
        "starts": np.array(counts, np.int64),
        "columns": ngrams.columns,
        "width": ngrams.width,
        "least": least,
        "longest": longest,
        "steps": steps,
        "presence": int(mode == "IDF"),
        "scale": scale,
    }
    out = node.outputs[0]
    return Claim([KernelCall("ngrams", params, [source], [out])], {out: Rows("float", (ngrams.width,))})

"""RE2's regular expressions by Python's: what differs is translated, what cannot be is refused.

Source: https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t-\r ",
    "upper": "A-Z", "word": r"0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_ESCAPES = {"A": r"\A", "z": r"\Z", "a": r"\x07", "v": r"\x0b", "s": r"[\t\n\f\r ]", "S": r"[\S\x0b]"}
_ESCAPES_IN_BRACKETS = {**_ESCAPES, "s": r"\t\n\f\r ", "S": r"\S\x0b"}  # to RE2 a vertical tab is no space
_REFUSED = re.compile(r"\(\?(?:<?[=!]|\(|P=|>|#)")


def full_matcher(pattern: str) -> Callable[[str], object]:
    """A function that tells whether a whole string matches; ValueError where Python cannot say `pattern`."""
    return compiled(pattern).fullmatch


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """RE2's `pattern` as one of Python's; ValueError where Python cannot say it."""
    try:
        return re.compile(_translated(pattern), re.ASCII)
    except re.error as error:
        raise ValueError(f"regular expression: expected an RE2 pattern, got {pattern!r} ({error})") from error


def longest_matcher(pattern: str) -> Callable[[str, int], tuple[int, int] | None]:
    """A search from a position on: where the leftmost match starts, and where the longest of those ends.

    Python takes the first alternative, not the longest. Where a pattern has neither groups nor lazy repeats, its greedy
    match is the longest.
    """
    found = compiled(pattern)
    plain = not re.search(r"[(|]|[*+?}]\?", pattern)

    def search(text: str, start: int) -> tuple[int, int] | None:
        match = found.search(text, start)
        if match is None:
            return None
        begin, end = match.span()
        if not plain:
            end = next((e for e in range(len(text), end, -1) if found.fullmatch(text, begin, e)), end)
        return begin, end

    return search


def _translated(pattern: str) -> str:
    pieces: list[str] = []
    at, multiline = 0, "(?m" in pattern
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            piece, at = _escape(pattern, at)
        elif char == "[":
            piece, at = _bracket(pattern, at)
        elif char == "(" and _REFUSED.match(pattern, at):
            raise ValueError(f"regular expression: expected RE2 syntax, got {pattern[at : at + 3]!r} in {pattern!r}")
        elif char == "(":
            piece, at = _group(pattern, at)
        elif char == "$" and not multiline:
            piece, at = r"\Z", at + 1  # RE2's $ does not match before a last newline
        elif char in "*+?}" and pattern[at + 1 : at + 2] == "+":
            raise ValueError(f"regular expression: expected RE2 syntax, got a possessive repeat in {pattern!r}")
        else:
            piece, at = char, at + 1
        pieces.append(piece)
    return _flags_wrapped(pieces)


def _flags_wrapped(pieces: list[str]) -> str:
    """RE2 lets (?i) stand anywhere and lasts to the end of its group; Python writes (?i:...), each alternative anew."""
    result: list[str] = []
    flags: list[list[str]] = [[]]  # of the group that is open, and of those around it
    for piece in pieces:
        if piece.startswith("(?") and piece.endswith(")"):
            flags[-1].append(piece[:-1] + ":")
            piece = flags[-1][-1]
        elif piece == ")" and len(flags) > 1:
            piece = ")" * (1 + len(flags.pop()))
        elif piece == "|":
            piece = ")" * len(flags[-1]) + "|" + "".join(flags[-1])
        elif piece.startswith("("):
            flags.append([])
        result.append(piece)
    return "".join(result) + ")" * len(flags[0])


def _escape(pattern: str, at: int, escapes: dict[str, str] = _ESCAPES) -> tuple[str, int]:
    following = pattern[at + 1 : at + 2]
    if following == "Q":
        end = pattern.find(r"\E", at + 2)
        end = len(pattern) if end < 0 else end
        return re.escape(pattern[at + 2 : end]), end + 2
    if following and following in "pPCXZ123456789":
        raise ValueError(
            f"regular expression: expected syntax that Python's re has too, got \\{following} in {pattern!r}"
        )
    if following == "x" and pattern[at + 2 : at + 3] == "{":
        end = pattern.find("}", at)
        return re.escape(chr(int(pattern[at + 3 : end], 16))), end + 1
    return escapes.get(following, pattern[at : at + 2]), at + 2


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    result, at = "[", at + 1
    if pattern[at : at + 1] == "^":
        result, at = "[^", at + 1
    first = True
    while at < len(pattern) and (first or pattern[at] != "]"):
        named = re.compile(r"\[:(\^?)(\w+):\]").match(pattern, at)
        if named:
            if named[1] or named[2] not in _POSIX:
                raise ValueError(f"regular expression: expected a POSIX class, got {named[0]} in {pattern!r}")
            result, at = result + _POSIX[named[2]], named.end()
        elif pattern[at] == "\\":
            piece, at = _escape(pattern, at, _ESCAPES_IN_BRACKETS)
            result += piece
        else:
            result += "\\" + pattern[at] if pattern[at] in "[]&~|" else pattern[at]
            at += 1
        first = False
    return result + "]", at + 1


def _group(pattern: str, at: int) -> tuple[str, int]:
    opening = re.compile(r"\(\?(?:P?<\w+>|[a-zA-Z-]*[:)])|\(").match(pattern, at)
    piece = "(" if opening is None else opening[0]
    if re.match(r"\(\?[a-zA-Z-]*U", piece):
        raise ValueError(f"regular expression: expected flags that Python's re has too, got {piece} in {pattern!r}")
    if piece.startswith("(?<"):
        return "(?P<" + piece[3:], at + len(piece)
    return piece, at + len(piece)

"""The facts of operators, every version: arity, parameters, type constraints, attributes. Data: schemas.txt.

Those of ONNX are as the onnx package has them, those of com.microsoft as onnxruntime has them.

The file has a block per operator, `@domain:name` and a line per version, and after them the sets of types:

    since[-]|inputs min,max,outputs min,max|name:type ...|name:type ...|constraint=set ...|attribute=KIND[!] ...

`-` deprecated; `?` after a type: optional; `*n`: variadic, at least n; `%n`: the same, of mixed types; `!` required.
Only the lines of operators that are asked for are ever parsed.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache

from celeris.ops.table import DOMAIN_ALIASES
from celeris.records import Record

NEWEST = {"": 28, "ai.onnx.ml": 5, "com.microsoft": 1}  # the newest opset of each domain that the file describes
MANY = 2**31 - 1  # no upper limit


class Parameter(Record):
    """A formal input or output."""

    name: str
    type: str  # a constraint's name, or a type
    optional: bool
    variadic: bool
    homogeneous: bool
    permitted: frozenset[str]


class Schema(Record):
    """One version of an operator."""

    domain: str
    name: str
    since: int
    deprecated: bool
    arity: tuple[int, int, int, int]  # inputs min, max, outputs min, max
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    attributes: dict[str, str]  # name -> kind
    required: tuple[str, ...]


@cache
def _text() -> str:
    with open(os.path.join(os.path.dirname(__file__), "schemas.txt"), encoding="utf-8") as file:
        return file.read()


@cache
def _lines_of_sets() -> dict[str, str]:
    text = _text()
    lines = text[text.rindex("\n@\n") + 3 :].split("\n")
    return {number: types for number, _, types in [line[1:].partition(" ") for line in lines]}


@cache
def _set(number: str) -> frozenset[str]:
    return frozenset(_lines_of_sets()[number].split(" "))


def _parameter(word: str, constraints: dict[str, str]) -> Parameter:
    name, _, kind = word.partition(":")
    optional, variadic, homogeneous = kind.endswith("?"), False, True
    if optional:
        kind = kind[:-1]
    elif not kind.endswith(")") and ("*" in kind or "%" in kind):
        homogeneous = "*" in kind
        kind, variadic = kind.partition("*" if homogeneous else "%")[0], True
    permitted = _set(constraints[kind]) if kind in constraints else frozenset((kind,))
    return Parameter(name, kind, optional, variadic, homogeneous, permitted)


def _parse(domain: str, name: str, line: str) -> Schema:
    since, arity, inputs, outputs, types, attributes = line.split("|")
    constraints = dict(word.split("=") for word in types.split())
    limits = [int(number) if number else MANY for number in arity.split(",")]
    kinds = dict(word.split("=") for word in attributes.split())
    return Schema(
        domain,
        name,
        int(since.rstrip("-")),
        since.endswith("-"),
        (limits[0], limits[1], limits[2], limits[3]),
        tuple(_parameter(word, constraints) for word in inputs.split()),
        tuple(_parameter(word, constraints) for word in outputs.split()),
        {key: kind.rstrip("!") for key, kind in kinds.items()},
        tuple(key for key, kind in kinds.items() if kind.endswith("!")),
    )


@cache
def _block(domain: str, name: str) -> tuple[list[int], list[str]]:
    """The versions of an operator, and their lines."""
    text = _text()
    head = f"\n@{domain}:{name}\n"
    at = text.find(head)
    if at < 0:
        return [], []
    start = at + len(head)
    lines = text[start : text.index("\n@", start)].split("\n")
    return [int(line[: line.index("|")].rstrip("-")) for line in lines], lines


@cache
def _version(domain: str, name: str, at: int) -> Schema:
    return _parse(domain, name, _block(domain, name)[1][at])


@lru_cache(1 << 12)
def schema_of(domain: str, name: str, opset: int) -> Schema | None:
    """The operator as ONNX defines it at `opset` (which may be as deprecated), or None where it does not."""
    domain = DOMAIN_ALIASES.get(domain, domain)
    at = sum(since <= opset for since in _block(domain, name)[0])
    return _version(domain, name, at - 1) if at else None


def all_schemas() -> list[Schema]:
    """Every version of every operator."""
    blocks = _text().partition("\n@\n")[0].split("\n@")[1:]
    keys = [block.partition("\n")[0].rpartition(":") for block in blocks]
    return [_version(domain, name, at) for domain, _, name in keys for at in range(len(_block(domain, name)[0]))]

"""The table of families says what the files define, and every operator has what its users need."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from celeris import ops

_ROWS = [(domain, family, names) for domain, rows in ops.FAMILIES.items() for family, names in rows.items()]


@pytest.mark.parametrize(("domain", "family", "names"), _ROWS, ids=[row[1] for row in _ROWS])
def test_a_row_names_what_its_file_defines(domain: str, family: str, names: str) -> None:
    defined = import_module(f"celeris.ops.{family}").OPS
    assert names.split() == sorted({op.name for op in defined})
    assert {op.domain for op in defined} == {domain}


def test_no_operator_has_two_homes() -> None:
    names = [(domain, name) for domain, _, row in _ROWS for name in row.split()]
    assert len(names) == len(set(names))


def test_every_file_of_operators_has_a_row() -> None:
    folder = Path(ops.__file__).parent
    with_ops = {path.stem for path in folder.glob("*.py") if "\nOPS: " in path.read_text(encoding="utf-8")}
    assert with_ops == {family for _, family, _ in _ROWS}


@pytest.mark.parametrize("family", [row[1] for row in _ROWS])
def test_every_operator_is_described_and_inferred(family: str) -> None:
    for op in import_module(f"celeris.ops.{family}").OPS:
        assert op.function.__doc__, f"{op.name} has no docstring"
        assert "Source: " in op.function.__doc__, f"{op.name} names no source"
        assert op.infer is not None, f"{op.name} has no rule for types"


def test_find_takes_the_newest_definition_up_to_the_opset() -> None:
    found = {opset: ops.find("", "Softmax", opset) for opset in (1, 12, 13, 99)}
    assert [op and op.since for op in found.values()] == [1, 1, 13, 13]
    assert ops.find("", "Gelu", 19) is None
    assert ops.find("ai.onnx", "Gelu", 20) is ops.find("", "Gelu", 20)
    assert ops.find("", "NoSuch", 20) is None

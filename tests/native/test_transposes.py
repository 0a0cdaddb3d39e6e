"""Rows into a block's columns and back, at every width around a register's, for every size of element."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.plan.compile import compile_model
from tests.native.tables import assert_close, check, model, node

RNG = np.random.default_rng(0)
ROWS = (*range(2, 34), 63, 64, 65, 529)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6, 7, 8, 9, 17])
@pytest.mark.parametrize("kind", ["float32", "float64", "bool", "object"])
def test_rows_come_and_go(width: int, kind: str) -> None:
    """Columns in reverse: a plan that moves each value, and does nothing to it."""
    x = RNG.integers(0, 1000, (max(ROWS), width + 2))
    values = (x % 2 == 0) if kind == "bool" else x.astype(str).astype(object) if kind == "object" else x.astype(kind)
    inner = values[:, 1 : width + 1]  # rows that lie apart
    back = np.arange(width - 1, -1, -1)
    made = model([node("Gather", ["x", "i"], ["y"], axis=1)], {"x": inner}, {"i": back}, ["y"])
    check(made, {"x": inner}, expected=lambda fed: [fed["x"][:, ::-1]], rows=ROWS)
    program = compile_model(made)
    for rows in ROWS:
        assert_close(program.execute({"x": inner[:rows]})[0], inner[:rows, ::-1], 0)

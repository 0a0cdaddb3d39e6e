"""Client libraries answer on Celeris what they answer on onnxruntime."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from tests.clients.scenarios import SCENARIOS

pytestmark = pytest.mark.clients
_TOLERANCE = 1e-3  # scores went through dozens of float32 layers, and some clients round to two digits


def _run(engine: str, client: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.clients.run_client", engine, client], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{client} on {engine}:\n{done.stderr[-4000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def _differences(ours: Any, theirs: Any, where: str = "answer") -> list[str]:
    """Places where two JSON values differ; floats may by the tolerance."""
    if type(ours) is not type(theirs):
        return [f"{where}: {ours!r}, not {theirs!r}"]
    if isinstance(ours, dict):
        if ours.keys() != theirs.keys():
            return [f"{where}: keys {list(ours)}, not {list(theirs)}"]
        return [line for key in ours for line in _differences(ours[key], theirs[key], f"{where}.{key}")]
    if isinstance(ours, list):
        if len(ours) != len(theirs):
            return [f"{where}: {len(ours)} items, not {len(theirs)}"]
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for i, (a, b) in pairs for line in _differences(a, b, f"{where}[{i}]")]
    near = abs(ours - theirs) <= _TOLERANCE * max(1, abs(theirs)) if isinstance(ours, float) else ours == theirs
    return [] if near else [f"{where}: {ours!r}, not {theirs!r}"]


@pytest.mark.parametrize("client", SCENARIOS)
def test_a_client_answers_as_on_onnxruntime(client: str) -> None:
    if find_spec(client) is None:
        pytest.skip(f"{client} is not installed: pip install '.[clients]'")
    ours, theirs = _run("celeris", client), _run("onnxruntime", client)
    assert (ours["engine"], theirs["engine"]) == ("celeris", "onnxruntime")
    assert not _differences(ours["answer"], theirs["answer"])


def test_a_difference_is_seen() -> None:
    assert _differences([1.0, {"a": "x"}], [1.0 + 1e-6, {"a": "x"}]) == []
    assert _differences([1.0, {"a": "x"}], [1.01, {"a": "y"}]) == [
        "answer[0]: 1.0, not 1.01",
        "answer[1].a: 'x', not 'y'",
    ]
    assert _differences([1], [1, 2]) == ["answer: 1 items, not 2"]
    assert _differences({"a": 1}, {"b": 1}) == ["answer: keys ['a'], not ['b']"]
    assert _differences(1, 1.0) == ["answer: 1, not 1.0"]

"""ops/schemas.txt says what the onnx package says, and onnxruntime of what is its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from onnx import defs
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

from celeris.ops.schema import MANY, NEWEST, all_schemas, schema_of

_OPTION = defs.OpSchema.FormalParameterOption
_THEIRS = [schema for schema in defs.get_all_schemas_with_history() if schema.domain in NEWEST]
_ADDED = {("", "SimplifiedLayerNormalization", 1)}  # onnxruntime's, in ONNX's domain
_RUNTIMES = {
    (s.domain, s.name, s.since_version): s
    for s in get_all_operator_schema()
    if s.domain == "com.microsoft" or (s.domain, s.name, s.since_version) in _ADDED
}


@pytest.mark.parametrize("domain", NEWEST)
def test_all_are_there(domain: str) -> None:
    ours = {(s.domain, s.name, s.since) for s in all_schemas() if s.domain == domain}
    theirs = {(s.domain, s.name, s.since_version) for s in _THEIRS} | set(_RUNTIMES)
    assert ours == {key for key in theirs if key[0] == domain}


def test_onnxruntime_s_own_are_the_same() -> None:
    for (domain, name, since), theirs in _RUNTIMES.items():
        ours = schema_of(domain, name, since)
        assert ours is not None
        assert (ours.since, ours.deprecated) == (theirs.since_version, theirs.deprecated)
        assert ours.arity == (theirs.min_input, theirs.max_input, theirs.min_output, theirs.max_output)
        assert ours.attributes == {key: str(a.type).rpartition(".")[2] for key, a in theirs.attributes.items()}
        assert set(ours.required) == {key for key, a in theirs.attributes.items() if a.required}
        for mine, formal in zip((*ours.inputs, *ours.outputs), (*theirs.inputs, *theirs.outputs), strict=True):
            assert (mine.name, mine.homogeneous) == (formal.name, formal.isHomogeneous)
            assert mine.optional == (str(formal.option).endswith("Optional"))
            assert mine.permitted == set(formal.types)


def test_every_schema_is_the_same() -> None:
    for theirs in _THEIRS:
        ours = schema_of(theirs.domain, theirs.name, theirs.since_version)
        assert ours is not None
        assert (ours.since, ours.deprecated) == (theirs.since_version, theirs.deprecated)
        assert ours.arity == (theirs.min_input, theirs.max_input, theirs.min_output, theirs.max_output)
        assert ours.attributes == {name: str(a.type).rpartition(".")[2] for name, a in theirs.attributes.items()}
        assert set(ours.required) == {name for name, a in theirs.attributes.items() if a.required}
        for mine, formal in zip((*ours.inputs, *ours.outputs), (*theirs.inputs, *theirs.outputs), strict=True):
            assert (mine.name, mine.homogeneous) == (formal.name, formal.is_homogeneous)
            assert mine.optional == (formal.option == _OPTION.Optional)
            assert mine.variadic == (formal.option == _OPTION.Variadic)
            spelled = {each.replace("map(", "map<").replace(", ", ",") for each in formal.types}
            assert len(mine.permitted) == len(spelled)
            assert {each for each in spelled if "<" not in each} <= mine.permitted


def test_the_newest_up_to_an_opset_is_found() -> None:
    found = [schema_of("", "Add", opset) for opset in (0, 1, 6, 12, 13, 28)]
    assert [s and s.since for s in found] == [None, 1, 6, 7, 13, 14]
    assert schema_of("ai.onnx", "Add", 14) is schema_of("", "Add", 14)
    assert schema_of("", "NoSuchOp", 20) is None
    assert schema_of("my.domain", "Add", 20) is None
    loop = schema_of("", "Loop", 20)
    assert loop is not None
    assert loop.arity[1] == MANY


def test_maps_are_spelled_as_celeris_spells_them() -> None:
    zipmap = schema_of("ai.onnx.ml", "ZipMap", 3)
    assert zipmap is not None
    assert zipmap.outputs[0].permitted == {"seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))"}


def test_the_file_is_what_the_tool_writes(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    kept = root / "src/celeris/ops/schemas.txt"
    target = tmp_path / "schemas.txt"
    subprocess.run([sys.executable, root / "tools/make_schemas.py", target], check=True)
    assert target.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")

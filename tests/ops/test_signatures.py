"""Each operator's function has the signature of its ONNX schema, at every version that the onnx package defines.

Those that only onnxruntime has: test_contrib_signatures.py.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import onnx
import pytest

from celeris import ops

_DOMAINS = ("", "ai.onnx.ml", "ai.onnx.preview")
_SCHEMAS = sorted(
    (s for s in onnx.defs.get_all_schemas_with_history() if s.domain in _DOMAINS),
    key=lambda s: (s.domain, s.name, s.since_version),
)
_ONNXRUNTIMES = {"": ["SimplifiedLayerNormalization"]}
_Option = onnx.defs.OpSchema.FormalParameterOption
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _label(schema: Any) -> str:
    return f"{schema.domain}.{schema.name}-{schema.since_version}".lstrip(".")


_FOUND = [s for s in _SCHEMAS if ops.find(s.domain, s.name, s.since_version) is not None]


@pytest.mark.parametrize("domain", _DOMAINS)
def test_no_operator_is_missing(domain: str) -> None:
    assert [_label(s) for s in _SCHEMAS if s.domain == domain and s not in _FOUND] == []


@pytest.mark.parametrize("schema", _FOUND, ids=_label)
def test_inputs_are_positional_in_the_schema_s_order(schema: Any) -> None:
    op = _find(schema)
    given = [p for p in inspect.signature(op.function).parameters.values() if p.kind != p.KEYWORD_ONLY]
    assert [p.name for p in given] == [i.name for i in schema.inputs]
    for parameter, formal in zip(given, schema.inputs, strict=True):
        if formal.option == _Option.Variadic:
            assert parameter.kind == parameter.VAR_POSITIONAL, formal.name
            continue
        assert parameter.kind in _POSITIONAL, formal.name
        optional = formal.option == _Option.Optional
        assert parameter.default is (None if optional else parameter.empty), formal.name


@pytest.mark.parametrize("schema", _FOUND, ids=_label)
def test_attributes_are_keywords_with_the_schema_s_defaults(schema: Any) -> None:
    op = _find(schema)
    inputs = {i.name for i in schema.inputs}  # Split-1 has an input and an attribute of one name: one parameter
    given = {
        p.name: p.default
        for p in inspect.signature(op.function).parameters.values()
        if p.kind == p.KEYWORD_ONLY and not p.name.startswith("_")
    }
    assert sorted(given) == sorted(name for name in schema.attributes if name not in inputs)
    for name, default in given.items():
        attribute = schema.attributes[name]
        if attribute.required:
            assert default is inspect.Parameter.empty, f"{name} is required"
        elif not attribute.default_value.type:
            assert default is None, f"{name} has no default"
        else:
            assert _plain(default) == _plain(onnx.helper.get_attribute_value(attribute.default_value)), name


def _find(schema: Any) -> Any:
    op = ops.find(schema.domain, schema.name, schema.since_version)
    assert op is not None
    assert op.since <= schema.since_version
    assert op.deprecated == schema.deprecated
    return op


def _plain(value: Any) -> Any:
    """Values as a file holds them: bytes as text, floats as float32."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return float(np.float32(value)) if isinstance(value, float) else value


def test_nothing_is_defined_that_onnx_does_not_define() -> None:
    known = {(s.domain, s.name): s for s in _SCHEMAS}
    for domain, families in ops.FAMILIES.items():
        if domain in _DOMAINS:
            names = [name for row in families.values() for name in row.split()]
            assert [name for name in names if (domain, name) not in known] == _ONNXRUNTIMES.get(domain, [])

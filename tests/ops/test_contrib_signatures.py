"""Each operator that only onnxruntime has is a function of the signature of onnxruntime's schema."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import onnx
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

from celeris import ops

_SCHEMAS = {(s.domain, s.name): s for s in get_all_operator_schema() if s.since_version == 1}
_OURS = [("", "SimplifiedLayerNormalization")] + [
    ("com.microsoft", name) for names in ops.FAMILIES["com.microsoft"].values() for name in names.split()
]


def _parameters(key: tuple[str, str]) -> list[inspect.Parameter]:
    op = ops.find(*key, 1)
    assert op is not None
    return list(inspect.signature(op.function).parameters.values())


@pytest.mark.parametrize("key", _OURS, ids=[name for _, name in _OURS])
def test_inputs_are_positional_in_the_schema_s_order(key: tuple[str, str]) -> None:
    given = [p for p in _parameters(key) if p.kind != p.KEYWORD_ONLY]
    schema = _SCHEMAS[key]
    assert [p.name for p in given] == [i.name for i in schema.inputs]
    for place, (parameter, formal) in enumerate(zip(given, schema.inputs, strict=True)):
        if str(formal.option).endswith("Variadic"):
            assert parameter.kind == parameter.VAR_POSITIONAL
        elif str(formal.option).endswith("Single"):
            assert parameter.default is parameter.empty, formal.name
        else:  # one that may be missing before one that must be there has no default
            behind = any(str(i.option).endswith("Single") for i in schema.inputs[place:])
            assert parameter.default is (parameter.empty if behind else None), formal.name


@pytest.mark.parametrize("key", _OURS, ids=[name for _, name in _OURS])
def test_attributes_are_keywords_with_the_schema_s_defaults(key: tuple[str, str]) -> None:
    given = {p.name: p.default for p in _parameters(key) if p.kind == p.KEYWORD_ONLY and not p.name.startswith("_")}
    schema = _SCHEMAS[key]
    if key[1] == "SimplifiedLayerNormalization":  # its schema has no defaults; its kernel has these
        assert given == {"axis": -1, "epsilon": 1e-5, "stash_type": 1}
        return
    assert sorted(given) == sorted(schema.attributes)
    for name, default in given.items():
        attribute = schema.attributes[name]
        known = onnx.AttributeProto.FromString(attribute._default_value)
        if attribute.required:
            assert default is inspect.Parameter.empty, f"{name} is required"
        elif not known.type:
            assert default is None, f"{name} has no default"
        else:
            assert _plain(default) == _plain(onnx.helper.get_attribute_value(known)), name


def _plain(value: Any) -> Any:
    """Values as a file holds them: bytes as text, floats as float32."""
    if isinstance(value, bytes):
        return value.decode()
    return float(np.float32(value)) if isinstance(value, float) else value

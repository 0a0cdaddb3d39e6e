"""Each rule of lint: a model that it finds, and one that it must not find."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, load_from_string, numpy_helper

from celeris.validation import lint
from tests.explain.ensembles import regressor


def _rules(file: bytes) -> dict[str, str]:
    return {finding.rule: finding.severity for finding in lint(file)}


def _trees(**extra: Any) -> bytes:
    return regressor(np.random.default_rng(0), trees=3, depth=5, features=4, **extra)


def _model(
    nodes: list[Any], inputs: tuple[str, ...], opset: int = 18, ml: int = 3, constants: tuple[Any, ...] = ()
) -> bytes:
    x = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2]) for name in inputs]
    y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["N", 2])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", ml)]
    graph = helper.make_graph(nodes, "g", x, [y], list(constants))
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def test_a_sound_model_has_no_findings() -> None:
    assert lint(_trees()) == []


def test_missing_routes_that_are_all_zero() -> None:
    assert _rules(_trees(nodes_missing_value_tracks_true=[])) == {"missing-routes": "warning"}


def test_thresholds_that_were_rounded() -> None:
    model = load_from_string(_trees())
    for attribute in model.graph.node[0].attribute:
        if attribute.name == "nodes_values":
            attribute.floats[:] = np.random.default_rng(0).normal(size=len(attribute.floats)).tolist()
    assert _rules(model.SerializeToString()) == {"rounded-thresholds": "warning"}


def test_covers_that_do_not_add_up() -> None:
    assert _rules(_trees(nodes_hitrates=[])) == {"no-covers": "note"}


def test_inputs_and_constants_that_nobody_reads() -> None:
    node = helper.make_node("Relu", ["X"], ["Y"])
    constant = numpy_helper.from_array(np.zeros(3, np.float32), "c")
    found = _rules(_model([node], ("X", "Z"), constants=(constant,)))
    assert found == {"unused-input": "warning", "unused-constant": "note"}
    assert _rules(_model([node], ("X",))) == {}


def test_operators_that_are_not_there_or_given_up() -> None:
    strange = _model([helper.make_node("Frobnicate", ["X"], ["Y"], name="f")], ("X",))
    assert _rules(strange) == {"unknown-operator": "error"}
    assert "deprecated-operator" in _rules(_trees_of_opset_5())


def _trees_of_opset_5() -> bytes:
    model = load_from_string(_trees())
    for opset in model.opset_import:
        if opset.domain == "ai.onnx.ml":
            opset.version = 5
    return bytes(model.SerializeToString())


def test_the_gravest_come_first_and_read_as_a_line() -> None:
    node = helper.make_node("Frobnicate", ["X"], ["Y"], name="f")
    found = lint(_model([node], ("Z", "X")))
    assert [f.severity for f in found] == ["error", "warning"]
    expected = "error: Frobnicate 'f': ai.onnx 18 has no such operator; convert with an older target_opset"
    assert str(found[0]) == f"{expected} [unknown-operator]"

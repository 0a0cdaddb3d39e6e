"""Models with one fault each are refused as onnxruntime refuses them; a pair of faults, in its order."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper as h

import celeris
from celeris import ops
from celeris.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, NotImplemented
from celeris.graph.check import MAX_EXPANDED_NODES, GraphError, check
from celeris.ops.schema import NEWEST
from celeris.reader import read
from tests import peers
from tests.api_models import model, tensor
from tests.graph.faults import ATTRIBUTES, FAULTS, INNER, NEG, WIRING, X, Y, branching, edited, node, one, subgraph

# Refused by both with the same exception class; the words are not onnxruntime's.
WORDED = {
    "attribute without name": "the reader holds attributes by name: an empty one is an unknown one",
    "branch: types differ": "operators' rules word their own complaints",
    "branch: more outputs": "operators' rules word their own complaints",
    "function: input of nobody": "names the function, the node and the input",
    "function: output of nobody": "names the function and the output",
    "function: too many inputs": "onnxruntime's text is a C++ assertion",
    "function: too many outputs": "onnxruntime lists types of a set in no order",
    "function: types differ": "names the operator inside the function, not the function",
}
# Refused by both, as another exception class.
CLASSED = {
    "input without element type": "an element type of 0 is no type: Fail, as where the type is missing",
    "function: calls itself": "onnxruntime misses the import of the function's own domain first",
}
# Accepted by Celeris where that is safe.
LENIENT = {
    "attribute twice": "the last one counts",
}
BOTH_ACCEPT = {
    "ml not imported", "ai.onnx not imported", "reference outside a function", "input without name", "output twice",
    "initializer twice",
}  # fmt: skip


def _load(data: bytes) -> Any:
    return lambda module: module.InferenceSession(data, providers=["CPUExecutionProvider"])


def _refusal(module: Any, data: bytes) -> peers.Raised | None:
    answer = peers.answer(_load(data), module)[0]
    return answer if isinstance(answer, peers.Raised) else None


def _both_refuse(data: bytes, *, words: bool = True) -> None:
    """With one exception class, and in one text but for the C++ source location that onnxruntime puts before some."""
    theirs, ours = _refusal(onnxruntime, data), _refusal(celeris, data)
    assert theirs is not None, f"onnxruntime accepts it; Celeris: {ours}"
    assert ours is not None, f"Celeris accepts it; onnxruntime: {theirs}"
    assert ours.kind == theirs.kind, f"{ours} / {theirs}"
    if words:
        text = " ".join(ours.text.split(" : ", 3)[-1].split())
        assert len(text) > 8
        assert text in " ".join(theirs.text.split()), f"\nCeleris:     {ours}\nonnxruntime: {theirs}"


@pytest.mark.parametrize("name", sorted(set(FAULTS) - set(CLASSED) - set(LENIENT) - BOTH_ACCEPT))
def test_faults_are_refused_as_onnxruntime_does(name: str) -> None:
    _both_refuse(FAULTS[name], words=name not in WORDED)


@pytest.mark.parametrize("name", sorted(BOTH_ACCEPT))
def test_faults_that_onnxruntime_forgives_too(name: str) -> None:
    assert not isinstance(peers.same(_load(FAULTS[name])), peers.Raised)


@pytest.mark.parametrize("name", sorted(CLASSED))
def test_faults_refused_as_another_class(name: str) -> None:
    theirs, ours = _refusal(onnxruntime, FAULTS[name]), _refusal(celeris, FAULTS[name])
    assert theirs is not None
    assert ours is not None
    assert theirs.kind != ours.kind, "now of one class: take it off the list"


@pytest.mark.parametrize("name", sorted(set(LENIENT) & set(FAULTS)))
def test_faults_that_are_forgiven(name: str) -> None:
    assert _refusal(onnxruntime, FAULTS[name]) is not None, "onnxruntime accepts it now: take it off the list"
    assert _refusal(celeris, FAULTS[name]) is None


def test_unsorted_nodes_of_a_subgraph_are_sorted() -> None:
    data = branching(subgraph([node("Neg", "k", "b"), node("Abs", "x", "k")], [INNER]))
    assert _refusal(onnxruntime, data) is not None
    session = celeris.InferenceSession(data)
    found = session.run(None, {"c": np.array(True), "x": np.array([-1, 2, 0], np.float32)})[0]
    assert found.tolist() == [-1, -2, 0]


def test_faults_in_a_file_are_told_with_its_path(tmp_path: Any) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(ATTRIBUTES["unknown attribute"])
    peers.same(lambda module: module.InferenceSession(str(path), providers=["CPUExecutionProvider"]))


_PAIRS = {
    "node and wiring": model([node("Neg", "x", "t", foo=1), node("Neg", "q", "y")], [X], [Y]),
    "name and wiring": model([node("Neg", "q", "t", name="a"), node("Neg", "x", "y", name="a")], [X], [Y]),
    "cycle and operator": model([node("Add", "x u", "t"), node("Neg", "t", "u"), node("NoSuch", "t", "y")], [X], [Y]),
    "no type and operator": model([node("NoSuch", "x", "y")], [onnx.ValueInfoProto(name="x")], [Y]),
    "cycle and wiring": model([node("Add", "x y", "y"), node("Neg", "q", "z")], [X], [Y]),
    "cycle and names": model([node("Add", "x y", "y"), node("Neg", "x", "z"), node("Neg", "x", "z")], [X], [Y]),
    "input and output": model([node("Neg", "x", "z")], [X, X], [Y]),
    "two nodes": model([node("Neg", "x", "t", foo=1), node("NoSuch", "t", "y")], [X], [Y]),
    "types, then attribute": model(
        [node("And", "x x", "t"), node("Neg", "x", "y", foo=1)], [X], [Y]),
    "arity and attribute": one(node("Neg", "x x", "y", foo=1)),
    "unknown and required attribute": one(node("Cast", "x", "y", foo=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", _PAIRS)
def test_the_first_of_two_faults_is_onnxruntime_s(name: str) -> None:
    _both_refuse(_PAIRS[name])


@pytest.mark.parametrize("shape", [[2], [2, 3], ["N"]], ids=str)
def test_defaults_fit_their_inputs(shape: Any) -> None:
    value = onnx.numpy_helper.from_array(np.ones(3, np.float32), "w")
    peers.same(_load(one(node("Add", "x w", "y"), [X, tensor("w", T.FLOAT, shape)], initializer=[value])))


@pytest.mark.parametrize("domain", ["", "ai.onnx.ml"])
def test_every_opset_that_onnx_knows_is_accepted(domain: str) -> None:
    newest = max(s.since_version for s in onnx.defs.get_all_schemas_with_history() if s.domain == domain)
    assert NEWEST[domain] == newest
    for version in range(1, newest + 1):
        celeris.InferenceSession(model([], [X], [X], opsets={"": 17, domain: version}))
    with pytest.raises(Fail, match=rf"Opset {newest + 1} is under development .* is till opset {newest}\."):
        celeris.InferenceSession(model([], [X], [X], opsets={"": 17, domain: newest + 1}))


def test_ir_versions() -> None:
    for version in range(3, 15):
        celeris.InferenceSession(edited(NEG, lambda m, v=version: setattr(m, "ir_version", v)))
    with pytest.raises(Fail, match="Unsupported model IR version: 15, max supported IR version: 14"):
        celeris.InferenceSession(edited(NEG, lambda m: setattr(m, "ir_version", 15)))


def _tower(depth: int) -> bytes:
    """Functions that call the one below twice: 2^depth nodes."""
    imports = [h.make_opsetid("", 17), h.make_opsetid("f.d", 1)]
    functions = [h.make_function("f.d", "F0", ["a"], ["b"], [node("Neg", "a", "b")], imports[:1])]
    for at in range(1, depth):
        calls = [node(f"F{at - 1}", "a", "t", domain="f.d"), node(f"F{at - 1}", "t", "b", domain="f.d")]
        functions.append(h.make_function("f.d", f"F{at}", ["a"], ["b"], calls, imports))
    call = node(f"F{depth - 1}", "x", "y", domain="f.d")
    return one(call, functions=functions, opsets={"": 17, "f.d": 1})


def test_functions_may_not_stand_for_any_number_of_nodes() -> None:
    check(read(_tower(8)))
    with pytest.raises(GraphError, match=f"at most {MAX_EXPANDED_NODES} nodes after expansion"):
        check(read(_tower(40)))


@pytest.mark.parametrize("calls", ["F", "FG"])
def test_functions_do_not_call_themselves(calls: str) -> None:
    imports = [h.make_opsetid("", 17), h.make_opsetid("f.d", 1)]
    functions = [
        h.make_function("f.d", name, ["a"], ["b"], [node(after, "a", "b", domain="f.d")], imports)
        for name, after in zip(calls, calls[1:] + calls[0], strict=True)
    ]
    data = one(node("F", "x", "y", domain="f.d"), functions=functions, opsets={"": 17, "f.d": 1})
    _both_refuse(data, words=len(calls) == 1)  # where a longer cycle begins is chance there


def test_an_operator_without_function_is_not_implemented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of ONNX all have one; so none may ever raise this but one that is taken away."""
    with monkeypatch.context() as patched:
        patched.setattr(ops, "find", lambda *_: None)
        with pytest.raises(NotImplemented, match=r"Could not find an implementation for Neg\(13\) node with name ''"):
            celeris.InferenceSession(NEG)
    with pytest.raises(InvalidGraph):
        celeris.InferenceSession(FAULTS["unknown op"])


def test_every_fault_has_its_place() -> None:
    for listed in (WORDED, CLASSED, BOTH_ACCEPT):
        assert set(listed) <= set(FAULTS)
    assert set(WIRING) <= set(FAULTS)

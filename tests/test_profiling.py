"""Profiles, and runs on other threads with a callback."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import celeris
from celeris.graph.graph import Node
from celeris.plan.plan import PipelineStep
from celeris.profiling import by_node
from tests import api_models as models
from tests.models import zoo
from tests.peers import same

ONES = np.ones(2, np.float32)
FEED = {"a": ONES, "b": ONES}


def profiled(module: Any, data: bytes, feed: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    options = module.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, prefix
    session = module.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    session.run(None, feed)
    path = session.end_profiling()
    assert session.end_profiling() == ""
    assert Path(path).name.startswith(Path(prefix).name + "_") and path.endswith(".json")
    found: list[dict[str, Any]] = json.loads(Path(path).read_text())
    return found


def test_profile(tmp_path: Path) -> None:
    """The same kinds of events with the same keys; an event for each node."""
    model = zoo.classifier("logistic", 3)
    feed = {"X": model.rows}
    ours = profiled(celeris, model.onnx, feed, str(tmp_path / "ours"))
    theirs = profiled(onnxruntime, model.onnx, feed, str(tmp_path / "theirs"))
    assert {"model_loading_array", "session_initialization", "model_run", "SequentialExecutor::Execute"} <= {
        e["name"] for e in ours
    }
    assert {e["cat"] for e in ours} <= {e["cat"] for e in theirs}
    keys = {"cat", "pid", "tid", "dur", "ts", "ph", "name", "args"}
    assert all(set(e) >= keys for e in ours)
    mine, other = ([e for e in events if e["name"].endswith("_kernel_time")] for events in (ours, theirs))
    assert {e["args"]["op_name"] for e in mine} == {e["args"]["op_name"] for e in other}
    assert all(e["args"]["provider"] == "CPUExecutionProvider" for e in mine)


def test_nodes_of_bodies_have_events(tmp_path: Path) -> None:
    """As many as onnxruntime's: one for each step of a loop."""
    model = models.loop()
    feed = {"n": np.array(3), "x": np.ones(4, np.float32)}
    counts = []
    for module in (celeris, onnxruntime):
        events = profiled(module, model, feed, str(tmp_path / module.__name__))
        counts.append(Counter(e["args"]["op_name"] for e in events if e["name"].endswith("_kernel_time")))
    assert counts[0] == counts[1] and counts[0]["Exp"] == 3


def test_a_profile_is_written_when_the_session_ends(tmp_path: Path) -> None:
    options = celeris.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "p")
    session = celeris.InferenceSession(models.add(), options)
    session.run(None, FEED)
    del session
    assert len(list(tmp_path.iterdir())) == 1


def test_profiling_starts_with_the_session(tmp_path: Path) -> None:
    options = celeris.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "p")
    session = celeris.InferenceSession(models.add(), options)
    assert session.get_profiling_start_time_ns() > 1e18
    session.end_profiling()


def waited(module: Any, names: Any, feed: Any, data: bytes) -> list[Any]:
    """What the callback is given."""
    session = module.InferenceSession(data)
    done = threading.Event()
    got: list[Any] = []

    def callback(results: Any, user_data: Any, problem: str) -> None:
        got.extend([results, user_data, problem, threading.current_thread() is not threading.main_thread()])
        done.set()

    session.run_async(names, feed, callback, "mine")
    assert done.wait(20)
    return got


def test_run_async() -> None:
    assert same(lambda o: waited(o, ["y"], FEED, models.add()))[1] == "mine"


FAULTS: dict[str, Any] = {
    "missing": (None, {"a": ONES}),
    "dtype": (None, {"a": ONES.astype(float), "b": ONES}),
    "unknown output": (["q"], FEED),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_run_async(name: str) -> None:
    names, feed = FAULTS[name]
    same(lambda o: waited(o, names, feed, models.add()))


def test_run_async_wants_threads() -> None:
    def case(o: Any) -> Any:
        options = o.SessionOptions()
        options.intra_op_num_threads = 1
        o.InferenceSession(models.add(), options).run_async(None, FEED, print, None)

    same(case)


def test_an_exception_in_a_callback_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    done = threading.Event()
    monkeypatch.setattr(sys, "unraisablehook", lambda args: (told.append(args.exc_value), done.set()))

    def callback(*_: Any) -> None:
        raise KeyError("mine")

    celeris.InferenceSession(models.add()).run_async(None, FEED, callback, None)
    assert done.wait(20)
    assert isinstance(told[0], KeyError)


def test_nodes_of_several_kernels_have_the_time_of_all_of_them() -> None:
    nodes = [Node(op, ["x"], ["y"], name=name) for name, op in (("c", "Concat"), ("r", "Reshape"), ("t", "Trees"))]
    step = PipelineStep(nodes, [], [1, 0, 3], {}, {}, ["x"], ["y"], lambda *_: ())
    told = [(node.name, *times) for node, *times in by_node(step, 100, 80, [10, 20, 5, 5])]
    assert told == [("c", 100, 20), ("r", 120, 0), ("t", 120, 60)]
    assert [share for *_, share in by_node(step, 0, 90, [0, 0, 0, 0])] == [30, 30, 30]  # the reference tier ran it


def _split_model() -> bytes:
    weights = numpy_helper.from_array(np.ones((4, 6), np.float32), "w")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="product"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Shape", ["b"], ["c"], name="shape"),
        helper.make_node("Split", ["b"], ["d", "e"], axis=1, num_outputs=2, name="split"),
    ]
    outputs = [helper.make_tensor_value_info("c", TensorProto.INT64, None)]
    outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "de"]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])
    graph = helper.make_graph(nodes, "g", [x], outputs, [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


@pytest.mark.parametrize("native", [True, False])
def test_nodes_tell_shapes_and_sizes_as_onnxruntime_does(tmp_path: Path, native: bool) -> None:
    """Of values inside a row pipeline, too. onnxruntime counts no weights that it has packed: 0 for the product's."""
    feed = {"x": np.ones((3, 4), np.float32)}
    told = []
    for module in (celeris, onnxruntime):
        options = module.SessionOptions()
        options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / module.__name__)
        options.graph_optimization_level = module.GraphOptimizationLevel.ORT_DISABLE_ALL
        off = ["native"] if module is celeris and not native else []
        session = module.InferenceSession(_split_model(), options, disabled_optimizers=off)
        session.run(None, feed)
        events = [e for e in json.loads(Path(session.end_profiling()).read_text()) if e["cat"] == "Node"]
        kept = ("input_type_shape", "output_type_shape", "activation_size", "parameter_size", "output_size")
        told.append({e["name"]: {key: e["args"][key] for key in kept} for e in events})
    ours, theirs = told
    product = ours["product_kernel_time"]
    assert product["input_type_shape"] == [{"float": [3, 4]}, {"float": [4, 6]}]
    assert product["parameter_size"] == "96"
    del ours["product_kernel_time"], theirs["product_kernel_time"]
    assert ours == theirs


def test_strings_and_what_is_no_tensor(tmp_path: Path) -> None:
    """A string counts 32 bytes, as in onnxruntime; a list of dicts has no shape."""
    text = helper.make_tensor_value_info("x", TensorProto.STRING, ["N"])
    node = helper.make_node("Identity", ["x"], ["y"], name="same")
    out = helper.make_tensor_value_info("y", TensorProto.STRING, ["N"])
    graph = helper.make_graph([node], "g", [text], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    events = profiled(celeris, model, {"x": np.array(["a", "bc"], object)}, str(tmp_path / "p"))
    args = next(e["args"] for e in events if e["cat"] == "Node")
    assert (args["input_type_shape"], args["activation_size"]) == ([{"string": [2]}], "64")
    forest = zoo.classifier("logistic", 3, zipmap=True)
    events = profiled(celeris, forest.onnx, {"X": forest.rows}, str(tmp_path / "z"))
    zipped = [e["args"] for e in events if e["args"].get("op_name") == "ZipMap"]
    assert zipped and zipped[0]["input_type_shape"] == [{"float": [len(forest.rows), 3]}]
    assert zipped[0]["output_type_shape"] == []

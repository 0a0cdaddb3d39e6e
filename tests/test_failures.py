"""Nodes that fail while they run: onnxruntime's class of exception and form of message, our words of the rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper as h

import celeris
from tests import api_models as models
from tests.peers import answer

KINDS = {
    "float32": T.FLOAT, "int64": T.INT64, "bool": T.BOOL, "uint8": T.UINT8,
}  # fmt: skip


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


LSTM = {"hidden_size": 4}
# operator, its inputs, its attributes: shapes and values that do not go together, unknown before the run
CASES: dict[str, tuple[str, list[np.ndarray], dict[str, Any]]] = {
    "Add": ("Add", [ones(2, 3), ones(4)], {}),
    "ArrayFeatureExtractor": ("ArrayFeatureExtractor", [ones(2, 3), ints(7)], {"domain": "ai.onnx.ml"}),
    "BatchNormalization": ("BatchNormalization", [ones(1, 3, 2), ones(4), ones(3), ones(3), ones(3)], {}),
    "Clip": ("Clip", [ones(3), ones(2)], {}),
    "Concat": ("Concat", [ones(2, 3), ones(3, 4)], {"axis": 0}),
    "Conv": ("Conv", [ones(1, 3, 5, 5), ones(2, 4, 3, 3)], {}),
    "ConvTranspose": ("ConvTranspose", [ones(1, 3, 5, 5), ones(2, 4, 3, 3)], {}),
    "CumSum": ("CumSum", [ones(3), ints(3)], {}),
    "DepthToSpace": ("DepthToSpace", [ones(1, 3, 2, 2)], {"blocksize": 2}),
    "Det": ("Det", [ones(2, 3)], {}),
    "Div": ("Div", [ints(1), ints(0)], {}),
    "Einsum": ("Einsum", [ones(2, 3), ones(4, 2)], {"equation": "ij,jk->ik"}),
    "Expand": ("Expand", [ones(2, 3), ints(4, 3)], {}),
    "EyeLike": ("EyeLike", [ones(2, 3, 1)], {}),
    "Flatten": ("Flatten", [ones(2, 3)], {"axis": 5}),
    "Gather": ("Gather", [ones(3), ints(5)], {}),
    "GatherElements": ("GatherElements", [ones(3, 3), ints(5).reshape(1, 1)], {}),
    "GatherND": ("GatherND", [ones(3, 3), ints(5, 1).reshape(1, 2)], {}),
    "Gemm": ("Gemm", [ones(2, 3), ones(4, 2)], {}),
    "Gemm's bias": ("Gemm", [ones(2, 3), ones(3, 2), ones(5)], {}),
    "InstanceNormalization": ("InstanceNormalization", [ones(1, 3, 2), ones(4), ones(3)], {}),
    "LSTM": ("LSTM", [ones(1, 2, 3), ones(1, 16, 5), ones(1, 16, 4)], LSTM),
    "LayerNormalization": ("LayerNormalization", [ones(2, 3), ones(4)], {}),
    "MatMul": ("MatMul", [ones(2, 3), ones(4, 2)], {}),
    "MaxUnpool": ("MaxUnpool", [ones(1, 1, 2, 2), np.full((1, 1, 2, 2), 99)], {"kernel_shape": [2, 2]}),
    "Mod": ("Mod", [ints(1), ints(0)], {}),
    "OneHot": ("OneHot", [ints(0), ints(0), ones(2)], {}),
    "Range": ("Range", [ints(0).reshape(()), ints(3).reshape(()), ints(0).reshape(())], {}),
    "ReduceSum": ("ReduceSum", [ones(2, 3), ints(5)], {}),
    "Reshape": ("Reshape", [ones(6), ints(4, 2)], {}),
    "RoiAlign": ("RoiAlign", [ones(1, 1, 4, 4), ones(1, 3), ints(0)], {}),
    "Scaler": ("Scaler", [ones(2, 3)], {"domain": "ai.onnx.ml", "offset": [1.0, 2.0], "scale": [1.0, 1.0]}),
    "ScatterElements": ("ScatterElements", [ones(3), ints(5), ones(1)], {}),
    "ScatterND": ("ScatterND", [ones(3), ints(7).reshape(1, 1), ones(1)], {}),
    "Slice": ("Slice", [ones(4), ints(0), ints(2), ints(7)], {}),
    "Slice by 0": ("Slice", [ones(4), ints(0), ints(2), ints(0), ints(0)], {}),
    "SpaceToDepth": ("SpaceToDepth", [ones(1, 1, 3, 3)], {"blocksize": 2}),
    "Squeeze": ("Squeeze", [ones(2, 1), ints(0)], {}),
    "Tile": ("Tile", [ones(2, 3), ints(2)], {}),
    "Transpose": ("Transpose", [ones(2, 3)], {"perm": [0, 1, 2]}),
    "Trilu": ("Trilu", [ones(3)], {}),
    "Unsqueeze": ("Unsqueeze", [ones(2), ints(7)], {}),
    "Where": ("Where", [np.ones(2, bool), ones(3), ones(4)], {}),
}


@pytest.mark.parametrize("name", CASES)
def test_class_and_form_are_onnxruntimes(name: str) -> None:
    op, inputs, attributes = CASES[name]
    names = [f"x{i}" for i in range(len(inputs))]
    data = models.model(
        [h.make_node(op, names, ["y"], name="n", **attributes)],
        [models.tensor(n, KINDS[str(x.dtype)], None) for n, x in zip(names, inputs, strict=True)],
        [h.make_empty_tensor_value_info("y")],
    )
    feed = dict(zip(names, inputs, strict=True))

    def case(o: Any) -> Any:
        session = o.InferenceSession(data)
        try:
            session.run(None, feed)
        except Exception as problem:
            return [type(problem).__name__, str(problem).split(" Status Message: ")]
        return "no failure"

    theirs, ours = (answer(case, module)[0] for module in (onnxruntime, celeris))
    assert ours[0] == theirs[0], f"{ours} / {theirs}"
    assert ours[1][0] == theirs[1][0]  # up to the node's name
    assert ours[1][1].startswith(f"{op}: ") or "Invalid" in ours[1][1]  # the operator speaks, not NumPy


def test_a_failure_in_a_body_is_the_inner_nodes() -> None:
    inner = h.make_graph([h.make_node("Gather", ["x", "i"], ["z"], name="inner")], "b", [], [models.tensor("z")])
    data = models.model(
        [h.make_node("If", ["c"], ["y"], name="outer", then_branch=inner, else_branch=inner)],
        [models.tensor("c", T.BOOL, []), models.tensor("x", T.FLOAT, None), models.tensor("i", T.INT64, None)],
        [models.tensor("y")],
    )
    session = celeris.InferenceSession(data)
    with pytest.raises(
        celeris.capi.onnxruntime_pybind11_state.InvalidArgument, match="running Gather node. Name:'inner'"
    ):
        session.run(None, {"c": np.array(True), "x": ones(3), "i": ints(5)})

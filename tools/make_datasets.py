"""Makes three small models of celeris.datasets: python tools/make_datasets.py (needs scikit-learn for the irises)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.types import Map, Sequence, Tensor, Type
from celeris.writer import write

FOLDER = Path(__file__).parent.parent / "src" / "celeris" / "datasets"
IR_VERSION = 3


def model(
    name: str, nodes: list[Node], inputs: dict[str, Type], outputs: dict[str, Type], constants: Any, opsets: Any
) -> bytes:
    """A model of these nodes as ONNX bytes."""
    graph = Graph(name, [*inputs, *constants], list(outputs), nodes, constants, {**inputs, **outputs})
    graph.types.update({key: Tensor("float", value.shape) for key, value in constants.items()})
    return write(Model(graph, IR_VERSION, opsets, producer_name="celeris"))


def mul_1() -> bytes:
    """X [3, 2] times its own position -> Y [3, 2]."""
    pairs = Tensor("float", (3, 2))
    weights = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
    return model("mul", [Node("Mul", ["X", "W"], ["Y"])], {"X": pairs}, {"Y": pairs}, {"W": weights}, {"": 7})


def sigmoid() -> bytes:
    """x [3, 4, 5] -> y [3, 4, 5]."""
    box = Tensor("float", (3, 4, 5))
    return model("sigmoid", [Node("Sigmoid", ["x"], ["y"])], {"x": box}, {"y": box}, {}, {"": 9})


def logreg_iris() -> bytes:
    """Length and width of the sepal of 3 irises -> label [3], probabilities as a list of dicts."""
    data = load_iris()
    fitted = LogisticRegression(max_iter=1000).fit(data.data[:, :2], data.target)
    classes = Attribute("INTS", fitted.classes_.astype(np.int64))
    linear = Node(
        "LinearClassifier",
        ["float_input"],
        ["label", "scores"],
        {
            "classlabels_ints": classes,
            "coefficients": Attribute("FLOATS", fitted.coef_.ravel().astype(np.float32)),
            "intercepts": Attribute("FLOATS", fitted.intercept_.astype(np.float32)),
            "multi_class": Attribute("INT", 1),
            "post_transform": Attribute("STRING", b"SOFTMAX"),
        },
        domain="ai.onnx.ml",
    )
    zipmap = Node("ZipMap", ["scores"], ["probabilities"], {"classlabels_int64s": classes}, domain="ai.onnx.ml")
    outputs: dict[str, Type] = {
        "label": Tensor("int64", (3,)),
        "probabilities": Sequence(Map("int64", Tensor("float"))),
    }
    inputs: dict[str, Type] = {"float_input": Tensor("float", (3, 2))}
    return model("logreg_iris", [linear, zipmap], inputs, outputs, {}, {"": 9, "ai.onnx.ml": 1})


if __name__ == "__main__":
    for make in (mul_1, sigmoid, logreg_iris):
        (FOLDER / f"{make.__name__}.onnx").write_bytes(make())

"""How fast are linear classifiers of many features and classes? `python -m bench.products [--rows 1,100,10000]`.

Random weights, with softmax; one thread, against onnxruntime. Sums of few classes or features are in double, others in
float32 (`cpp/kernels/gemm.h`, `gemm_narrow.h`): the largest error of a probability against float64 is shown for both.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
from onnx import helper as h

from bench.sides import Report, alternate, sessions


def classifier(features: int, classes: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    """The model's file, its weights [classes, features] and intercepts."""
    rng = np.random.default_rng(features * classes)
    weights = (rng.normal(size=(classes, features)) / np.sqrt(features)).astype(np.float32)
    intercepts = rng.normal(size=classes).astype(np.float32)
    node = h.make_node(
        "LinearClassifier", ["x"], ["label", "probabilities"], domain="ai.onnx.ml", post_transform="SOFTMAX",
        coefficients=weights.ravel().tolist(), intercepts=intercepts.tolist(), classlabels_ints=list(range(classes)),
    )  # fmt: skip
    inputs = [h.make_tensor_value_info("x", 1, ["N", features])]
    outputs = [
        h.make_tensor_value_info("label", 7, ["N"]),
        h.make_tensor_value_info("probabilities", 1, ["N", classes]),
    ]
    graph = h.make_graph([node], "linear", inputs, outputs)
    opsets = [h.make_opsetid("", 17), h.make_opsetid("ai.onnx.ml", 3)]
    return h.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString(), weights, intercepts


def main() -> None:
    """One line a size and number of rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", default="10,30,64,128,300,784")
    parser.add_argument("--classes", default="3,5,10,20,100")
    parser.add_argument("--rows", default="1,100,10000")
    parser.add_argument("--seconds", type=float, default=0.2)
    asked = parser.parse_args()
    report = Report("features x classes", "rows")
    for features in map(int, asked.features.split(",")):
        for classes in map(int, asked.classes.split(",")):
            model, weights, intercepts = classifier(features, classes)
            ours, theirs = sessions(model, threads=1)
            for rows in map(int, asked.rows.split(",")):
                x = np.random.default_rng(1).normal(size=(rows, features)).astype(np.float32)
                scores = np.exp(x.astype(np.float64) @ weights.T.astype(np.float64) + intercepts)
                exact = scores / scores.sum(axis=1, keepdims=True)
                mine, other = (np.abs(side.run(None, {"x": x})[1] - exact).max() for side in (ours, theirs))
                times = alternate(partial(ours.run, None, {"x": x}), partial(theirs.run, None, {"x": x}), asked.seconds)
                name = f"{features} x {classes}, error {mine:.0e} ({other:.0e})"
                report.add(name, rows, times=times)
    report.close()


if __name__ == "__main__":
    main()

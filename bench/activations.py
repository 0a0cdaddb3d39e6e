"""How fast is a small MLP with each activation? `python -m bench.activations [NAME ...] [--rows 1,100,10000]`.

30 numbers, layers of 64 and 32 neurons, one output, random weights; one thread, against onnxruntime. GELU and SiLU are
written as PyTorch exports them, `norm` is a batch normalisation before Relu.
"""

from __future__ import annotations

import argparse
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import helper as h
from onnx import numpy_helper

from bench.sides import Report, alternate, sessions

# Name -> the nodes from g to y, by operator, inputs and output; numbers are constants.
ACTIVATIONS: dict[str, list[tuple[Any, ...]]] = {
    **{
        name: [(name, "g", "y")]
        for name in (
            "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu", "Selu", "Celu", "Softplus", "Softsign", "HardSigmoid",
            "HardSwish", "Mish", "Gelu", "ThresholdedRelu",
        )
    },
    "GELU by Erf": [
        ("Div", "g", 2**0.5, "d"), ("Erf", "d", "e"), ("Add", "e", 1.0, "o"), ("Mul", "g", "o", "m"),
        ("Mul", "m", 0.5, "y"),
    ],
    "SiLU": [("Sigmoid", "g", "s"), ("Mul", "g", "s", "y")],
    "PRelu": [("PRelu", "g", 0.25, "y")],
    "norm": [("BatchNormalization", "g", "scale", "bias", "mean", "variance", "n"), ("Relu", "n", "y")],
}  # fmt: skip
_SIZES = (30, 64, 32, 1)


def network(name: str) -> bytes:
    """The MLP's file."""
    rng, constants, nodes, x = np.random.default_rng(0), {}, [], "x"
    for at, (size, outputs) in enumerate(pairwise(_SIZES)):
        constants[f"w{at}"] = rng.normal(size=(outputs, size)) / np.sqrt(size)
        constants[f"b{at}"] = rng.normal(size=outputs)
        nodes.append(h.make_node("Gemm", [x, f"w{at}", f"b{at}"], [f"g{at}"], transB=1))
        x = f"g{at}"
        if outputs == 1:
            break
        for op, *inputs, output in ACTIVATIONS[name]:
            names = []
            for given in inputs:
                names.append(f"{given}{at}")
                if isinstance(given, float):
                    constants[names[-1]] = np.array(given)
                elif given in ("scale", "bias", "mean", "variance"):
                    constants[names[-1]] = rng.uniform(0.5, 1.5, outputs)
            nodes.append(h.make_node(op, names, [f"{output}{at}"]))
        x = f"y{at}"
    values = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()]
    ends = [[h.make_tensor_value_info(each, 1, ["N", size])] for each, size in (("x", 30), (x, 1))]
    graph = h.make_graph(nodes, "mlp", *ends, values)
    return bytes(h.make_model(graph, opset_imports=[h.make_opsetid("", 20)], ir_version=9).SerializeToString())


def main() -> None:
    """One line an activation and number of rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(ACTIVATIONS))
    parser.add_argument("--rows", default="1,100,10000")
    parser.add_argument("--seconds", type=float, default=0.5)
    asked = parser.parse_args()
    report = Report("activation", "rows")
    for name in asked.names:
        ours, theirs = sessions(network(name), threads=1)
        for rows in map(int, asked.rows.split(",")):
            feeds = {"x": np.random.default_rng(1).normal(size=(rows, 30)).astype(np.float32)}
            np.testing.assert_allclose(ours.run(None, feeds)[0], theirs.run(None, feeds)[0], 1e-4, 1e-5)
            times = alternate(partial(ours.run, None, feeds), partial(theirs.run, None, feeds), asked.seconds)
            report.add(name, rows, times=times)
    report.close()


if __name__ == "__main__":
    main()

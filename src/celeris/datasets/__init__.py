"""Small models to try things on: mul_1.onnx, sigmoid.onnx, logreg_iris.onnx; tools/make_datasets.py makes them."""

from __future__ import annotations

import os


def get_example(name: str) -> str:
    """The absolute path of the example `name`; FileNotFoundError where there is none."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    if not os.path.exists(path):
        raise FileNotFoundError(f"Unable to find example '{name}'")
    return path

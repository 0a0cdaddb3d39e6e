"""Makes what `celeris demo` shows: src/celeris/datasets/iris.csv and iris.onnx. Wants scikit-learn and skl2onnx.

The measurements are R. A. Fisher's iris data (1936), as scikit-learn ships them.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

FOLDER = Path(__file__).parent.parent / "src" / "celeris" / "datasets"


def main() -> None:
    """Writes both files."""
    data = load_iris()
    with (FOLDER / "iris.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sepal_length", "sepal_width", "petal_length", "petal_width", "species"])
        for row, label in zip(data.data.tolist(), data.target.tolist(), strict=True):
            writer.writerow([*row, label])
    model = LogisticRegression(max_iter=1000).fit(data.data, data.target)
    onnx = to_onnx(
        model, data.data[:1].astype(np.float32), options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3}
    )
    (FOLDER / "iris.onnx").write_bytes(onnx.SerializeToString())


if __name__ == "__main__":
    main()

"""The mistakes that people make, and what they are told: sessions, files, conversion, explaining, validating.

Those with tables are in tests/test_predictor.py, those on the command line in tests/cli/test_mistakes.py.
"""

from __future__ import annotations

import gzip
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sklearn.base import BaseEstimator

import celeris
from tests.frames.models import iris, matrix_model
from tests.golden import golden

X = iris()[0].to_numpy(np.float32)
ONNX = matrix_model()[1]


def _session(**feed: Any) -> Any:
    return celeris.InferenceSession(ONNX).run(None, feed)


def _node(*, name: str = "Neg", domain: str = "", opset: int = 17, ir: int = 8, imports: tuple[str, ...] = ()) -> bytes:
    node = helper.make_node(name, ["x"], ["y"], domain=domain, name="n1")
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 2]) for n in "xy")
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(each, 1) for each in imports)]
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=opsets, ir_version=ir)
    return bytes(model.SerializeToString())


def _external(location: str) -> bytes:
    model = onnx.load_from_string(_node(name="Neg"))
    tensor = model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=1)
    tensor.external_data.add(key="location", value=location)
    return bytes(model.SerializeToString())


def _option(name: str, value: Any) -> None:
    setattr(celeris.SessionOptions(), name, value)


SESSION: dict[str, Callable[[], Any]] = {
    "float64 for float32": lambda: _session(X=X.astype(np.float64)),
    "integers for float32": lambda: _session(X=X.astype(np.int64)),
    "text for numbers": lambda: _session(X=X.astype(str)),
    "one-dimensional row": lambda: _session(X=X[0]),
    "three dimensions": lambda: _session(X=X[None]),
    "too few features": lambda: _session(X=X[:, :3]),
    "data frame": lambda: _session(X=iris()[0]),
    "ragged list": lambda: _session(X=[[1.0, 2.0, 3.0, 4.0], [1.0]]),
    "complex numbers": lambda: _session(X=X.astype(np.complex64)),
    "missing input": lambda: _session(),
    "misspelt input": lambda: _session(x=X),
    "input too many": lambda: _session(X=X, Z=X),
    "unknown output": lambda: celeris.InferenceSession(ONNX).run(["probability"], {"X": X}),
    "one output as text": lambda: celeris.InferenceSession(ONNX).run("label", {"X": X}),  # type: ignore[arg-type]
    "misspelt option": lambda: _option("intra_op_num_thread", 1),
    "option of another type": lambda: _option("graph_optimization_level", 99),
    "unknown provider, no fallback": lambda: celeris.InferenceSession(ONNX, providers=["CPU"], enable_fallback=0),
    "file object for a path": lambda: celeris.InferenceSession(io.BytesIO(ONNX)),  # type: ignore[arg-type]
}

FILES: dict[str, bytes] = {
    "pickle, or .joblib": pickle.dumps([1]),
    "zip: .pt, .skops, .npz": b"PK\x03\x04 a zip file",
    "HTML": b"<!DOCTYPE html><html><body>404</body></html>",
    "pointer of Git-LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n",
    "gzip": gzip.compress(ONNX, mtime=0),
    "CSV": b"age,fare\n1,2\n",
    "Parquet": b"PAR1\x15\x04",
    "TensorFlow Lite": b"\x1c\0\0\0TFL3",
    "zeros": bytes(1000),
    "empty": b"",
    "truncated": ONNX[: len(ONNX) // 2],
    "newer opset": _node(opset=99),
    "newer IR version": _node(ir=99),
    "unknown operator": _node(name="Nega"),
    "operator of one's own": _node(name="Foo", domain="my.own", imports=("my.own",)),
    "domain not imported": _node(name="Foo", domain="my.own"),
    "external data missing": _external("w.bin"),
    "external data outside": _external("../w.bin"),
}


def told(mistake: Callable[[], Any], folder: Path | None = None) -> str:
    """What is raised, in words; `folder` is left out of them."""
    with pytest.raises(Exception) as caught:
        mistake()
    text = "\n".join([f"{type(caught.value).__name__}: {caught.value}", *getattr(caught.value, "__notes__", [])])
    return text if folder is None else text.replace(str(folder.resolve()), "FOLDER").replace(str(folder), "FOLDER")


@pytest.mark.parametrize("mistake", SESSION)
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_sessions(mistake: str) -> None:
    golden("session", mistake, told(SESSION[mistake]))


@pytest.mark.parametrize("mistake", FILES)
def test_files(mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("model.onnx").write_bytes(FILES[mistake])
    text = told(lambda: celeris.load("model.onnx"), folder).replace(str(tmp_path.resolve()), "PARENT")
    golden("files", mistake, text)


def test_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    golden("files", "missing path", told(lambda: celeris.load("modle.onnx")))
    golden("files", "folder", told(lambda: celeris.load(".")))


class Mine(BaseEstimator):  # type: ignore[misc]
    """An estimator that no converter knows."""

    def fit(self, X: Any, y: Any) -> Any:
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.zeros(len(X))


def _log_pipeline() -> Any:
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(np.log1p), LinearRegression()).fit(X, X[:, 0])


class _Plain:
    def fit(self) -> None: ...

    def predict(self) -> None: ...


def _without(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    import builtins
    import importlib

    import_module, import_ = importlib.import_module, builtins.__import__

    def missing(name: str) -> None:
        if name.split(".")[0] == module:
            raise ImportError(f"No module named '{module}'")

    def instead(name: str, *rest: Any) -> Any:
        missing(name)
        return import_module(name, *rest)

    def instead_of_import(name: str, *rest: Any, **more: Any) -> Any:
        missing(name)
        return import_(name, *rest, **more)

    monkeypatch.setattr(importlib, "import_module", instead)
    monkeypatch.setattr(builtins, "__import__", instead_of_import)


def test_conversion() -> None:
    from sklearn.linear_model import LinearRegression

    golden("conversion", "unfitted estimator", told(lambda: celeris.load(LinearRegression())))
    golden("conversion", "class for an estimator", told(lambda: celeris.load(LinearRegression)))
    golden("conversion", "no estimator of a known library", told(lambda: celeris.load(_Plain())))
    golden("conversion", "no converter", told(lambda: celeris.load(Mine().fit(X, X), X=X)))
    golden("conversion", "a function in a pipeline", told(lambda: celeris.load(_log_pipeline(), X=X)))


def test_conversion_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    model = matrix_model()[0]
    _without(monkeypatch, "skl2onnx")
    golden("conversion", "missing extra", told(lambda: celeris.load(model, X=X)))


def test_explaining() -> None:
    from sklearn.neural_network import MLPRegressor

    from celeris.explain import Explainer, plots

    net = MLPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", max_iter=5000, random_state=0).fit(X[:9], X[:9, 0])
    explanation = Explainer(ONNX, background=X)(X[:3])
    golden("explain", "no trees and no linear model", told(lambda: Explainer(net)))
    golden("explain", "empty background", told(lambda: Explainer(ONNX, background=X[:0])(X)))
    golden("explain", "unknown class", told(lambda: explanation.output("virginica")))
    golden("explain", "row that is not there", told(lambda: plots.waterfall(explanation.output(0), row=3)))
    golden("explain", "picture of several classes", told(lambda: plots.waterfall(explanation, row=0)))
    golden("explain", "picture of another kind", told(lambda: plots.save(plots.bar(explanation), "x.jpg")))
    golden("explain", "too few features", told(lambda: Explainer(ONNX, background=X)(X[:, :3])))


def test_explaining_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from celeris.explain import Explainer, plots

    explanation = Explainer(ONNX, background=X)(X[:3])
    _without(monkeypatch, "matplotlib")
    golden("explain", "missing extra", told(lambda: plots.bar(explanation)))


def test_validating() -> None:
    from celeris.validation import validate

    labels, scores = np.zeros(len(X), int), np.zeros((len(X), 2))
    golden("validate", "other number of rows", told(lambda: validate(ONNX, X, {"labels": labels[:5]})))
    golden("validate", "other number of classes", told(lambda: validate(ONNX, X, {"scores": scores})))
    golden("validate", "misspelt key", told(lambda: validate(ONNX, X, {"lables": labels})))
    golden("validate", "report of another kind", told(lambda: validate(ONNX, X, labels).save("x.pdf")))

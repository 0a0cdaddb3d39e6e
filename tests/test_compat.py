"""Celeris under the name onnxruntime, each case in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

import celeris
from celeris import datasets

START = "import celeris; celeris.as_onnxruntime(); import onnxruntime\n"


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


MODULES = [
    "onnxruntime", "onnxruntime.capi", "onnxruntime.capi.onnxruntime_pybind11_state", "onnxruntime.capi._pybind_state",
    "onnxruntime.capi.onnxruntime_inference_collection", "onnxruntime.datasets", "onnxruntime.backend",
    "onnxruntime.backend.backend", "onnxruntime.backend.backend_rep", "onnxruntime.capi.onnxruntime_validation",
    "onnxruntime.capi.build_and_package_info", "onnxruntime.quantization", "onnxruntime.transformers",
    "onnxruntime.transformers.io_binding_helper", "onnxruntime.tools",
]  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_modules(module: str) -> None:
    assert run(f"{START}import importlib; print(importlib.import_module({module!r}).__name__)") == module


def test_training_is_absent() -> None:
    assert (
        run(f"{START}\ntry:\n    import onnxruntime.training\nexcept ModuleNotFoundError: print('absent')") == "absent"
    )


def test_versions() -> None:
    assert celeris.__version__ != "1.31.1"
    code = (
        "import importlib.metadata as m; print(onnxruntime.__version__, m.version('onnxruntime'), celeris.__version__)"
    )
    assert run(START + code) == f"{onnxruntime.__version__} {onnxruntime.__version__} {celeris.__version__}"


def test_without_importing_the_state_module() -> None:
    """Clients reach for it by attribute after `import onnxruntime`."""
    code = "print(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument.__name__, onnxruntime.__file__, list(onnxruntime.__path__))"
    assert run(START + code).startswith("InvalidArgument ")


def test_classes_are_the_same_objects() -> None:
    code = """
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, NoSuchFile
from onnxruntime.capi import _pybind_state as C
from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession, OrtValue
import pickle
assert InferenceSession is onnxruntime.InferenceSession is celeris.InferenceSession
assert OrtValue is onnxruntime.OrtValue and C.Fail is Fail
try:
    onnxruntime.InferenceSession("none.onnx")
except NoSuchFile as error:
    assert str(error).startswith("[ONNXRuntimeError] : 3 : NO_SUCHFILE : Load model from none.onnx failed:")
    assert type(pickle.loads(pickle.dumps(error))) is NoSuchFile
    print(type(error).__mro__[1].__name__)
"""
    assert run(START + code) == "Exception"


def test_a_client_runs_unchanged() -> None:
    code = """
import numpy as np, onnxruntime as rt
from onnxruntime.datasets import get_example
session = rt.InferenceSession(get_example("sigmoid.onnx"), providers=rt.get_available_providers())
x = np.zeros(session.get_inputs()[0].shape, np.float32)
print(session.run([session.get_outputs()[0].name], {session.get_inputs()[0].name: x})[0].ravel()[0])
"""
    assert run(START + code) == "0.5"


def test_again_is_harmless_and_too_late_is_told() -> None:
    assert run("import celeris; print(celeris.as_onnxruntime() is celeris.as_onnxruntime())") == "True"
    code = "import onnxruntime, celeris\ntry:\n    celeris.as_onnxruntime()\nexcept RuntimeError as e: print(e)"
    assert "call celeris.as_onnxruntime() first" in run(code)


@pytest.mark.parametrize("name", ["mul_1.onnx", "sigmoid.onnx", "logreg_iris.onnx"])
def test_examples(name: str) -> None:
    path = datasets.get_example(name)
    assert Path(path).is_absolute() and celeris.InferenceSession(path).get_inputs()
    assert (
        onnxruntime.InferenceSession(path).get_inputs()[0].shape == celeris.InferenceSession(path).get_inputs()[0].shape
    )


def test_no_such_example() -> None:
    with pytest.raises(FileNotFoundError, match="Unable to find example 'zz'"):
        datasets.get_example("zz")


@pytest.mark.parametrize("name", ["quantize_dynamic", "quantize_static", "quantize"])
def test_what_is_not_there_says_so_when_used(name: str) -> None:
    from celeris import quantization

    with pytest.raises(NotImplementedError, match="Celeris does not have it"):
        getattr(quantization, name)("a", "b")

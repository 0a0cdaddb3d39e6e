"""What a process imports on its way to the first prediction: what its model needs, and little else.

Modules are counted, not milliseconds: those that NumPy has imported already are free.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models import zoo

_CODE = """
import json, sys, numpy
before = set(sys.modules)
import celeris
session = celeris.InferenceSession({path!r}, providers=["CPUExecutionProvider"])
session.run(None, {{"X": numpy.zeros((1, 6), numpy.float32)}})
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported(model: zoo.Trained, folder: Path) -> set[str]:
    """The modules that a process imports beyond NumPy's for one prediction."""
    path = folder / "model.onnx"
    path.write_bytes(model.onnx)
    done = subprocess.run([sys.executable, "-c", _CODE.format(path=str(path))], capture_output=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("name", ["logistic", "scaler and logistic", "random forest"])
def test_nothing_slow_of_others(name: str, tmp_path: Path) -> None:
    """numpy.ma alone takes longer than all of Celeris; np.unique imports it."""
    assert "numpy.ma" not in imported(zoo.classifier(name), tmp_path)

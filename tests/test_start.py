"""What a process imports on its way to the first prediction: what its model needs, and little else.

Modules are counted, not milliseconds: those that NumPy has imported already are free.
"""

from __future__ import annotations

import importlib.util
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


# What only some models, calls or failures need. (numpy.ma alone takes longer than all of Celeris; np.unique imports it.)
ASIDE = {
    "celeris.binding", "celeris.blas", "celeris.compat", "celeris.device_enums", "celeris.devices", "celeris.feeds",
    "celeris.given", "celeris.node_errors", "celeris.ortvalue", "celeris.sparse", "celeris.values",
    "celeris.passes.fill_like", "celeris.passes.find_distances", "celeris.passes.fold_batch_norm",
    "celeris.passes.gather_labels", "celeris.passes.inline_functions", "celeris.passes.keep_rows",
    "celeris.plan.bodies", "celeris.plan.groups", "celeris.plan.moves", "celeris.plan.specialize",
    "celeris.reader.external", "celeris.reader.file_kinds", "celeris.writer",
    "asyncio", "copy", "importlib.metadata", "mmap", "numpy.ma", "socket", "threading",
}  # fmt: skip


@pytest.mark.parametrize("name", ["logistic", "scaler and logistic", "random forest"])
def test_nothing_that_others_need(name: str, tmp_path: Path) -> None:
    assert imported(zoo.classifier(name), tmp_path) & ASIDE == set()


def test_what_is_said_to_be_imported_later_is_there() -> None:
    """A name of the list that is no module any more would hold nothing."""
    assert [name for name in ASIDE if importlib.util.find_spec(name) is None] == []

"""The onnx backend interface, held to onnxruntime's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime.backend
import pytest

import celeris.backend
from tests import api_models as models
from tests.peers import Raised, answer

ONES = np.ones(2, np.float32)


def same(case: Any) -> Any:
    theirs, ours = answer(case, onnxruntime)[0], answer(case, celeris)[0]
    if isinstance(theirs, Raised):
        assert isinstance(ours, Raised) and ours.kind == theirs.kind, ours
    else:
        assert ours == theirs
    return ours


def test_sources(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(models.add())
    sources: list[Any] = [str(tmp_path / "m.onnx"), models.add(), onnx.load_from_string(models.add())]
    for source in sources:
        same(lambda o, source=source: o.backend.prepare(source, "CPU").run([ONES, ONES]))
        same(lambda o, source=source: o.backend.run(source, [ONES, ONES]))
    same(lambda o: o.backend.prepare(o.InferenceSession(models.add())).run([ONES, ONES]))
    same(lambda o: o.backend.prepare(o.backend.prepare(models.add())).run([ONES, ONES]))


def test_a_single_input_needs_no_list() -> None:
    same(lambda o: o.backend.run(models.identity(), ONES))


@pytest.mark.parametrize("device", ["CPU", "CPU:0", "GPU", "zz"])
def test_devices(device: str) -> None:
    same(lambda o: o.backend.supports_device(device))
    same(lambda o: o.backend.is_compatible(onnx.load_from_string(models.add()), device))


@pytest.mark.parametrize(
    "keyword", ["optimized_model_filepath", "profile_file_prefix", "enable_profiling", "terminate"]
)
def test_keywords_that_are_not_permitted(keyword: str) -> None:
    case = same(lambda o: o.backend.run(models.add(), [ONES, ONES], **{keyword: "a"}))
    assert f"'{keyword}' is not permitted via the backend API" in case.text


def test_unknown_keywords_are_ignored() -> None:
    same(lambda o: o.backend.run(models.add(), [ONES, ONES], zz=3, logid="a"))


def test_a_node_alone() -> None:
    with pytest.raises(NotImplementedError):
        celeris.backend.Backend.run_node(None, None)

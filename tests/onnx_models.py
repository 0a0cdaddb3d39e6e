"""The models that the onnx package tests backends with: node, simple, pytorch and light cases, as bytes."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import onnx


@cache
def file_models() -> dict[str, bytes]:
    """Those that the wheel holds as files."""
    folder = Path(onnx.__file__).parent / "backend/test/data"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.onnx"))}


@cache
def node_models() -> dict[str, bytes]:
    """Those that the package makes, some for every operator and opset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        return {case.name: case.model.SerializeToString() for case in collect_testcases(None) if case.model}


def all_models() -> dict[str, bytes]:
    """Both."""
    return {**file_models(), **node_models()}

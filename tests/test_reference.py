"""The reference in docs/api: every public name stands on a page, and every public method says what it does."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import FunctionType, MethodDescriptorType
from typing import Any

import pytest

import celeris

FOLDER = Path(__file__).parent.parent / "docs" / "api"
NAMES = [name for name in celeris.__all__ if name not in ("__version__", "onnxruntime_validation")]


def test_every_public_name_is_there() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md"))
    entries = {line.split("::")[1].strip(" ()") for line in pages.splitlines() if line.startswith(".. auto")}
    assert {f"celeris.{name}" for name in NAMES} <= entries


@pytest.mark.parametrize("name", NAMES)
def test_it_is_documented(name: str) -> None:
    thing: Any = getattr(celeris, name)
    assert inspect.getdoc(thing)
    classes = inspect.getmro(thing) if inspect.isclass(thing) else ()
    own = [cls for cls in classes if cls.__module__.startswith("celeris")]
    methods = [getattr(cls, each) for cls in own for each, made in vars(cls).items() if _is_method(each, made)]
    assert [method for method in methods if not inspect.getdoc(method)] == []


def _is_method(name: str, member: object) -> bool:
    kinds = (FunctionType, MethodDescriptorType, property, classmethod, staticmethod)
    return not name.startswith("_") and isinstance(member, kinds)

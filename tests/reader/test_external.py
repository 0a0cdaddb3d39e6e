"""External data: what is read, and every way out of the model's folder refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from celeris.reader import ReadError, read

pytestmark = pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links are POSIX matters")


def save(folder: Path, element: int = TensorProto.FLOAT, **entries: Any) -> Path:
    """A model in `folder` whose initializer w [2] lies where the entries say."""
    model = onnx.ModelProto(ir_version=8, opset_import=[onnx.OperatorSetIdProto(version=17)])
    model.graph.name = "g"
    tensor = model.graph.initializer.add(name="w", data_type=element, dims=[2], data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def load(path: Path) -> list[float]:
    found = read(path).graph.initializers["w"]
    assert isinstance(found, np.ndarray)
    assert not found.flags.writeable
    return found.tolist()  # type: ignore[no-any-return]


def refused(path: Any) -> str:
    with pytest.raises(ReadError) as found:
        read(path)
    assert found.value.kind == "external"
    return found.value.text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    (made / "sub").mkdir(parents=True)
    for path in (made / "w.bin", made / "sub" / "w.bin", tmp_path / "out.bin"):
        np.array([1, 2, 3, 4], np.float32).tofile(path)
    return made


@pytest.mark.parametrize(
    ("entries", "values"),
    [
        ({"location": "w.bin"}, [1, 2]),
        ({"location": "w.bin", "offset": 8, "length": 8}, [3, 4]),
        ({"location": "sub/w.bin", "offset": 4}, [2, 3]),
        ({"location": "./w.bin", "checksum": "0"}, [1, 2]),
    ],
)
def test_reads(folder: Path, entries: dict[str, Any], values: list[float]) -> None:
    assert load(save(folder, **entries)) == values


def test_unaligned_offset(folder: Path) -> None:
    (folder / "w.bin").write_bytes(b"x" + np.array([5, 6], np.float32).tobytes())
    assert load(save(folder, location="w.bin", offset=1)) == [5, 6]


def test_bytes_resolve_against_the_working_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(folder, location="w.bin").read_bytes()
    monkeypatch.chdir(folder)
    assert read(data).graph.initializers["w"].tolist() == [1, 2]  # type: ignore[union-attr]
    assert read("m.onnx").graph.initializers["w"].tolist() == [1, 2]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({}, "Missing 'location'"),
        ({"location": ""}, "location cannot be empty"),
        ({"location": "none.bin"}, "External data path does not exist"),
        ({"location": "../out.bin"}, "escapes model directory"),
        ({"location": "sub/../w.bin"}, "escapes model directory"),
        ({"location": "sub"}, "regular file"),
        ({"location": "w.bin/x"}, "does not exist"),
        ({"location": "/etc/hostname"}, "Absolute path not allowed"),
        ({"location": "a\0b"}, "escapes model directory"),
        ({"location": "w.bin", "offset": 12}, "are out of bounds"),
        ({"location": "w.bin", "offset": 2**62}, "are out of bounds"),
        ({"location": "w.bin", "offset": -4}, "expected a whole number as offset, got '-4'"),
        ({"location": "w.bin", "offset": "x"}, "expected a whole number as offset, got 'x'"),
        ({"location": "w.bin", "length": "9" * 99}, "expected a whole number as length"),
        ({"location": "w.bin", "length": 4}, "external data size mismatch. Computed size: 8, external_data.length: 4"),
    ],
)
def test_refuses(folder: Path, entries: dict[str, Any], text: str) -> None:
    assert text in refused(save(folder, **entries))


def test_strings_are_not_external(folder: Path) -> None:
    assert "strings" in refused(save(folder, TensorProto.STRING, location="w.bin"))


def test_links(folder: Path) -> None:
    (folder / "within").symlink_to("w.bin")
    assert load(save(folder, location="within")) == [1, 2]
    (folder / "out").symlink_to("../out.bin")
    assert "escapes" in refused(save(folder, location="out"))
    (folder / "up").symlink_to("..")
    assert "escapes" in refused(save(folder, location="up/out.bin"))
    (folder / "loop").symlink_to("loop")
    refused(save(folder, location="loop"))
    os.link(folder.parent / "out.bin", folder / "hard.bin")
    assert "hard link" in refused(save(folder, location="hard.bin"))


def test_pipe_does_not_block(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert "regular file" in refused(save(folder, location="pipe"))


def test_download_cache_of_links(tmp_path: Path, folder: Path) -> None:
    """Model and data as links into one folder of blobs, as the Hugging Face cache lays them out."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    save(folder, location="m.data").rename(blobs / "1")
    (folder / "w.bin").rename(blobs / "2")
    (snapshot / "m.onnx").symlink_to("../blobs/1")
    (snapshot / "m.data").symlink_to("../blobs/2")
    assert load(snapshot / "m.onnx") == [1, 2]
    (snapshot / "m.data").unlink()
    (snapshot / "m.data").symlink_to("../out.bin")
    assert "escapes" in refused(snapshot / "m.onnx")

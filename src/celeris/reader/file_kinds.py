"""What a file is that is no ONNX model, told from its first bytes, and what to do with it instead."""

from __future__ import annotations

_GIVE = "load it with its own library and give celeris.load the estimator"
_KINDS: list[tuple[bytes, str, str]] = [
    (b"PK\x03\x04", "a zip archive (as .skops, .npz and PyTorch's files are)", _GIVE),
    (b"\x80", "a pickle", f"{_GIVE}, if you trust where it comes from"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"tree\n", "LightGBM's own text format", "celeris.load(lightgbm.Booster(model_file=...)) converts it"),
    (b"CBM1", "CatBoost's own format", "save it by save_model(..., format='onnx')"),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself: git lfs pull"),
    (b"\x89HDF", "an HDF5 file", "convert the model to ONNX first"),
    (b"{", "JSON (as XGBoost writes it)", "celeris.load(booster) converts an XGBoost model"),
    (b"<", "HTML or XML", "the download went wrong, or this is PMML: get the ONNX file"),
    (b"PAR1", "a Parquet file", "this is data, not a model"),
    (b"ARROW1", "an Arrow file", "this is data, not a model"),
    (b"\x93NUMPY", "a NumPy array", "this is data, not a model"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it first"),
    (b"", "an empty file", "write or fetch it again"),
]
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r")  # bytes that text does not have


def instead_of_a_model(start: bytes, problem: str) -> str | None:
    """What the bytes are, and the fix; None where nothing is known of them."""
    if start[4:8] == b"ORTM":
        return "got onnxruntime's own .ort format; convert the original model to ONNX"
    if start[4:8] == b"TFL3":
        return "got a TensorFlow Lite model; convert the original model to ONNX"
    for magic, kind, fix in _KINDS:
        if start.startswith(magic) if magic else not start:
            return f"got {kind}; {fix}"
    if "beyond its end" in problem:
        return "got one that ends in its middle; it was cut off on the way: fetch it again"
    if not start.strip(b"\0"):
        return "got nothing but zero bytes; it was not written to its end: write or fetch it again"
    if start.isascii() and not set(start).intersection(_CONTROL):
        return f"got text that begins {start[:20].decode()!r}; is it the right file?"
    return None

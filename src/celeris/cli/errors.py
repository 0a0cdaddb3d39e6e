"""What a command raises where its arguments or files are at fault, and how faults are said in one line."""

from __future__ import annotations

import re


class UsageError(Exception):
    """One line: where, what was expected, what came."""


_OF_SESSION = re.compile(r"\[ONNXRuntimeError\] : \d+ : (\w+) : (?:Load model from (.*?) failed:)?(.*)")
_OTHER_FILE = re.compile(r".*protobuf\. \((got .*)\)|.*failed\. \((got .*)\)", re.IGNORECASE)


def one_line(error: Exception) -> str:
    """The fault, without what onnxruntime's messages have for programs that match them."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
    text = " ".join(str(error).split())
    found = _OF_SESSION.fullmatch(text)
    if found is None:
        return text
    code, path, rest = found.groups()
    other = _OTHER_FILE.fullmatch(rest)
    if code == "NO_SUCHFILE":
        rest = "expected a model, there is no such file"
    elif rest == "Protobuf parsing failed.":  # of all others it says more
        rest = "expected an ONNX model, got a folder; give the file in it"
    elif other is not None:
        rest = f"expected an ONNX model, {other[1] or other[2]}"
    return f"{path}: {rest}" if path else rest

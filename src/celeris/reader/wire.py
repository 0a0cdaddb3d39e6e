"""Protobuf bytes -> dicts, by the native decoder and the schema of ONNX."""

from __future__ import annotations

from typing import Any, TypeAlias

from celeris import _core
from celeris.graph.strings import Strings
from celeris.reader.errors import ReadError
from celeris.reader.limits import MAX_DEPTH, MAX_MESSAGES
from celeris.reader.schema import SCHEMA

Message: TypeAlias = dict[str, Any]

_DECODER = _core.WireSchema(SCHEMA, Strings)


def decode(source: Any, root: str = "ModelProto", *, threads: int = 1) -> Message:
    """The message that a buffer (bytes, mmap, memoryview) holds: field name -> value, absent fields left out.

    Repeated numbers are arrays of their own, single bytes are memoryviews of `source`, repeated bytes are Strings.
    """
    try:
        found: Message = _DECODER.decode(source, root, MAX_DEPTH, MAX_MESSAGES, threads)
    except _core.WireError as error:
        raise ReadError("protobuf", str(error)) from error
    return found

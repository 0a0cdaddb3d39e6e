"""Dicts of the ONNX schema -> protobuf bytes. Repeated numbers are written packed, which every parser reads."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from celeris.graph.strings import Strings
from celeris.reader.schema import SCHEMA, Field
from celeris.reader.wire import Message

Chunk: TypeAlias = "bytes | memoryview"

_FIELDS: dict[str, dict[str, Field]] = {
    name: {field.name: field for field in fields} for name, fields in SCHEMA.items()
}
_FIXED: dict[str, np.dtype] = {"float": np.dtype("<f4"), "double": np.dtype("<f8")}


def encode(message: Message, root: str = "ModelProto") -> bytes:
    """The message of type `root` in wire format. Fields that are None, '' in a list apart, are left out."""
    chunks: list[Chunk] = []
    _message(message, root, chunks)
    return b"".join(chunks)


def _message(message: Message, name: str, chunks: list[Chunk]) -> int:
    """Append the message's bytes to `chunks`; returns how many they are."""
    fields = _FIELDS[name]
    return sum(_field(fields[key], value, chunks) for key, value in message.items() if value is not None)


def _field(field: Field, value: Any, chunks: list[Chunk]) -> int:
    if field.kind == "message":
        each = value if field.repeated else (value,)
        return sum(_submessage(field, inner, chunks) for inner in each)
    if field.kind in {"string", "bytes"}:
        return _texts(field, value, chunks) if field.repeated else _delimited(field, _raw(value), chunks)
    if field.repeated:
        return _delimited(field, _packed(field.kind, value), chunks) if len(value) else 0
    if field.kind in _FIXED:
        number = np.asarray(value, _FIXED[field.kind]).tobytes()
        return _put(chunks, _tag(field, 5 if field.kind == "float" else 1), number)
    return _put(chunks, _tag(field, 0), varint(value))


def _put(chunks: list[Chunk], *parts: Chunk) -> int:
    chunks += parts
    return sum(map(len, parts))


def _tag(field: Field, wire: int) -> bytes:
    return varint(field.number << 3 | wire)


def _delimited(field: Field, data: Chunk, chunks: list[Chunk]) -> int:
    return _put(chunks, _tag(field, 2), varint(len(data)), data)


def _submessage(field: Field, message: Message, chunks: list[Chunk]) -> int:
    inner: list[Chunk] = []
    size = _message(message, field.message, inner)
    return _put(chunks, _tag(field, 2), varint(size)) + _extend(chunks, inner, size)


def _extend(chunks: list[Chunk], inner: list[Chunk], size: int) -> int:
    chunks += inner
    return size


def _raw(value: Any) -> Chunk:
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else memoryview(value).cast("B")


def _texts(field: Field, values: Any, chunks: list[Chunk]) -> int:
    unique, codes = Strings.of(values).codes()
    ready = [_tag(field, 2) + varint(len(text)) + text for text in unique]
    data = b"".join(map(ready.__getitem__, codes.tolist()))
    return _put(chunks, data)


def _packed(kind: str, values: Any) -> Chunk:
    if kind in _FIXED:
        return np.ascontiguousarray(values, _FIXED[kind]).tobytes()
    return varints(np.asarray(values, np.uint64 if kind == "uint64" else np.int64))


def varint(value: int) -> bytes:
    """One number; a negative one as 64-bit two's complement."""
    value = int(value) & 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varints(values: np.ndarray) -> bytes:
    """Many numbers, one after another."""
    rest = values.reshape(-1).view(np.uint64)
    lengths = np.ones(len(rest), np.int64)
    for bit in range(7, 64, 7):
        longer = rest >= np.uint64(1 << bit)
        if not longer.any():
            break
        lengths += longer
    starts = np.cumsum(lengths) - lengths
    out = np.empty(int(lengths.sum()), np.uint8)
    for at in range(int(lengths.max(initial=0))):
        here = lengths > at
        more = (lengths[here] > at + 1).astype(np.uint8) << np.uint8(7)
        out[starts[here] + at] = ((rest[here] >> np.uint64(7 * at)) & np.uint64(0x7F)).astype(np.uint8) | more
    return out.tobytes()

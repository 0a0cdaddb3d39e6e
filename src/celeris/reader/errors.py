"""The one exception of the reader."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "protobuf",  # not a protobuf message, or a damaged one
    "no_file",
    "system",  # the file is there and cannot be read
    "no_graph",
    "ir_version",
    "opset",
    "external",  # external data: path, offset or length
    "size",  # a tensor's data does not fit its shape
    "type",  # an element type, attribute kind or type that there is not
    "value",  # any other content that cannot be
]


class ReadError(Exception):
    """A file is no model that can be run. `kind` says in which way; the text is onnxruntime's where it has one."""

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text

    def __str__(self) -> str:
        return self.text

"""ONNX files -> Model: wire (protobuf) -> schema -> tensors, types, external data -> read. Knows no operator."""

from celeris.reader.errors import ReadError
from celeris.reader.read import read

__all__ = ["ReadError", "read"]

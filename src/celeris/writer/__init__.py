"""Model -> ONNX bytes: write (Model -> dicts of the schema) -> encode (dicts -> protobuf)."""

from celeris.writer.write import write

__all__ = ["write"]

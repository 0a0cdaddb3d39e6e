"""The one exception of checks and inference."""

from __future__ import annotations


class GraphError(Exception):
    """An illegal model: `code` is onnxruntime's status, such as INVALID_GRAPH; `text` says what is wrong."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return self.text

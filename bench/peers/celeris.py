"""Celeris itself: labels and probabilities, as onnxruntime gives them."""

from __future__ import annotations

from functools import partial

import celeris
from bench.peers import Loaded
from bench.sides import session
from bench.zoo import Entry


def load(entry: Entry, threads: int) -> Loaded:
    return Loaded(partial(session(celeris, entry.onnx, threads).run, None), dict)

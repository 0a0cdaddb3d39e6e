"""Small networks of the usual kinds, made anew each time from fixed seeds: for `python -m bench.networks`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from bench.nets import images, quantized, sequences

Feeds: TypeAlias = dict[str, np.ndarray]

# Name -> what makes the model's bytes and its feeds.
NETWORKS: dict[str, Callable[[], tuple[bytes, Feeds]]] = {
    "mlp, 1 row": lambda: images.mlp(1),
    "mlp, 64 rows": lambda: images.mlp(64),
    "resnet 224": images.resnet,
    "mobilenet 224": images.mobilenet,
    "detector silu 320": lambda: images.detector("silu"),
    "detector leaky 320": lambda: images.detector("leaky"),
    "text recogniser": sequences.recogniser,
    "text, depthwise": sequences.depthwise_recogniser,
    "voice, 32 ms": sequences.voice,
    "bert 4x256, 128": sequences.bert,
    "gru 2x128": sequences.gru,
    "quantised, QDQ": lambda: quantized.network("qdq"),
    "quantised, QLinear": lambda: quantized.network("qoperator"),
    "quantised, dynamic": lambda: quantized.network("dynamic"),
}

"""Small networks of the usual kinds, made anew from fixed seeds or from packages: for `python -m bench.networks`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from bench.nets import images, packaged, quantized, sequences

Feeds: TypeAlias = dict[str, np.ndarray]

# Name -> what makes the model's bytes and its feeds, or None where the package that has them is not there.
NETWORKS: dict[str, Callable[[], tuple[bytes, Feeds] | None]] = {
    "mlp, 1 row": lambda: images.mlp(1),
    "mlp, 64 rows": lambda: images.mlp(64),
    "resnet 224": images.resnet,
    "mobilenet 224": images.mobilenet,
    "detector silu 320": lambda: images.detector("silu"),
    "detector leaky 320": lambda: images.detector("leaky"),
    "text recogniser": sequences.recogniser,
    "text, depthwise": sequences.depthwise_recogniser,
    "voice, 32 ms": sequences.voice,
    "silero v4, 32 ms": lambda: packaged.silero("v4"),
    "silero v5, 32 ms": lambda: packaged.silero("v5"),
    "bert 4x256, 128": sequences.bert,
    "gru 2x128": sequences.gru,
    "quantised, QDQ": lambda: quantized.network("qdq"),
    "quantised, QLinear": lambda: quantized.network("qoperator"),
    "quantised, dynamic": lambda: quantized.network("dynamic"),
    "bert, dynamic": lambda: quantized.encoder("dynamic"),
    "bert, QLinear": lambda: quantized.encoder("qoperator"),
    "bert, QDQ": lambda: quantized.encoder("qdq"),
}

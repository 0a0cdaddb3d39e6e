"""Who else predicts: one file a peer, each with `load(entry, threads) -> Loaded`, which raises Unable where it cannot.

A peer is given its rows in the form it likes best before the clock runs (`prepare`); what it must do for every call, it
does under the clock (`predict`). Its answer is held to the training library's before it is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from bench.zoo import Entry

PEERS: dict[str, str] = {  # the name on PyPI, and the file here
    "celeris": "celeris",
    "onnxruntime": "onnxruntime",
    "scikit-learn": "scikit_learn",
    "scikit-learn-intelex": "scikit_learn_intelex",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost",
    "catboost": "catboost",
    "treelite": "treelite",
    "tl2cgen": "tl2cgen",
    "lleaves": "lleaves",
    "timber-compiler": "timber",
    "hummingbird-ml": "hummingbird",
}
_CHECKED, _NEAR = 100, 1e-3  # rows; peers that add in float32 stray by 1e-4 on sums of 1,000 trees


class Unable(Exception):
    """The peer is not installed, or cannot run this model; the text says why."""


@dataclass
class Loaded:
    """A model in a peer's hands."""

    predict: Callable[[Any], Any]
    prepare: Callable[[dict[str, Any]], Any] = lambda feeds: next(iter(feeds.values()))
    same_model: bool = True  # False where the peer had to train its own


def open_peer(name: str, entry: Entry, threads: int) -> Loaded:
    """The model, loaded and checked."""
    try:
        loaded = import_module(f"bench.peers.{PEERS[name]}").load(entry, threads)
    except ImportError as error:
        raise Unable(f"not installed ({error})") from error
    if loaded.same_model:
        _check(loaded, entry)
    return loaded


def _check(loaded: Loaded, entry: Entry) -> None:
    expected = entry.expected[:_CHECKED].reshape(min(len(entry.expected), _CHECKED), -1)
    found = loaded.predict(loaded.prepare(entry.rows(0, len(expected))))
    if isinstance(found, list):  # of a session: the last output; of ZipMap: dictionaries
        found = found[-1]
    if isinstance(found, list):
        found = [list(each.values()) for each in found]
    found = np.asarray(found, np.float64).reshape(len(expected), -1)
    if found.shape[1] == 1 and expected.shape[1] == 2:  # the second class alone
        expected = expected[:, 1:]
    if found.shape != expected.shape:
        raise Unable(f"answers in the shape {found.shape}, expected {expected.shape}")
    error = float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max())
    if not error < _NEAR:
        raise Unable(f"answers differ from the training library's by {error:.1e}")

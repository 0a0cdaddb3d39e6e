"""Random numbers. A `seed` gives the same numbers at each run; which numbers, ONNX does not say."""

from __future__ import annotations

import struct
from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, Tensor, Type, dtype_of
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op

_shared = np.random.default_rng()  # of the operators that have no seed


def set_seed(seed: int) -> None:
    """Operators without a seed of their own draw the same numbers again from here on, one after another."""
    global _shared
    _shared = np.random.default_rng(seed % 2**64)


def _generator(seed: float | None) -> np.random.Generator:
    return _shared if seed is None else np.random.default_rng(struct.unpack("<I", struct.pack("<f", seed))[0])


def _dtype(number: int | None, default: np.dtype) -> np.dtype:
    return dtype_of(ELEMENT_NAMES[number]) if number else default


def RandomNormal(
    *, shape: Seq[int], dtype: int = 1, mean: float = 0.0, scale: float = 1.0, seed: float | None = None
) -> np.ndarray:
    """output [shape] ~ Normal(mean, scale). Source: ai.onnx RandomNormal-22."""
    drawn = _generator(seed).normal(mean, scale, tuple(int(n) for n in shape))
    return narrow(drawn, _dtype(dtype, np.dtype(np.float32)))


def RandomNormalLike(
    input: np.ndarray,
    *,
    dtype: int | None = None,
    mean: float = 0.0,
    scale: float = 1.0,
    seed: float | None = None,
) -> np.ndarray:
    """output ~ Normal(mean, scale), shaped (and by default typed) as input. Source: ai.onnx RandomNormalLike-22."""
    return narrow(_generator(seed).normal(mean, scale, input.shape), _dtype(dtype, input.dtype))


def RandomUniform(
    *, shape: Seq[int], dtype: int = 1, high: float = 1.0, low: float = 0.0, seed: float | None = None
) -> np.ndarray:
    """output [shape] ~ Uniform[low, high). Source: ai.onnx RandomUniform-22."""
    drawn = _generator(seed).uniform(low, high, tuple(int(n) for n in shape))
    return narrow(drawn, _dtype(dtype, np.dtype(np.float32)))


def RandomUniformLike(
    input: np.ndarray, *, dtype: int | None = None, high: float = 1.0, low: float = 0.0, seed: float | None = None
) -> np.ndarray:
    """output ~ Uniform[low, high), shaped (and by default typed) as input. Source: ai.onnx RandomUniformLike-22."""
    return narrow(_generator(seed).uniform(low, high, input.shape), _dtype(dtype, input.dtype))


def Bernoulli(input: np.ndarray, *, dtype: int | None = None, seed: float | None = None) -> np.ndarray:
    """output = 1 with probability `input`, else 0. Source: ai.onnx Bernoulli-22."""
    return narrow(_generator(seed).uniform(size=input.shape) < widen(input), _dtype(dtype, input.dtype))


def Multinomial(input: np.ndarray, *, dtype: int = 6, sample_size: int = 1, seed: float | None = None) -> np.ndarray:
    """output [N,sample_size]: classes drawn with the log-probabilities input [N,C]. Source: ai.onnx Multinomial-22."""
    if input.ndim != 2 or input.shape[1] == 0:
        raise ValueError(f"Multinomial: expected input [N,C] with classes, got {input.shape}")
    logits = input.astype(np.float64)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf)).cumsum(axis=1)
    points = _generator(seed).uniform(size=(len(input), sample_size)) * shares[:, -1:]
    drawn = [np.searchsorted(row, at, side="right") for row, at in zip(shares, points, strict=True)]
    return narrow(np.array(drawn).reshape(len(input), sample_size), _dtype(dtype, np.dtype(np.int32)))


def _shaped(facts: Facts) -> list[Type | None]:
    element = ELEMENT_NAMES[facts.attributes.get("dtype") or 1]
    return [Tensor(element, tuple(int(n) for n in facts.attributes["shape"]))]


def _like(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    number = facts.attributes.get("dtype")
    if x is None:
        return [Tensor(ELEMENT_NAMES[number]) if number else None]
    return [Tensor(ELEMENT_NAMES[number] if number else x.element, x.shape)]


def _drawn(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    rows = x.shape[0] if x is not None and x.shape else None
    return [Tensor(ELEMENT_NAMES[facts.attributes.get("dtype") or 6], (rows, facts.attributes.get("sample_size", 1)))]


OPS: tuple[Op, ...] = (
    Op("Bernoulli", 15, Bernoulli, _like),
    Op("Multinomial", 7, Multinomial, _drawn),
    Op("RandomNormal", 1, RandomNormal, _shaped),
    Op("RandomNormalLike", 1, RandomNormalLike, _like),
    Op("RandomUniform", 1, RandomUniform, _shaped),
    Op("RandomUniformLike", 1, RandomUniformLike, _like),
)

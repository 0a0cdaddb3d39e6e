"""Signals: Fourier transforms, whole and in frames, window functions, and the mel filter bank."""

from __future__ import annotations

import math

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, Dim, Tensor, Type, dtype_of
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op


def _scalar(where: str, name: str, value: np.ndarray, least: int) -> int:
    if np.size(value) != 1 or int(np.asarray(value).item()) < least:
        raise ValueError(f"{where}: expected {name} to be one integer from {least}, got {value}")
    return int(np.asarray(value).item())


def _phases(where: str, size: np.ndarray, periodic: int) -> np.ndarray:
    """2 pi n / N for n below `size`; N is the size, or one less where the window is symmetric."""
    count = _scalar(where, "size", size, 0)
    return np.arange(count) * (2 * math.pi / max(count if periodic else count - 1, 1))


def BlackmanWindow(size: np.ndarray, *, output_datatype: int = 1, periodic: int = 1) -> np.ndarray:
    """output [size] = 0.42 - 0.5 cos(t) + 0.08 cos(2 t), t = 2 pi n / N. Source: ai.onnx BlackmanWindow-17."""
    t = _phases("BlackmanWindow", size, periodic)
    return narrow(0.42 - 0.5 * np.cos(t) + 0.08 * np.cos(2 * t), dtype_of(ELEMENT_NAMES[output_datatype]))


def HammingWindow(size: np.ndarray, *, output_datatype: int = 1, periodic: int = 1) -> np.ndarray:
    """output [size] = 25/46 - 21/46 cos(t), t = 2 pi n / N. Source: ai.onnx HammingWindow-17."""
    t = _phases("HammingWindow", size, periodic)
    return narrow(25 / 46 - 21 / 46 * np.cos(t), dtype_of(ELEMENT_NAMES[output_datatype]))


def HannWindow(size: np.ndarray, *, output_datatype: int = 1, periodic: int = 1) -> np.ndarray:
    """output [size] = 0.5 - 0.5 cos(t), t = 2 pi n / N. Source: ai.onnx HannWindow-17."""
    t = _phases("HannWindow", size, periodic)
    return narrow(0.5 - 0.5 * np.cos(t), dtype_of(ELEMENT_NAMES[output_datatype]))


def _complex(where: str, x: np.ndarray) -> np.ndarray:
    """[...,1] real or [...,2] real and imaginary -> [...]."""
    if x.ndim < 2 or x.shape[-1] not in (1, 2):
        raise ValueError(f"{where}: expected a signal [...,1] or [...,2], got {x.shape}")
    wide = widen(x)
    return wide[..., 0] if x.shape[-1] == 1 else wide[..., 0] + 1j * wide[..., 1]


def _parts(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return narrow(np.stack([x.real, x.imag], axis=-1), dtype)


def DFT(
    input: np.ndarray,
    dft_length: np.ndarray | None = None,
    axis: np.ndarray | None = None,
    *,
    inverse: int = 0,
    onesided: int = 0,
) -> np.ndarray:
    """The discrete Fourier transform along `axis` (-2): input [...,1 or 2] -> output [...,2]. Source: ai.onnx DFT-20.

    onesided keeps the first half of a real signal's; its inverse takes that half to a real signal [...,1].
    """
    at = -2 if axis is None else int(np.asarray(axis).item())
    if not -input.ndim <= at < input.ndim or at % input.ndim == input.ndim - 1:
        raise ValueError(f"DFT: expected an axis of the signal within rank {input.ndim}, got {at}")
    at %= input.ndim
    signal = _complex("DFT", input)
    default = 2 * (signal.shape[at] - 1) if inverse and onesided else signal.shape[at]
    length = default if dft_length is None else _scalar("DFT", "dft_length", dft_length, 1)
    if inverse and onesided:
        return narrow(np.fft.irfft(signal, length, at)[..., None], input.dtype)
    if inverse:
        return _parts(np.fft.ifft(signal, length, at), input.dtype)
    if onesided:
        if np.iscomplexobj(signal):
            raise ValueError(f"DFT: expected a real signal [...,1] for onesided, got {input.shape}")
        return _parts(np.fft.rfft(signal, length, at), input.dtype)
    return _parts(np.fft.fft(signal, length, at), input.dtype)


def DFT_17(
    input: np.ndarray, dft_length: np.ndarray | None = None, *, axis: int = 1, inverse: int = 0, onesided: int = 0
) -> np.ndarray:
    """DFT along the attribute `axis`. Source: ai.onnx DFT-17."""
    return DFT(input, dft_length, np.array(axis), inverse=inverse, onesided=onesided)


def STFT(
    signal: np.ndarray,
    frame_step: np.ndarray,
    window: np.ndarray | None = None,
    frame_length: np.ndarray | None = None,
    *,
    onesided: int = 1,
) -> np.ndarray:
    """The DFT of each frame times the window: signal [B,L,1 or 2] -> output [B,frames,bins,2]. Source: STFT-17."""
    if signal.ndim != 3:
        raise ValueError(f"STFT: expected a signal [B,L,1] or [B,L,2], got {signal.shape}")
    x = _complex("STFT", signal)
    step = _scalar("STFT", "frame_step", frame_step, 1)
    if frame_length is not None:
        length = _scalar("STFT", "frame_length", frame_length, 1)
    else:
        length = x.shape[1] if window is None else len(window)
    if window is not None and window.shape != (length,):
        raise ValueError(f"STFT: expected a window of {length} values (frame_length), got shape {window.shape}")
    if not 0 < length <= x.shape[1]:
        raise ValueError(f"STFT: expected a signal of at least {length} values (a frame), got {x.shape[1]}")
    frames = np.lib.stride_tricks.sliding_window_view(x, length, axis=1)[:, ::step]
    if window is not None:
        frames = frames * widen(window)
    if not onesided:
        return _parts(np.fft.fft(frames, axis=2), signal.dtype)
    if np.iscomplexobj(x):
        raise ValueError(f"STFT: expected a real signal [B,L,1] for onesided, got {signal.shape}")
    return _parts(np.fft.rfft(frames, axis=2), signal.dtype)


def MelWeightMatrix(
    num_mel_bins: np.ndarray,
    dft_length: np.ndarray,
    sample_rate: np.ndarray,
    lower_edge_hertz: np.ndarray,
    upper_edge_hertz: np.ndarray,
    *,
    output_datatype: int = 1,
) -> np.ndarray:
    """output [dft_length // 2 + 1, bins]: even triangles at 2595 log10(1 + f / 700). Source: MelWeightMatrix-17."""
    bins = _scalar("MelWeightMatrix", "num_mel_bins", num_mel_bins, 0)
    length = _scalar("MelWeightMatrix", "dft_length", dft_length, 1)
    rate = _scalar("MelWeightMatrix", "sample_rate", sample_rate, 1)
    low, high = (
        2595 * math.log10(1 + float(np.asarray(edge).item()) / 700) for edge in (lower_edge_hertz, upper_edge_hertz)
    )
    mels = np.arange(bins + 2) * ((high - low) / (bins + 2)) + low
    hertz = 700 * (10 ** (mels / 2595) - 1)
    edges = ((length + 1) * hertz) // rate
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    at = np.arange(length // 2 + 1)[:, None]
    rising, falling = np.maximum(centre - left, 1), np.maximum(right - centre, 1)
    weights = np.where((left <= at) & (at <= centre), (at - left) / rising, 0)
    weights = np.where((centre <= at) & (at < right), (right - at) / falling, weights)
    # A triangle without a left side still has its peak.
    weights = np.where((at == centre) & (centre == left), 1, weights)
    return narrow(weights, dtype_of(ELEMENT_NAMES[output_datatype]))


def _constant(facts: Facts, index: int) -> int | None:
    value = facts.values[index] if index < len(facts.values) else None
    return int(value.item()) if value is not None and value.size == 1 else None


def _given(facts: Facts, index: int) -> bool:
    return index < len(facts.types) and facts.types[index] is not None


def _window_type(facts: Facts) -> list[Type | None]:
    size = _constant(facts, 0)
    element = ELEMENT_NAMES[facts.attributes.get("output_datatype") or 1]
    return [Tensor(element, None if size is None else (size,))]


def _transformed(facts: Facts, axis: int | None) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None or x.shape is None:
        return [x]
    inverse, onesided = facts.attributes.get("inverse"), facts.attributes.get("onesided")
    dims: list[Dim] = [*x.shape[:-1], 1 if inverse and onesided else 2]
    if not onesided and not _given(facts, 1):
        return [Tensor(x.element, tuple(dims))]
    if axis is None or not -len(dims) <= axis < len(dims):
        return [Tensor(x.element, (*[None] * (len(dims) - 1), dims[-1]))]
    size = x.shape[axis]
    if _given(facts, 1):
        length: Dim = _constant(facts, 1)
    elif inverse and onesided:
        length = 2 * (size - 1) if isinstance(size, int) else None
    else:
        length = size
    if onesided and not inverse:
        length = length // 2 + 1 if isinstance(length, int) else None
    dims[axis] = length
    return [Tensor(x.element, tuple(dims))]


def _dft_type(facts: Facts) -> list[Type | None]:
    return _transformed(facts, _constant(facts, 2) if _given(facts, 2) else -2)


def _dft17_type(facts: Facts) -> list[Type | None]:
    return _transformed(facts, int(facts.attributes.get("axis", 1)))


def _stft_type(facts: Facts) -> list[Type | None]:
    x, window = shapes.tensor(facts, 0), shapes.tensor(facts, 2)
    if x is None:
        return [None]
    batch, size = x.shape[:2] if x.shape is not None and len(x.shape) == 3 else (None, None)
    length: Dim = size
    if _given(facts, 3):
        length = _constant(facts, 3)
    elif window is not None:
        length = window.shape[0] if window.shape else None
    step = _constant(facts, 1)
    frames = None
    if isinstance(size, int) and isinstance(length, int) and step:
        frames = (size - length) // step + 1
    bins = length
    if facts.attributes.get("onesided", 1):
        bins = length // 2 + 1 if isinstance(length, int) else None
    return [Tensor(x.element, (batch, frames, bins, 2))]


def _mel_type(facts: Facts) -> list[Type | None]:
    bins, length = _constant(facts, 0), _constant(facts, 1)
    element = ELEMENT_NAMES[facts.attributes.get("output_datatype") or 1]
    return [Tensor(element, None if length is None or bins is None else (length // 2 + 1, bins))]


OPS: tuple[Op, ...] = (
    Op("BlackmanWindow", 17, BlackmanWindow, _window_type),
    Op("DFT", 17, DFT_17, _dft17_type),
    Op("DFT", 20, DFT, _dft_type),
    Op("HammingWindow", 17, HammingWindow, _window_type),
    Op("HannWindow", 17, HannWindow, _window_type),
    Op("MelWeightMatrix", 17, MelWeightMatrix, _mel_type),
    Op("STFT", 17, STFT, _stft_type),
)

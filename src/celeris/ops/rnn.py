"""The versions of RNN, GRU and LSTM: before opset 14 no layout, and `output_sequence` in the first."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from typing import TypeAlias

import numpy as np

from celeris.ops.recurrent import GRU, LSTM, RNN, layer_types
from celeris.ops.table import Op

Array: TypeAlias = np.ndarray
Floats: TypeAlias = Seq[float] | np.ndarray | None


def RNN_7(
    X: Array,
    W: Array,
    R: Array,
    B: Array | None = None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Seq[str] = ("Tanh", "Tanh"),
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
) -> tuple[Array, ...]:
    """RNN of layout 0. Source: ai.onnx RNN-7."""
    return RNN(
        X, W, R, B, sequence_lens, initial_h, activation_alpha=activation_alpha, activation_beta=activation_beta,
        activations=activations, clip=clip, direction=direction, hidden_size=hidden_size,
    )  # fmt: skip


def RNN_1(
    X: Array,
    W: Array,
    R: Array,
    B: Array | None = None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Seq[str] = ("Tanh", "Tanh"),
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    output_sequence: int = 0,
) -> tuple[Array, ...]:
    """RNN; Y is given whether or not `output_sequence` asks for it. Source: ai.onnx RNN-1."""
    return RNN_7(
        X, W, R, B, sequence_lens, initial_h, activation_alpha=activation_alpha, activation_beta=activation_beta,
        activations=activations, clip=clip, direction=direction, hidden_size=hidden_size,
    )  # fmt: skip


def GRU_7(
    X: Array,
    W: Array,
    R: Array,
    B: Array | None = None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Seq[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    linear_before_reset: int = 0,
) -> tuple[Array, ...]:
    """GRU of layout 0. Source: ai.onnx GRU-7."""
    return GRU(
        X, W, R, B, sequence_lens, initial_h, activation_alpha=activation_alpha, activation_beta=activation_beta,
        activations=activations, clip=clip, direction=direction, hidden_size=hidden_size,
        linear_before_reset=linear_before_reset,
    )  # fmt: skip


def GRU_3(
    X: Array,
    W: Array,
    R: Array,
    B: Array | None = None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Seq[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    linear_before_reset: int = 0,
    output_sequence: int = 0,
) -> tuple[Array, ...]:
    """GRU; Y is given whether or not `output_sequence` asks for it. Source: ai.onnx GRU-3."""
    return GRU_7(
        X, W, R, B, sequence_lens, initial_h, activation_alpha=activation_alpha, activation_beta=activation_beta,
        activations=activations, clip=clip, direction=direction, hidden_size=hidden_size,
        linear_before_reset=linear_before_reset,
    )  # fmt: skip


def GRU_1(
    X: Array,
    W: Array,
    R: Array,
    B: Array | None = None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Seq[str] | None = None,
    clip: float | None = None,
    direction: str = "foward",  # as the schema spells it
    hidden_size: int | None = None,
    output_sequence: int = 0,
) -> tuple[Array, ...]:
    """GRU that resets before the linear part. Source: ai.onnx GRU-1."""
    return GRU_7(
        X, W, R, B, sequence_lens, initial_h, activation_alpha=activation_alpha, activation_beta=activation_beta,
        activations=activations, clip=clip, direction="forward" if direction == "foward" else direction,
        hidden_size=hidden_size,
    )  # fmt: skip


def LSTM_7(
    X: Array,
    W: Array,
    R: Array,
    B: Array | None = None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    initial_c: Array | None = None,
    P: Array | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Seq[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
) -> tuple[Array, ...]:
    """LSTM of layout 0. Source: ai.onnx LSTM-7."""
    return LSTM(
        X, W, R, B, sequence_lens, initial_h, initial_c, P, activation_alpha=activation_alpha,
        activation_beta=activation_beta, activations=activations, clip=clip, direction=direction,
        hidden_size=hidden_size, input_forget=input_forget,
    )  # fmt: skip


def LSTM_1(
    X: Array,
    W: Array,
    R: Array,
    B: Array | None = None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    initial_c: Array | None = None,
    P: Array | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Seq[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    output_sequence: int = 0,
) -> tuple[Array, ...]:
    """LSTM; Y is given whether or not `output_sequence` asks for it. Source: ai.onnx LSTM-1."""
    return LSTM_7(
        X, W, R, B, sequence_lens, initial_h, initial_c, P, activation_alpha=activation_alpha,
        activation_beta=activation_beta, activations=activations, clip=clip, direction=direction,
        hidden_size=hidden_size, input_forget=input_forget,
    )  # fmt: skip


OPS: tuple[Op, ...] = (
    Op("GRU", 1, GRU_1, layer_types),
    Op("GRU", 3, GRU_3, layer_types),
    Op("GRU", 7, GRU_7, layer_types),
    Op("GRU", 14, GRU, layer_types),
    Op("LSTM", 1, LSTM_1, layer_types),
    Op("LSTM", 7, LSTM_7, layer_types),
    Op("LSTM", 14, LSTM, layer_types),
    Op("RNN", 1, RNN_1, layer_types),
    Op("RNN", 7, RNN_7, layer_types),
    Op("RNN", 14, RNN, layer_types),
)

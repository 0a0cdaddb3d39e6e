"""The recurrent layer of com.microsoft that onnxruntime's quantizer makes."""

from __future__ import annotations

from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops.contrib_quantized import wide
from celeris.ops.contrib_text import MICROSOFT
from celeris.ops.quantize import DynamicQuantizeLinear
from celeris.ops.recurrent import Options, layer_types, lstm_layer
from celeris.ops.table import Facts, Op
from celeris.records import replace


def _rounded(x: np.ndarray) -> np.ndarray:
    """x in 256 steps of its own range, as a product with an 8-bit matrix sees it."""
    return wide(*DynamicQuantizeLinear(x)).astype(np.float32)


def _weights(w: np.ndarray, scale: np.ndarray, zero_point: np.ndarray) -> np.ndarray:
    """[D,I,4H] of 8 bits -> [D,4H,I] f32; a scale and a zero point a direction, or one a column of each."""
    directions = len(w)
    zero = zero_point.reshape(directions, 1, -1).astype(np.float32)
    dense = (w.astype(np.float32) - zero) * scale.reshape(directions, 1, -1)
    return np.ascontiguousarray(dense.swapaxes(1, 2))


def DynamicQuantizeLSTM(
    X: np.ndarray,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None,
    sequence_lens: np.ndarray | None,
    initial_h: np.ndarray | None,
    initial_c: np.ndarray | None,
    P: np.ndarray | None,
    W_scale: np.ndarray,
    W_zero_point: np.ndarray,
    R_scale: np.ndarray,
    R_zero_point: np.ndarray,
    *,
    activation_alpha: np.ndarray | None = None,
    activation_beta: np.ndarray | None = None,
    activations: Seq[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
) -> tuple[np.ndarray, ...]:
    """An LSTM with 8-bit W [D,I,4H] and R [D,H,4H]; inputs and states are rounded to 8 bits before each product.

    X [T,B,I] -> Y [T,D,B,H], Y_h, Y_c [D,B,H]. Source: com.microsoft DynamicQuantizeLSTM-1.
    """
    o = Options(
        "DynamicQuantizeLSTM", 4, ("Sigmoid", "Tanh", "Tanh"), direction, 0, hidden_size, clip, activations,
        activation_alpha, activation_beta,
    )  # fmt: skip
    w, r = _weights(W, W_scale, W_zero_point), _weights(R, R_scale, R_zero_point)
    return lstm_layer(o, _rounded(X), w, r, B, sequence_lens, initial_h, initial_c, P, input_forget, _rounded)


def _types(facts: Facts) -> list[Type | None]:
    """As LSTM's; R has its hidden size in the middle."""
    r = facts.types[2]
    if isinstance(r, Tensor) and r.shape is not None and len(r.shape) == 3:
        r = Tensor(r.element, (r.shape[0], r.shape[2], r.shape[1]))
    return layer_types(replace(facts, types=[*facts.types[:2], r, *facts.types[3:]]))


OPS: tuple[Op, ...] = (Op("DynamicQuantizeLSTM", 1, DynamicQuantizeLSTM, _types, MICROSOFT),)

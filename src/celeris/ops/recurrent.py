"""Recurrent layers: RNN, GRU, LSTM. One matrix product for all inputs, then one for each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Sequence as Seq
from typing import Any

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts
from celeris.records import Record

Function = Callable[[np.ndarray], np.ndarray]
# One step: the input's part of the gates [B,G*H] and the states -> the new states, the hidden one first.
Step = Callable[[np.ndarray, list[np.ndarray]], list[np.ndarray]]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


# name -> (function of x, alpha, beta; default alpha; default beta), None where it takes none.
_ACTIVATIONS: dict[str, tuple[Callable[[Any, Any, Any], Any], float | None, float | None]] = {
    "affine": (lambda x, a, b: a * x + b, 1.0, 0.0),
    "elu": (lambda x, a, b: np.where(x >= 0, x, a * np.expm1(np.minimum(x, 0))), 1.0, None),
    "hardsigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5),
    "leakyrelu": (lambda x, a, b: np.where(x >= 0, x, a * x), 0.01, None),
    "relu": (lambda x, a, b: np.maximum(x, 0), None, None),
    "scaledtanh": (lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    "sigmoid": (lambda x, a, b: _sigmoid(x), None, None),
    "softplus": (lambda x, a, b: np.logaddexp(x, 0), None, None),
    "softsign": (lambda x, a, b: x / (1 + np.abs(x)), None, None),
    "tanh": (lambda x, a, b: np.tanh(x), None, None),
    "thresholdedrelu": (lambda x, a, b: np.where(x >= a, x, 0), 1.0, None),
}


class Options(Record, frozen=True):
    """What RNN, GRU and LSTM have in common, as the node gives it."""

    where: str
    gates: int
    functions: tuple[str, ...]
    direction: str
    layout: int
    hidden_size: int | None
    clip: float | None
    activations: Seq[str] | None
    alpha: Seq[float] | np.ndarray | None
    beta: Seq[float] | np.ndarray | None

    @property
    def directions(self) -> int:
        """1, or 2 where bidirectional."""
        if self.direction not in ("forward", "reverse", "bidirectional"):
            raise ValueError(f"{self.where}: expected forward, reverse or bidirectional, got {self.direction!r}")
        return 2 if self.direction == "bidirectional" else 1

    def chosen(self, dtype: np.dtype) -> list[list[Function]]:
        """The activation functions of each direction. `clip` bounds what the gates' functions get.

        LSTM's last, of the cell, gets it as it is, as in onnxruntime.
        """
        count = len(self.functions) * self.directions
        names = list(self.activations or self.functions * self.directions)[:count]
        if len(names) != count:
            raise ValueError(f"{self.where}: expected {count} activations, got {names}")
        alphas, betas = iter([] if self.alpha is None else self.alpha), iter([] if self.beta is None else self.beta)
        size = len(self.functions)
        made = [self._function(name, alphas, betas, dtype, clipped=i % size < 2) for i, name in enumerate(names)]
        return [made[i : i + size] for i in range(0, count, size)]

    def _function(
        self, name: str, alphas: Iterator[float], betas: Iterator[float], dtype: np.dtype, clipped: bool
    ) -> Function:
        if name.lower() not in _ACTIVATIONS:
            raise ValueError(f"{self.where}: expected one of {sorted(_ACTIVATIONS)}, got activation {name!r}")
        function, alpha, beta = _ACTIVATIONS[name.lower()]
        # Only a function that takes a parameter consumes one.
        a = None if alpha is None else dtype.type(next(alphas, alpha))
        b = None if beta is None else dtype.type(next(betas, beta))
        limit = dtype.type(self.clip) if clipped and self.clip is not None else None

        def apply(x: np.ndarray) -> np.ndarray:
            return np.asarray(function(x if limit is None else np.clip(x, -limit, limit), a, b))

        return apply


def _layer(
    o: Options,
    X: np.ndarray,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None,
    sequence_lens: np.ndarray | None,
    initial: list[np.ndarray | None],
    cell: Callable[[int, np.ndarray, np.ndarray], Step],
) -> tuple[np.ndarray, ...]:
    """Y [T,D,B,H] and the last states [D,B,H] (layout 1: [B,T,D,H] and [B,D,H])."""
    x = widen(X if not o.layout else X.swapaxes(0, 1))
    hidden, length, batch = _sizes(o, x, W, R)
    bias = np.zeros((o.directions, 2 * o.gates * hidden), x.dtype) if B is None else widen(B)
    if bias.shape != (o.directions, 2 * o.gates * hidden):
        raise ValueError(f"{o.where}: expected B {(o.directions, 2 * o.gates * hidden)}, got {bias.shape}")
    states = [_initial(o, state, batch, hidden, x.dtype) for state in initial]
    lens = None if sequence_lens is None else np.asarray(sequence_lens)
    if lens is not None and (lens.shape != (batch,) or (batch and not 0 <= lens.min() <= lens.max() <= length)):
        raise ValueError(f"{o.where}: expected {batch} sequence_lens from 0 to {length}, got {lens}")
    y = np.zeros((length, o.directions, batch, hidden), x.dtype)
    last = [np.empty_like(state) for state in states]
    for d in range(o.directions):
        step = cell(d, widen(R[d]), bias[d])
        inputs = x @ widen(W[d]).T
        now = [state[d] for state in states]
        backward = o.direction == "reverse" or d == 1
        for t in range(length - 1, -1, -1) if backward else range(length):
            new = step(inputs[t], now)
            if lens is None:
                now, y[t, d] = new, new[0]
                continue
            alive = (t < lens)[:, None]  # behind its end, a sequence keeps its state and gives 0
            now = [np.where(alive, a, b) for a, b in zip(new, now, strict=True)]
            y[t, d] = np.where(alive, new[0], 0)
        for result, state in zip(last, now, strict=True):
            result[d] = state
    if o.layout:
        y, last = y.transpose(2, 0, 1, 3), [state.swapaxes(0, 1) for state in last]
    return tuple(narrow(np.ascontiguousarray(value), X.dtype) for value in (y, *last))


def _sizes(o: Options, x: np.ndarray, W: np.ndarray, R: np.ndarray) -> tuple[int, int, int]:
    """The hidden size, the sequences' length and their number; ValueError where shapes do not fit."""
    hidden = int(R.shape[-1])
    if o.hidden_size is not None and o.hidden_size != hidden:
        raise ValueError(f"{o.where}: expected hidden_size {hidden} as R has, got {o.hidden_size}")
    rows = o.gates * hidden
    if x.ndim != 3 or W.shape != (o.directions, rows, x.shape[2]) or R.shape != (o.directions, rows, hidden):
        raise ValueError(
            f"{o.where}: expected W [{o.directions},{rows},{x.shape[-1]}] and R [{o.directions},{rows},{hidden}], "
            f"got {W.shape} and {R.shape}"
        )
    return hidden, x.shape[0], x.shape[1]


def _initial(o: Options, state: np.ndarray | None, batch: int, hidden: int, dtype: np.dtype) -> np.ndarray:
    if state is None:
        return np.zeros((o.directions, batch, hidden), dtype)
    result = widen(state.swapaxes(0, 1) if o.layout else state)
    if result.shape != (o.directions, batch, hidden):
        raise ValueError(f"{o.where}: expected an initial state {(o.directions, batch, hidden)}, got {result.shape}")
    return result


def RNN(
    X: np.ndarray,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None = None,
    sequence_lens: np.ndarray | None = None,
    initial_h: np.ndarray | None = None,
    *,
    activation_alpha: Seq[float] | np.ndarray | None = None,
    activation_beta: Seq[float] | np.ndarray | None = None,
    activations: Seq[str] = ("Tanh", "Tanh"),
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
) -> tuple[np.ndarray, ...]:
    """H = f(X W^T + H R^T + B): X [T,B,I], W [D,H,I], R [D,H,H] -> Y [T,D,B,H], Y_h [D,B,H]. Source: ai.onnx RNN-22."""
    o = Options(
        "RNN", 1, ("Tanh",), direction, layout, hidden_size, clip, activations, activation_alpha, activation_beta
    )
    functions = o.chosen(widen(X).dtype)

    def cell(d: int, r: np.ndarray, bias: np.ndarray) -> Step:
        f = functions[d][0]
        both = bias[: len(r)] + bias[len(r) :]
        return lambda gates, state: [f(gates + state[0] @ r.T + both)]

    return _layer(o, X, W, R, B, sequence_lens, [initial_h], cell)


def GRU(
    X: np.ndarray,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None = None,
    sequence_lens: np.ndarray | None = None,
    initial_h: np.ndarray | None = None,
    *,
    activation_alpha: Seq[float] | np.ndarray | None = None,
    activation_beta: Seq[float] | np.ndarray | None = None,
    activations: Seq[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
) -> tuple[np.ndarray, ...]:
    """H = (1 - z) h + z H, gates z, r, h: X [T,B,I], W [D,3H,I], R [D,3H,H] -> Y [T,D,B,H], Y_h. Source: GRU-22."""
    o = Options(
        "GRU", 3, ("Sigmoid", "Tanh"), direction, layout, hidden_size, clip, activations, activation_alpha,
        activation_beta,
    )  # fmt: skip
    functions = o.chosen(widen(X).dtype)

    def cell(d: int, r: np.ndarray, bias: np.ndarray) -> Step:
        f, g = functions[d]
        n = r.shape[1]
        zr, h = r[: 2 * n].T, r[2 * n :].T
        b_zr, b_wh, b_rh = bias[: 2 * n] + bias[3 * n : 5 * n], bias[2 * n : 3 * n], bias[5 * n :]

        def step(gates: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
            past = state[0]
            opened = f(gates[:, : 2 * n] + past @ zr + b_zr)
            z, reset = opened[:, :n], opened[:, n:]
            recurrent = reset * (past @ h + b_rh) if linear_before_reset else (reset * past) @ h + b_rh
            return [(1 - z) * g(gates[:, 2 * n :] + recurrent + b_wh) + z * past]

        return step

    return _layer(o, X, W, R, B, sequence_lens, [initial_h], cell)


def LSTM(
    X: np.ndarray,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None = None,
    sequence_lens: np.ndarray | None = None,
    initial_h: np.ndarray | None = None,
    initial_c: np.ndarray | None = None,
    P: np.ndarray | None = None,
    *,
    activation_alpha: Seq[float] | np.ndarray | None = None,
    activation_beta: Seq[float] | np.ndarray | None = None,
    activations: Seq[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    layout: int = 0,
) -> tuple[np.ndarray, ...]:
    """C = f C + i c, H = o h(C), gates i, o, f, c: X [T,B,I] -> Y [T,D,B,H], Y_h, Y_c [D,B,H]. Source: LSTM-22."""
    o = Options(
        "LSTM", 4, ("Sigmoid", "Tanh", "Tanh"), direction, layout, hidden_size, clip, activations, activation_alpha,
        activation_beta,
    )  # fmt: skip
    return lstm_layer(o, X, W, R, B, sequence_lens, initial_h, initial_c, P, input_forget)


def lstm_layer(
    o: Options,
    X: np.ndarray,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None,
    sequence_lens: np.ndarray | None,
    initial_h: np.ndarray | None,
    initial_c: np.ndarray | None,
    P: np.ndarray | None,
    input_forget: int,
    seen: Function | None = None,
) -> tuple[np.ndarray, ...]:
    """An LSTM. `seen` is what becomes of a hidden state before it is multiplied with R."""
    functions = o.chosen(widen(X).dtype)
    if P is not None and P.shape != (o.directions, 3 * R.shape[-1]):
        raise ValueError(f"{o.where}: expected P {(o.directions, 3 * R.shape[-1])}, got {P.shape}")

    def cell(d: int, r: np.ndarray, bias: np.ndarray) -> Step:
        f, g, h = functions[d]
        n = r.shape[1]
        both = bias[: 4 * n] + bias[4 * n :]
        p_i, p_o, p_f = np.zeros((3, n), r.dtype) if P is None else widen(P[d]).reshape(3, n)

        def step(gates: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
            past, memory = state
            past = past if seen is None else seen(past)
            i, out, forget, c = np.split(gates + past @ r.T + both, 4, axis=1)
            i = f(i + p_i * memory)
            kept = 1 - i if input_forget else f(forget + p_f * memory)
            memory = kept * memory + i * g(c)
            return [f(out + p_o * memory) * h(memory), memory]

        return step

    return _layer(o, X, W, R, B, sequence_lens, [initial_h, initial_c], cell)


def layer_types(facts: Facts) -> list[Type | None]:
    """Y [T,D,B,H] and the last states [D,B,H]; with layout 1 [B,T,D,H] and [B,D,H]."""
    x, r = shapes.tensor(facts, 0), shapes.tensor(facts, 2)
    if x is None:
        return [None] * facts.outputs
    directions = 2 if facts.attributes.get("direction") == "bidirectional" else 1
    hidden: Dim = facts.attributes.get("hidden_size") or (r.shape[2] if r is not None and r.shape else None)
    one, two = x.shape[:2] if x.shape is not None and len(x.shape) == 3 else (None, None)
    if facts.attributes.get("layout"):
        y, state = Tensor(x.element, (one, two, directions, hidden)), Tensor(x.element, (one, directions, hidden))
    else:
        y, state = Tensor(x.element, (one, directions, two, hidden)), Tensor(x.element, (directions, two, hidden))
    found: list[Type | None] = [y, state, state]
    return found[: max(facts.outputs, 1)]

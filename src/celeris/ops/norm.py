"""Normalization: batch, layer, group, instance, RMS, local response, Lp, mean-variance; and dropout."""

from __future__ import annotations

import math
from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, Tensor, Type, dtype_of
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op
from celeris.records import replace


def _channels(x: np.ndarray, rank: int) -> np.ndarray:
    """A vector over channels, shaped to broadcast along axis 1 of a tensor of `rank`."""
    return x if x.ndim > 1 or rank < 2 else x.reshape(-1, *[1] * (rank - 2))


def _scaled(
    x: np.ndarray, mean: np.ndarray, var: np.ndarray, scale: np.ndarray, bias: np.ndarray, epsilon: float
) -> np.ndarray:
    """(x - mean) / sqrt(var + epsilon) * scale + bias, each by channel."""
    if not mean.shape == var.shape == scale.shape == bias.shape:
        given = f"{scale.shape}, {bias.shape}, {mean.shape}, {var.shape}"
        raise ValueError(f"BatchNormalization: expected scale, B, mean and var of one shape, got {given}")
    if scale.size != (x.shape[1] if scale.ndim == 1 and x.ndim > 1 else scale.size):
        raise ValueError(f"BatchNormalization: expected {x.shape[1]} scales (one a channel), got {scale.size}")
    mean, var, scale, bias = (_channels(widen(v), x.ndim) for v in (mean, var, scale, bias))
    factor = scale / np.sqrt(var + var.dtype.type(epsilon))
    return narrow((widen(x) - mean) * factor + bias, x.dtype)


def _moments(x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    wide = widen(x)
    return np.asarray(wide.mean(axis=axes)), np.asarray(wide.var(axis=axes))


def BatchNormalization(
    X: np.ndarray,
    scale: np.ndarray,
    B: np.ndarray,
    input_mean: np.ndarray,
    input_var: np.ndarray,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> np.ndarray | tuple[np.ndarray, ...]:
    """Y = (X - mean) / sqrt(var + epsilon) * scale + B, all [C]; X [N,C,...]. Source: BatchNormalization-15.

    In training mode mean and var are those of X, and the running ones are given too.
    """
    if not training_mode:
        return _scaled(X, input_mean, input_var, scale, B, epsilon)
    mean, var = _moments(X, tuple(i for i in range(X.ndim) if i != 1))
    y = _scaled(X, mean, var, scale, B, epsilon)
    running = (
        narrow(widen(old) * momentum + new * (1 - momentum), old.dtype).reshape(old.shape)
        for old, new in ((input_mean, mean), (input_var, var))
    )
    return (y, *running)


def BatchNormalization_9(
    X: np.ndarray,
    scale: np.ndarray,
    B: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    _outputs: int = 1,
) -> tuple[np.ndarray, ...]:
    """BatchNormalization that trains where it has more outputs than Y. Source: ai.onnx BatchNormalization-9."""
    return BatchNormalization_7(
        X, scale, B, mean, var, epsilon=epsilon, momentum=momentum, spatial=1, _outputs=_outputs
    )


def BatchNormalization_7(
    X: np.ndarray,
    scale: np.ndarray,
    B: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    spatial: int = 1,
    _outputs: int = 1,
) -> tuple[np.ndarray, ...]:
    """BatchNormalization by channel, or by element where not `spatial`. Source: ai.onnx BatchNormalization-7."""
    if _outputs == 1:
        return (_scaled(X, mean, var, scale, B, epsilon),)
    axes = tuple(i for i in range(X.ndim) if i != 1) if spatial else (0,)
    now_mean, now_var = _moments(X, axes)
    y = _scaled(X, now_mean, now_var, scale, B, epsilon)
    running = [
        narrow(widen(old) * momentum + new * (1 - momentum), old.dtype).reshape(old.shape)
        for old, new in ((mean, now_mean), (var, now_var))
    ]
    saved = (narrow(now_mean, mean.dtype).reshape(mean.shape), narrow(now_var, var.dtype).reshape(var.shape))
    return (y, *running, *saved)[:_outputs]


def BatchNormalization_6(
    X: np.ndarray,
    scale: np.ndarray,
    B: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    *,
    epsilon: float = 1e-5,
    is_test: int = 0,
    momentum: float = 0.9,
    spatial: int = 1,
    _outputs: int = 1,
) -> tuple[np.ndarray, ...]:
    """BatchNormalization that trains where not `is_test` and it has more outputs. Source: BatchNormalization-6."""
    results = BatchNormalization_7(
        X, scale, B, mean, var, epsilon=epsilon, momentum=momentum, spatial=spatial, _outputs=1 if is_test else _outputs
    )
    return results if len(results) >= _outputs else (*results, mean, var, mean, var)[:_outputs]


def BatchNormalization_1(
    X: np.ndarray,
    scale: np.ndarray,
    B: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    *,
    consumed_inputs: Seq[int],
    epsilon: float = 1e-5,
    is_test: int = 0,
    momentum: float = 0.9,
    spatial: int = 1,
    _outputs: int = 1,
) -> tuple[np.ndarray, ...]:
    """BatchNormalization with a legacy attribute that means nothing. Source: ai.onnx BatchNormalization-1."""
    options = {"is_test": is_test, "spatial": spatial, "_outputs": _outputs}
    return BatchNormalization_6(X, scale, B, mean, var, epsilon=epsilon, momentum=momentum, **options)


def Dropout(
    data: np.ndarray,
    ratio: np.ndarray | None = None,
    training_mode: np.ndarray | None = None,
    *,
    seed: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """output = data, mask = ones; in training data * mask / (1 - ratio), mask random. Source: ai.onnx Dropout-22."""
    share = 0.5 if ratio is None else float(np.asarray(ratio).item())
    if training_mode is None or not np.asarray(training_mode).item() or share == 0:
        return data, np.ones(data.shape, bool)
    if not 0 <= share < 1:
        raise ValueError(f"Dropout: expected a ratio in [0, 1), got {share}")
    mask = np.random.RandomState(None if seed is None else seed & 0xFFFFFFFF).uniform(size=data.shape) >= share
    kept = np.asarray(mask)
    return narrow(widen(data) * kept / widen(data).dtype.type(1 - share), data.dtype), kept


def Dropout_10(data: np.ndarray, *, ratio: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """output = data: `ratio` matters in training only. Source: ai.onnx Dropout-10."""
    return Dropout(data)


def Dropout_7(data: np.ndarray, *, ratio: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """output = data; the mask has the type of data. Source: ai.onnx Dropout-7."""
    return data, np.ones_like(data)


def Dropout_6(data: np.ndarray, *, is_test: int = 0, ratio: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Dropout in training where not `is_test`; the mask has the type of data. Source: ai.onnx Dropout-6."""
    output, mask = Dropout(data, np.array(ratio), np.array(not is_test))
    return output, mask.astype(data.dtype)


def Dropout_1(
    data: np.ndarray, *, consumed_inputs: Seq[int] | None = None, is_test: int = 0, ratio: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Dropout with a legacy attribute that means nothing. Source: ai.onnx Dropout-1."""
    return Dropout_6(data, is_test=is_test, ratio=ratio)


def standardized(x: np.ndarray, axes: tuple[int, ...], epsilon: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x - mean) / sqrt(var + epsilon) over `axes`, with mean and 1 / sqrt(var + epsilon)."""
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    inverse = 1 / np.sqrt(np.square(centred).mean(axis=axes, keepdims=True) + x.dtype.type(epsilon))
    return centred * inverse, mean, inverse


def _stash(where: str, stash_type: int) -> np.dtype:
    if stash_type not in (1, 10, 11, 16):
        raise ValueError(f"{where}: expected stash_type 1, 10, 11 or 16, got {stash_type}")
    return dtype_of(ELEMENT_NAMES[stash_type])


def _last_axes(where: str, rank: int, axis: int) -> tuple[int, ...]:
    if not -rank <= axis < rank:
        raise ValueError(f"{where}: expected an axis within rank {rank}, got {axis}")
    return tuple(range(axis % rank, rank))


def _require_spread(where: str, name: str, values: np.ndarray, x: np.ndarray) -> None:
    """ValueError where `values` do not broadcast to the shape of `x`."""
    sizes = zip(reversed(values.shape), reversed(x.shape), strict=False)
    if values.ndim > x.ndim or any(own not in (1, size) for own, size in sizes):
        raise ValueError(f"{where}: expected {name} that broadcasts to X {list(x.shape)}, got {list(values.shape)}")


def LayerNormalization(
    X: np.ndarray,
    Scale: np.ndarray,
    B: np.ndarray | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Y = (X - Mean) * InvStdDev * Scale + B over the axes from `axis` on. Source: ai.onnx LayerNormalization-17."""
    _require_spread("LayerNormalization", "Scale", Scale, X)
    stash = _stash("LayerNormalization", stash_type)
    axes = _last_axes("LayerNormalization", X.ndim, axis)
    normal, mean, inverse = standardized(widen(X.astype(stash)), axes, epsilon)
    y = widen(narrow(normal, X.dtype)) * widen(Scale)
    if B is not None:
        _require_spread("LayerNormalization", "B", B, X)
        y = y + widen(B)
    return narrow(y, X.dtype), narrow(mean, stash), narrow(inverse, stash)


def RMSNormalization(
    X: np.ndarray, scale: np.ndarray, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> np.ndarray:
    """Y = X / sqrt(mean(X^2) + epsilon) * scale over the axes from `axis` on. Source: ai.onnx RMSNormalization-23."""
    _require_spread("RMSNormalization", "scale", scale, X)
    wide = widen(X.astype(_stash("RMSNormalization", stash_type)))
    axes = _last_axes("RMSNormalization", X.ndim, axis)
    normal = wide / np.sqrt(np.square(wide).mean(axis=axes, keepdims=True) + wide.dtype.type(epsilon))
    return narrow(widen(narrow(normal, X.dtype)) * widen(scale), scale.dtype)


def _grouped(x: np.ndarray, num_groups: int, epsilon: float) -> np.ndarray:
    if x.ndim < 2 or num_groups <= 0 or x.shape[1] % num_groups:
        raise ValueError(f"GroupNormalization: expected num_groups to divide the channels, got {num_groups}, {x.shape}")
    groups = x.reshape(x.shape[0], num_groups, math.prod(x.shape[1:]) // num_groups)
    return standardized(groups, (2,), epsilon)[0].reshape(x.shape)


def GroupNormalization(
    X: np.ndarray,
    scale: np.ndarray,
    bias: np.ndarray,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> np.ndarray:
    """Y = standardized by groups of channels, * scale + bias [C]; X [N,C,...]. Source: GroupNormalization-21."""
    normal = _grouped(widen(X.astype(_stash("GroupNormalization", stash_type))), num_groups, epsilon)
    by_channel = (_channels(widen(v), X.ndim) for v in (scale, bias))
    factor, offset = by_channel
    return narrow(widen(narrow(normal, X.dtype)) * factor + offset, X.dtype)


def GroupNormalization_18(
    X: np.ndarray, scale: np.ndarray, bias: np.ndarray, *, num_groups: int, epsilon: float = 1e-5
) -> np.ndarray:
    """GroupNormalization with one scale and bias a group. Source: ai.onnx GroupNormalization-18."""
    normal = _grouped(widen(X), num_groups, epsilon)
    size = X.shape[1] // num_groups
    factor, offset = (_channels(np.repeat(widen(v), size), X.ndim) for v in (scale, bias))
    return narrow(normal * factor + offset, X.dtype)


def InstanceNormalization(input: np.ndarray, scale: np.ndarray, B: np.ndarray, *, epsilon: float = 1e-5) -> np.ndarray:
    """output = X [N,C,...] by item and channel standardized, * scale [C] + B [C]. Source: InstanceNormalization-22."""
    normal = standardized(widen(input), tuple(range(2, input.ndim)), epsilon)[0]
    return narrow(normal * _channels(widen(scale), input.ndim) + _channels(widen(B), input.ndim), input.dtype)


def InstanceNormalization_1(
    input: np.ndarray,
    scale: np.ndarray,
    B: np.ndarray,
    *,
    consumed_inputs: Seq[int] | None = None,
    epsilon: float = 1e-5,
) -> np.ndarray:
    """InstanceNormalization with a legacy attribute that means nothing. Source: InstanceNormalization-1."""
    return InstanceNormalization(input, scale, B, epsilon=epsilon)


def LRN(X: np.ndarray, *, size: int, alpha: float = 0.0001, beta: float = 0.75, bias: float = 1.0) -> np.ndarray:
    """Y = X / (bias + alpha / size * sum of squares of `size` channels around) ^ beta. Source: ai.onnx LRN-13."""
    if size < 1:
        raise ValueError(f"LRN: expected a size of at least 1, got {size}")
    wide = widen(X)
    channels = X.shape[1]
    before = (size - 1) // 2
    squares = np.zeros((X.shape[0], channels + size - 1, *X.shape[2:]), wide.dtype)
    np.square(wide, out=squares[:, before : before + channels])
    total = squares[:, :channels].copy()
    for shift in range(1, size):
        total += squares[:, shift : shift + channels]
    return narrow(wide / (bias + alpha / size * total) ** beta, X.dtype)


def LpNormalization(input: np.ndarray, *, axis: int = -1, p: int = 2) -> np.ndarray:
    """output = input / its Lp norm along `axis` (p 1 or 2), 0 where the norm is. Source: ai.onnx LpNormalization-22."""
    if p not in (1, 2):
        raise ValueError(f"LpNormalization: expected p 1 or 2, got {p}")
    wide = widen(input)
    if p == 1:
        norm = np.abs(wide).sum(axis=axis, keepdims=True)
    else:
        norm = np.sqrt(np.square(wide).sum(axis=axis, keepdims=True))
    return narrow(wide / np.where(norm == 0, 1, norm), input.dtype)


def MeanVarianceNormalization(X: np.ndarray, *, axes: Seq[int] = (0, 2, 3)) -> np.ndarray:
    """Y = (X - mean) / (std + 1e-9) over `axes`. Source: ai.onnx MeanVarianceNormalization-13."""
    wide = widen(X)
    over = tuple(int(axis) for axis in axes)
    centred = wide - wide.mean(axis=over, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(axis=over, keepdims=True))
    return narrow(centred / (deviation + wide.dtype.type(1e-9)), X.dtype)


def _batch_types(facts: Facts) -> list[Type | None]:
    mean, x = shapes.tensor(facts, 3), shapes.shape_of(facts, 0)
    if mean is not None and mean.shape is not None and len(mean.shape) == 1 and x is not None and len(x) > 1:
        mean = Tensor(mean.element, (shapes.unify(x[1], mean.shape[0]),))
    return [facts.types[0], *[mean] * (facts.outputs - 1)]


def _dropout_types(facts: Facts) -> list[Type | None]:
    data = shapes.tensor(facts, 0)
    return [data, Tensor("bool", None if data is None else data.shape)]


def _old_dropout_types(facts: Facts) -> list[Type | None]:
    return [facts.types[0], facts.types[0]]


def _layer_types(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    element = ELEMENT_NAMES[facts.attributes.get("stash_type") or 1]
    if x is None or x.shape is None:
        return [x, Tensor(element), Tensor(element)]
    axis = int(facts.attributes.get("axis", -1))
    if not -len(x.shape) <= axis < len(x.shape):
        return [x, Tensor(element), Tensor(element)]
    axis %= len(x.shape)
    saved = Tensor(element, x.shape[:axis] + (1,) * (len(x.shape) - axis))
    return [x, saved, saved]


def _rms_type(facts: Facts) -> list[Type | None]:
    x, scale = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    return [None if x is None or scale is None else replace(x, element=scale.element)]


OPS: tuple[Op, ...] = (
    Op("BatchNormalization", 1, BatchNormalization_1, _batch_types),
    Op("BatchNormalization", 6, BatchNormalization_6, _batch_types),
    Op("BatchNormalization", 7, BatchNormalization_7, _batch_types),
    Op("BatchNormalization", 9, BatchNormalization_9, _batch_types),
    Op("BatchNormalization", 14, BatchNormalization, _batch_types),
    Op("Dropout", 1, Dropout_1, _old_dropout_types),
    Op("Dropout", 6, Dropout_6, _old_dropout_types),
    Op("Dropout", 7, Dropout_7, _old_dropout_types),
    Op("Dropout", 10, Dropout_10, _dropout_types),
    Op("Dropout", 12, Dropout, _dropout_types),
    Op("GroupNormalization", 18, GroupNormalization_18, shapes.same, deprecated=True),
    Op("GroupNormalization", 21, GroupNormalization, shapes.same),
    Op("InstanceNormalization", 1, InstanceNormalization_1, shapes.same),
    Op("InstanceNormalization", 6, InstanceNormalization, shapes.same),
    Op("LRN", 1, LRN, shapes.same),
    Op("LayerNormalization", 17, LayerNormalization, _layer_types),
    Op("LpNormalization", 1, LpNormalization, shapes.same),
    Op("MeanVarianceNormalization", 9, MeanVarianceNormalization, shapes.same),
    Op("RMSNormalization", 23, RMSNormalization, _rms_type),
)

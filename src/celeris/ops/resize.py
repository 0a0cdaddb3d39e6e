"""Resize and its forerunner Upsample; cropping and padding around the centre."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from typing import Any

import numpy as np

from celeris.graph.types import Dim, Tensor, Type
from celeris.ops import shapes
from celeris.ops.interpolation import Axis, mix, nearest, taps
from celeris.ops.precision import narrow, widen
from celeris.ops.quantize import integer_range, saturated
from celeris.ops.table import Facts, Op


def _chosen(where: str, axes: Seq[int] | None, rank: int) -> list[int]:
    if axes is None:
        return list(range(rank))
    if any(not -rank <= axis < rank for axis in axes):
        raise ValueError(f"{where}: expected axes within rank {rank}, got {list(axes)}")
    return [int(axis) % rank for axis in axes]


def _given(values: np.ndarray | Seq[float] | None) -> list[float] | None:
    return None if values is None or len(values) == 0 else [float(value) for value in values]


def _plan(
    shape: Seq[int],
    roi: np.ndarray | None,
    scales: np.ndarray | Seq[float] | None,
    sizes: np.ndarray | Seq[int] | None,
    axes: Seq[int] | None,
    policy: str,
    cropped: bool,
) -> list[Axis]:
    """The axes to resize. Raises ValueError unless either scales or sizes are given, one for each axis."""
    numbers = _chosen("Resize", axes, len(shape))
    factors, wanted = _given(scales), _given(sizes)
    if (factors is None) == (wanted is None):
        raise ValueError("Resize: expected either scales or sizes, got both or neither")
    given = factors if wanted is None else wanted
    assert given is not None
    if len(given) != len(numbers) or min(given, default=1) < 0 or (factors is not None and 0 in given):
        raise ValueError(f"Resize: expected {len(numbers)} positive scales or sizes, got {given}")
    if wanted is None:
        # In float32, as onnxruntime has it: 10 * 0.7 is 7.
        out = [int(np.float32(shape[n]) * np.float32(f)) for n, f in zip(numbers, given, strict=True)]
    elif policy == "stretch":
        out = [int(n) for n in wanted]
        given = [n / shape[i] if shape[i] else 1.0 for n, i in zip(wanted, numbers, strict=True)]
    elif policy in ("not_larger", "not_smaller"):
        ratios = [n / shape[i] for n, i in zip(wanted, numbers, strict=True)]
        given = [min(ratios) if policy == "not_larger" else max(ratios)] * len(numbers)
        out = [int(shape[i] * given[0] + 0.5) for i in numbers]
    else:
        raise ValueError(f"Resize: expected stretch, not_larger or not_smaller, got {policy!r}")
    region = _given(roi) if cropped else None
    if cropped and (region is None or len(region) != 2 * len(numbers)):
        raise ValueError(f"Resize: expected a roi of {2 * len(numbers)} values for tf_crop_and_resize, got {region}")
    starts = region[: len(numbers)] if region else [0.0] * len(numbers)
    ends = region[len(numbers) :] if region else [1.0] * len(numbers)
    parts = zip(numbers, out, given, starts, ends, strict=True)
    exact = wanted is not None and policy == "stretch"
    return [Axis(n, shape[n], size, factor, exact, start, end) for n, size, factor, start, end in parts]


def Resize(
    X: np.ndarray,
    roi: np.ndarray | None = None,
    scales: np.ndarray | None = None,
    sizes: np.ndarray | None = None,
    *,
    antialias: int = 0,
    axes: Seq[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> np.ndarray:
    """Y = X with each axis of another size: scales or sizes [rank of X, or of axes]. Source: ai.onnx Resize-19.

    nearest, linear and cubic treat one axis after another. Whole-number types are rounded and saturated.
    """
    if mode not in ("nearest", "linear", "cubic"):
        raise ValueError(f"Resize: expected mode nearest, linear or cubic, got {mode!r}")
    cropped = coordinate_transformation_mode == "tf_crop_and_resize"
    plan = _plan(X.shape, roi, scales, sizes, axes, keep_aspect_ratio_policy, cropped)
    plan = [axis for axis in plan if not axis.unchanged]
    if any(axis.size == 0 and axis.out > 0 for axis in plan):
        raise ValueError(f"Resize: expected an input with pixels, got shape {X.shape}")
    whole = integer_range(X.dtype) is not None
    y = X if mode == "nearest" else X.astype(np.float64) if whole else widen(X)
    for axis in plan:
        # onnxruntime divides by scales in float32: which pixel is the nearest hangs on it.
        single = mode == "nearest" and not axis.exact
        at = axis.coordinates(coordinate_transformation_mode, np.float32 if single else np.float64)
        if mode == "nearest":
            y = np.take(y, nearest(at, nearest_mode, axis), axis=axis.number)
        else:
            options = {"antialias": antialias, "exclude_outside": exclude_outside}
            y = mix(y, axis.number, *taps(at, axis, mode, a=cubic_coeff_a, **options))
        outside = (at < 0) | (at > axis.size - 1)
        if cropped and outside.any():
            place: tuple[Any, ...] = (slice(None),) * axis.number + (outside,)
            y = y.copy() if y is X else y
            y[place] = extrapolation_value
    if mode != "nearest" and whole:
        return saturated(np.rint(y), X.dtype)
    return narrow(y, X.dtype)


def Resize_13(
    X: np.ndarray,
    roi: np.ndarray | None = None,
    scales: np.ndarray | None = None,
    sizes: np.ndarray | None = None,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> np.ndarray:
    """Resize of all axes without antialiasing. Source: ai.onnx Resize-13."""
    return Resize(
        X, roi, scales, sizes, coordinate_transformation_mode=coordinate_transformation_mode,
        cubic_coeff_a=cubic_coeff_a, exclude_outside=exclude_outside, extrapolation_value=extrapolation_value,
        mode=mode, nearest_mode=nearest_mode,
    )  # fmt: skip


def Resize_11(
    X: np.ndarray,
    roi: np.ndarray,
    scales: np.ndarray,
    sizes: np.ndarray | None = None,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> np.ndarray:
    """Resize with roi and scales always there, empty where they mean nothing. Source: ai.onnx Resize-11."""
    return Resize(
        X, roi, scales, sizes, coordinate_transformation_mode=coordinate_transformation_mode,
        cubic_coeff_a=cubic_coeff_a, exclude_outside=exclude_outside, extrapolation_value=extrapolation_value,
        mode=mode, nearest_mode=nearest_mode,
    )  # fmt: skip


def Resize_10(X: np.ndarray, scales: np.ndarray, *, mode: str = "nearest") -> np.ndarray:
    """Resize from the corner: x_original = x_resized / scale. Source: ai.onnx Resize-10."""
    mode = "linear" if mode == "bilinear" else mode
    return Resize(X, None, scales, coordinate_transformation_mode="asymmetric", mode=mode, nearest_mode="simple")


def Upsample_9(X: np.ndarray, scales: np.ndarray, *, mode: str = "nearest") -> np.ndarray:
    """Resize from the corner, to more pixels. Source: ai.onnx Upsample-9."""
    if len(scales) and np.min(scales) < 1:
        raise ValueError(f"Upsample: expected scales of at least 1, got {np.min(scales)}; use Resize")
    return Resize_10(X, scales, mode=mode)


def Upsample_7(X: np.ndarray, *, scales: Seq[float] | np.ndarray, mode: str = "nearest") -> np.ndarray:
    """Upsample with constant scales. Source: ai.onnx Upsample-7."""
    return Upsample_9(X, np.asarray(scales, np.float32), mode=mode)


def Upsample_1(X: np.ndarray, *, height_scale: float, width_scale: float, mode: str = "nearest") -> np.ndarray:
    """Upsample of images [N,C,H,W]. Source: ai.onnx Upsample-1."""
    return Upsample_9(X, np.array([1, 1, height_scale, width_scale], np.float32), mode=mode)


def CenterCropPad(input_data: np.ndarray, shape: np.ndarray, *, axes: Seq[int] | None = None) -> np.ndarray:
    """Each axis cut, or filled with 0, evenly on both sides to `shape` [rank]. Source: ai.onnx CenterCropPad-18."""
    numbers = _chosen("CenterCropPad", axes, input_data.ndim)
    wanted = [int(n) for n in shape]
    if len(wanted) != len(numbers) or min(wanted, default=0) < 0:
        raise ValueError(f"CenterCropPad: expected {len(numbers)} sizes, got {wanted}")
    result_shape, source, target = (
        list(input_data.shape),
        [slice(None)] * input_data.ndim,
        [slice(None)] * input_data.ndim,
    )
    for axis, size in zip(numbers, wanted, strict=True):
        has = input_data.shape[axis]
        result_shape[axis] = size
        if size < has:
            source[axis] = slice((has - size) // 2, (has - size) // 2 + size)
        else:
            target[axis] = slice((size - has) // 2, (size - has) // 2 + has)
    empty: Any = "" if input_data.dtype == object else 0
    result = np.full(result_shape, empty, input_data.dtype)
    result[tuple(target)] = input_data[tuple(source)]
    return result


def _planned(facts: Facts, x: Tensor, scales: Any, sizes: Any) -> list[Type | None]:
    assert x.shape is not None
    numbers = _chosen("Resize", facts.attributes.get("axes"), len(x.shape))
    known = [x.shape[n] for n in numbers]
    dims: list[Dim] = list(x.shape)
    policy = str(facts.attributes.get("keep_aspect_ratio_policy") or "stretch")
    wanted = _given(sizes)
    if wanted is not None and policy == "stretch":
        found: list[Dim] = [int(n) for n in wanted]
    elif all(isinstance(n, int) for n in known) and (wanted is not None or _given(scales) is not None):
        whole = [n if isinstance(n, int) else 1 for n in x.shape]
        found = [a.out for a in _plan(whole, None, scales, sizes, numbers, policy, False)]
    else:
        factors = _given(scales) or [0.0] * len(numbers)
        found = [
            d if f == 1 else int(np.float32(d) * np.float32(f)) if isinstance(d, int) and f else None
            for d, f in zip(known, factors, strict=True)
        ]
    for n, size in zip(numbers, found, strict=True):
        dims[n] = size
    return [Tensor(x.element, tuple(dims))]


def _resized(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None or x.shape is None:
        return [x]
    a = facts.attributes
    if "height_scale" in a:
        scales: Any = [1, 1, a["height_scale"], a["width_scale"]]
    else:
        scales = a.get("scales")
    values = [v for v in facts.values[1:] if v is not None]
    if scales is None and len(facts.types) == 2:
        scales = values[0] if values else None
    elif scales is None and len(facts.values) > 2:
        scales = facts.values[2]
    sizes = facts.values[3] if len(facts.values) > 3 else None
    try:
        return _planned(facts, x, scales, sizes)
    except (ValueError, ZeroDivisionError):
        return [Tensor(x.element, (None,) * len(x.shape))]


def _cropped(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    if x is None or x.shape is None:
        return [x]
    wanted = facts.values[1]
    dims: list[Dim] = list(x.shape)
    for i, axis in enumerate(_chosen("CenterCropPad", facts.attributes.get("axes"), len(dims))):
        dims[axis] = int(wanted[i]) if wanted is not None and i < len(wanted) else None
    return [Tensor(x.element, tuple(dims))]


OPS: tuple[Op, ...] = (
    Op("CenterCropPad", 18, CenterCropPad, _cropped),
    Op("Resize", 10, Resize_10, _resized),
    Op("Resize", 11, Resize_11, _resized),
    Op("Resize", 13, Resize_13, _resized),
    Op("Resize", 18, Resize, _resized),
    Op("Upsample", 1, Upsample_1, _resized),
    Op("Upsample", 7, Upsample_7, _resized),
    Op("Upsample", 9, Upsample_9, _resized),
    Op("Upsample", 10, Upsample_9, _resized, deprecated=True),
)

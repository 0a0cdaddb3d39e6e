"""Elements in another type: Cast and CastLike by value, BitCast by bits."""

from __future__ import annotations

import re

import numpy as np

from celeris.graph.types import ELEMENT_NAMES, ELEMENT_NUMBERS, Tensor, Type, dtype_of, element_of
from celeris.ops import shapes
from celeris.ops.older import without
from celeris.ops.precision import quiet
from celeris.ops.table import Dims, Facts, Op

_SATURATING = ("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz")
_INTEGER = re.compile(r"\s*([+-]?\d+)")
_SPECIAL = {"nan": "NaN", "inf": "INF", "-inf": "-INF"}


def _text(number: float) -> str:
    """As onnxruntime writes a float: eight digits, and NaN, INF, -INF."""
    text = f"{number:.8g}"
    return _SPECIAL.get(text, text)


def _texts(x: np.ndarray) -> np.ndarray:
    flat = x.reshape(-1)
    if x.dtype.kind in "iub":
        texts = [str(int(v)) for v in flat.tolist()]
    else:
        texts = [_text(v) for v in flat.astype(np.float64).tolist()]
    result = np.empty(flat.size, object)
    result[:] = texts
    return result.reshape(x.shape)


def _integer(text: str) -> int:
    found = _INTEGER.match(text)
    if found is None or not -(2**63) <= int(found[1]) < 2**64:
        raise ValueError(f"Cast: expected a string that starts with a whole number of 64 bits, got {text!r}")
    return int(found[1])


def _parsed(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Strings as numbers: an integer type takes the whole number they start with, as onnxruntime does."""
    texts = [str(v) for v in x.reshape(-1).tolist()]
    if dtype.kind in "iub":
        numbers = np.array([_integer(text) & 0xFFFF_FFFF_FFFF_FFFF for text in texts], np.uint64)
        return numbers.view(np.int64).reshape(x.shape) if dtype.kind == "i" else numbers.reshape(x.shape)
    try:
        return np.array(texts, np.str_).astype(np.float64).reshape(x.shape)
    except ValueError as error:
        raise ValueError(f"Cast: expected strings that are numbers: {error}") from None


def _scales(x: np.ndarray, saturate: int, round_mode: str) -> np.ndarray:
    """float8e8m0: the exponent alone, rounded up, down or to the nearest. Source: ai.onnx Cast-24."""
    if round_mode not in ("up", "down", "nearest"):
        raise ValueError(f"Cast: expected round_mode up, down or nearest, got {round_mode!r}")
    bits = x.astype(np.float32).view(np.uint32)
    exponent, fraction = (bits >> 23) & 0xFF, bits & 0x7FFFFF
    half = np.where(exponent > 0, 0x3FFFFF, 0x400000)  # ties go up, but for the subnormals
    more = {"up": fraction > 0, "down": np.zeros(fraction.shape, bool), "nearest": fraction > half}[round_mode]
    more = more & (exponent < (0xFE if saturate else 0xFF))
    return (exponent + more).astype(np.uint8).view(dtype_of("float8e8m0"))


@quiet
def cast(x: np.ndarray, element: str, saturate: int = 1, round_mode: str = "up") -> np.ndarray:
    """`x` as the element type named."""
    dtype = dtype_of(element)
    if x.dtype == dtype:
        return x
    if element == "string":
        return _texts(x)
    if x.dtype == object:
        x = _parsed(x, dtype)
    if element == "float8e8m0":
        return _scales(x, saturate, round_mode)
    if element in _SATURATING:
        x = x.astype(np.float32)
        if saturate:
            most = _greatest(dtype)
            x = np.clip(x, -most, most)
    elif dtype.isbuiltin == 2 and x.dtype.isbuiltin == 2:  # ml_dtypes has not every conversion between its own
        x = x.astype(np.int32 if "int" in element_of(x.dtype) else np.float32)
    return np.asarray(x.astype(dtype))


def _greatest(dtype: np.dtype) -> np.float32:
    """The greatest finite number of a float8 type."""
    every = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)
    return np.float32(every[np.isfinite(every)].max())


def _element(where: str, to: int) -> str:
    if to not in ELEMENT_NAMES:
        raise ValueError(f"{where}: expected `to` to be an element type, got {to}")
    return ELEMENT_NAMES[to]


def Cast(input: np.ndarray, *, round_mode: str = "up", saturate: int = 1, to: int) -> np.ndarray:
    """The values in another type; float8 saturates or overflows. Source: ai.onnx Cast-28."""
    return cast(input, _element("Cast", to), saturate, round_mode)


def Cast_1(input: np.ndarray, *, to: str) -> np.ndarray:
    """Cast to a type by its name, such as FLOAT. Source: ai.onnx Cast-1."""
    return cast(input, _element("Cast", ELEMENT_NUMBERS.get(to.lower(), 0)))


def CastLike(input: np.ndarray, target_type: np.ndarray, *, round_mode: str = "up", saturate: int = 1) -> np.ndarray:
    """The values in the type of `target_type`. Source: ai.onnx CastLike-25."""
    return cast(input, element_of(target_type.dtype), saturate, round_mode)


def BitCast(input: np.ndarray, *, to: int) -> np.ndarray:
    """The same bits as another type of the same width. Source: ai.onnx BitCast-26."""
    element = _element("BitCast", to)
    given = element_of(input.dtype)
    if "string" in (given, element) or _width(given) != _width(element):
        raise ValueError(f"BitCast: expected types of one width, got {given} to {element}")
    return input.view(dtype_of(element))


_BITS = {"uint4": 4, "int4": 4, "float4e2m1": 4, "uint2": 2, "int2": 2, "float6e2m3": 6, "float6e3m2": 6}


def _width(element: str) -> int:
    return _BITS.get(element, 8 * dtype_of(element).itemsize)


def _cast_type(facts: Facts) -> list[Type | None]:
    to = facts.attributes.get("to")
    return shapes.retyped(facts, ELEMENT_NUMBERS.get(to.lower()) if isinstance(to, str) else to)


def _like_type(facts: Facts) -> list[Type | None]:
    target = shapes.tensor(facts, 1)
    return [None if target is None else Tensor(target.element, shapes.shape_of(facts, 0))]


def _cast_contents(facts: Facts) -> list[Dims | None]:
    """Sizes stay sizes in an integer type only: what is divided as floats is no size any more."""
    kind = _cast_type(facts)[0]
    return [shapes.contents(facts, 0) if isinstance(kind, Tensor) and "int" in kind.element else None]


OPS: tuple[Op, ...] = (
    Op("BitCast", 26, BitCast, _cast_type),
    Op("Cast", 1, Cast_1, _cast_type, propagate=_cast_contents),
    Op("Cast", 6, without(Cast, "round_mode", "saturate"), _cast_type, propagate=_cast_contents),
    Op("Cast", 19, without(Cast, "round_mode"), _cast_type, propagate=_cast_contents),
    Op("Cast", 24, Cast, _cast_type, propagate=_cast_contents),
    Op("CastLike", 15, without(CastLike, "round_mode", "saturate"), _like_type),
    Op("CastLike", 19, without(CastLike, "round_mode"), _like_type),
    Op("CastLike", 24, CastLike, _like_type),
)

"""Operators of ai.onnx.ml that prepare features: scaling, imputing, encoding, picking and gluing columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from celeris.graph.types import Map, Sequence, Tensor, Type
from celeris.ops import ml_verify, shapes
from celeris.ops.ml_linear import ML
from celeris.ops.table import Facts, Op


def ArrayFeatureExtractor(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Columns Y of X [..., F] -> [..., len(Y)]; a vector gives one row. Source: ai.onnx.ml ArrayFeatureExtractor-1."""
    if X.ndim == 0:
        raise ValueError("Invalid X argument: expected at least one dimension, got a scalar")
    at, count = Y.reshape(-1), X.shape[-1]
    wrong = np.flatnonzero((at < 0) | (at >= count))
    if wrong.size:
        where = int(wrong[0])
        raise ValueError(f"Invalid Y argument: index is out of range: Y[{where}] ({at[where]}) must be in [0, {count})")
    taken = X[..., at]
    return taken.reshape(1, -1) if X.ndim == 1 else taken


def Binarizer(X: np.ndarray, *, threshold: float = 0.0) -> np.ndarray:
    """1 where x > threshold, else 0, in X's type. Source: ai.onnx.ml Binarizer-1."""
    if X.dtype.kind == "f" and np.isnan(X).any():
        raise ValueError(f"Input data with index: {int(np.isnan(X).argmax())} is NaN; put an Imputer before it")
    return np.asarray(np.greater(X, np.float32(threshold))).astype(X.dtype)


def Scaler(X: np.ndarray, *, offset: np.ndarray | None = None, scale: np.ndarray | None = None) -> np.ndarray:
    """(x - offset) * scale, one of each for all columns or one a column -> f32. Source: ai.onnx.ml Scaler-1."""
    columns = X.shape[-1] if X.ndim else 1
    parts = []
    for name, given, default in (("offset", offset, 0.0), ("scale", scale, 1.0)):
        values = np.asarray([default] if given is None or not len(given) else given, np.float64)
        if len(values) not in (1, columns):
            raise ValueError(f"Scaler: expected one {name}, or one for each of {columns} columns, got {len(values)}")
        parts.append(values)
    return np.asarray((X.astype(np.float64) - parts[0]) * parts[1], np.float32)


def Normalizer(X: np.ndarray, *, norm: str = "MAX") -> np.ndarray:
    """x divided by its row's greatest value, sum of |x| or length -> f32; zeros stay. Source: Normalizer-1."""
    x = X.astype(np.float64)
    if norm == "MAX":
        size = x.max(axis=-1, keepdims=True, initial=-np.finfo(np.float64).max)
    elif norm == "L1":
        size = np.abs(x).sum(axis=-1, keepdims=True)
    elif norm == "L2":
        size = np.sqrt((x * x).sum(axis=-1, keepdims=True))
    else:
        raise ValueError(f"Normalizer: expected a norm of MAX, L1 or L2, got {norm!r}")
    with np.errstate(all="ignore"):
        return np.asarray(x / np.where(size == 0, 1, size), np.float32)


def Imputer(
    X: np.ndarray,
    *,
    imputed_value_floats: np.ndarray | None = None,
    imputed_value_int64s: list[int] | None = None,
    replaced_value_float: float = 0.0,
    replaced_value_int64: int = 0,
) -> np.ndarray:
    """Missing values replaced: by one value, or one a column. Source: ai.onnx.ml Imputer-1."""
    whole = X.dtype.kind in "iu"
    given = imputed_value_int64s if whole else imputed_value_floats
    if given is None or not len(given):
        name = "imputed_value_int64s" if whole else "imputed_value_floats"
        raise ValueError(f"Imputer: expected {name} for an input of {X.dtype}, got none")
    values = np.asarray(given).astype(X.dtype)
    if X.ndim == 0 or len(values) != X.shape[-1]:
        values = values[:1]  # as onnxruntime: another number of values than of columns means the first
    if whole:
        missing = replaced_value_int64 == X
    else:
        missing = np.isnan(X) if np.isnan(replaced_value_float) else np.equal(X, X.dtype.type(replaced_value_float))
    return np.asarray(np.where(missing, values, X))


def OneHotEncoder(
    X: np.ndarray, *, cats_int64s: list[int] | None = None, cats_strings: list[str] | None = None, zeros: int = 1
) -> np.ndarray:
    """X [...] -> f32 [..., C]: 1 at x's category; none of them: zeros, or an error. Source: OneHotEncoder-1."""
    cats: list[Any] | None = cats_strings if X.dtype == object else cats_int64s
    if not cats:
        raise ValueError(f"OneHotEncoder: expected categories for an input of {_named(X)}, got none")
    if X.dtype.kind == "f":  # what no int64 holds is no category, on any processor
        held = np.abs(X) < 2.0**63
        at = np.where(held, _positions(np.where(held, X, 0).astype(np.int64), cats), -1)
    else:
        at = _positions(X if X.dtype == object else X.astype(np.int64), cats)
    if not zeros and (at < 0).any():
        first = X.reshape(-1)[int((at.reshape(-1) < 0).argmax())]
        raise ValueError(f"Unknown Category and zeros = 0. Expected one of {cats[:10]}, got {first!r}")
    return np.asarray(at[..., None] == np.arange(len(cats)), np.float32)


def _named(X: np.ndarray) -> str:
    return "string" if X.dtype == object else str(X.dtype)


def _positions(X: np.ndarray, keys: Any, nan_equal: bool = False) -> np.ndarray:
    """Where each element stands first among the keys; -1 where it does not."""
    if X.dtype == object:
        table: dict[Any, int] = {}
        for i, key in enumerate(keys):
            table.setdefault(key, i)
        found = np.fromiter((table.get(v, -1) for v in X.reshape(-1)), np.int64, X.size)
        return found.reshape(X.shape)
    known = np.asarray(keys).astype(X.dtype)
    order = np.argsort(known, kind="stable")
    ranks = np.minimum(np.searchsorted(known[order], X), len(known) - 1)
    at = order[ranks]
    at = np.where(known[at] == X, at, -1)
    if nan_equal and X.dtype.kind == "f" and np.isnan(known).any():
        at = np.where(np.isnan(X), int(np.isnan(known).argmax()), at)
    return np.asarray(at)


def _looked_up(X: np.ndarray, keys: Any, values: np.ndarray, default: Any, nan_equal: bool = False) -> np.ndarray:
    """`values` at X's places among the keys, `default` elsewhere."""
    at = _positions(X, keys, nan_equal)
    table = np.empty(len(values) + 1, values.dtype)
    table[:-1], table[-1] = values, default
    return np.asarray(table[at], table.dtype)


def _one(where: str, side: str, **given: Any) -> np.ndarray:
    """The one of several attributes that is there, as an array."""
    there = {name: value for name, value in given.items() if value is not None and len(value)}
    if len(there) != 1:
        raise ValueError(f"{where}: expected one attribute of {', '.join(given)}, got {', '.join(there) or 'none'}")
    name, value = next(iter(there.items()))
    if name.endswith("strings"):
        return np.array(value, object)
    if name.endswith("tensor"):
        return np.asarray(value).reshape(-1)
    return np.asarray(value, np.int64 if name.endswith("int64s") else np.float32)


def LabelEncoder(
    X: np.ndarray,
    *,
    default_float: float = -0.0,
    default_int64: int = -1,
    default_string: str = "_Unused",
    default_tensor: np.ndarray | None = None,
    keys_floats: np.ndarray | None = None,
    keys_int64s: list[int] | None = None,
    keys_strings: list[str] | None = None,
    keys_tensor: np.ndarray | None = None,
    values_floats: np.ndarray | None = None,
    values_int64s: list[int] | None = None,
    values_strings: list[str] | None = None,
    values_tensor: np.ndarray | None = None,
) -> np.ndarray:
    """The value at the key, or the default; NaN finds a key of NaN. Source: ai.onnx.ml LabelEncoder-4."""
    keys = _one(
        "LabelEncoder", "keys", keys_floats=keys_floats, keys_int64s=keys_int64s, keys_strings=keys_strings,
        keys_tensor=keys_tensor,
    )  # fmt: skip
    values = _one(
        "LabelEncoder", "values", values_floats=values_floats, values_int64s=values_int64s,
        values_strings=values_strings, values_tensor=values_tensor,
    )  # fmt: skip
    if len(keys) != len(values):
        raise ValueError(f"LabelEncoder: expected a value for each of {len(keys)} keys, got {len(values)}")
    if (keys.dtype == object) != (X.dtype == object):
        raise ValueError(f"LabelEncoder: expected keys of the input's type {_named(X)}, got {_named(keys)}")
    default: Any = (
        default_string if values.dtype == object else default_int64 if values.dtype.kind == "i" else default_float
    )
    if default_tensor is not None and default_tensor.size:
        default = default_tensor.reshape(-1)[0]
    return _looked_up(X, keys, values, default, nan_equal=True)


def LabelEncoder_2(
    X: np.ndarray,
    *,
    default_float: float = -0.0,
    default_int64: int = -1,
    default_string: str = "_Unused",
    keys_floats: np.ndarray | None = None,
    keys_int64s: list[int] | None = None,
    keys_strings: list[str] | None = None,
    values_floats: np.ndarray | None = None,
    values_int64s: list[int] | None = None,
    values_strings: list[str] | None = None,
) -> np.ndarray:
    """Before tensors: NaN is no key. Source: ai.onnx.ml LabelEncoder-2."""
    keys = _one("LabelEncoder", "keys", keys_floats=keys_floats, keys_int64s=keys_int64s, keys_strings=keys_strings)
    found = LabelEncoder(
        X, default_float=default_float, default_int64=default_int64, default_string=default_string,
        keys_floats=keys_floats, keys_int64s=keys_int64s, keys_strings=keys_strings, values_floats=values_floats,
        values_int64s=values_int64s, values_strings=values_strings,
    )  # fmt: skip
    if keys.dtype.kind == "f" and np.isnan(keys).any():
        default: Any = (
            default_string if found.dtype == object else default_int64 if found.dtype.kind == "i" else default_float
        )
        found[np.isnan(X)] = default
    return found


def LabelEncoder_1(
    X: np.ndarray,
    *,
    classes_strings: list[str] | None = None,
    default_int64: int = -1,
    default_string: str = "_Unused",
) -> np.ndarray:
    """A name to its number, or a number to its name. Source: ai.onnx.ml LabelEncoder-1."""
    names = np.array(classes_strings or [], object)
    numbers = np.arange(len(names))
    if not len(names):
        raise ValueError("LabelEncoder: expected classes_strings, got none")
    if X.dtype == object:
        return _looked_up(X, names, numbers, default_int64)
    return _looked_up(X, numbers, names, default_string)


def CategoryMapper(
    X: np.ndarray,
    *,
    cats_int64s: list[int] | None = None,
    cats_strings: list[str] | None = None,
    default_int64: int = -1,
    default_string: str = "_Unused",
) -> np.ndarray:
    """Names to numbers, or numbers to names. Source: ai.onnx.ml CategoryMapper-1."""
    names, numbers = np.array(cats_strings or [], object), np.asarray(cats_int64s or [], np.int64)
    if len(names) != len(numbers) or not len(names):
        raise ValueError(f"CategoryMapper: expected as many names as numbers, got {len(names)} and {len(numbers)}")
    if X.dtype == object:
        return _looked_up(X, names, numbers, default_int64)
    return _looked_up(X, numbers, names, default_string)


def FeatureVectorizer(*X: np.ndarray, inputdimensions: list[int] | None = None) -> np.ndarray:
    """Inputs side by side -> f32 [N, sum of sizes]; short ones are filled with 0. Source: FeatureVectorizer-1."""
    rows = [x.reshape(1, -1) if x.ndim < 2 else x for x in X]
    parts = [np.asarray(x, np.float32).reshape(len(x), math.prod(x.shape[1:])) for x in rows]
    sizes = inputdimensions if inputdimensions is not None else [part.shape[1] for part in parts]
    if len(sizes) != len(parts):
        raise ValueError(f"FeatureVectorizer: expected a size for each of {len(parts)} inputs, got {len(sizes)}")
    out = np.zeros((len(parts[0]), sum(sizes)), np.float32)
    start = 0
    for part, size in zip(parts, sizes, strict=True):
        taken = min(size, part.shape[1])
        out[:, start : start + taken] = part[:, :taken]
        start += size
    return out


def DictVectorizer(
    X: dict[Any, Any], *, int64_vocabulary: list[int] | None = None, string_vocabulary: list[str] | None = None
) -> np.ndarray:
    """A map's values in the order of the vocabulary -> [1, V]; absent ones are 0 or ''. Source: DictVectorizer-1."""
    words: list[Any] = string_vocabulary or int64_vocabulary or []
    kinds = {type(value) for value in X.values()}
    if kinds <= {str} and kinds:
        return np.array([[X.get(word, "") for word in words]], object)
    whole = bool(kinds) and all(issubclass(kind, int | np.integer) for kind in kinds)
    double = any(issubclass(kind, np.float64) for kind in kinds)
    dtype = np.int64 if whole else np.float64 if double else np.float32
    return np.array([[X.get(word, 0) for word in words]], dtype)


def CastMap(X: dict[int, Any], *, cast_to: str = "TO_FLOAT", map_form: str = "DENSE", max_map: int = 1) -> np.ndarray:
    """A map's values by ascending key, or at their keys (SPARSE) -> [1, n]. Source: ai.onnx.ml CastMap-1."""
    kinds: dict[str, Any] = {"TO_FLOAT": np.float32, "TO_INT64": np.int64, "TO_STRING": object}
    if cast_to not in kinds:
        raise ValueError(f"CastMap: expected cast_to among {', '.join(kinds)}, got {cast_to!r}")
    convert: Any = str if cast_to == "TO_STRING" else float if cast_to == "TO_FLOAT" else lambda v: int(float(v))
    if map_form == "DENSE":
        return np.array([[convert(X[key]) for key in sorted(X)]], kinds[cast_to])
    beyond = [key for key in X if not 0 <= key < max_map]
    if beyond:
        raise ValueError(f"CastMap: expected keys from 0 to {max_map - 1}, got {beyond[0]}")
    out = np.full((1, max_map), "0" if cast_to == "TO_STRING" else 0, kinds[cast_to])
    for key, value in X.items():
        out[0, key] = convert(value)
    return out


def ZipMap(
    X: np.ndarray, *, classlabels_int64s: list[int] | None = None, classlabels_strings: list[str] | None = None
) -> list[dict[Any, float]]:
    """Scores [N, C] to a list of N maps from labels, ascending, to scores. Source: ai.onnx.ml ZipMap-1."""
    labels: list[Any] = classlabels_strings or classlabels_int64s or []
    rows = X.reshape(1, -1) if X.ndim == 1 else X
    if rows.ndim == 0:
        raise ValueError("Zipmap does not support empty dim count")
    if rows.ndim != 2:
        raise ValueError("Zipmap only supports 1D or 2D input tensors")
    if rows.shape[1] != len(labels):
        raise ValueError(f"Input features_per_batch[{rows.shape[1]}] != number of classlabels[{len(labels)}]")
    order = sorted(range(len(labels)), key=labels.__getitem__)
    keys = [labels[i] for i in order]
    return [dict(zip(keys, row, strict=True)) for row in rows[:, order].tolist()]


def _as_float(facts: Facts) -> list[Type | None]:
    return [Tensor("float", shapes.shape_of(facts, 0))]


def _infer_extractor(facts: Facts) -> list[Type | None]:
    x, y = shapes.tensor(facts, 0), shapes.shape_of(facts, 1)
    if x is None:
        return [None]
    if x.shape is None or y is None:
        return [Tensor(x.element)]
    count = shapes.product(y)
    return [Tensor(x.element, (1, count) if len(x.shape) == 1 else (*x.shape[:-1], count))]


def _infer_one_hot(facts: Facts) -> list[Type | None]:
    shape = shapes.shape_of(facts, 0)
    cats = facts.attributes.get("cats_int64s") or facts.attributes.get("cats_strings") or []
    return [Tensor("float", None if shape is None else (*shape, len(cats)))]


def _infer_encoder(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    given = facts.attributes
    element = next((e for e, n in _VALUES.items() if given.get(n) is not None), None)
    if given.get("values_tensor") is not None:
        from celeris.graph.types import element_of

        element = element_of(given["values_tensor"].dtype)
    if element is None and x is not None:
        element = "int64" if x.element == "string" else "string"
    return [None if element is None else Tensor(element, None if x is None else x.shape)]


_VALUES = {"string": "values_strings", "int64": "values_int64s", "float": "values_floats"}


def _infer_mapper(facts: Facts) -> list[Type | None]:
    x = shapes.tensor(facts, 0)
    return [None if x is None else Tensor("int64" if x.element == "string" else "string", x.shape)]


def _infer_vectorizer(facts: Facts) -> list[Type | None]:
    shape, sizes = shapes.shape_of(facts, 0), facts.attributes.get("inputdimensions")
    rows = None if shape is None else shape[0] if len(shape) > 1 else 1
    return [Tensor("float", (rows, sum(sizes) if sizes else None))]


def _infer_dict_vectorizer(facts: Facts) -> list[Type | None]:
    x = facts.types[0]
    value = x.value if isinstance(x, Map) else None
    return [Tensor(value.element) if isinstance(value, Tensor) else None]


def _infer_cast_map(facts: Facts) -> list[Type | None]:
    element = {"TO_FLOAT": "float", "TO_INT64": "int64", "TO_STRING": "string"}.get(
        str(facts.attributes.get("cast_to", "TO_FLOAT"))
    )
    sparse = facts.attributes.get("map_form") == "SPARSE"
    return [None if element is None else Tensor(element, (1, facts.attributes.get("max_map", 1) if sparse else None))]


def _infer_zip_map(facts: Facts) -> list[Type | None]:
    key = "string" if facts.attributes.get("classlabels_strings") else "int64"
    return [Sequence(Map(key, Tensor("float", ())))]


OPS: tuple[Op, ...] = (
    Op("ArrayFeatureExtractor", 1, ArrayFeatureExtractor, _infer_extractor, ML),
    Op("Binarizer", 1, Binarizer, shapes.same, ML),
    Op("CastMap", 1, CastMap, _infer_cast_map, ML),
    Op("CategoryMapper", 1, CategoryMapper, _infer_mapper, ML, verify=ml_verify.category_mapper),
    Op("DictVectorizer", 1, DictVectorizer, _infer_dict_vectorizer, ML),
    Op("FeatureVectorizer", 1, FeatureVectorizer, _infer_vectorizer, ML, verify=ml_verify.feature_vectorizer),
    Op("Imputer", 1, Imputer, shapes.same, ML),
    Op("LabelEncoder", 1, LabelEncoder_1, _infer_encoder, ML),
    Op("LabelEncoder", 2, LabelEncoder_2, _infer_encoder, ML, verify=ml_verify.label_encoder),
    Op("LabelEncoder", 4, LabelEncoder, _infer_encoder, ML, verify=ml_verify.label_encoder),
    Op("Normalizer", 1, Normalizer, _as_float, ML, verify=ml_verify.normalizer),
    Op("OneHotEncoder", 1, OneHotEncoder, _infer_one_hot, ML),
    Op("Scaler", 1, Scaler, _as_float, ML, verify=ml_verify.scaler),
    Op("ZipMap", 1, ZipMap, _infer_zip_map, ML),
)

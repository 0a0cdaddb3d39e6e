"""What must hold of the attributes of ai.onnx.ml's operators: asked once, at load, so that kernels may rely on it.

Lengths and indices only, on arrays: a forest of a million nodes costs what building it costs, and it is built once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from celeris.ops import shapes
from celeris.ops.table import Facts

if TYPE_CHECKING:
    from celeris.ops.trees import Forest

_TRANSFORMS = (b"NONE", b"SOFTMAX", b"LOGISTIC", b"SOFTMAX_ZERO", b"PROBIT")
_KERNELS = (b"LINEAR", b"POLY", b"RBF", b"SIGMOID")
_NORMS = (b"MAX", b"L1", b"L2")


def _count(facts: Facts, *names: str) -> int:
    """The length of the first of the attributes that is there and not empty."""
    found: list[Sized] = [facts.raw[name] for name in names if name in facts.raw]
    return next((len(each) for each in found if len(each)), 0)


def _columns(facts: Facts) -> int | None:
    """The features of X, where the model fixes them."""
    shape = shapes.shape_of(facts, 0)
    last = shape[-1] if shape is not None and len(shape) in (1, 2) else None
    return last if isinstance(last, int) else None


def _one_of(facts: Facts, name: str, allowed: tuple[bytes, ...]) -> str | None:
    found = facts.raw.get(name, allowed[0])
    if found in allowed:
        return None
    names = ", ".join(each.decode() for each in allowed)
    return f"expected a {name} of {names}, got {bytes(found).decode('utf-8', 'replace')!r}"


def linear_classifier(facts: Facts) -> str | None:
    """LinearClassifier-1: coefficients [classes, F], intercepts [classes], a label a class."""
    labels = _count(facts, "classlabels_strings", "classlabels_ints")
    intercepts = _count(facts, "intercepts")
    classes = intercepts or labels
    wrong = _matrix(facts, classes)
    if wrong is not None:
        return wrong
    if labels and classes > labels:
        return f"expected a label for each of {classes} classes, got {labels}"
    return _one_of(facts, "post_transform", _TRANSFORMS)


def linear_regressor(facts: Facts) -> str | None:
    """LinearRegressor-1: coefficients [targets, F], intercepts [targets]."""
    targets = int(facts.raw.get("targets", 1))
    wrong = _matrix(facts, targets)
    if wrong is not None:
        return wrong
    intercepts = _count(facts, "intercepts")
    if intercepts not in (0, 1, targets):
        return f"expected an intercept for each of {targets} targets, got {intercepts}"
    return _one_of(facts, "post_transform", _TRANSFORMS)


def _matrix(facts: Facts, rows: int) -> str | None:
    """coefficients hold `rows` rows of as many numbers as X has features."""
    size, columns = _count(facts, "coefficients"), _columns(facts)
    if rows < 1 or not size or size % rows:
        return f"expected coefficients for {rows} classes or targets, got {size}"
    if columns is not None and size != rows * columns:
        return f"expected {rows} x {columns} coefficients, got {size}"
    return None


def svm_classifier(facts: Facts) -> str | None:
    """SVMClassifier-1: support_vectors [n, F], coefficients [classes - 1, n], rho a pair of classes."""
    wrong = _one_of(facts, "post_transform", _TRANSFORMS) or _one_of(facts, "kernel_type", _KERNELS)
    if wrong is not None:
        return wrong
    per_class = np.asarray(facts.raw.get("vectors_per_class", ()), np.int64)
    labels = _count(facts, "classlabels_strings", "classlabels_ints")
    if not len(per_class):
        return _matrix(facts, labels)
    if per_class.min() < 0:
        return f"expected vectors_per_class of at least 0, got {per_class.min()}"
    classes, total = len(per_class), int(per_class.sum())
    if labels < classes:
        return f"expected a label for each of {classes} classes, got {labels}"
    if _count(facts, "coefficients") != (classes - 1) * total:
        return f"expected {(classes - 1) * total} coefficients, got {_count(facts, 'coefficients')}"
    pairs = classes * (classes - 1) // 2
    for name in ("rho", "prob_a", "prob_b"):
        found = _count(facts, name)
        if found < pairs and (name == "rho" or found or _count(facts, "prob_a")):
            return f"expected a {name} for each of {pairs} pairs of classes, got {found}"
    return _vectors(facts, total)


def svm_regressor(facts: Facts) -> str | None:
    """SVMRegressor-1: support_vectors [n_supports, F], coefficients [n_supports]; or coefficients [F]."""
    wrong = _one_of(facts, "post_transform", _TRANSFORMS) or _one_of(facts, "kernel_type", _KERNELS)
    if wrong is not None:
        return wrong
    supports = int(facts.raw.get("n_supports", 0))
    if supports <= 0:
        return _matrix(facts, 1)
    if _count(facts, "coefficients") != supports:
        return f"expected {supports} coefficients, got {_count(facts, 'coefficients')}"
    return _vectors(facts, supports)


def _vectors(facts: Facts, count: int) -> str | None:
    size, columns = _count(facts, "support_vectors"), _columns(facts)
    if not count or size % count or (columns is not None and size != count * columns):
        return f"expected {count} support_vectors of {columns or 'equal'} features, got {size} numbers"
    params = _count(facts, "kernel_params")
    return None if params in (0, 3) else f"expected kernel_params gamma, coef0 and degree, got {params} numbers"


def normalizer(facts: Facts) -> str | None:
    """Normalizer-1."""
    return _one_of(facts, "norm", _NORMS)


def scaler(facts: Facts) -> str | None:
    """Scaler-1: one offset and scale, or one a column."""
    columns = _columns(facts)
    for name in ("offset", "scale"):
        found = _count(facts, name)
        if columns is not None and found not in (0, 1, columns):
            return f"expected one {name}, or one for each of {columns} columns, got {found}"
    return None


def label_encoder(facts: Facts) -> str | None:
    """LabelEncoder-2 and -4: one list of keys, one of values, of one length."""
    kinds = ("floats", "int64s", "strings")
    sides = []
    for side in ("keys", "values"):
        given = [f"{side}_{kind}" for kind in kinds if _count(facts, f"{side}_{kind}")]
        tensor = facts.raw.get(f"{side}_tensor")
        sides.append(sum(_count(facts, name) for name in given) or (0 if tensor is None else int(np.size(tensor))))
        if len(given) + (tensor is not None) > 1:
            return f"expected {side} of one type, got {', '.join(given)}"
    return None if sides[0] == sides[1] else f"expected as many values as keys, got {sides[1]} and {sides[0]}"


def category_mapper(facts: Facts) -> str | None:
    """CategoryMapper-1: a number a name."""
    names, numbers = _count(facts, "cats_strings"), _count(facts, "cats_int64s")
    return (
        None if names == numbers and names else f"expected as many cats_int64s as cats_strings, got {numbers}, {names}"
    )


def feature_vectorizer(facts: Facts) -> str | None:
    """FeatureVectorizer-1: a size for each input, none below 0."""
    sizes = np.asarray(facts.raw.get("inputdimensions", ()), np.int64)
    if len(sizes) and (len(sizes) != len(facts.types) or sizes.min() < 0):
        return f"expected inputdimensions of at least 0 for {len(facts.types)} inputs, got {sizes.tolist()[:10]}"
    return None


# Trees


def _given(facts: Facts) -> Mapping[str, Any]:
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in facts.raw.items()}


def forest(build: Callable[[Mapping[str, Any], int], Forest]) -> Callable[[Facts], str | None]:
    """The rule of a tree ensemble: its forest can be built. It is kept for whoever builds it next."""

    def verify(facts: Facts) -> str | None:
        try:
            given = _given(facts)
            made = build(given, facts.threads)
        except (ValueError, UnicodeDecodeError) as problem:
            return str(problem).partition(": ")[2] or str(problem)
        columns = _columns(facts)
        if columns is not None and made.features > columns:
            return f"expected nodes_featureids below {columns}, got {made.features - 1}"
        if made.post_transform not in _NAMES:
            return _one_of(facts, "post_transform", _TRANSFORMS)
        from celeris.ops.trees import keep

        keep(made, given)
        return None

    return verify


_NAMES = tuple(name.decode() for name in _TRANSFORMS)

"""Kernels of a pipeline that become one: what lies between them is read by nobody else, and is then never made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from celeris.providers.base import KernelCall, Rows, activation, source, with_exact_products
from celeris.records import Record, replace


class Sole(Record):
    """What a rule may ask of a value: who makes it, if only one kernel reads it, and what its elements are."""

    makers: dict[str, KernelCall]
    reads: dict[str, int]  # how often a value is read
    aliases: Mapping[str, str]
    rows: Mapping[str, Rows]

    def __call__(self, name: str) -> KernelCall | None:
        name = source(self.aliases, name)
        return self.makers.get(name) if self.reads.get(name) == 1 else None

    def element(self, name: str) -> str:
        """The type of its elements."""
        return self.rows[source(self.aliases, name)].element

    def count(self, names: Sequence[str], by: int = 1) -> None:
        """They are read once more, or less."""
        for each in names:
            name = source(self.aliases, each)
            self.reads[name] = self.reads.get(name, 0) + by


Joined = tuple[KernelCall, list[KernelCall]]  # a kernel, and what it stands for beside the one asked about


def join(
    kernels: list[KernelCall],
    counts: list[int],
    aliases: dict[str, str],
    outputs: Sequence[str],
    rows: Mapping[str, Rows],
) -> tuple[list[KernelCall], list[int]]:
    """The kernels joined, and how many of them are each node's."""
    sole = Sole({name: call for call in kernels for name in call.outputs}, {}, aliases, rows)
    sole.count(outputs)
    for call in kernels:
        sole.count(call.inputs)
    owners = [at for at, count in enumerate(counts) for _ in range(count)]
    gone: set[int] = set()
    result = list(kernels)
    places = {id(call): at for at, call in enumerate(kernels)}
    for at, call in enumerate(kernels):
        while (rule := RULES.get(call.kernel)) is not None and (joined := rule(call, sole)) is not None:
            whole, parts = joined
            for each in (call, *parts):
                sole.count(each.inputs, -1)
            sole.count(whole.inputs)
            sole.makers.update(dict.fromkeys(call.outputs, whole))
            gone.update(places[id(each)] for each in parts)
            result[at] = call = whole
            places[id(whole)] = at
    counts = list(counts)
    for at in gone:
        counts[owners[at]] -= 1
    return [call for at, call in enumerate(result) if at not in gone], counts


def nearest(call: KernelCall, sole: Sole) -> Joined | None:
    """distances [-> root] -> the least of them."""
    maker = sole(call.inputs[0])
    if maker is None or call.params["largest"]:
        return None
    absorbed = [maker]
    root = maker.kernel == "unary" and maker.params["op"] == "Sqrt"
    if root:
        maker = sole(maker.inputs[0])
        if maker is None:
            return None
        absorbed.append(maker)
    if maker.kernel != "distances" or maker.params["kind"] not in ("sqeuclidean", *([] if root else ["euclidean"])):
        return None
    params = {name: maker.params[name] for name in ("kind", "points", "bias")}
    return KernelCall("nearest", {**params, "root": int(root)}, maker.inputs, call.outputs), absorbed


def normalized(call: KernelCall, sole: Sole) -> Joined | None:
    """A classifier's softmax, or counts of n-grams [-> ln(x + 1)] [-> weights] -> rows of norm 1."""
    maker, norm = sole(call.inputs[0]), call.params["norm"]
    if maker is not None and maker.kernel == "post_transform" and (maker.params["kind"], norm) == ("SOFTMAX", "L1"):
        return replace(maker, params={**maker.params, "shares": 1}, outputs=call.outputs), [maker]
    found = _counts(call.inputs[0], sole) if norm in ("L1", "L2") else None
    if found is None:
        return None
    counts, absorbed = found
    return replace(counts, params={**counts.params, "norm": norm}, outputs=call.outputs), absorbed


def multiplied(call: KernelCall, sole: Sole) -> Joined | None:
    """Counts of n-grams, and what normalized makes of them -> their products with weights, of which few are read."""
    found, weights = _counts(call.inputs[0], sole), call.params["weights"]
    if found is None:
        return None
    narrow = weights.astype(np.float32)
    if not np.array_equal(narrow, weights) or not np.isfinite(narrow).all():
        return None
    counts, absorbed = found
    bias = np.asarray(call.params["bias"], np.float64)
    return replace(counts, params={**counts.params, "weights": narrow, "bias": bias}, outputs=call.outputs), absorbed


def product(call: KernelCall, sole: Sole) -> Joined | None:
    """Products of counts; or scaled and shifted columns -> their products with weights: these are scaled instead.

    Nothing is rounded between the two then. As what is taken off their sum uses the same weights, their rounding costs
    2^-30 of what is left of a column, no more.
    """
    if sole(call.inputs[0]) is None:
        return None
    if (joined := multiplied(call, sole) or _centred(call, sole)) is not None:
        return joined
    bias, name, absorbed = np.asarray(call.params["bias"], np.float64), call.inputs[0], list[KernelCall]()
    weights = np.asarray(call.params["weights"], np.float64)
    while (maker := sole(name)) is not None and (moved := _affine(maker)) is not None:
        if sole.element(maker.inputs[0]) not in ("float", "double"):
            break
        offset, scale = (np.asarray(each, np.float64) for each in moved)
        with np.errstate(all="ignore"):
            scaled = with_exact_products(weights.reshape(bias.size, scale.size) * scale)
            shifted = bias - scaled @ offset
        if not (np.isfinite(scaled).all() and np.isfinite(shifted).all()):
            break
        weights, bias, name = scaled, shifted, maker.inputs[0]
        absorbed.append(maker)
    if not absorbed:
        return None
    return replace(call, params={**call.params, "weights": weights, "bias": bias}, inputs=[name]), absorbed


def _centred(call: KernelCall, sole: Sole) -> Joined | None:
    """Columns less a number each and a share of their sum, plus a number each -> their products with weights.

    Kernels of a kernel PCA are centred so. The weights, less that share of their own sum, do it: of float32 with less
    error, of doubles with more where they have much in common.
    """
    end = sole(call.inputs[0])
    added = None if end is None else _numbers(end, "Add")
    apart = end if added is None or end is None else sole(end.inputs[0])
    if end is None or apart is None or apart.params.get("op") != "Sub" or len(apart.inputs) != 2:
        return None
    if (apart.params["b_columns"] != 0).any():
        return None
    less, share = sole(apart.inputs[0]), sole(apart.inputs[1])
    taken, parts = (None, None) if less is None or share is None else (_numbers(less, "Sub"), _numbers(share, "Div"))
    if less is None or share is None or taken is None or parts is None or len(parts) != 1:
        return None
    total, every = sole(share.inputs[0]), np.arange(len(taken))
    if total is None or total.kernel != "reduce" or total.params["op"] != "Sum" or total.inputs != less.inputs:
        return None
    if not np.array_equal(total.params["columns"].reshape(-1), every) or not np.array_equal(
        apart.params["a_columns"], every
    ):
        return None
    if sole.element(less.inputs[0]) != "float":
        return None
    weights = np.asarray(call.params["weights"], np.float64).reshape(-1, len(taken))
    moved = taken if added is None else taken - added
    with np.errstate(all="ignore"):
        centred = weights - weights.sum(axis=1, keepdims=True) / parts
        bias = np.asarray(call.params["bias"], np.float64) - weights @ moved
    if not (np.isfinite(centred).all() and np.isfinite(bias).all()):
        return None
    params = {**call.params, "weights": np.ascontiguousarray(centred), "bias": bias}
    absorbed = [less, total, share, apart, *([] if added is None else [end])]
    return replace(call, params=params, inputs=list(less.inputs)), absorbed


def _numbers(call: KernelCall, op: str) -> np.ndarray | None:
    """What is added to columns as they stand, taken off them, or what they are divided by: in double."""
    if call.kernel != "binary" or call.params["op"] != op or len(call.inputs) != 1:
        return None
    mine, other = ("a_columns", "b_values") if "b_values" in call.params else ("b_columns", "a_values")
    if mine == "b_columns" and op != "Add":
        return None
    columns, values = call.params[mine], call.params[other]
    if not isinstance(values, np.ndarray) or not np.array_equal(columns, np.arange(len(values))):
        return None
    return values.astype(np.float64)


def _affine(call: KernelCall) -> tuple[np.ndarray, np.ndarray] | None:
    """The offset and the scale of (x - offset) * scale, where a kernel makes each column of one that way."""
    if call.kernel == "scaler":
        return call.params["offset"], call.params["scale"]
    offset = _constant(call, "Sub") if "b_values" in call.params else None
    return None if offset is None else (offset, np.ones_like(offset))


def _counts(name: str, sole: Sole) -> Joined | None:
    """The kernel that counts n-grams, with what is made of each count by itself before `name`."""
    after: dict[str, Any] = {}
    absorbed: list[KernelCall] = []
    maker = sole(name)
    if maker is not None and "norm" not in maker.params:
        factors = _constant(maker, "Mul")
        if factors is not None and np.isfinite(factors).all():
            absorbed.append(maker)
            after["factors"], maker = factors, sole(maker.inputs[0])
        if maker is not None and maker.kernel == "unary" and maker.params["op"] == "Log":
            absorbed.append(maker)
            after["logarithm"], maker = 1, sole(maker.inputs[0])
            ones = None if maker is None else _constant(maker, "Add")
            if maker is None or ones is None or (ones != 1).any():
                return None
            absorbed.append(maker)
            maker = sole(maker.inputs[0])
    if maker is None or maker.kernel != "ngrams" or (after and "norm" in maker.params) or "weights" in maker.params:
        return None
    return replace(maker, params={**maker.params, **after}), [*absorbed, maker]


def arithmetic(call: KernelCall, sole: Sole) -> Joined | None:
    """Products -> plus a constant; in float32, times one, too; what an activation is written as -> the activation."""
    return _scaled(call, sole) or _biased(call, sole) or _swish(call, sole) or _gelu(call, sole)


def _swish(call: KernelCall, sole: Sole) -> Joined | None:
    """x times its sigmoid."""
    for x, other in _factors(call):
        share = sole(other)
        sigmoid = share is not None and share.kernel == "unary" and share.params["op"] == "Sigmoid"
        if share is not None and sigmoid and share.inputs == [x] and sole.element(x) == "float":
            return KernelCall("activation", activation("Swish"), [x], call.outputs), [share]
    return None


def _gelu(call: KernelCall, sole: Sole) -> Joined | None:
    """x (1 + erf(x / sqrt 2)) / 2, halved at its end or at its beginning."""
    end = call if _by(call, "Mul", 0.5) else None
    product = call if end is None else sole(end.inputs[0])
    for first, other in _factors(product):
        half = None if end is not None else sole(first)
        one = sole(other)
        if (end is None and not _by(half, "Mul", 0.5)) or one is None or not _by(one, "Add", 1):
            continue
        x = first if half is None else half.inputs[0]
        bell = sole(one.inputs[0])
        if bell is None or bell.kernel != "activation" or bell.params["activation"] != "Erf":
            continue
        inner = sole(bell.inputs[0])
        if inner is None or inner.inputs != [x] or not (_by(inner, "Div", 2**0.5) or _by(inner, "Mul", 0.5**0.5)):
            continue
        halves = [each for each in (half, product) if each is not None and each is not call]
        return KernelCall("activation", activation("Gelu"), [x], call.outputs), [*halves, one, bell, inner]
    return None


def _by(call: KernelCall | None, op: str, value: float) -> bool:
    """Whether a call adds this number to all columns, or multiplies or divides them by it: but for its rounding."""
    if call is None or (op == "Div" and "b_values" not in call.params):
        return False
    found = _constant(call, op)
    return found is not None and bool(np.allclose(found, value, 3e-7, 0))


def _factors(call: KernelCall | None) -> list[tuple[str, str]]:
    """The two values of a product element by element, either way around."""
    if call is None or call.kernel != "binary" or call.params["op"] != "Mul" or len(call.inputs) != 2:
        return []
    a, b = call.params["a_columns"], call.params["b_columns"]
    if not np.array_equal(a, np.arange(len(a))) or not np.array_equal(a, b):
        return []
    return [(call.inputs[0], call.inputs[1]), (call.inputs[1], call.inputs[0])]


def _biased(call: KernelCall, sole: Sole) -> Joined | None:
    maker = sole(call.inputs[0])
    if maker is None or maker.kernel not in ("gemm", "gemm_narrow") or _ends(maker):
        return None
    wide = maker.kernel == "gemm"  # whose sums, and biases, are in double
    bias = _constant(call, "Add", (np.float32, np.float64) if wide else (np.float32,))
    if bias is None:
        return None
    both = np.asarray(maker.params["bias"], np.float64 if wide else np.float32) + bias
    return replace(maker, params={**maker.params, "bias": both}, outputs=call.outputs), [maker]


def _scaled(call: KernelCall, sole: Sole) -> Joined | None:
    factors, maker = _constant(call, "Mul"), sole(call.inputs[0])
    if factors is None or maker is None or maker.kernel != "gemm_narrow" or _ends(maker):
        return None
    with np.errstate(all="ignore"):
        params = {"weights": maker.params["weights"] * factors[:, None], "bias": maker.params["bias"] * factors}
    if not all(np.isfinite(value).all() for value in params.values()):  # as products may be where their factors are not
        return None
    return replace(maker, params={**maker.params, **params}, outputs=call.outputs), [maker]


def elementwise(call: KernelCall, sole: Sole) -> Joined | None:
    """Products in float32 -> their positive part, or an activation; distances -> what falls with them."""
    maker, op = sole(call.inputs[0]), call.params["op"]
    if op in ("Relu", "Sigmoid") and maker is not None and maker.kernel == "gemm_narrow":
        if op != "Relu":
            return activated(replace(call, params=activation(op)), sole)
        if not _ends(maker):
            return replace(maker, params={**maker.params, "relu": 1}, outputs=call.outputs), [maker]
    return _decay(call, maker, sole) if op == "Exp" else None


def activated(call: KernelCall, sole: Sole) -> Joined | None:
    """Products in float32 -> an activation."""
    maker = sole(call.inputs[0])
    if maker is None or maker.kernel != "gemm_narrow" or _ends(maker):
        return None
    return replace(maker, params={**maker.params, **call.params}, outputs=call.outputs), [maker]


def _ends(call: KernelCall) -> bool:
    """Whether products end with a function."""
    return "relu" in call.params or "activation" in call.params


def _decay(call: KernelCall, maker: KernelCall | None, sole: Sole) -> Joined | None:
    """Squared distances -> times a number [-> less than nothing] -> e to the power of that."""
    negative = maker is not None and maker.kernel == "unary" and maker.params["op"] == "Neg"
    scaled = sole(maker.inputs[0]) if maker is not None and negative else maker
    factors = _constant(scaled, "Mul") if scaled is not None else None
    squares = sole(scaled.inputs[0]) if scaled is not None else None
    if maker is None or scaled is None or squares is None or factors is None:
        return None
    if not len(factors) or (factors != factors[0]).any():
        return None
    if squares.kernel != "distances" or squares.params["kind"] != "sqeuclidean":
        return None
    gamma = float(factors[0] if negative else -factors[0])
    params = {**squares.params, "kind": "decay", "gamma": gamma}
    return replace(squares, params=params, outputs=call.outputs), [squares, scaled, *([maker] if negative else [])]


def _constant(call: KernelCall, op: str, types: Sequence[type] = (np.float32,)) -> np.ndarray | None:
    """The constant, of one of these types, of an operation on columns as they stand and one number each."""
    if call.kernel != "binary" or call.params["op"] != op or len(call.inputs) != 1:
        return None
    mine, other = ("a_columns", "b_values") if "b_values" in call.params else ("b_columns", "a_values")
    columns, values = call.params.get(mine), call.params.get(other)
    if columns is None or not isinstance(values, np.ndarray) or values.dtype not in types:
        return None
    return values if np.array_equal(columns, np.arange(len(values))) else None


RULES: dict[str, Callable[[KernelCall, Sole], Joined | None]] = {
    "top_k": nearest, "normalizer": normalized, "gemm": product, "gemm_narrow": multiplied,
    "binary": arithmetic, "unary": elementwise, "activation": activated,
}  # fmt: skip

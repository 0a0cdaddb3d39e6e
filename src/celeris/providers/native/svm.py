"""Claims of support vector machines: kernel values, scores, votes and probabilities, each by kernels of its own."""

from __future__ import annotations

import numpy as np

from celeris.graph.graph import Node
from celeris.providers.base import Claim, Context, Refusal, activation, with_exact_products
from celeris.providers.native.chain import Chain
from celeris.providers.native.linear import labels_of, text


def _doubles(node: Node, name: str) -> np.ndarray:
    return np.asarray(node.attr(name, ()), np.float64).reshape(-1)


def _machine(node: Node, context: Context, count: int) -> tuple[np.ndarray, np.ndarray] | Refusal:
    """Support vectors [count, features] and the kernel's parameters gamma, coef0, degree."""
    rows = context.rows(node.inputs[0])
    vectors, params = _doubles(node, "support_vectors"), _doubles(node, "kernel_params")
    if rows is None or rows.element == "string" or len(rows.tail) != 1:
        return Refusal("expected rows of numbers")
    if vectors.size != count * rows.width or params.size not in (0, 3):
        return Refusal(f"{vectors.size} numbers in {count} support vectors of {rows.width} features")
    return vectors.reshape(count, rows.width), params if params.size else np.zeros(3)


def _scores(
    chain: Chain, node: Node, machine: tuple[np.ndarray, np.ndarray], weights: np.ndarray, rho: np.ndarray
) -> str:
    """K(x, vectors) times weights [M, vectors]' plus rho [M], summed in double.

    A sigmoid's K are float32. Of many vectors those of powers are, too, and the inner products are summed so, as the
    vectors are float32: double would take twice the time.
    """
    vectors, (gamma, coef0, degree) = machine
    kind = text(node, "kernel_type", "LINEAR")
    narrow = kind in ("POLY", "SIGMOID") and vectors.shape[0] >= 16 and vectors.shape[1] >= 8
    source = chain.of(node.inputs[0], "float") if narrow else chain.reals(node.inputs[0])
    if kind == "LINEAR":  # the sum over the vectors can be made once, in double
        return chain.product(source, weights @ vectors, rho)
    if kind == "RBF":
        params = {
            "kind": "rbf",
            "gamma": float(gamma),
            "points": np.ascontiguousarray(vectors),
            "weights": -2 * vectors,
            "bias": np.square(vectors).sum(axis=1),
        }
        values = chain.call("distances", params, [source], "double", len(vectors))
        return chain.product(values, weights, rho)
    product = chain.narrow_product if narrow else chain.product
    offsets = np.full(len(vectors), coef0)
    if kind == "SIGMOID":
        inner = product(source, with_exact_products(gamma * vectors), offsets, "float")
        values = chain.call("activation", activation("Tanh"), [inner], "float", len(vectors))
        return chain.product(values, weights, rho)
    # What of gamma is no power of two is taken out of the sums, whose weights are then as exact as the vectors.
    share, exponent = np.frexp(gamma)
    with np.errstate(all="ignore"):
        factor = share**degree
    if gamma > 0 and 1e-6 < factor < 1e6:
        offsets, weights = offsets / share, weights * factor
        inner = product(source, np.ldexp(vectors, exponent), offsets)
    else:
        inner = product(source, gamma * vectors, offsets)
    element = chain.rows(inner).element
    every = np.arange(len(vectors), dtype=np.int64)
    exponents = np.full(len(vectors), degree, np.float32 if narrow else np.float64)
    power = {"op": "Pow", "a_columns": every, "b_values": exponents}
    values = chain.call("binary", power, [inner], element, len(vectors))
    return chain.product(values, weights, rho)


def claim_svm_regressor(node: Node, context: Context) -> Claim | Refusal:
    """Kernel values times coefficients, plus rho."""
    count = int(node.attr("n_supports", 0))
    weights, rho = _doubles(node, "coefficients"), _doubles(node, "rho")
    if text(node, "kernel_type", "LINEAR") not in ("LINEAR", "POLY", "RBF", "SIGMOID"):
        return Refusal("its kernel_type is unknown")
    if count <= 0 or weights.size != count:
        return Refusal("expected a coefficient for each support vector")
    machine = _machine(node, context, count)
    if isinstance(machine, Refusal):
        return machine
    chain = Chain(context)
    score = _scores(chain, node, machine, weights[None], rho[:1] if rho.size else np.zeros(1))
    if not node.attr("one_class", 0):
        chain.call("cast", {}, [score], "float", 1, node.outputs[0])
        return chain.claim()
    first = np.zeros(1, np.int64)
    sign = chain.call("binary", {"op": "Greater", "a_columns": first, "b_values": np.zeros(1)}, [score], "bool", 1)
    one = np.ones(1, np.float32)
    chain.call(
        "where", {"condition_columns": first, "a_values": one, "b_values": -one}, [sign], "float", 1, node.outputs[0]
    )
    return chain.claim()


def _pair_weights(weights: np.ndarray, counts: list[int]) -> np.ndarray:
    """Coefficients [classes - 1, vectors] as libsvm keeps them, to one row of all vectors for each pair."""
    ends = np.cumsum(counts)
    own = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
    pairs = [(i, j) for i in range(len(counts)) for j in range(i + 1, len(counts))]
    full = np.zeros((len(pairs), sum(counts)))
    for at, (i, j) in enumerate(pairs):
        full[at, own[i]] = weights[j - 1, own[i]]
        full[at, own[j]] = weights[i, own[j]]
    return full


def claim_svm_classifier(node: Node, context: Context) -> Claim | Refusal:
    """One against one: a score a pair of classes, votes for the label, and probabilities where there are any."""
    counts = [int(v) for v in np.asarray(node.attr("vectors_per_class", ())).reshape(-1)]
    labels = labels_of(node, "classlabels_ints", "classlabels_strings")
    classes, total = len(counts), sum(counts)
    pairs = classes * (classes - 1) // 2
    weights, rho = _doubles(node, "coefficients"), _doubles(node, "rho")
    transform = text(node, "post_transform", "NONE")
    if text(node, "kernel_type", "LINEAR") not in ("LINEAR", "POLY", "RBF", "SIGMOID"):
        return Refusal("its kernel_type is unknown")
    if labels is None or classes < 2 or len(labels[1]) != classes or min(counts) < 0:
        return Refusal("expected support vectors of each class")
    if weights.size != (classes - 1) * total or rho.size < pairs:
        return Refusal(f"{weights.size} coefficients for {classes - 1} x {total} support vectors")
    machine = _machine(node, context, total)
    if isinstance(machine, Refusal):
        return machine
    a, b = _doubles(node, "prob_a"), _doubles(node, "prob_b")
    if a.size and not a.size == b.size == pairs:
        return Refusal(f"{a.size} and {b.size} sigmoids for {pairs} pairs")
    if transform == "PROBIT" and classes == 2 and not a.size:
        return Refusal("no kernel for PROBIT of a single score")
    chain = Chain(context)
    scores = _scores(chain, node, machine, _pair_weights(weights.reshape(classes - 1, total), counts), rho[:pairs])
    _label(chain, node, scores, classes, labels)
    if len(node.outputs) > 1 and node.outputs[1]:
        if a.size:
            scores = chain.call("pair_probabilities", {"a": a, "b": b}, [scores], "double", classes)
        elif classes == 2:
            scores, transform = _two_columns(chain, scores, transform)
        _finish(chain, scores, transform, node.outputs[1])
    return chain.claim()


def _label(chain: Chain, node: Node, scores: str, classes: int, labels: tuple[str, list[str] | np.ndarray]) -> None:
    element, table = labels
    if classes == 2:
        params = {
            "labels": table[::-1] if isinstance(table, list) else np.ascontiguousarray(table[::-1]),
            "threshold": 0.0,
        }
        chain.call("threshold_label", params, [scores], element, None, node.outputs[0])
    else:
        votes = chain.call("pair_votes", {}, [scores], "double", classes)
        chain.call("argmax_label", {"labels": table}, [votes], element, None, node.outputs[0])


def _two_columns(chain: Chain, score: str, transform: str) -> tuple[str, str]:
    """What onnxruntime makes of one score: -s and s, or 1 - s and s, which no softmax touches."""
    first = np.zeros(1, np.int64)
    if transform in ("NONE", "LOGISTIC"):
        other = chain.call("unary", {"op": "Neg"}, [score], "double", 1)
    else:
        other = chain.call("binary", {"op": "Sub", "a_values": np.ones(1), "b_columns": first}, [score], "double", 1)
    order = {"inputs": np.array([0, 1]), "columns": np.zeros(2, np.int64)}
    both = chain.call("select_columns", order, [other, score], "double", 2)
    return both, "LOGISTIC" if transform == "LOGISTIC" else "NONE"


def _finish(chain: Chain, scores: str, transform: str, out: str) -> None:
    width = chain.rows(scores).width
    if transform == "NONE":
        chain.call("cast", {}, [scores], "float", width, out)
    else:
        chain.call("post_transform", {"kind": transform}, [scores], "float", width, out)

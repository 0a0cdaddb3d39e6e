"""Claims of tree ensembles: their raw values, then labels and probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from celeris._core import build_info
from celeris.graph.graph import Node
from celeris.ops import ml_trees
from celeris.ops.trees import LEAF, Forest, distinct, forest_of_5, with_sets
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows
from celeris.providers.native.linear import labels_of

# Which algorithm, by the most leaves that a tree has and the rows of a call. From `python -m bench.trees`.
#   bit vectors (kernels/trees/bits.h)   up to BIT_LEAVES, from so many rows on as BIT_ROWS says: (leaves, rows)
#   lanes (kernels/trees/lanes.h)        on fewer rows: up to LANE_LEAVES, or LANE_DEPTH
#   walks (kernels/trees/walks.h)        else; with AVX-512 by tiles (kernels/trees/tiles.h)
BIT_LEAVES, BIT_TARGETS = 256, 32
BIT_ROWS: dict[str, tuple[tuple[int, int], ...]] = {
    "avx512": ((4, 4), (8, 7), (16, 10), (32, 14), (64, 15), (128, 30), (BIT_LEAVES, 44)),
    "avx2": ((4, 10), (8, 11), (16, 14), (32, 19), (64, 20), (128, 28), (BIT_LEAVES, 48)),
}
MEMBER_COST = 0.37  # of a set's value to bit vectors, in comparisons; lanes and walks pay nothing for it
LANE_LEAVES, LANE_DEPTH = {"avx512": 64, "avx2": 32}, 6


def _shallow(forest: Forest) -> bool:
    """Whether no leaf lies below LANE_DEPTH comparisons."""
    level = distinct(forest.roots)
    for _ in range(LANE_DEPTH):
        level = level[forest.mode[level] != LEAF]
        level = distinct(np.concatenate([forest.true[level], forest.false[level]]))
    return bool((forest.mode[level] == LEAF).all())


def _choice(forest: Forest) -> tuple[int, int, bool]:
    """The most leaves of a tree, from how many rows on the trees are bit vectors (0: never), whether fewer go by lanes.

    Bit vectors need few leaves, and sums of float32 values.
    """
    isa, (counts, most) = build_info()["instruction_set"], forest.counts()
    leaves = most + 1
    if (
        forest.aggregate not in ("SUM", "AVERAGE")
        or forest.targets > BIT_TARGETS
        or leaves > BIT_LEAVES
        or (forest.weight.dtype != np.float32 and (forest.weight != forest.weight.astype(np.float32)).any())
    ):
        return leaves, 0, False
    rows = next(rows for most, rows in BIT_ROWS.get(isa, BIT_ROWS["avx2"]) if leaves <= most)
    rows = int(rows * (1 + MEMBER_COST * len(forest.members) / max(1, len(forest.mode) - counts[LEAF])))
    limit = LANE_LEAVES.get(isa, 0)
    return leaves, rows, leaves <= limit or (limit > 0 and leaves <= 1 << LANE_DEPTH and _shallow(forest))


def _attributes(node: Node) -> Mapping[str, Any]:
    """The node's attributes as Forest takes them: long ones stay arrays, text becomes str."""
    return {
        name: a.value.decode("utf-8", "surrogateescape") if isinstance(a.value, bytes) else a.value
        for name, a in node.attributes.items()
    }


def _trees(forest: Forest, base: np.ndarray, source: str, out: str) -> tuple[KernelCall, str]:
    """The kernel's call, and what `celeris show` says of the choice."""
    forest = with_sets(forest)
    leaves, rows, lanes = _choice(forest)
    note = f"{len(forest.roots)} trees of up to {leaves} leaves: "
    note += f"bit vectors from {rows} rows on, else {'lanes' if lanes else 'walks'}" if rows else "walks"
    params = {
        "feature": forest.feature,
        "threshold": forest.threshold,
        "mode": forest.mode,
        "yes": forest.true,
        "no": forest.false,
        "missing": forest.missing,
        "roots": forest.roots,
        "first": forest.first,
        "target": forest.target,
        "weight": forest.weight,
        "members": forest.members,
        "member_first": forest.member_first,
        "targets": forest.targets,
        "aggregate": forest.aggregate,
        "bits_rows": rows,
        "base": np.ascontiguousarray(base, np.float64),
    }
    return KernelCall("trees", params, [source], [out]), note


def _table(node: Node, context: Context) -> Rows | Refusal:
    rows = context.rows(node.inputs[0])
    if rows is None or rows.element not in ("float", "double", "int64", "int32") or len(rows.tail) != 1:
        return Refusal("expected rows of numbers")
    return rows


def _few_columns(forest: Forest, rows: Rows) -> Refusal | None:
    if forest.features > rows.width:
        return Refusal(f"it reads {forest.features} features of rows of {rows.width}")
    return None


def claim_regressor(node: Node, context: Context) -> Claim | Refusal:
    """trees, and the post-transform where onnxruntime applies it."""
    return _claim_values(node, context, ml_trees.regressor_forest(_attributes(node)), "float")


def claim_ensemble(node: Node, context: Context) -> Claim | Refusal:
    """TreeEnsemble-5: the output has the input's type."""
    return _claim_values(node, context, forest_of_5("TreeEnsemble", _attributes(node)), "")


def _claim_values(node: Node, context: Context, forest: Forest, element: str) -> Claim | Refusal:
    rows = _table(node, context)
    if isinstance(rows, Refusal):
        return rows
    refused = _few_columns(forest, rows)
    if refused is not None:
        return refused
    element = element or rows.element
    if element not in ("float", "double"):
        return Refusal(f"its output is {element}")
    base = np.broadcast_to(forest.base, forest.targets) if len(forest.base) else forest.base
    source, out = node.inputs[0], node.outputs[0]
    transform = "NONE" if forest.targets == 1 and forest.post_transform != "PROBIT" else forest.post_transform
    found = {out: Rows(element, (forest.targets,))}
    if transform == "NONE":
        call, note = _trees(forest, base, source, out)
        return Claim([call], found, note=note)
    raw = context.fresh("values")
    found[raw] = Rows("double", (forest.targets,))
    call, note = _trees(forest, base, source, raw)
    return Claim([call, KernelCall("post_transform", {"kind": transform}, [raw], [out])], found, note=note)


def claim_classifier(node: Node, context: Context) -> Claim | Refusal:
    """trees, label, post-transform; two classes with one score as ml_trees.binary_case tells them."""
    rows = _table(node, context)
    if isinstance(rows, Refusal):
        return rows
    forest = ml_trees.classifier_forest(_attributes(node))
    labels = labels_of(node, "classlabels_int64s", "classlabels_strings")
    refused = _few_columns(forest, rows)
    if labels is None or refused is not None:
        return refused or Refusal("it has no class labels")
    case = ml_trees.binary_case(forest)
    if case in ("single", "score"):
        return _claim_score(node, context, forest, labels, case)
    base = forest.base
    if case == "second":  # the first class has no weights, and of base values only the second's counts
        base = np.array([0, base[1]]) if len(base) == 2 else np.zeros(0)
    elif len(base):
        base = np.broadcast_to(base, forest.targets)
    label, probabilities = _outputs(node, context)
    plain = case == "classes" and forest.post_transform == "NONE"
    raw = probabilities if plain else context.fresh("scores")
    call, note = _trees(forest, base, node.inputs[0], raw)
    calls = [call]
    found = {raw: Rows("float" if plain else "double", (forest.targets,)), label: Rows(labels[0], ())}
    if case == "second":
        score = context.fresh("score")
        second = {"inputs": np.zeros(1, np.int64), "columns": np.ones(1, np.int64)}
        found[score] = Rows("double", (1,))
        calls.append(KernelCall("select_columns", second, [raw], [score]))
        parameters = {"labels": labels[1], "threshold": ml_trees.threshold(forest), "rounded": 1}
        calls.append(KernelCall("threshold_label", parameters, [score], [label]))
    else:
        calls.append(KernelCall("argmax_label", {"labels": labels[1], "rounded": 1}, [raw], [label]))
    if not plain:
        calls.append(_transformed(forest.post_transform, raw, probabilities))
        found[probabilities] = Rows("float", (forest.targets,))
    return Claim(calls, found, note=note)


def _outputs(node: Node, context: Context) -> tuple[str, str]:
    names = [*node.outputs, "", ""]
    return names[0] or context.fresh("label"), names[1] or context.fresh("probabilities")


def _transformed(kind: str, raw: str, out: str) -> KernelCall:
    return (
        KernelCall("cast", {}, [raw], [out])
        if kind == "NONE"
        else KernelCall("post_transform", {"kind": kind}, [raw], [out])
    )


def _claim_score(
    node: Node, context: Context, forest: Forest, labels: tuple[str, list[str] | np.ndarray], case: str
) -> Claim | Refusal:
    """One score: of the only class, or of the second of two."""
    score = context.fresh("score")
    label, probabilities = _outputs(node, context)
    element, table = labels
    if case == "single":  # the label is 0 or 1, or the one string whatever the score
        table = [table[0], table[0]] if element == "string" else np.array([0, 1])
    base = forest.base[:1]
    one = Forest(**{name: getattr(forest, name) for name in Forest.__match_args__})
    one.targets = 1
    parameters = {"labels": table, "threshold": ml_trees.threshold(forest), "rounded": 1}
    call, note = _trees(one, base, node.inputs[0], score)
    calls = [
        call,
        KernelCall("threshold_label", parameters, [score], [label]),
    ]
    found = {score: Rows("double", (1,)), label: Rows(element, ())}
    if case == "single":
        kind = "PROBIT" if forest.post_transform == "PROBIT" else "NONE"
        calls.append(_transformed(kind, score, probabilities))
        found[probabilities] = Rows("float", (1,))
        return Claim(calls, found, note=note)
    found[probabilities] = Rows("float", (2,))
    calls += _pair(forest, score, probabilities, found, context)
    return Claim(calls, found, note=note)


def _pair(forest: Forest, score: str, out: str, found: dict[str, Rows], context: Context) -> list[KernelCall]:
    """ml_trees.two_columns: by one kernel, or with a post-transform before or after it."""
    kind, half = forest.post_transform, context.fresh("half")
    if len(forest.base) == 2 and kind != "NONE":
        found[half] = Rows("double", (2,))
        pair = KernelCall("score_pair", {"kind": "KEEP"}, [score], [half])
        return [pair, KernelCall("post_transform", {"kind": kind}, [half], [out])]
    if kind == "PROBIT":
        found[half] = Rows("double", (1,))
        transformed = KernelCall("post_transform", {"kind": kind}, [score], [half])
        return [transformed, KernelCall("score_pair", {"kind": "KEEP"}, [half], [out])]
    shown = "COMPLEMENT" if ml_trees.threshold(forest) else "NEGATE"
    if len(forest.base) == 2:
        shown = "KEEP"
    elif kind == "LOGISTIC":
        shown = kind
    return [KernelCall("score_pair", {"kind": shown}, [score], [out])]

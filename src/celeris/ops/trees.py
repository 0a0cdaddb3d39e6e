"""Forest: a tree ensemble of any ONNX operator as flat arrays, checked. Both tiers are built on it.

Time and memory are linear in the nodes; subtrees that several nodes share stay shared.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from celeris import _core
from celeris.graph.strings import Strings
from celeris.records import Record, replace

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "LEAF", "BRANCH_MEMBER")
LEQ, LT, GTE, GT, EQ, NEQ, LEAF, MEMBER = range(8)
_MODES_5 = np.array([LEQ, LT, GTE, GT, EQ, NEQ, MEMBER], np.uint8)  # ai.onnx.ml TreeEnsemble-5
_PIECE = 1 << 16  # elements at a time: memory touched first costs more than what is done there
_LONG = 1 << 12  # elements of an attribute from which packing it pays
_AGGREGATES_5 = ("AVERAGE", "SUM", "MIN", "MAX")
_TRANSFORMS_5 = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


class Forest(Record):
    """Trees over shared node arrays. Node i goes to `true[i]` where the comparison holds, else to `false[i]`.

    A leaf's children are itself. Node i adds `weight[k]` to target `target[k]` for k in first[i] to first[i + 1]; only
    leaves have weights. Node i of mode MEMBER holds where x is among members[member_first[i] : member_first[i + 1]].
    """

    feature: np.ndarray  # int32 [n]; 0 for leaves
    threshold: np.ndarray  # float32 or float64 [n]
    mode: np.ndarray  # uint8 [n]
    true: np.ndarray  # int32 [n]
    false: np.ndarray  # int32 [n]
    missing: np.ndarray  # bool [n]: NaN goes to `true`
    roots: np.ndarray  # int32 [trees], in the order in which trees add
    first: np.ndarray  # int32 [n + 1]
    target: np.ndarray  # int32 [w]
    weight: np.ndarray  # float32 or float64 [w]
    targets: int
    aggregate: str  # SUM, AVERAGE, MIN, MAX
    post_transform: str
    base: np.ndarray  # float64 [0], [1] or [targets]
    members: np.ndarray  # float64 [m]
    member_first: np.ndarray  # int64 [n + 1], or [0] where no node has mode MEMBER

    @property
    def features(self) -> int:
        """Columns that rows must have at least."""
        return int(self.feature.max()) + 1 if self.counts()[0][LEAF] < len(self.mode) else 0

    def counts(self) -> tuple[list[int], int]:
        """How many nodes have each mode, and the most comparisons of a tree, whose nodes lie together."""
        return _core.count_modes(self.mode, distinct(self.roots), LEAF)


def packed(value: Any) -> Any:
    """A long attribute as it is kept once the kernels are built: in few bytes, for whoever asks for it again."""
    if not isinstance(value, np.ndarray) or len(value) < _LONG:
        return value
    if value[0] == value[-1] and (value == value[0]).all():
        return np.broadcast_to(value[:1].copy(), value.shape)
    return value


def _integers(value: Any) -> np.ndarray:
    return np.ascontiguousarray([] if value is None else value, np.int64)


def _narrow(value: Any) -> np.ndarray:
    """Integers of the size that they come in: no good for arithmetic."""
    known = isinstance(value, np.ndarray) and (value.dtype.kind == "i" or value.dtype == np.uint16)
    return np.ascontiguousarray(value) if known else _integers(value)


def _reals(given: Mapping[str, Any], name: str) -> np.ndarray:
    """A FLOATS attribute, or the tensor that may stand in its place from version 3 on."""
    tensor = given.get(f"{name}_as_tensor")
    if tensor is not None and np.asarray(tensor).size:
        return np.ascontiguousarray(tensor).reshape(-1)
    value = given.get(name)
    return np.asarray([] if value is None else value, np.float32)


def _modes(where: str, value: Sequence[Any]) -> np.ndarray:
    names, codes = Strings.of(value).codes()
    known = {name.encode(): code for code, name in enumerate(MODES[:7])}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{where}: expected nodes_modes among {', '.join(MODES[:7])}, got {unknown[0].decode()!r}")
    first = known[names[0]] if names else LEAF
    modes = np.full(len(codes), first, np.uint8)
    for at in range(0, len(codes), _PIECE):
        piece, found = codes[at : at + _PIECE], modes[at : at + _PIECE]
        for code, name in enumerate(names[1:], 1):  # a few: faster than to look up each
            found += (piece == code).view(np.uint8) * np.uint8((known[name] - first) % 256)
    return modes


def _same_length(where: str, count: int, **arrays: np.ndarray) -> None:
    for name, array in arrays.items():
        if len(array) != count:
            raise ValueError(f"{where}: expected {count} elements in {name}, as many as nodes, got {len(array)}")


_KEPT: dict[int, tuple[weakref.ref[np.ndarray], Forest]] = {}  # by the identity of nodes_featureids


def keep(forest: Forest, given: Mapping[str, Any]) -> None:
    """The check at load has built this forest: whoever builds it next from the same arrays is given it, once."""
    array = given.get("nodes_featureids")
    if isinstance(array, np.ndarray):
        key = id(array)
        _KEPT[key] = (weakref.ref(array, lambda _: _KEPT.pop(key, None)), forest)


def _kept(given: Mapping[str, Any]) -> Forest | None:
    array = given.get("nodes_featureids")
    entry = _KEPT.pop(id(array), None) if isinstance(array, np.ndarray) else None
    return entry[1] if entry is not None and entry[0]() is array else None


def forest_of(where: str, given: Mapping[str, Any], kind: str, targets: int, threads: int = 1) -> Forest:
    """The forest of a TreeEnsembleClassifier ('class') or TreeEnsembleRegressor ('target').

    `given` holds attributes by name, as lists or as arrays. ValueError where they contradict themselves or one another.
    """
    return _kept(given) or _forest_of(where, given, kind, targets, threads)


def _forest_of(where: str, given: Mapping[str, Any], kind: str, targets: int, threads: int) -> Forest:
    trees, nodes = _narrow(given.get("nodes_treeids")), _narrow(given.get("nodes_nodeids"))
    count = len(nodes)
    modes = _modes(where, given.get("nodes_modes") or ())
    features, threshold = _narrow(given.get("nodes_featureids")), _reals(given, "nodes_values")
    true, false = _narrow(given.get("nodes_truenodeids")), _narrow(given.get("nodes_falsenodeids"))
    missing = _narrow(given.get("nodes_missing_value_tracks_true"))
    missing = missing if len(missing) else np.zeros(count, np.int8)
    _same_length(
        where, count, nodes_treeids=trees, nodes_modes=modes, nodes_featureids=features, nodes_values=threshold,
        nodes_truenodeids=true, nodes_falsenodeids=false, nodes_missing_value_tracks_true=missing,
    )  # fmt: skip
    if not count:
        raise ValueError(f"{where}: expected at least one node, got none")
    feature, to_true, to_false, roots, first, target, weight = _numbered(
        where, given, kind, targets, (trees, nodes, modes, features, true, false), threads
    )
    if targets == 1 and len(weight) > np.count_nonzero(has := first[1:] > first[:-1]):
        # Of several weights for the only target onnxruntime takes the first; skl2onnx's decision_leaf repeats them.
        kept = first[:-1][has]
        target, weight = target[kept], weight[kept]
        first = np.concatenate(([0], np.cumsum(has))).astype(np.int32)
    if missing.dtype == np.int8 and missing.min() >= 0 and missing.max() <= 1:
        missing = missing.view(bool)  # as it lies
    base = _reals(given, "base_values").astype(np.float64)
    if len(base) not in (0, 1, targets):
        raise ValueError(f"{where}: expected no base_values, one, or one for each of {targets}, got {len(base)}")
    aggregate = str(given.get("aggregate_function") or "SUM")
    if aggregate not in _AGGREGATES_5:
        raise ValueError(f"{where}: expected an aggregate_function of {', '.join(_AGGREGATES_5)}, got {aggregate!r}")
    return Forest(
        feature, np.ascontiguousarray(threshold), modes, to_true, to_false, np.asarray(missing, bool), roots, first,
        target, np.ascontiguousarray(weight), targets, aggregate, str(given.get("post_transform") or "NONE"), base,
        np.zeros(0), np.zeros(0, np.int64),
    )  # fmt: skip


def _numbered(
    where: str, given: Mapping[str, Any], kind: str, targets: int, written: tuple[np.ndarray, ...], threads: int
) -> tuple[np.ndarray, ...]:
    """feature, true, false, roots, first, target and weight of Forest: in one pass, if written as converters write."""
    trees, nodes, modes, features, true, false = written
    of_tree, of_node = _narrow(given.get(f"{kind}_treeids")), _narrow(given.get(f"{kind}_nodeids"))
    ids, weight = _narrow(given.get(f"{kind}_ids")), _reals(given, f"{kind}_weights")
    if not len(of_tree) == len(of_node) == len(ids) == len(weight):
        raise ValueError(
            f"{where}: expected as many {kind}_treeids, {kind}_nodeids and {kind}_ids as {kind}_weights, "
            f"got {len(of_tree)}, {len(of_node)}, {len(ids)} and {len(weight)}"
        )
    if len(ids) and (ids.min() < 0 or ids.max() >= targets):
        wrong = ids.min() if ids.min() < 0 else ids.max()
        raise ValueError(f"{where}: expected {kind}_ids from 0 to {targets - 1}, got {wrong}")
    plain = _core.number_forest(trees, nodes, modes, features, true, false, of_tree, of_node, LEAF, threads)
    if plain is not None:
        *nodes_of, order = plain
        if len(order):
            ids, weight = ids[order], weight[order]
        return *nodes_of, ids.astype(np.int32), weight
    trees, nodes, features, true, false, of_tree, of_node = (
        np.asarray(each, np.int64) for each in (trees, nodes, features, true, false, of_tree, of_node)
    )
    find = _Positions(where, trees, nodes)
    inner = modes != LEAF
    at = np.flatnonzero(inner)  # indices: a mask would be counted out again and again
    to_true = np.arange(len(nodes), dtype=np.int32)
    to_false, tree = to_true.copy(), trees[at]
    to_true[at] = find(tree, true[at], "nodes_truenodeids")
    to_false[at] = find(tree, false[at], "nodes_falsenodeids")
    _check_features(where, features[at])
    check_acyclic(where, modes, to_true, to_false)
    at = find(of_tree, of_node, f"{kind}_nodeids")
    feature = np.where(inner, features, 0).astype(np.int32)
    return feature, to_true, to_false, find.roots.astype(np.int32), *_weights(at, ids, weight, modes)


def _check_features(where: str, features: np.ndarray) -> None:
    if features.size and (features.min() < 0 or features.max() >= 2**31 - 1):
        wrong = features.min() if features.min() < 0 else features.max()
        raise ValueError(f"{where}: expected nodes_featureids of at least 0, got {wrong}")


class _Positions:
    """Where the node (tree id, node id) stands; called with arrays of both."""

    def __init__(self, where: str, trees: np.ndarray, nodes: np.ndarray) -> None:
        self._where = where
        starts = np.flatnonzero(np.concatenate(([True], trees[1:] != trees[:-1])))
        ids = trees[starts]
        self._ids, self._first_run = np.unique(ids, return_index=True)
        self.roots = starts[np.sort(self._first_run)]  # the first node of each tree is its root
        sizes = np.diff(np.append(starts, len(trees)))
        self._dense = len(self._ids) == len(ids) and bool(
            np.array_equal(nodes, np.arange(len(nodes)) - np.repeat(starts, sizes))
        )
        self._starts, self._sizes = starts, sizes
        self._numbered = bool(np.array_equal(self._ids, np.arange(len(self._ids))))
        if self._dense:  # one run a tree, its nodes numbered from 0 on
            return
        rank = np.searchsorted(self._ids, trees)
        self._order = np.lexsort((nodes, rank))
        self._rank, self._node = rank[self._order], nodes[self._order]
        again = (self._rank[1:] == self._rank[:-1]) & (self._node[1:] == self._node[:-1])
        if again.any():
            at = self._order[1:][again][0]
            raise ValueError(f"{where}: expected each node once, got node {nodes[at]} of tree {trees[at]} twice")
        bounds = np.searchsorted(self._rank, np.arange(len(self._ids) + 1))
        low = self._node[bounds[:-1]]
        span = self._node[bounds[1:] - 1] - low + 1
        self._low, self._bounds, self._span = low, bounds, span
        self._contiguous = bool((span == np.diff(bounds)).all())

    def __call__(self, trees: np.ndarray, nodes: np.ndarray, what: str) -> np.ndarray:
        if self._numbered:  # trees are called 0, 1, 2 and so on
            known = (trees >= 0) & (trees < len(self._ids))
            rank = trees if known.all() else np.where(known, trees, 0)
        else:
            rank = np.minimum(np.searchsorted(self._ids, trees), len(self._ids) - 1)
            known = self._ids[rank] == trees
        if self._dense:
            run = self._first_run[rank]
            known &= (nodes >= 0) & (nodes < self._sizes[run])
            found = self._starts[run] + nodes
        elif self._contiguous:
            at = nodes - self._low[rank]
            known &= (at >= 0) & (at < self._span[rank])
            found = self._order[np.where(known, self._bounds[rank] + at, 0)]
        else:
            found, known = self._search(rank, nodes, known)
        if not known.all():
            at = int(np.flatnonzero(~known)[0])
            raise ValueError(
                f"{self._where}: expected {what} to name a node of its tree, got node {nodes[at]} of tree {trees[at]}"
            )
        return np.asarray(found)

    def _search(self, rank: np.ndarray, nodes: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Binary search among each tree's sorted node ids."""
        low, high = self._bounds[rank], self._bounds[rank + 1]
        while (low < high).any():
            middle = np.minimum((low + high) // 2, len(self._node) - 1)
            right = (low < high) & (self._node[middle] < nodes)
            high = np.where((low < high) & ~right, middle, high)
            low = np.where(right, middle + 1, low)
        inside = low < self._bounds[rank + 1]
        at = np.where(inside, low, 0)
        return self._order[at], known & inside & (self._node[at] == nodes)


def _weights(
    at: np.ndarray, ids: np.ndarray, weight: np.ndarray, modes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """first, target and weight of Forest, of weights on nodes `at`."""
    leaves = modes[at] == LEAF  # onnxruntime passes over weights of inner nodes
    if not leaves.all():
        at, ids, weight = at[leaves], ids[leaves], weight[leaves]
    if len(at) > 1 and (at[1:] < at[:-1]).any():
        order = np.argsort(at, kind="stable")
        at, ids, weight = at[order], ids[order], weight[order]
    first = np.zeros(len(modes) + 1, np.int32)
    np.cumsum(np.bincount(at, minlength=len(modes)), dtype=np.int32, out=first[1:])
    return first, ids.astype(np.int32), weight


def check_acyclic(where: str, mode: np.ndarray, true: np.ndarray, false: np.ndarray) -> None:
    """ValueError where a path comes back to a node. Trees numbered parents first need one look at each node."""
    own = np.arange(len(mode), dtype=np.int32)
    inner = mode != LEAF
    if (((true > own) & (false > own)) | ~inner).all():
        return
    parents = np.zeros(len(own), np.int64)
    for side in (true, false):
        parents += np.bincount(side[inner], minlength=len(own))
    ready, seen = np.flatnonzero(parents == 0), 0
    while ready.size:
        seen += len(ready)
        inside = ready[inner[ready]]
        children = np.concatenate((true[inside], false[inside]))
        np.subtract.at(parents, children, 1)
        ready = distinct(children[parents[children] == 0])
    if seen < len(own):
        raise ValueError(f"{where}: expected trees, got nodes that lead back to themselves")


def distinct(numbers: np.ndarray) -> np.ndarray:
    """The different integers in order: what np.unique gives, which imports numpy.ma, as slow as all else at a start."""
    ordered = np.sort(numbers)
    new = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return ordered[new]


def forest_of_5(where: str, given: Mapping[str, Any]) -> Forest:
    """The forest of a TreeEnsemble-5: its leaves come after its inner nodes. ValueError as in forest_of."""
    return _kept(given) or _forest_of_5(where, given)


def _forest_of_5(where: str, given: Mapping[str, Any]) -> Forest:
    modes = np.asarray(given["nodes_modes"]).reshape(-1)
    features, splits = _integers(given["nodes_featureids"]), np.asarray(given["nodes_splits"]).reshape(-1)
    inner, leaf_targets = len(features), _integers(given["leaf_targetids"])
    leaves = np.asarray(given["leaf_weights"]).reshape(-1)
    targets = int(given.get("n_targets") or 1)
    missing = _integers(given.get("nodes_missing_value_tracks_true"))
    missing = missing if len(missing) else np.zeros(inner, np.int64)
    sides = []
    for side in ("true", "false"):
        at, is_leaf = _integers(given[f"nodes_{side}nodeids"]), _integers(given[f"nodes_{side}leafs"])
        _same_length(where, inner, **{f"nodes_{side}nodeids": at, f"nodes_{side}leafs": is_leaf})
        limit = np.where(is_leaf != 0, len(leaves), inner)
        if ((at < 0) | (at >= limit)).any():
            wrong = at[(at < 0) | (at >= limit)][0]
            raise ValueError(f"{where}: expected nodes_{side}nodeids to name a node or leaf, got {wrong}")
        sides.append(np.where(is_leaf != 0, at + inner, at))
    _same_length(
        where, inner, nodes_modes=modes, nodes_splits=splits, nodes_missing_value_tracks_true=missing
    )  # fmt: skip
    if modes.size and modes.max() > MEMBER - 1:
        raise ValueError(f"{where}: expected nodes_modes from 0 to 6, got {modes.max()}")
    _check_features(where, features)
    if len(leaf_targets) != len(leaves):
        raise ValueError(f"{where}: expected as many leaf_targetids as leaf_weights, got {len(leaf_targets)}")
    if len(leaves) and (leaf_targets.min() < 0 or leaf_targets.max() >= targets):
        raise ValueError(f"{where}: expected leaf_targetids from 0 to {targets - 1}, got {leaf_targets.max()}")
    roots = _integers(given["tree_roots"])
    if roots.size and (roots.min() < 0 or roots.max() >= inner):
        raise ValueError(f"{where}: expected tree_roots from 0 to {inner - 1}, got {roots.max()}")
    aggregate, transform = int(given.get("aggregate_function", 1)), int(given.get("post_transform") or 0)
    if not 0 <= aggregate < len(_AGGREGATES_5) or not 0 <= transform < len(_TRANSFORMS_5):
        raise ValueError(f"{where}: expected aggregate_function 0 to 3 and post_transform 0 to 4")
    count = inner + len(leaves)
    own = np.arange(inner, count)
    mode = np.concatenate((_MODES_5[modes.astype(np.intp)], np.full(len(leaves), LEAF, np.uint8)))
    members, member_first = _members(where, given.get("membership_values"), mode)
    pad = np.zeros(len(leaves))
    made = Forest(
        np.concatenate((features, pad)).astype(np.int32), np.concatenate((splits, pad.astype(splits.dtype))), mode,
        np.concatenate((sides[0], own)).astype(np.int32), np.concatenate((sides[1], own)).astype(np.int32),
        np.concatenate((missing != 0, pad != 0)), roots.astype(np.int32),
        np.concatenate((np.zeros(inner, np.int32), np.arange(len(leaves) + 1, dtype=np.int32))),
        leaf_targets.astype(np.int32),
        np.ascontiguousarray(leaves), targets, _AGGREGATES_5[aggregate], _TRANSFORMS_5[transform], np.zeros(0),
        members, member_first,
    )  # fmt: skip
    check_acyclic(where, made.mode, made.true, made.false)
    return made


def _members(where: str, values: Any, mode: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sets end with NaN; the k-th belongs to the k-th node of mode MEMBER."""
    asking = mode == MEMBER
    if not asking.any():
        return np.zeros(0), np.zeros(0, np.int64)
    flat = np.asarray([] if values is None else values, np.float64).reshape(-1)
    ends = np.flatnonzero(np.isnan(flat))
    if len(ends) < asking.sum():
        raise ValueError(
            f"{where}: expected a set of membership_values for each of {asking.sum()} nodes, got {len(ends)}"
        )
    ends = ends[: asking.sum()]
    sizes = np.zeros(len(mode), np.int64)
    sizes[asking] = np.diff(np.concatenate(([-1], ends))) - 1
    first = np.concatenate(([0], np.cumsum(sizes)))
    return flat[: ends[-1] + 1][~np.isnan(flat[: ends[-1] + 1])], first


def with_sets(forest: Forest) -> Forest:
    """The forest with chains of == on one feature as single nodes of mode MEMBER, as converters unroll categories.

    A node that such a chain has taken in becomes a leaf without weights, which nothing leads to.
    """
    if forest.counts()[0][EQ] < 2:
        return forest
    at = np.flatnonzero(forest.mode == EQ)
    inner = forest.mode != LEAF
    parents = np.bincount(np.concatenate((forest.true[inner], forest.false[inner])), minlength=len(inner))
    parents[forest.roots] += 1
    i, next_ = np.arange(len(inner)), forest.false
    after = next_[at]
    links = (
        (forest.mode[after] == EQ) & (parents[after] == 1) & (after != at)
        & (forest.feature[after] == forest.feature[at]) & (forest.true[after] == forest.true[at])
        & (forest.missing[after] == forest.missing[at])
    )  # fmt: skip
    if not links.any():
        return forest
    linked = np.zeros(len(inner), bool)
    linked[at] = links
    taken = np.zeros(len(inner), bool)
    taken[next_[linked]] = True
    heads = np.flatnonzero(linked & ~taken)
    owners, values = [heads], [forest.threshold[heads]]
    last, going = heads.copy(), np.arange(len(heads))
    while going.size:  # all chains a link further
        last[going] = next_[last[going]]
        owners.append(heads[going])
        values.append(forest.threshold[last[going]])
        going = going[linked[last[going]]]
    mode, true, false = forest.mode.copy(), forest.true.copy(), forest.false.copy()
    mode[heads], false[heads] = MEMBER, next_[last]
    mode[taken], true[taken], false[taken] = LEAF, i[taken], i[taken]
    owner, value = np.concatenate(owners), np.concatenate(values).astype(np.float64)
    if len(forest.member_first) > 1:
        had = np.repeat(i, np.diff(forest.member_first))
        owner, value = np.concatenate((had, owner)), np.concatenate((forest.members, value))
    order = np.argsort(owner, kind="stable")
    member_first = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=len(inner)))))
    return replace(
        forest, mode=mode, true=true, false=false, members=value[order], member_first=member_first.astype(np.int64)
    )

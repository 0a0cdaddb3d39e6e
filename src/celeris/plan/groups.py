"""Joins nodes on whole tensors: elementwise nodes that follow one another, or a product, become one step."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Graph, Node
from celeris.graph.types import Tensor
from celeris.providers.base import Link, TensorClaim
from celeris.records import Record, field, replace

_LONGEST = 24  # links of a chain: their buffers fit the first two caches
_MOST_EXTRAS = 8
_INTEGERS, _FLOATS = 0, 1  # what kernels of whole numbers give (cpp/tensor/conv_integer.h)
FUNCTIONS = (
    "add", "subtract", "multiply", "divide", "maximum", "minimum",
    "negate", "magnitude", "exponential", "root", "reciprocal", "relu", "sigmoid", "tanh", "erf", "square",
    "leaky", "clip", "hard_sigmoid",
)  # fmt: skip  # in the order of cpp/tensor/chain.h


class Group(Record):
    """Nodes (by their place in the graph) that run as one kernel; the last makes the only value seen outside."""

    members: list[int]
    claim: TensorClaim
    links: list[tuple[int, Link]] = field(default_factory=list)  # of which node, in order


def group(graph: Graph, claims: dict[int, TensorClaim]) -> dict[int, Group]:
    """All claimed nodes in groups, by the place of each group's last node."""
    readers: dict[str, list[int]] = {}
    for at, node in enumerate(graph.nodes):
        for name in edit.reads(node):
            readers.setdefault(name, []).append(at)
    taken: set[int] = set()
    groups: dict[int, Group] = {}
    products = [at for at, c in claims.items() if c.chained and not c.links]
    for at in (*reversed(products), *claims):  # the last product before an Add takes it
        if at not in taken and claims[at].kernel != "cast":
            found = _grow(graph, claims, at, readers, taken)
            taken.update(found.members)
            groups[found.members[-1]] = found
    return groups


def _grow(
    graph: Graph, claims: dict[int, TensorClaim], root: int, readers: dict[str, list[int]], taken: set[int]
) -> Group:
    claim = claims[root]
    best = Group([root], claim, [(root, link) for link in claim.links])
    shape = _shape(graph, graph.nodes[root].outputs[0])
    if not claim.chained or shape is None or graph.nodes[root].outputs[1:]:
        return best
    if claim.params.get("gives") == _INTEGERS and not _take_cast(graph, claims, best, readers):
        return best
    now = Group(list(best.members), best.claim, list(best.links))
    inside = {graph.nodes[at].outputs[0] for at in now.members}
    while True:
        waiting = sorted({at for name in inside for at in readers.get(name, ()) if at not in now.members})
        following = next((at for at in waiting if _fits(graph, claims, at, inside, shape, claim, taken)), None)
        if following is None or len(now.links) + len(claims[following].links) > _LONGEST:
            return best
        if graph.nodes[following].outputs[0] in _outside(graph, now):
            return best  # a member reads it already, as it comes from outside
        now.members.append(following)
        now.links += [(following, link) for link in claims[following].links]
        inside.add(graph.nodes[following].outputs[0])
        if len(_outside(graph, now)) > _MOST_EXTRAS:
            return best
        seen = [
            name
            for name in inside
            if name in graph.outputs or any(at not in now.members for at in readers.get(name, ()))
        ]
        if seen == [graph.nodes[following].outputs[0]]:
            best = Group(list(now.members), now.claim, list(now.links))


def _take_cast(graph: Graph, claims: dict[int, TensorClaim], group: Group, readers: dict[str, list[int]]) -> bool:
    """Whether the root's only reader is a Cast to float32: the kernel then gives floats, and takes a chain."""
    made = graph.nodes[group.members[0]].outputs[0]
    users = readers.get(made, [])
    if made in graph.outputs or len(users) != 1 or users[0] not in claims or claims[users[0]].kernel != "cast":
        return False
    group.members.append(users[0])
    group.claim = replace(group.claim, params={**group.claim.params, "gives": _FLOATS})
    return True


def _fits(
    graph: Graph,
    claims: dict[int, TensorClaim],
    at: int,
    inside: set[str],
    shape: Any,
    root: TensorClaim,
    taken: set[int],
) -> bool:
    """Whether a node can join a chain. Sizes that are not known are taken to fit: kernels look again."""
    claim = claims.get(at)
    if claim is None or not claim.links or at in taken:
        return False
    others = [name for name in claim.inputs if name not in inside]
    if all(_stretches(graph, name, shape) or _is_taken(graph, name, shape, root.kernel) for name in others):
        return True
    if not _alike(_shape(graph, graph.nodes[at].outputs[0]), shape):
        return False
    return bool(root.links) or all(
        _alike(_shape(graph, name), shape) or _stretches(graph, name, shape) for name in others
    )


def _alike(one: tuple[Any, ...] | None, other: tuple[Any, ...]) -> bool:
    """The same sizes as far as they are known; a size of 1 only beside another."""
    if one is None or len(one) != len(other):
        return False
    pairs = zip(one, other, strict=True)
    return all(a == b or (1 not in (a, b) and not (isinstance(a, int) and isinstance(b, int))) for a, b in pairs)


def _is_taken(graph: Graph, name: str, shape: Any, kernel: str) -> bool:
    """Whether a value of few elements goes with a kernel's chain: a scalar, or one for each column of a product."""
    own = _shape(graph, name)
    if own in ((), (1,)):
        return kernel.startswith(("conv", "product"))
    return kernel.startswith("product") and own == shape[-1:] and all(isinstance(size, int) for size in shape[-1:])


def _stretches(graph: Graph, name: str, shape: tuple[Any, ...]) -> bool:
    """Whether a constant has one value for each channel or column, so that it leaves a chain's shape as it is."""
    value = graph.initializers.get(name)
    if not isinstance(value, np.ndarray) or name in graph.inputs or value.ndim > len(shape):
        return False
    sizes = [(own, size) for own, size in zip(value.shape[::-1], shape[::-1], strict=False) if own != 1]
    return len(sizes) == 1 and sizes[0][0] == sizes[0][1]


def _shape(graph: Graph, name: str) -> tuple[Any, ...] | None:
    value = graph.initializers.get(name)
    if isinstance(value, np.ndarray):
        return value.shape
    found = graph.types.get(name)
    return tuple(found.shape) if isinstance(found, Tensor) and found.shape is not None else None


def _outside(graph: Graph, group: Group) -> list[str]:
    made = {graph.nodes[at].outputs[0] for at in group.members}
    names = [side for _, link in group.links for side in (link.left, link.right) if isinstance(side, str)]
    return list(dict.fromkeys(name for name in names if name not in made))


def described(graph: Graph, group: Group) -> tuple[dict[str, Any], list[str]]:
    """The kernel's parameters and inputs, with the chain among them."""
    claim = group.claim
    params, inputs = dict(claim.params), [] if claim.links else list(claim.inputs)
    links = list(group.links)
    if claim.kernel == "product" and links and "bias" not in params:
        links = _take_bias(graph, graph.nodes[group.members[0]], params, links)
    if not links:
        return params, inputs
    extras = _outside(graph, Group(group.members, claim, links))
    first: dict[str, int] = {}
    if claim.links:
        first[extras[0]] = 0
    else:
        cast = len(group.members) > 1 and graph.nodes[group.members[1]].op_type == "Cast"
        first[graph.nodes[group.members[int(cast)]].outputs[0]] = 0
    extras_read = extras[1:] if claim.links else extras
    first.update({name: 1 + i for i, name in enumerate(extras_read)})
    params.update(_encode(graph, links, first, len(extras_read)))
    return params, inputs + extras


def _take_bias(
    graph: Graph, root: Node, params: dict[str, Any], links: list[tuple[int, Link]]
) -> list[tuple[int, Link]]:
    """A product's first Add of a constant for each column becomes its bias."""
    at, link = links[0]
    made = root.outputs[0]
    other = link.right if link.left == made else link.left
    if link.function != "add" or made not in (link.left, link.right) or not isinstance(other, str):
        return links
    value = graph.initializers.get(other)
    if not isinstance(value, np.ndarray) or value.size != params.get("columns") or value.ndim != 1:
        return links
    if any(made in (later.left, later.right) for _, later in links[1:]):
        return links
    params["bias"] = np.ascontiguousarray(value, np.float32)
    sums = graph.nodes[at].outputs[0]

    def moved(side: str | float | int) -> str | float | int:
        return made if side == sums else side

    return [(n, replace(each, left=moved(each.left), right=moved(each.right))) for n, each in links[1:]]


def _encode(graph: Graph, links: list[tuple[int, Link]], places: dict[str, int], extras: int) -> dict[str, Any]:
    """Links as cpp/tensor/chain.h takes them: values by place, numbers below 0."""
    numbers: list[float] = []
    code: list[tuple[int, int, int]] = []
    limits: list[tuple[float, float]] = []
    places = dict(places)
    starts: dict[int, int] = {}
    for i, (at, link) in enumerate(links):
        starts.setdefault(at, i)

        def operand(side: str | float | int, first: int = starts[at]) -> int:
            if isinstance(side, str):
                return places[side]
            if isinstance(side, int):
                return extras + 1 + first + side
            numbers.append(side)
            return -len(numbers)

        code.append((FUNCTIONS.index(link.function), operand(link.left), operand(link.right)))
        limits.append((link.low, link.high))
        places[graph.nodes[at].outputs[0]] = extras + 1 + i
    return {
        "chain": np.array(code, np.int64).reshape(-1),
        "limits": np.array(limits, np.float32).reshape(-1),
        "numbers": np.array(numbers, np.float32),
        "extras": extras,
    }

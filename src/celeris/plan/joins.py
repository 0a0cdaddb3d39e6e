"""Kernels of a pipeline that become one: what lies between them is read by nobody else, and is then never made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from celeris.providers.base import KernelCall

Sole = Callable[[str], KernelCall | None]  # who makes the value, if only one kernel reads it
Joined = tuple[KernelCall, list[KernelCall]]  # a kernel, and what it stands for beside the one asked about


def join(
    kernels: list[KernelCall], counts: list[int], aliases: dict[str, str], outputs: Sequence[str]
) -> tuple[list[KernelCall], list[int]]:
    """The kernels joined, and how many of them are each node's."""

    def source(name: str) -> str:
        while name in aliases:
            name = aliases[name]
        return name

    reads = Counter([source(name) for call in kernels for name in call.inputs] + [source(name) for name in outputs])
    makers = {name: call for call in kernels for name in call.outputs}

    def sole(name: str) -> KernelCall | None:
        return makers.get(source(name)) if reads[source(name)] == 1 else None

    owners = [at for at, count in enumerate(counts) for _ in range(count)]
    gone: set[int] = set()
    result = list(kernels)
    places = {id(call): at for at, call in enumerate(kernels)}
    for at, call in enumerate(kernels):
        rule = RULES.get(call.kernel)
        joined = rule(call, sole) if rule is not None else None
        if joined is not None:
            result[at] = joined[0]
            gone.update(places[id(each)] for each in joined[1])
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


RULES: dict[str, Callable[[KernelCall, Sole], Joined | None]] = {"top_k": nearest}

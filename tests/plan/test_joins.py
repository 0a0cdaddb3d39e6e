"""Kernels that become one, and those that must not."""

from __future__ import annotations

from celeris.plan.joins import join
from celeris.providers.base import KernelCall


def _chain(largest: int = 0, kind: str = "sqeuclidean") -> list[KernelCall]:
    return [
        KernelCall("distances", {"kind": kind, "points": 1, "bias": 2, "weights": 3}, ["x"], ["d"]),
        KernelCall("unary", {"op": "Sqrt"}, ["e"], ["s"]),
        KernelCall("top_k", {"largest": largest}, ["s"], ["v", "i"]),
        KernelCall("lookup", {}, ["i"], ["y"]),
    ]


def test_the_kernel_that_stands_for_others_is_the_last_ones_node_s() -> None:
    kernels, counts = join(_chain(), [1, 1, 1, 1], {"e": "d"}, ["y"])
    assert [call.kernel for call in kernels] == ["nearest", "lookup"] and counts == [0, 0, 1, 1]
    assert kernels[0] == KernelCall(
        "nearest", {"kind": "sqeuclidean", "points": 1, "bias": 2, "root": 1}, ["x"], ["v", "i"]
    )


def test_what_is_read_elsewhere_or_differs_stays() -> None:
    for chain, outputs in (
        (_chain(), ["y", "d"]),
        (_chain(), ["y", "s"]),
        ([*_chain(), KernelCall("unary", {"op": "Neg"}, ["e"], ["n"])], ["y", "n"]),
        (_chain(largest=1), ["y"]),
        (_chain(kind="euclidean"), ["y"]),
        (_chain(kind="rbf"), ["y"]),
    ):
        counts = [1] * len(chain)
        assert join(chain, counts, {"e": "d"}, outputs) == (chain, counts)

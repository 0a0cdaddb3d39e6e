"""Kernels that become one, and those that must not."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.plan.joins import join
from celeris.providers.base import KernelCall, Rows
from celeris.records import replace


def _chain(largest: int = 0, kind: str = "sqeuclidean") -> list[KernelCall]:
    return [
        KernelCall("distances", {"kind": kind, "points": 1, "bias": 2, "weights": 3}, ["x"], ["d"]),
        KernelCall("unary", {"op": "Sqrt"}, ["e"], ["s"]),
        KernelCall("top_k", {"largest": largest}, ["s"], ["v", "i"]),
        KernelCall("lookup", {}, ["i"], ["y"]),
    ]


def test_the_kernel_that_stands_for_others_is_the_last_ones_node_s() -> None:
    kernels, counts = join(_chain(), [1, 1, 1, 1], {"e": "d"}, ["y"], {})
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
        assert join(chain, counts, {"e": "d"}, outputs, {}) == (chain, counts)


def _layer(bias: float = 0.0, values: int = 3) -> list[KernelCall]:
    add = {"op": "Add", "a_columns": np.arange(3), "b_values": np.arange(values, dtype=np.float32)}
    weights = np.ones((3, 2), np.float32)
    return [
        KernelCall("gemm_narrow", {"weights": weights, "bias": np.full(3, bias, np.float32)}, ["x"], ["p"]),
        KernelCall("binary", add, ["p"], ["s"]),
        KernelCall("unary", {"op": "Relu"}, ["s"], ["y"]),
    ]


def test_a_layer_is_one_kernel() -> None:
    kernels, counts = join(_layer(), [1, 1, 1], {}, ["y"], {})
    assert counts == [0, 0, 1] and [call.kernel for call in kernels] == ["gemm_narrow"]
    assert kernels[0].inputs == ["x"] and kernels[0].outputs == ["y"]
    assert kernels[0].params["bias"].tolist() == [0, 1, 2] and kernels[0].params["relu"] == 1


def test_a_product_takes_a_second_bias_but_none_after_its_positive_part() -> None:
    (layer,), _ = join(_layer(bias=1), [1, 1, 1], {}, ["y"], {})
    assert layer.params["bias"].tolist() == [1, 2, 3]
    product, add, relu = _layer()
    turned = [product, replace(relu, inputs=["p"], outputs=["r"]), replace(add, inputs=["r"], outputs=["y"])]
    assert [call.kernel for call in join(turned, [1, 1, 1], {}, ["y"], {})[0]] == ["gemm_narrow", "binary"]
    assert [call.kernel for call in join(_layer(), [1, 1, 1], {}, ["y", "p"], {})[0]] == [
        "gemm_narrow",
        "binary",
        "unary",
    ]


def test_a_product_in_double_takes_a_bias() -> None:
    for dtype in (np.float32, np.float64):
        product, add, relu = _layer()
        product = replace(product, kernel="gemm", params={**product.params, "bias": np.full(3, 0.1)})
        add = replace(add, params={**add.params, "b_values": np.arange(3, dtype=dtype)})
        kernels, counts = join([product, add, relu], [1, 1, 1], {}, ["y"], {"s": Rows("float", (3,))})
        assert [call.kernel for call in kernels] == ["gemm", "unary"] and counts == [0, 1, 1]
        assert kernels[0].outputs == ["s"] and kernels[0].params["bias"].tolist() == [0.1, 1.1, 2.1]


def _falling(factors: list[float]) -> list[KernelCall]:
    values = np.array(factors, np.float32)
    return [
        KernelCall("distances", {"kind": "sqeuclidean", "points": 1}, ["x"], ["d"]),
        KernelCall("binary", {"op": "Mul", "a_columns": np.arange(len(values)), "b_values": values}, ["d"], ["s"]),
        KernelCall("unary", {"op": "Neg"}, ["s"], ["n"]),
        KernelCall("unary", {"op": "Exp"}, ["n"], ["y"]),
    ]


def test_what_falls_with_distances_is_one_kernel() -> None:
    kernels, counts = join(_falling([0.5, 0.5]), [1, 1, 1, 1], {}, ["y"], {})
    assert counts == [0, 0, 0, 1]
    assert kernels == [KernelCall("distances", {"kind": "decay", "points": 1, "gamma": 0.5}, ["x"], ["y"])]
    for chain, outputs in ((_falling([0.5, 0.25]), ["y"]), (_falling([0.5, 0.5]), ["y", "s"])):
        assert join(chain, [1] * 4, {}, outputs, {})[0] == chain


def _scaled(kind: str = "float", m: int = 2) -> tuple[list[KernelCall], dict[str, Rows]]:
    """(x - offset) * scale, less a mean, by weights."""
    offset, scale, mean = (np.array(each, np.float32) for each in ([1e6, 1, 0.3], [1e-6, 0.7, 2], [0.5, 0.25, -1 / 3]))
    weights = np.random.default_rng(0).normal(size=(m, 3)).astype(np.float32)
    less = {"op": "Sub", "a_columns": np.arange(3), "b_values": mean}
    return [
        KernelCall("scaler", {"offset": offset, "scale": scale}, ["x"], ["s"]),
        KernelCall("binary", less, ["s"], ["c"]),
        KernelCall("gemm", {"weights": weights.reshape(-1), "bias": np.full(m, 0.1, np.float32)}, ["c"], ["y"]),
    ], {name: Rows(kind, (3,)) for name in ("x", "s", "c")}


@pytest.mark.parametrize("kind", ["float", "double"])
def test_weights_take_the_scale_of_columns(kind: str) -> None:
    chain, rows = _scaled(kind)
    (product,), counts = join(chain, [1, 1, 1], {}, ["y"], rows)
    assert counts == [0, 0, 1] and product.kernel == "gemm" and product.inputs == ["x"]
    weights, bias = product.params["weights"], product.params["bias"]
    assert not (weights.view(np.int64) & 0xFFFFFF).any()
    x = np.random.default_rng(1).normal(size=(50, 3)) * [1e4, 1, 1] + [1e6, 1, 0]
    apart = (x - chain[0].params["offset"]) * chain[0].params["scale"].astype(np.float64) - chain[1].params["b_values"]
    expected = apart @ chain[2].params["weights"].reshape(2, 3).T.astype(np.float64) + np.float32(0.1)
    assert np.abs(x @ weights.T + bias - expected).max() < 1e-8


def test_what_is_of_integers_read_elsewhere_or_not_finite_is_scaled_by_itself() -> None:
    chain, rows = _scaled("int64")
    assert [call.kernel for call in join(chain, [1, 1, 1], {}, ["y"], rows)[0]] == ["scaler", "binary", "gemm"]
    chain, rows = _scaled()
    assert [call.kernel for call in join(chain, [1, 1, 1], {}, ["y", "s"], rows)[0]] == ["scaler", "gemm"]
    chain[0].params["offset"][1] = np.inf
    assert [call.kernel for call in join(chain, [1, 1, 1], {}, ["y"], rows)[0]] == ["scaler", "gemm"]
    turned = {"op": "Sub", "b_columns": np.arange(3), "a_values": np.zeros(3, np.float32)}
    chain[1] = replace(chain[1], params=turned)
    assert join(chain, [1, 1, 1], {}, ["y"], rows)[0] == chain

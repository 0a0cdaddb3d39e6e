"""Mixtures of experts, as onnxruntime has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.one_node import agree

RNG = np.random.default_rng(5)
E, H, N, T = 4, 32, 32, 6  # experts, features, inner features, tokens


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32) * np.float32(0.5)


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "identity"])
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("normalized", [0, 1])
def test_tokens_go_to_their_best_experts(activation: str, k: int, normalized: int) -> None:
    agree(
        "MoE", [floats(T, H), floats(T, E), floats(E, N, H), floats(E, N), floats(E, H, N), floats(E, H)],
        activation_type=activation, k=k, normalize_routing_weights=normalized, types=False, rtol=1e-4, atol=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"swiglu_limit": 0.3}, {"activation_alpha": 1.7, "activation_beta": 1.0}])
def test_gated_experts(options: dict[str, Any]) -> None:
    agree(
        "MoE", [floats(2, 3, H), floats(T, E), floats(E, 2 * N, H), floats(E, 2 * N), floats(E, H, N), None],
        activation_type="swiglu", swiglu_fusion=1, k=2, types=False, rtol=1e-4, atol=1e-4, **options,
    )  # fmt: skip


def _bytes(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("block", [0, 16])
def test_quantized_experts(bits: int, zeros: bool, block: int) -> None:
    blocks = H // block if block else 1
    scale = 0.02 if bits == 4 else 0.002

    def scales(rows: int) -> np.ndarray:
        shape = (E, rows, blocks) if block else (E, rows)
        return (RNG.uniform(0.5, 1, shape) * scale).astype(np.float32)

    def zero(rows: int) -> np.ndarray | None:
        return _bytes(E, rows, blocks * bits // 8) if block else _bytes(E, rows * bits // 8)

    inputs = [
        floats(T, H), floats(T, E), _bytes(E, N, H * bits // 8), scales(N), floats(E, N),
        _bytes(E, H, N * bits // 8), scales(H), floats(E, H), None, None, None,
    ]  # fmt: skip
    inputs += [zero(N), zero(H)] if zeros else []
    given = {"block_size": block} if block else {}
    agree(
        "QMoE", inputs, activation_type="silu", k=2, expert_weight_bits=bits, types=False, rtol=1e-3, atol=1e-3, **given
    )


@pytest.mark.parametrize("normalized", [0, 1])
@pytest.mark.parametrize("apart", [False, True])
def test_shares_of_quantized_experts(normalized: int, apart: bool) -> None:
    inputs = [
        floats(T, H), floats(T, E), _bytes(E, N, H), _scales(N), None, _bytes(E, H, N), _scales(H), None,
        *[None] * 6, np.abs(floats(T, E)) if apart else None,
    ]  # fmt: skip
    agree(
        "QMoE", inputs, k=2, expert_weight_bits=8, normalize_routing_weights=normalized, types=False,
        rtol=1e-3, atol=1e-3,
    )  # fmt: skip


def _scales(rows: int) -> np.ndarray:
    return (RNG.uniform(0.5, 1, (E, rows)) * 0.002).astype(np.float32)

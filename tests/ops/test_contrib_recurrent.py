"""com.microsoft's linear attention and what stands around it, as onnxruntime has them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.one_node import agree

RNG = np.random.default_rng(10)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32) * np.float32(0.5)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("activation", ["none", "silu"])
@pytest.mark.parametrize("past", [False, True])
def test_convolution_with_state(dilation: int, activation: str, past: bool) -> None:
    state = floats(2, 3, 3 * dilation) if past else None
    inputs = [floats(2, 3, 5), floats(3, 1, 4), floats(3), state]
    agree("CausalConvWithState", inputs, 2, activation=activation, dilation=dilation, types=False)


def test_convolution_with_state_of_channels_last() -> None:
    inputs = [floats(2, 5, 2, 3), floats(6, 1, 4), floats(6), floats(2, 3, 2, 3)]
    agree("CausalConvWithState", inputs, 2, channels_last=1, types=False)


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
@pytest.mark.parametrize(("heads", "groups"), [(2, 2), (4, 2), (2, 4)])
def test_rules_of_linear_attention(rule: str, heads: int, groups: int) -> None:
    decay = -np.abs(floats(2, 3, groups)) if "gated" in rule else None
    beta = np.abs(floats(2, 3, groups)) if "delta" in rule else None
    inputs = [floats(2, 3, heads * 4), floats(2, 3, groups * 4), floats(2, 3, groups * 5)]
    agree(
        "LinearAttention", [*inputs, floats(2, groups, 4, 5), decay, beta], 2,
        q_num_heads=heads, kv_num_heads=groups, update_rule=rule, types=False,
    )  # fmt: skip


def test_gates() -> None:
    inputs = [floats(2, 3, 4), floats(4), -np.abs(floats(4))]
    agree("LinearAttentionGate", [*inputs, floats(2, 3, 4)], 2)
    agree("LinearAttentionGate", inputs, 1)


@pytest.mark.parametrize("activation", ["silu", "swish", "sigmoid"])
def test_gated_norm(activation: str) -> None:
    agree("GatedRMSNorm", [floats(2, 3, 8), floats(4), floats(2, 3, 8)], activation=activation)
    agree("GatedRMSNorm", [floats(3, 8).astype(np.float16), *(floats(*s).astype(np.float16) for s in ((8,), (3, 8)))])


def test_scaled_silu() -> None:
    agree("ScaledSiLU", [floats(3, 4)], alpha=1.5)
    agree("ScaledSiLU", [floats(3, 4), np.array(0.7, np.float32)])
    agree("ScaledSiLU", [floats(3, 4).astype(np.float16)], alpha=1.5, atol=1e-3)

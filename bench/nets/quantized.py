"""Networks as onnxruntime's quantiser makes them: QDQ, QLinear operators, or dynamic (ConvInteger, MatMulInteger)."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.nets.builder import Net
from bench.nets.sequences import bert


def _plain() -> tuple[Net, bytes]:
    net = Net(10)
    x = net.input("x", [1, 3, 128, 128])
    h = net.op("Relu", _biased(net, x, 3, 32, 3, 2))
    width = 32
    for outputs, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        inner = net.op("Relu", _biased(net, h, width, outputs, 3, stride))
        inner = _biased(net, inner, outputs, outputs, 1, 1)
        h = net.op("Relu", net.op("Add", inner, h) if stride == 1 else inner)
        width = outputs
    h = net.op("MaxPool", h, kernel_shape=[2, 2], strides=[2, 2])
    h = net.op("Flatten", net.op("GlobalAveragePool", h))
    return net, net.model(net.linear(net.op("Relu", net.linear(h, width, 256)), 256, 100)).SerializeToString()


def _biased(net: Net, x: str, inputs: int, outputs: int, kernel: int, stride: int) -> str:
    bias = net.constant(net.random.normal(0, 0.1, outputs).astype(np.float32))
    return net.op(
        "Conv", x, net.weights(outputs, inputs, kernel, kernel), bias, pads=[kernel // 2] * 4,
        strides=[stride] * 2, kernel_shape=[kernel] * 2,
    )  # fmt: skip


class _Reader:
    def __init__(self, batches: list[dict[str, np.ndarray]]) -> None:
        self._left = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._left, None)


def network(form: str) -> tuple[bytes, dict[str, np.ndarray]]:
    """A convolutional network in one of its three quantised forms; calibrated on noise."""
    net, plain = _plain()
    batches = [{"x": net.random.standard_normal((1, 3, 128, 128)).astype(np.float32)} for _ in range(4)]
    return _quantized(plain, form, batches), batches[0]


def encoder(form: str, *, bits: int = 8, **sizes: int) -> tuple[bytes, dict[str, np.ndarray]]:
    """The text encoder of sequences.py, quantised; with weights of 7 bits no product saturates anywhere."""
    plain, feeds = bert(**sizes)
    return _quantized(plain, form, [feeds], bits), feeds


def _quantized(plain: bytes, form: str, batches: list[dict[str, np.ndarray]], bits: int = 8) -> bytes:
    from onnxruntime import quantization as q

    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "plain.onnx"), Path(folder, "quantised.onnx")
        source.write_bytes(plain)
        if form == "dynamic":
            q.quantize_dynamic(source, target, weight_type=q.QuantType.QUInt8, reduce_range=bits < 8)
        else:
            reader: Any = _Reader(batches)
            style = q.QuantFormat.QDQ if form == "qdq" else q.QuantFormat.QOperator
            q.quantize_static(
                source, target, reader, quant_format=style, per_channel=form == "qdq", reduce_range=bits < 8
            )
        return target.read_bytes()

"""Networks for text and sound: recognisers of text in pictures, a voice detector, an encoder, a recurrent one."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from bench.nets.builder import Net


def _recurrent(net: Net, kind: str, x: str, inputs: int, hidden: int, both: bool = True) -> str:
    """A layer [T,B,I] -> [T,B,D*H]."""
    ways, gates = 2 if both else 1, {"LSTM": 4, "GRU": 3}[kind]
    scale = hidden**-0.5
    w, r, b = (
        net.constant(net.random.uniform(-scale, scale, shape).astype(np.float32))
        for shape in ((ways, gates * hidden, inputs), (ways, gates * hidden, hidden), (ways, 2 * gates * hidden))
    )
    extra = {"linear_before_reset": 1} if kind == "GRU" else {}
    direction = "bidirectional" if both else "forward"
    y = net.op(kind, x, w, r, b, hidden_size=hidden, direction=direction, **extra)
    return net.op("Reshape", net.op("Transpose", y, perm=[0, 2, 1, 3]), net.constant([0, 0, -1]))


def recogniser() -> tuple[bytes, dict[str, np.ndarray]]:
    """CRNN for lines of text 32 x 320 (B. Shi et al., 2015) at half its width: convolutions, two BiLSTMs, softmax."""
    net = Net(5)
    x = net.input("x", [1, 1, 32, 320])
    h = net.block(x, 1, 32, 3)
    h = net.op("MaxPool", h, kernel_shape=[2, 2], strides=[2, 2])
    h = net.block(h, 32, 64, 3)
    h = net.op("MaxPool", h, kernel_shape=[2, 2], strides=[2, 2])
    h = net.block(net.block(h, 64, 128, 3), 128, 128, 3)
    h = net.op("MaxPool", h, kernel_shape=[2, 1], strides=[2, 1])
    h = net.block(net.block(h, 128, 256, 3), 256, 256, 3)
    h = net.op("MaxPool", h, kernel_shape=[4, 1], strides=[4, 1])
    h = net.op("Transpose", net.op("Squeeze", h, net.constant([2])), perm=[2, 0, 1])
    h = _recurrent(net, "LSTM", h, 256, 128)
    h = net.linear(_recurrent(net, "LSTM", h, 256, 128), 256, 97)
    model = net.model(net.op("Softmax", h, axis=2))
    return model.SerializeToString(), {"x": net.random.uniform(-1, 1, (1, 1, 32, 320)).astype(np.float32)}


def _hard_swish(net: Net, x: str) -> str:
    three, six = (net.constant(np.float32(v)) for v in (3, 6))
    clipped = net.op("Clip", net.op("Add", x, three), net.constant(np.float32(0)), six)
    return net.op("Div", net.op("Mul", x, clipped), six)


def depthwise_recogniser() -> tuple[bytes, dict[str, np.ndarray]]:
    """As small recognisers on phones are: MobileNetV3-like blocks with squeeze and excitation, free width, softmax."""
    net = Net(6)
    x = net.input("x", ["N", 3, 48, "W"])
    h = _hard_swish(net, net.batch_norm(net.conv(x, 3, 16, 3, 2), 16))
    width = 16
    for outputs, kernel, strides in (
        (32, 3, [1, 1]), (64, 3, [2, 1]), (64, 3, [1, 1]), (128, 3, [2, 1]), (128, 5, [1, 1]), (128, 5, [1, 1]),
        (256, 5, [2, 1]), (256, 5, [1, 1]),
    ):  # fmt: skip
        weights = net.weights(width, 1, kernel, kernel)
        h = net.op("Conv", h, weights, pads=[kernel // 2] * 4, strides=strides, kernel_shape=[kernel] * 2, group=width)
        h = _hard_swish(net, net.batch_norm(h, width))
        if kernel == 5:
            pooled = net.op("GlobalAveragePool", h)
            small = net.op("Relu", net.conv(pooled, width, width // 4, 1))
            gate = net.op("HardSigmoid", net.conv(small, width // 4, width, 1), alpha=1 / 6, beta=0.5)
            h = net.op("Mul", h, gate)
        h = _hard_swish(net, net.batch_norm(net.conv(h, width, outputs, 1), outputs))
        width = outputs
    h = net.op("AveragePool", h, kernel_shape=[3, 2], strides=[3, 2])
    h = net.op("Transpose", net.op("Squeeze", h, net.constant([2])), perm=[0, 2, 1])
    model = net.model(net.op("Softmax", net.linear(h, width, 97), axis=2))
    return model.SerializeToString(), {"x": net.random.uniform(-1, 1, (1, 3, 48, 320)).astype(np.float32)}


def voice() -> tuple[bytes, dict[str, np.ndarray]]:
    """A voice detector fed 32 ms at a time: an STFT by convolution, four convolutions, an LSTM cell with its state."""
    net = Net(7)
    x = net.input("x", [1, 576])
    state = net.input("state", [2, 1, 128])
    padded = net.op("Pad", x, net.constant([0, 0, 0, 64]), mode="reflect")
    frames = net.op("Unsqueeze", padded, net.constant([1]))
    basis = np.exp(-2j * np.pi * np.outer(np.arange(129), np.arange(256)) / 256) * np.hanning(256)
    filters = np.concatenate([basis.real, basis.imag])[:, None].astype(np.float32)
    spectrum = net.op("Conv", frames, net.constant(filters), strides=[128], kernel_shape=[256])
    real = net.op("Slice", spectrum, net.constant([0]), net.constant([129]), net.constant([1]))
    imaginary = net.op("Slice", spectrum, net.constant([129]), net.constant([258]), net.constant([1]))
    two = net.constant(np.float32(2))
    h = net.op("Sqrt", net.op("Add", net.op("Pow", real, two), net.op("Pow", imaginary, two)))
    width = 129
    for outputs, stride in ((128, 1), (64, 2), (64, 2), (128, 1)):
        bias = net.constant(net.random.normal(0, 0.1, outputs).astype(np.float32))
        h = net.op("Conv", h, net.weights(outputs, width, 3), bias, pads=[1, 1], strides=[stride], kernel_shape=[3])
        h = net.op("Relu", h)
        width = outputs
    last = net.op("Gather", h, net.constant(np.int64(-1)), axis=2)
    first = net.op("Unsqueeze", last, net.constant([0]))
    hidden, cell = net.op("Split", state, net.constant([1, 1]), outputs=2, axis=0)
    w, r, b = (
        net.constant(net.random.uniform(-0.09, 0.09, s).astype(np.float32))
        for s in ((1, 512, 128), (1, 512, 128), (1, 1024))
    )
    _, new_hidden, new_cell = net.op("LSTM", first, w, r, b, "", hidden, cell, outputs=3, hidden_size=128)
    h = net.op("Relu", net.op("Squeeze", new_hidden, net.constant([0])))
    score = net.op("Sigmoid", net.dense(h, 128, 1))
    model = net.model(score, net.op("Concat", new_hidden, new_cell, axis=0))
    feeds = {"x": net.random.normal(0, 0.1, (1, 576)), "state": net.random.normal(0, 0.3, (2, 1, 128))}
    return model.SerializeToString(), {name: value.astype(np.float32) for name, value in feeds.items()}


def gru() -> tuple[bytes, dict[str, np.ndarray]]:
    """Two bidirectional GRUs over 50 steps of 4 sequences, and a layer on top."""
    net = Net(8)
    x = net.input("x", [50, 4, 40])
    h = _recurrent(net, "GRU", _recurrent(net, "GRU", x, 40, 128), 256, 128)
    model = net.model(net.linear(h, 256, 32))
    return model.SerializeToString(), {"x": net.random.standard_normal((50, 4, 40)).astype(np.float32)}


def _layer_norm(net: Net, x: str, width: int) -> str:
    """LayerNormalization as exporters wrote it before opset 17."""
    centred = net.op("Sub", x, net.op("ReduceMean", x, axes=[-1]))
    squares = net.op("ReduceMean", net.op("Pow", centred, net.constant(np.float32(2))), axes=[-1])
    deviation = net.op("Sqrt", net.op("Add", squares, net.constant(np.float32(1e-12))))
    scale, bias = net.random.uniform(0.8, 1.2, width), net.random.normal(0, 0.1, width)
    scaled = net.op("Mul", net.op("Div", centred, deviation), net.constant(scale.astype(np.float32)))
    return net.op("Add", scaled, net.constant(bias.astype(np.float32)))


def _gelu(net: Net, x: str) -> str:
    erf = net.op("Erf", net.op("Div", x, net.constant(np.float32(2**0.5))))
    twice = net.op("Mul", x, net.op("Add", erf, net.constant(np.float32(1))))
    return net.op("Mul", twice, net.constant(np.float32(0.5)))


def _heads(net: Net, x: str, heads: int, each: int, order: list[int]) -> str:
    return net.op("Transpose", net.op("Reshape", x, net.constant([0, 0, heads, each])), perm=order)


def bert(length: int = 128, layers: int = 4, width: int = 256, heads: int = 4) -> tuple[bytes, dict[str, np.ndarray]]:
    """An encoder as exported from PyTorch: embeddings, masked attention, two kinds of layer normalisation, Gelu."""
    net = Net(9)
    ids = net.input("input_ids", ["batch", "sequence"], TensorProto.INT64)
    mask = net.input("attention_mask", ["batch", "sequence"], TensorProto.INT64)
    words, places = ((net.random.standard_normal((n, width)) * 0.5).astype(np.float32) for n in (5000, 512))
    shape = net.op("Shape", ids)
    count = net.op("Gather", shape, net.constant(np.int64(1)), axis=0)
    end = net.op("Unsqueeze", count, net.constant([0]))
    numbers = net.op("Slice", net.constant(np.arange(512)[None]), net.constant([0]), end, net.constant([1]))
    h = net.op("Add", net.op("Gather", net.constant(words), ids), net.op("Gather", net.constant(places), numbers))
    h = _layer_norm(net, h, width)
    wide = net.op("Unsqueeze", mask, net.constant([1, 2]))
    hidden = net.op("Equal", wide, net.constant(np.int64(0)))
    penalty = net.op("Where", hidden, net.constant(np.float32(-1e9)), net.constant(np.float32(0)))
    each = width // heads
    for layer in range(layers):
        q, k, v = (net.linear(h, width, width) for _ in range(3))
        q, v = (_heads(net, value, heads, each, [0, 2, 1, 3]) for value in (q, v))
        scores = net.op("MatMul", q, _heads(net, k, heads, each, [0, 2, 3, 1]))
        scores = net.op("Add", net.op("Div", scores, net.constant(np.float32(each**0.5))), penalty)
        seen = net.op("Transpose", net.op("MatMul", net.op("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
        joined = net.op("Add", net.linear(net.op("Reshape", seen, net.constant([0, 0, width])), width, width), h)
        if layer % 2:
            scale, bias = (net.constant(np.full(width, value, np.float32)) for value in (1, 0))
            h = net.op("LayerNormalization", joined, scale, bias, axis=-1)
        else:
            h = _layer_norm(net, joined, width)
        inner = net.linear(_gelu(net, net.linear(h, width, 4 * width)), 4 * width, width)
        h = _layer_norm(net, net.op("Add", inner, h), width)
    first = net.op("Gather", h, net.constant(np.int64(0)), axis=1)
    pooled = net.op("Tanh", net.dense(first, width, width))
    model = net.model(h, pooled)
    valid = np.ones((1, length), np.int64)
    valid[:, length * 3 // 4 :] = 0
    return model.SerializeToString(), {
        "input_ids": net.random.integers(0, 5000, (1, length)),
        "attention_mask": valid,
    }

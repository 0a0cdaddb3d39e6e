"""Networks for pictures: a multi-layer perceptron, a residual one, a depthwise one, a detector."""

from __future__ import annotations

import numpy as np

from bench.nets.builder import Net


def mlp(rows: int) -> tuple[bytes, dict[str, np.ndarray]]:
    """784-256-128-10 with Relu and Softmax; the batch is free."""
    net = Net(1)
    x = net.input("x", ["N", 784])
    h = net.op("Relu", net.dense(x, 784, 256))
    h = net.op("Relu", net.dense(h, 256, 128))
    model = net.model(net.op("Softmax", net.dense(h, 128, 10), axis=1))
    return model.SerializeToString(), {"x": net.random.standard_normal((rows, 784)).astype(np.float32)}


def resnet() -> tuple[bytes, dict[str, np.ndarray]]:
    """ResNet-18 at half its width, 224 x 224."""
    net = Net(2)
    x = net.input("x", [1, 3, 224, 224])
    h = net.block(x, 3, 32, 7, 2)
    h = net.op("MaxPool", h, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    width = 32
    for outputs, stride in ((32, 1), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        straight = net.block(h, width, outputs, 3, stride)
        straight = net.batch_norm(net.conv(straight, outputs, outputs, 3), outputs)
        if stride > 1:
            h = net.batch_norm(net.conv(h, width, outputs, 1, stride), outputs)
        h = net.op("Relu", net.op("Add", straight, h))
        width = outputs
    h = net.op("Flatten", net.op("GlobalAveragePool", h))
    model = net.model(net.dense(h, width, 1000))
    return model.SerializeToString(), {"x": net.random.standard_normal((1, 3, 224, 224)).astype(np.float32)}


def mobilenet() -> tuple[bytes, dict[str, np.ndarray]]:
    """MobileNetV2 at half its width, 224 x 224: inverted residuals with Relu6."""
    net = Net(3)
    x = net.input("x", [1, 3, 224, 224])
    width = 16
    h = net.block(x, 3, width, 3, 2, "relu6")
    # Expansion, outputs, repeats, stride (M. Sandler et al., MobileNetV2, table 2, at half the width)
    for expansion, outputs, repeats, first in (
        (1, 8, 1, 1), (6, 16, 2, 2), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1),
    ):  # fmt: skip
        for at in range(repeats):
            stride = first if at == 0 else 1
            wide = width * expansion
            inner = net.block(h, width, wide, 1, 1, "relu6") if expansion > 1 else h
            inner = net.block(inner, wide, wide, 3, stride, "relu6", group=wide)
            inner = net.batch_norm(net.conv(inner, wide, outputs, 1), outputs)
            h = net.op("Add", h, inner) if stride == 1 and width == outputs else inner
            width = outputs
    h = net.block(h, width, 640, 1, 1, "relu6")
    h = net.op("Flatten", net.op("GlobalAveragePool", h))
    model = net.model(net.dense(h, 640, 1000))
    return model.SerializeToString(), {"x": net.random.standard_normal((1, 3, 224, 224)).astype(np.float32)}


def _csp(net: Net, x: str, width: int, repeats: int, kind: str) -> str:
    """A cross-stage block: half of the channels go through residual bottlenecks, then all are joined."""
    half = width // 2
    left = net.block(x, width, half, 1, 1, kind)
    right = net.block(x, width, half, 1, 1, kind)
    for _ in range(repeats):
        inner = net.block(net.block(left, half, half, 1, 1, kind), half, half, 3, 1, kind)
        left = net.op("Add", left, inner)
    return net.block(net.op("Concat", left, right, axis=1), width, width, 1, 1, kind)


def _twice(net: Net, x: str) -> str:
    scales = net.constant(np.array([1, 1, 2, 2], np.float32))
    return net.op(
        "Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )


def detector(kind: str) -> tuple[bytes, dict[str, np.ndarray]]:
    """A YOLO-like detector, 320 x 320: CSP backbone, pooling pyramid, two scales up, three heads, one table."""
    net = Net(4)
    x = net.input("x", [1, 3, 320, 320])
    h = net.block(x, 3, 16, 3, 2, kind)
    kept = []
    width = 16
    for outputs, repeats in ((32, 1), (64, 2), (128, 2), (256, 1)):
        h = _csp(net, net.block(h, width, outputs, 3, 2, kind), outputs, repeats, kind)
        kept.append(h)
        width = outputs
    h = net.block(h, 256, 128, 1, 1, kind)
    pools = [h]
    for _ in range(3):
        pools.append(net.op("MaxPool", pools[-1], kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4))
    deep = net.block(net.op("Concat", *pools, axis=1), 512, 128, 1, 1, kind)
    joined = net.op("Concat", _twice(net, deep), kept[2], axis=1)
    middle = net.block(_csp(net, joined, 256, 1, kind), 256, 64, 1, 1, kind)
    shallow = _csp(net, net.op("Concat", _twice(net, middle), kept[1], axis=1), 128, 1, kind)
    anchors, classes = 3, 20
    tables = []
    for level, channels, size in ((shallow, 128, 40), (middle, 64, 20), (deep, 128, 10)):
        each = 5 + classes
        out = net.op("Conv", level, net.weights(anchors * each, channels, 1, 1), kernel_shape=[1, 1])
        out = net.op("Reshape", out, net.constant([1, anchors, each, size, size]))
        out = net.op("Sigmoid", net.op("Transpose", out, perm=[0, 1, 3, 4, 2]))
        place, extent, scores = net.op("Split", out, net.constant([2, 2, 1 + classes]), outputs=3, axis=4)
        grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).astype(np.float32)[None, None]
        step = np.float32(320 / size)
        place = net.op("Mul", net.op("Add", place, net.constant(grid)), net.constant(step))
        extent = net.op("Mul", net.op("Pow", extent, net.constant(np.float32(2))), net.constant(4 * step))
        table = net.op("Concat", place, extent, scores, axis=4)
        tables.append(net.op("Reshape", table, net.constant([1, -1, each])))
    model = net.model(net.op("Concat", *tables, axis=1))
    return model.SerializeToString(), {"x": net.random.uniform(0, 1, (1, 3, 320, 320)).astype(np.float32)}

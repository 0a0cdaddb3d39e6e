"""Builds ONNX graphs of networks layer by layer, with weights from a fixed seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


class Net:
    """A graph in the making: each method adds a layer and returns the name of what it makes."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: list[int | str], element: int = TensorProto.FLOAT) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, element, shape))
        return name

    def constant(self, value: np.ndarray | list[int]) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weights(self, *shape: int, fan: int | None = None) -> str:
        """Normal weights that keep the variance of what passes."""
        scale = (2 / (fan or int(np.prod(shape[1:])))) ** 0.5
        return self.constant((self.random.standard_normal(shape) * scale).astype(np.float32))

    def op(self, op_type: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Any operator; several outputs come as a list."""
        names = [f"v{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(op_type, list(inputs), names, f"n{len(self._nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x: str, inputs: int, outputs: int, kernel: int, stride: int = 1, group: int = 1) -> str:
        """Conv without bias, padded so that stride 1 keeps the size."""
        pad = kernel // 2
        return self.op(
            "Conv", x, self.weights(outputs, inputs // group, kernel, kernel), pads=[pad] * 4,
            strides=[stride] * 2, kernel_shape=[kernel] * 2, group=group,
        )  # fmt: skip

    def batch_norm(self, x: str, channels: int) -> str:
        r = self.random
        scale, bias = r.uniform(0.5, 1, channels), r.normal(0, 0.1, channels)
        mean, variance = r.normal(0, 0.1, channels), r.uniform(0.5, 1.5, channels)
        given = [self.constant(v.astype(np.float32)) for v in (scale, bias, mean, variance)]
        return self.op("BatchNormalization", x, *given, epsilon=1e-5)

    def silu(self, x: str) -> str:
        return self.op("Mul", x, self.op("Sigmoid", x))

    def activation(self, x: str, kind: str) -> str:
        if kind == "silu":
            return self.silu(x)
        if kind == "relu6":
            return self.op("Clip", x, self.constant(np.float32(0)), self.constant(np.float32(6)))
        if kind == "leaky":
            return self.op("LeakyRelu", x, alpha=0.1)
        return self.op("Relu", x)

    def block(
        self, x: str, inputs: int, outputs: int, kernel: int, stride: int = 1, kind: str = "relu", group: int = 1
    ) -> str:
        """Conv, batch normalisation, activation."""
        return self.activation(self.batch_norm(self.conv(x, inputs, outputs, kernel, stride, group), outputs), kind)

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        """Gemm."""
        bias = self.constant(self.random.normal(0, 0.1, outputs).astype(np.float32))
        return self.op("Gemm", x, self.weights(outputs, inputs), bias, transB=1)

    def linear(self, x: str, inputs: int, outputs: int) -> str:
        """MatMul and Add, as exporters write a layer on three axes."""
        scaled = self.constant((self.random.standard_normal((inputs, outputs)) / inputs**0.5).astype(np.float32))
        bias = self.constant(self.random.normal(0, 0.1, outputs).astype(np.float32))
        return self.op("Add", self.op("MatMul", x, scaled), bias)

    def model(self, *outputs: str) -> onnx.ModelProto:
        infos = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self._nodes, "net", self._inputs, infos, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        inferred = onnx.shape_inference.infer_shapes(model)
        types = {v.name: v for v in inferred.graph.value_info}
        for info in inferred.graph.output:
            if info.name in types:
                info.CopyFrom(types[info.name])
        del inferred.graph.value_info[:]
        onnx.checker.check_model(inferred)
        return inferred

"""One node on onnxruntime and on Celeris' reference tier: the results of both, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import celeris

onnxruntime.set_default_logger_severity(4)
OPSETS = {"": 17, "ai.onnx.ml": 3, "com.microsoft": 1}


def model_of(
    op: str,
    inputs: Sequence[np.ndarray | None],
    outputs: int | list[int] = 1,
    domain: str = "com.microsoft",
    opsets: dict[str, int] | None = None,
    attributes: dict[str, Any] | None = None,
) -> bytes:
    """A model of one node. `outputs`: how many, or which, so that others stay unnamed."""
    wanted = list(range(outputs)) if isinstance(outputs, int) else outputs
    names = ["" if value is None else f"x{i}" for i, value in enumerate(inputs)]
    results = [f"y{i}" if i in wanted else "" for i in range(max(wanted) + 1)]
    node = helper.make_node(op, names, results, domain=domain)
    node.attribute.extend(_attribute(name, value) for name, value in (attributes or {}).items())
    declared = [
        helper.make_tensor_value_info(name, _element(value), value.shape)
        for name, value in zip(names, inputs, strict=True)
        if value is not None
    ]
    made = helper.make_graph([node], "g", declared, [onnx.ValueInfoProto(name=name) for name in results if name])
    imports = [helper.make_opsetid(*pair) for pair in {**OPSETS, **(opsets or {})}.items()]
    return helper.make_model(made, opset_imports=imports, ir_version=9).SerializeToString()


def _attribute(name: str, value: Any) -> onnx.AttributeProto:
    return helper.make_attribute(name, value)


def _element(value: np.ndarray) -> int:
    return TensorProto.STRING if value.dtype.kind in "OU" else helper.np_dtype_to_tensor_dtype(value.dtype)


def run(module: Any, model: bytes, inputs: Sequence[np.ndarray | None]) -> tuple[list[Any], list[tuple[str, Any]]]:
    """The outputs, and what get_outputs() says of them."""
    options: dict[str, Any] = {"providers": ["CPUExecutionProvider"]}
    if module is celeris:
        options["disabled_optimizers"] = ["native"]
    session = module.InferenceSession(model, **options)
    feeds = {f"x{i}": value for i, value in enumerate(inputs) if value is not None}
    return session.run(None, feeds), [(each.type, each.shape) for each in session.get_outputs()]


def agree(
    op: str,
    inputs: Sequence[np.ndarray | None],
    outputs: int | list[int] = 1,
    *,
    domain: str = "com.microsoft",
    opsets: dict[str, int] | None = None,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    types: bool = True,
    **attributes: Any,
) -> list[Any]:
    """Fails where Celeris' results, or the types it shows, are not onnxruntime's. Gives Celeris' results."""
    model = model_of(op, inputs, outputs, domain, opsets, attributes)
    theirs, their_types = run(onnxruntime, model, inputs)
    ours, our_types = run(celeris, model, inputs)
    for mine, other in zip(ours, theirs, strict=True):
        same(mine, other, rtol, atol)
    if types:
        assert our_types == their_types
    return ours


def same(mine: Any, other: Any, rtol: float, atol: float) -> None:
    """Equal in kind and shape, and as close as asked; strings and integers exactly unless atol is at least 1."""
    if not isinstance(other, np.ndarray):
        assert mine == other
        return
    assert (mine.dtype, mine.shape) == (other.dtype, other.shape)
    if other.dtype == object or (other.dtype.kind in "iub" and atol < 1):
        assert (mine == other).all(), f"{mine}\n{other}"
    else:
        np.testing.assert_allclose(mine.astype(np.float64), other.astype(np.float64), rtol=rtol, atol=atol)

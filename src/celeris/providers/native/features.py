"""Claims of the ai.onnx.ml operators that prepare features."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.attributes import python_value
from celeris.graph.graph import Node
from celeris.providers.base import Claim, Context, KernelCall, Refusal, Rows
from celeris.providers.native.linear import text
from celeris.records import replace


def _numbers(node: Node, context: Context) -> Rows | Refusal:
    rows = context.rows(node.inputs[0])
    if rows is None or rows.element == "string":
        return Refusal("expected rows of numbers")
    return rows


def _single(node: Node, kernel: str, params: dict[str, Any], out: Rows) -> Claim:
    return Claim([KernelCall(kernel, params, [node.inputs[0]], [node.outputs[0]])], {node.outputs[0]: out})


def _per_column(values: Any, width: int) -> np.ndarray | None:
    """One value a column, from one for all or one each."""
    array = np.asarray(values, np.float64)
    if array.size == 1:
        return np.full(width, array.reshape(-1)[0])
    return np.ascontiguousarray(array) if array.size == width else None


def claim_scaler(node: Node, context: Context) -> Claim | Refusal:
    """(x - offset) * scale."""
    rows = _numbers(node, context)
    if isinstance(rows, Refusal):
        return rows
    offset = _per_column(node.attr("offset", [0.0]), rows.tail[-1] if rows.tail else 1)
    scale = _per_column(node.attr("scale", [1.0]), rows.tail[-1] if rows.tail else 1)
    if offset is None or scale is None or len(rows.tail) != 1:
        return Refusal("expected an offset and a scale a column")
    return _single(node, "scaler", {"offset": offset, "scale": scale}, Rows("float", rows.tail))


def claim_normalizer(node: Node, context: Context) -> Claim | Refusal:
    """Rows divided by their norm."""
    rows = _numbers(node, context)
    if isinstance(rows, Refusal) or len(rows.tail) != 1:
        return rows if isinstance(rows, Refusal) else Refusal("expected rows of one dimension")
    return _single(node, "normalizer", {"norm": text(node, "norm", "MAX")}, Rows("float", rows.tail))


def claim_lp_normalization(node: Node, context: Context) -> Claim | Refusal:
    """Rows divided by the sum of their magnitudes or by their length, of float32."""
    rows = context.rows(node.inputs[0])
    if rows is None or rows.element != "float" or len(rows.tail) != 1 or rows.place(int(node.attr("axis", -1))) is None:
        return Refusal("expected rows of float, of one dimension")
    if not rows.width:
        return Refusal("it has no columns")
    return _single(node, "normalizer", {"norm": "L1" if node.attr("p", 2) == 1 else "L2"}, Rows("float", rows.tail))


def claim_imputer(node: Node, context: Context) -> Claim | Refusal:
    """Missing values replaced."""
    rows = _numbers(node, context)
    if isinstance(rows, Refusal):
        return rows
    integer = rows.element == "int64"
    if rows.element not in ("int64", "float", "double") or len(rows.tail) != 1:
        return Refusal(f"no kernel for {rows.element} of rank {len(rows.tail) + 1}")
    values = node.attr("imputed_value_int64s" if integer else "imputed_value_floats")
    if values is None or len(values) not in (1, rows.width):
        return Refusal("expected one value, or one a column")
    missing = node.attr("replaced_value_int64" if integer else "replaced_value_float", 0)
    array = np.asarray(values, np.int64 if integer else np.float64)
    full = np.ascontiguousarray(np.broadcast_to(array, (rows.width,)))
    return _single(node, "imputer", {"missing": int(missing) if integer else float(missing), "values": full}, rows)


def claim_binarizer(node: Node, context: Context) -> Claim | Refusal:
    """x > threshold."""
    rows = _numbers(node, context)
    if isinstance(rows, Refusal):
        return rows
    return _single(node, "binarizer", {"threshold": float(node.attr("threshold", 0.0))}, rows)


_ENCODER_TYPES = {"strings": "string", "int64s": "int64", "floats": "float"}
_DEFAULTS: dict[str, tuple[str, Any]] = {
    "string": ("default_string", "_Unused"),
    "int64": ("default_int64", -1),
    "float": ("default_float", -0.0),
}


def claim_label_encoder(node: Node, context: Context) -> Claim | Refusal:
    """A table from keys to values; lists of version 2, tensors of version 4, class names of version 1."""
    rows = context.rows(node.inputs[0])
    if rows is None:
        return Refusal("expected rows")
    keys, values = _encoder_side(node, "keys"), _encoder_side(node, "values")
    if keys is None or values is None:
        if node.attr("classes_strings") is None:
            return Refusal("it has no keys or no values")
        names = python_value(node.attributes["classes_strings"])
        numbers = np.arange(len(names), dtype=np.int64)
        keys, values = (
            (("string", names), ("int64", numbers))
            if rows.element == "string"
            else (("int64", numbers), ("string", names))
        )
    if keys[0] != rows.element:
        return Refusal(f"keys of {keys[0]} for an input of {rows.element}")
    if len(keys[1]) != len(values[1]):
        return Refusal("as many keys as values are expected")
    if keys[0] in ("float", "double") and context.opset("ai.onnx.ml") < 4:  # NaN is no key yet
        kept = np.flatnonzero(~np.isnan(keys[1]))
        texts = values[0] == "string"
        keys = keys[0], keys[1][kept]
        values = values[0], [values[1][at] for at in kept] if texts else values[1][kept]
    table = _with_default(node, *values)
    return _single(node, "label_encoder", {"keys": keys[1], "values": table}, Rows(values[0], rows.tail))


def _encoder_side(node: Node, side: str) -> tuple[str, Any] | None:
    for suffix, element in _ENCODER_TYPES.items():
        found = node.attributes.get(f"{side}_{suffix}")
        if found is not None and len(found.value):
            dtype = np.int64 if element == "int64" else None
            return element, python_value(found) if element == "string" else np.ascontiguousarray(found.value, dtype)
    tensor = node.attr(f"{side}_tensor")
    if tensor is None:
        return None
    flat = np.ascontiguousarray(np.asarray(tensor).reshape(-1))
    kinds = {"O": "string", "int64": "int64", "float32": "float", "float64": "double"}
    element = kinds.get("O" if flat.dtype == object else flat.dtype.name, "")
    return (element, flat.tolist() if element == "string" else flat) if element else None


def _with_default(node: Node, element: str, values: Any) -> Any:
    """The values, and the default after them."""
    tensor = node.attr("default_tensor")
    name, default = _DEFAULTS.get(element, ("", 0.0))
    if tensor is not None and np.asarray(tensor).size:
        default = np.asarray(tensor).reshape(-1)[0]
    elif name in node.attributes:
        default = python_value(node.attributes[name])
    if element == "string":
        return [*values, str(default)]
    return np.append(values, np.asarray(default, values.dtype))


def claim_one_hot_encoder(node: Node, context: Context) -> Claim | Refusal:
    """Zeros and ones; where an unknown category is an error, the kernel refuses and the reference tier raises it."""
    rows = context.rows(node.inputs[0])
    if rows is None:
        return Refusal("expected rows")
    strings = rows.element == "string"
    found = node.attributes.get("cats_strings" if strings else "cats_int64s")
    if found is None or not len(found.value):
        return Refusal(f"it has no categories for {rows.element}")
    keys = python_value(found) if strings else np.ascontiguousarray(found.value, np.int64)
    params = {"keys": keys, "zeros": int(node.attr("zeros", 1))}
    return _single(node, "one_hot", params, Rows("float", (*rows.tail, len(keys))))


def claim_hash(node: Node, context: Context) -> Claim | Refusal:
    """MurmurHash3 of texts, as int32."""
    rows = context.rows(node.inputs[0])
    if rows is None or rows.element != "string" or node.attr("positive", 1):
        return Refusal("no kernel but for strings, as int32")
    seed = int(node.attr("seed", 0)) & 0xFFFFFFFF
    return _single(node, "hash_text", {"seed": seed}, replace(rows, element="int32"))

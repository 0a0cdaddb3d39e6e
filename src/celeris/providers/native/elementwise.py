"""Claims of element-wise operators: functions of one element and of two, casts, choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from celeris.graph.graph import Node
from celeris.graph.types import ELEMENT_NAMES
from celeris.providers.base import REGISTERS, Claim, Context, KernelCall, Refusal, Rows, activation
from celeris.records import replace

_REAL = ("float", "double")
_NUMBERS = (*_REAL, "int64", "int32")
# Operator -> element types that its kernel takes.
UNARY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Abs", "Neg", "Relu", "Sign"), _NUMBERS),
    **dict.fromkeys(
        ("Ceil", "Exp", "Floor", "IsNaN", "Log", "Reciprocal", "Round", "Sigmoid", "Softplus", "Sqrt", "Tanh"), _REAL
    ),
    "Not": ("bool",),
}
BINARY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum"), _NUMBERS),
    **dict.fromkeys(("Less", "LessOrEqual", "Greater", "GreaterOrEqual"), _NUMBERS),
    **dict.fromkeys(("And", "Or", "Xor"), ("bool",)),
    "Equal": (*_NUMBERS, "bool", "string"),
    "Mod": ("int64", "int32"),
    "Pow": _REAL,
}
_TRUTH = {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "IsNaN", "Not"}
_DTYPES = {"float": np.float32, "double": np.float64, "int64": np.int64, "int32": np.int32, "bool": np.bool_}
_CONSTANTS = {**{element: np.dtype(kind) for element, kind in _DTYPES.items()}, "string": np.dtype(object)}


def constant_values(value: np.ndarray) -> Any:
    """A constant as a kernel's parameter: a flat array, bool as uint8, strings as a list."""
    flat = value.reshape(-1)
    if flat.dtype == object:
        return flat.tolist()
    return np.ascontiguousarray(flat.view(np.uint8) if flat.dtype == bool else flat)


def broadcast(context: Context, names: list[str]) -> Rows | Refusal:
    """What operands are together, but for the element type. Their N must be at the same place from the right."""
    if "" in names:
        return Refusal("an operand is missing")
    tables = [rows for rows in map(context.rows, names) if rows is not None]
    places = {len(rows.tail) - rows.axis for rows in tables}
    if len(places) != 1:
        return Refusal("expected rows along one axis")
    after = places.pop()
    constants = [value.ndim for value in map(context.constant, names) if value is not None]
    rank = max([rows.rank for rows in tables] + constants)
    axis = rank - 1 - after
    tails = []
    for name in names:
        tail = _padded_tail(context, name, rank, axis)
        if tail is None:
            return Refusal(f"constant '{name}' is not the same for all rows")
        tails.append(tail)
    if tails.count(tails[0]) == len(tails):
        return Rows("", tails[0], None, axis)
    try:
        return Rows("", tuple(np.broadcast_shapes(*tails)), None, axis)
    except ValueError:
        return Refusal("expected columns that can be broadcast")


def _padded_tail(context: Context, name: str, rank: int, axis: int) -> tuple[int, ...] | None:
    rows = context.rows(name)
    if rows is not None:
        return rows.tail if rank == rows.rank else (1,) * (rank - rows.rank) + rows.tail
    value = context.constant(name)
    assert value is not None
    shape = (1,) * (rank - value.ndim) + value.shape
    return shape[:axis] + shape[axis + 1 :] if shape[axis] == 1 else None


def operand(context: Context, name: str, role: str, out: Rows) -> tuple[dict[str, Any], list[str]]:
    """Parameters of one operand broadcast to `out` (operand.h), and the register it reads, if any."""
    rows = context.rows(name)
    if rows is not None:
        columns = np.arange(rows.width, dtype=np.int64)
        if rows.tail != out.tail:
            columns = np.ascontiguousarray(_spread(context, name, columns, out).reshape(-1))
        return {f"{role}_columns": columns}, [name]
    value = context.constant(name)
    assert value is not None
    return {f"{role}_values": constant_values(_spread(context, name, value, out))}, []


def _spread(context: Context, name: str, numbers: np.ndarray, out: Rows) -> np.ndarray:
    """The numbers of an operand, one for each column of `out`."""
    if numbers.size == out.width:  # in their order then
        return numbers
    return np.broadcast_to(numbers.reshape(_padded_tail(context, name, out.rank, out.axis)), out.tail)


def binary(context: Context, op: str, names: tuple[str, str], out: str, shape: Rows) -> KernelCall:
    """A call of the kernel `binary`. The operand that is a register gives the element type."""
    a, read_a = operand(context, names[0], "a", shape)
    b, read_b = operand(context, names[1], "b", shape)
    return KernelCall("binary", {"op": op, **a, **b}, read_a + read_b, [out])


def _element(context: Context, names: list[str]) -> str | Refusal:
    """The one element type of all operands, those that are constants included."""
    elements = {rows.element for rows in map(context.rows, names) if rows is not None}
    element = next(iter(elements))
    dtypes = {value.dtype for value in map(context.constant, names) if value is not None}
    if len(elements) > 1 or dtypes - {_CONSTANTS[element]}:
        return Refusal("expected operands of one type")
    return element


def claim_unary(node: Node, context: Context) -> Claim | Refusal:
    """One function of each element."""
    rows = context.rows(node.inputs[0])
    if rows is None or rows.element not in UNARY[node.op_type]:
        return Refusal(f"no kernel for {rows.element}" if rows else "its input is a constant")
    if (node.op_type, rows.element) == ("Tanh", "float"):
        kernel, params = "activation", activation("Tanh")
    else:
        kernel, params = "unary", {"op": node.op_type}
    out = replace(rows, element="bool" if node.op_type in _TRUTH else rows.element)
    return Claim([KernelCall(kernel, params, [node.inputs[0]], [node.outputs[0]])], {node.outputs[0]: out})


# Operator -> alpha and beta where it does not say.
ACTIVATIONS: dict[str, tuple[float, float]] = {
    "Celu": (1, 0), "Elu": (1, 0), "Erf": (0, 0), "Gelu": (0, 0), "HardSigmoid": (0.2, 0.5), "HardSwish": (1 / 6, 0.5),
    "LeakyRelu": (0.01, 0), "Mish": (0, 0), "PRelu": (0, 0), "Selu": (1.6732632423543772, 1.0507009873554805),
    "Softsign": (0, 0), "ThresholdedRelu": (1, 0),
}  # fmt: skip


def claim_activation(node: Node, context: Context) -> Claim | Refusal:
    """The function of a layer of neurons, of float32."""
    name, (x, out) = node.op_type, (node.inputs[0], node.outputs[0])
    rows = context.rows(x)
    if rows is None or rows.element != "float":
        return Refusal(f"no kernel for {rows.element}" if rows else "its input is a constant")
    if context.opset("") < 6:
        return Refusal("no kernel for its first version")
    alpha, beta = ACTIVATIONS[name]
    alpha, beta = node.attr("alpha", alpha), node.attr("gamma" if name == "Selu" else "beta", beta)
    if name == "PRelu":
        slope = context.constant(node.inputs[1])
        if slope is None or slope.size != 1 or slope.ndim > rows.rank:
            return Refusal("expected one constant slope")
        name, alpha = "LeakyRelu", float(slope.reshape(()))
    if name == "Gelu" and node.attr("approximate", b"none") in (b"tanh", "tanh"):
        name = "tanh Gelu"
    return Claim([KernelCall("activation", activation(name, alpha, beta), [x], [out])], {out: rows})


def claim_batch_normalization(node: Node, context: Context) -> Claim | Refusal:
    """Each column times a number, plus another, of float32."""
    x, out = node.inputs[0], node.outputs[0]
    rows, given = context.rows(x), [context.constant(name) for name in node.inputs[1:5]]
    if rows is None or rows.element != "float" or rows.rank != 2 or rows.axis:
        return Refusal("expected rows of float, of one dimension")
    if any(v is None or v.shape != (rows.width,) or v.dtype != np.float32 for v in given):
        return Refusal("expected constant numbers of float, one a column")
    if context.opset("") < 9 or node.attr("training_mode", 0) or any(node.outputs[1:]):
        return Refusal("no kernel for training, nor for its first versions")
    scale, bias, mean, variance = (np.asarray(v, np.float64) for v in given)
    factor = scale / np.sqrt(variance + node.attr("epsilon", 1e-5))
    numbers = {"Mul": factor.astype(np.float32), "Add": (bias - mean * factor).astype(np.float32)}
    columns = np.arange(rows.width, dtype=np.int64)
    scaled = context.fresh("scaled")
    calls = [
        KernelCall("binary", {"op": op, "a_columns": columns, "b_values": value}, [source], [to])
        for (op, value), source, to in zip(numbers.items(), (x, scaled), (scaled, out), strict=True)
    ]
    return Claim(calls, {scaled: rows, out: rows})


def claim_binary(node: Node, context: Context) -> Claim | Refusal:
    """One function of two operands; Max, Min and Sum of more are a chain."""
    op = "Add" if node.op_type == "Sum" else node.op_type
    if "axis" in node.attributes or node.attr("broadcast") or node.attr("fmod"):
        return Refusal("no kernel for these attributes")
    names = list(node.inputs)
    if op == "Pow":
        return _claim_pow(node, context)
    if len(names) == 1:
        rows = context.rows(names[0])
        assert rows is not None
        return Claim([], {node.outputs[0]: rows}, {node.outputs[0]: names[0]})
    element, shape = _element(context, names), broadcast(context, names)
    if isinstance(element, Refusal):
        return element
    if isinstance(shape, Refusal):
        return shape
    if element not in BINARY[node.op_type]:
        return Refusal(f"no kernel for {element}")
    out = replace(shape, element="bool" if op in _TRUTH else element)
    if len(names) == 2:
        return Claim([binary(context, op, (names[0], names[1]), node.outputs[0], shape)], {node.outputs[0]: out})
    return _chain(node, context, op, out)


def _chain(node: Node, context: Context, op: str, out: Rows) -> Claim | Refusal:
    """op(op(a, b), c) ...: the first two must leave a register for the next."""
    names = list(node.inputs)
    if not any(context.rows(name) for name in names[:2]):
        return Refusal("its first two inputs are constants")
    calls, found = [], {node.outputs[0]: out}
    so_far = names[0]
    for i, name in enumerate(names[1:], 1):
        target = node.outputs[0] if i == len(names) - 1 else context.fresh(op)
        if i == 1:
            calls.append(binary(context, op, (so_far, name), target, out))
        else:
            b, read_b = operand(context, name, "b", out)
            columns = {"a_columns": np.arange(out.width, dtype=np.int64)}
            calls.append(KernelCall("binary", {"op": op, **columns, **b}, [so_far, *read_b], [target]))
        so_far = target
        found[target] = out
    return Claim(calls, found)


def _claim_pow(node: Node, context: Context) -> Claim | Refusal:
    """A constant exponent may have another type than the base."""
    base, exponent = context.rows(node.inputs[0]), context.constant(node.inputs[1])
    if base is None or base.element not in _REAL:
        return Refusal("expected a base of real rows")
    out = broadcast(context, list(node.inputs))
    if isinstance(out, Refusal):
        return out
    out = replace(out, element=base.element)
    if exponent is None:
        element = _element(context, list(node.inputs))
        if isinstance(element, Refusal):
            return element
        return Claim(
            [binary(context, "Pow", (node.inputs[0], node.inputs[1]), node.outputs[0], out)],
            {node.outputs[0]: out},
        )
    a, read = operand(context, node.inputs[0], "a", out)
    narrow: np.ndarray = exponent.astype(_DTYPES[base.element])
    if not np.array_equal(narrow, exponent, equal_nan=narrow.dtype.kind == exponent.dtype.kind == "f"):
        return Refusal("its exponent does not fit the base's type")
    values = constant_values(_spread(context, node.inputs[1], narrow, out))
    call = KernelCall("binary", {"op": "Pow", **a, "b_values": values}, read, [node.outputs[0]])
    return Claim([call], {node.outputs[0]: out})


def claim_clip(node: Node, context: Context) -> Claim | Refusal:
    """min(max(x, low), high)."""
    rows = context.rows(node.inputs[0])
    if rows is None or rows.element not in _NUMBERS:
        return Refusal("expected rows of numbers")
    limits: list[tuple[str, np.ndarray]] = []
    for at, (op, name) in enumerate((("Max", "min"), ("Min", "max")), 1):
        given = node.inputs[at] if at < len(node.inputs) else ""
        limit = context.constant(given) if given else node.attr(name)
        if given and limit is None:
            return Refusal("expected constant limits")
        if limit is not None:
            array: np.ndarray = np.asarray(limit, _DTYPES[rows.element])
            if array.size != 1:
                return Refusal("expected scalar limits")
            limits.append((op, array.reshape(())))
    if not limits:
        return Claim([], {node.outputs[0]: rows}, {node.outputs[0]: node.inputs[0]})
    source, calls, found = node.inputs[0], [], {}
    columns = np.arange(rows.width, dtype=np.int64)
    for i, (op, limit) in enumerate(limits, 1):
        target = node.outputs[0] if i == len(limits) else context.fresh("clip")
        values = np.ascontiguousarray(np.broadcast_to(limit, (rows.width,)))
        calls.append(KernelCall("binary", {"op": op, "a_columns": columns, "b_values": values}, [source], [target]))
        found[target] = rows
        source = target
    return Claim(calls, found)


def claim_where(node: Node, context: Context) -> Claim | Refusal:
    """condition ? X : Y."""
    condition = context.rows(node.inputs[0])
    if condition is None or condition.element != "bool":
        return Refusal("expected a condition that depends on the rows")
    out = broadcast(context, list(node.inputs))
    if isinstance(out, Refusal):
        return out
    names = list(node.inputs[1:])
    if any(context.rows(name) for name in names):
        element = _element(context, names)
        if isinstance(element, Refusal):
            return element
    else:
        kinds = {v.dtype for name in names if (v := context.constant(name)) is not None}
        known = {kind: element for element, kind in _CONSTANTS.items()}
        element = known.get(next(iter(kinds)), "")
        if len(kinds) > 1 or not element:
            return Refusal("no kernel for the type of its constants")
    params: dict[str, Any] = {}
    reads: list[str] = []
    for role, name in zip(("condition", "a", "b"), node.inputs, strict=True):
        more, read = operand(context, name, role, out)
        params.update(more)
        reads += read
    return Claim(
        [KernelCall("where", params, reads, [node.outputs[0]])], {node.outputs[0]: replace(out, element=element)}
    )


def claim_cast(node: Node, context: Context) -> Claim | Refusal:
    """Numbers as other numbers; strings stay with the reference tier."""
    rows = context.rows(node.inputs[0])
    to = ELEMENT_NAMES.get(node.attr("to"), "")
    if rows is None or to not in REGISTERS:
        return Refusal(f"no kernel for a cast to {to}")
    if rows.element == to:
        return Claim([], {node.outputs[0]: rows}, {node.outputs[0]: node.inputs[0]})
    if "string" in (rows.element, to):
        return Refusal("no kernel for strings")
    out = replace(rows, element=to)
    return Claim([KernelCall("cast", {}, [node.inputs[0]], [node.outputs[0]])], {node.outputs[0]: out})

"""Control flow: If, Loop, Scan. A subgraph arrives as a callable `body(*inputs) -> list of outputs`.

Where its caller knows them, the callable has `input_types` and `output_types` (lists of Type or None): rules read
them, and a loop of no iterations needs them to shape its scan outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Seq
from typing import Any

import numpy as np

from celeris.graph.types import Optional, Sequence, Shape, Tensor, Type, dtype_of
from celeris.ops.shapes import unify
from celeris.ops.table import Facts, Op

Body = Callable[..., list[Any]]


def output_types(body: object) -> list[Type | None]:
    """The types of a subgraph's outputs where they are known, else an empty list."""
    return list(getattr(body, "output_types", None) or [])


def _flag(where: str, cond: np.ndarray) -> bool:
    cond = np.asarray(cond)
    if cond.size != 1:
        raise ValueError(f"{where}: expected a condition of one element, got shape {cond.shape}")
    return bool(cond.item())


def If(cond: np.ndarray, *, else_branch: Body, then_branch: Body) -> tuple[Any, ...]:
    """outputs = then_branch() if cond else else_branch(). Source: ai.onnx If-25."""
    return tuple(then_branch() if _flag("If", cond) else else_branch())


def _counter(value: Any, dtype: type, types: list[Type | None], index: int) -> np.ndarray:
    """A loop's own variable, of rank 1 where the body declares it so (exporters do)."""
    declared = types[index] if index < len(types) else None
    shape = (1,) if isinstance(declared, Tensor) and declared.shape is not None and len(declared.shape) == 1 else ()
    return np.full(shape, value, dtype)


def _stacked(where: str, parts: list[Any], axis: int, body: Body, index: int) -> np.ndarray:
    """The values of one scan output along a new axis; of size 0 where there was no iteration."""
    if parts:
        shapes = {np.shape(part) for part in parts}
        if len(shapes) > 1:
            raise ValueError(f"{where}: expected scan output {index} of one shape, got {sorted(shapes)}")
        return np.stack(parts, axis=axis)
    types = output_types(body)
    known = types[index] if index < len(types) else None
    if not isinstance(known, Tensor):
        raise ValueError(f"{where}: expected the type of body output {index}, got none; a loop of 0 steps needs it")
    shape = [size if isinstance(size, int) else 0 for size in known.shape or ()]
    shape.insert(axis + len(shape) + 1 if axis < 0 else axis, 0)
    return np.zeros(shape, dtype_of(known.element))


def _checked(where: str, outputs: Any, least: int) -> list[Any]:
    results = list(outputs)
    if len(results) < least:
        raise ValueError(f"{where}: expected at least {least} outputs from the body, got {len(results)}")
    return results


def Loop(
    M: np.ndarray | None = None, cond: np.ndarray | None = None, *v_initial: Any, body: Body, _outputs: int = 0
) -> tuple[Any, ...]:
    """Repeats body(i, cond, *state) -> (cond, *state, *scans), at most M times and while cond. Source: Loop-25.

    The body's own condition counts even where `cond` is not given, as in onnxruntime.
    """
    limit = None if M is None else int(np.asarray(M).item())
    running = True if cond is None else _flag("Loop", cond)
    types = list(getattr(body, "input_types", None) or [])
    state = list(v_initial)
    scans: list[list[Any]] = [[] for _ in range(max(_outputs, len(output_types(body)) - 1) - len(state))]
    step = 0
    while running and (limit is None or step < limit):
        outputs = body(_counter(step, np.int64, types, 0), _counter(running, np.bool_, types, 1), *state)
        outputs = _checked("Loop", outputs, 1 + len(state))
        running = _flag("Loop", outputs[0])
        state = outputs[1 : 1 + len(state)]
        emitted = outputs[1 + len(state) :]
        scans.extend([] for _ in range(len(emitted) - len(scans)))
        for parts, value in zip(scans, emitted, strict=False):
            parts.append(value)
        step += 1
    first = 1 + len(state)
    return (*state, *(_stacked("Loop", parts, 0, body, first + i) for i, parts in enumerate(scans)))


def _per(values: Seq[int] | None, count: int, where: str) -> list[int]:
    if values is None:
        return [0] * count
    if len(values) != count:
        raise ValueError(f"Scan: expected {count} values in {where}, got {len(values)}")
    return [int(value) for value in values]


def _steps(inputs: list[np.ndarray], axes: list[int]) -> int:
    for x, axis in zip(inputs, axes, strict=True):
        if not -x.ndim <= axis < x.ndim:
            raise ValueError(f"Scan: expected a scan axis within rank {x.ndim}, got {axis}")
    lengths = {x.shape[axis] for x, axis in zip(inputs, axes, strict=True)}
    if len(lengths) != 1:
        raise ValueError(f"Scan: expected scan inputs of one length, got {sorted(lengths)}")
    return int(lengths.pop())


def _split(values: tuple[Any, ...], num_scan_inputs: int) -> tuple[list[Any], list[np.ndarray]]:
    if not 1 <= num_scan_inputs <= len(values):
        raise ValueError(f"Scan: expected num_scan_inputs from 1 to {len(values)}, got {num_scan_inputs}")
    at = len(values) - num_scan_inputs
    return list(values[:at]), list(values[at:])


def Scan(
    *initial_state_and_scan_inputs: Any,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: Seq[int] | None = None,
    scan_input_directions: Seq[int] | None = None,
    scan_output_axes: Seq[int] | None = None,
    scan_output_directions: Seq[int] | None = None,
    _outputs: int = 0,
) -> tuple[Any, ...]:
    """Runs body(*state, *slices) -> (*state, *scans) for each slice of the scan inputs. Source: Scan-25."""
    state, inputs = _split(initial_state_and_scan_inputs, num_scan_inputs)
    axes = _per(scan_input_axes, len(inputs), "scan_input_axes")
    backward = _per(scan_input_directions, len(inputs), "scan_input_directions")
    steps = _steps(inputs, axes)
    views = [
        np.moveaxis(x, axis, 0)[:: -1 if back else 1] for x, axis, back in zip(inputs, axes, backward, strict=True)
    ]
    scans: list[list[Any]] = [[] for _ in range(max(_outputs, len(output_types(body))) - len(state))]
    for step in range(steps):
        outputs = _checked("Scan", body(*state, *(np.asarray(view[step]) for view in views)), len(state))
        emitted = outputs[len(state) :]
        state = outputs[: len(state)]
        scans.extend([] for _ in range(len(emitted) - len(scans)))
        for parts, value in zip(scans, emitted, strict=False):
            parts.append(value)
    out_axes = _per(scan_output_axes, len(scans), "scan_output_axes")
    reverse = _per(scan_output_directions, len(scans), "scan_output_directions")
    results = [
        _stacked("Scan", parts[:: -1 if back else 1], axis, body, len(state) + i)
        for i, (parts, axis, back) in enumerate(zip(scans, out_axes, reverse, strict=True))
    ]
    return (*state, *results)


def Scan_8(
    sequence_lens: np.ndarray | None = None,
    *initial_state_and_scan_inputs: Any,
    body: Body,
    num_scan_inputs: int,
    directions: Seq[int] | None = None,
    _outputs: int = 0,
) -> tuple[Any, ...]:
    """Scan over axis 1 for each item of batch axis 0; what lies behind a sequence's length is 0. Source: Scan-8."""
    state, inputs = _split(initial_state_and_scan_inputs, num_scan_inputs)
    backward = _per(directions, len(inputs), "directions")
    longest = _steps(inputs, [1] * len(inputs))
    batch = len(inputs[0])
    lengths = [longest] * batch if sequence_lens is None else [int(n) for n in np.ravel(sequence_lens)]
    if len(lengths) != batch or not all(0 <= n <= longest for n in lengths):
        raise ValueError(f"Scan: expected {batch} sequence_lens from 0 to {longest}, got {lengths}")
    items: list[list[np.ndarray]] = []
    for at, length in enumerate(lengths):
        results = Scan(
            *(np.asarray(s[at]) for s in state),
            *(x[at][:length] for x in inputs),
            body=body,
            num_scan_inputs=num_scan_inputs,
            scan_input_directions=backward,
            _outputs=_outputs,
        )
        scans = [_lengthened(np.asarray(scan), longest) for scan in results[len(state) :]]
        items.append([np.asarray(s) for s in results[: len(state)]] + scans)
    return tuple(np.stack(column) for column in zip(*items, strict=True))


def _lengthened(scan: np.ndarray, length: int) -> np.ndarray:
    result = np.zeros((length, *scan.shape[1:]), scan.dtype)
    result[: len(scan)] = scan
    return result


def merge(a: Type | None, b: Type | None) -> Type | None:
    """The type of a value that is of type `a` or `b`; None where they have nothing in common."""
    if a == b:
        return a
    if isinstance(a, Tensor) and isinstance(b, Tensor) and a.element == b.element:
        if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
            return Tensor(a.element)
        return Tensor(a.element, tuple(x if x == y else None for x, y in zip(a.shape, b.shape, strict=True)))
    for kind in (Sequence, Optional):
        if isinstance(a, kind) and isinstance(b, kind):
            inner = merge(a.element, b.element)
            return None if inner is None else kind(inner)
    return None


def _if_types(facts: Facts) -> list[Type | None]:
    then_types, else_types = (output_types(facts.attributes.get(name)) for name in ("then_branch", "else_branch"))
    if len(then_types) != len(else_types):
        raise ValueError(f"If: expected branches of as many outputs, got {len(then_types)} and {len(else_types)}")
    for a, b in zip(then_types, else_types, strict=True):
        if a is not None and b is not None and str(a) != str(b):
            raise ValueError(f"If: expected branches of the same types, got {a} and {b}")
    return [merge(a, b) for a, b in zip(then_types, else_types, strict=True)]


def _if_feeds(facts: Facts) -> dict[str, list[Type | None]]:
    return {"then_branch": [], "else_branch": []}


def _sizeless(found: Type | None) -> Type | None:
    """What is known of a loop's state: its sizes may change at each step."""
    if isinstance(found, Tensor) and found.shape is not None:
        return Tensor(found.element, (None,) * len(found.shape))
    return found


def _unshaped(found: Type | None) -> Type | None:
    return Tensor(found.element) if isinstance(found, Tensor) else found


def _reduced(found: Type | None, axis: int) -> Type | None:
    """The type of a slice along `axis`."""
    if not isinstance(found, Tensor) or found.shape is None or not -len(found.shape) <= axis < len(found.shape):
        return _unshaped(found)
    axis %= len(found.shape)
    return Tensor(found.element, (*found.shape[:axis], *found.shape[axis + 1 :]))


def _grown(found: Type | None, axis: int, size: int | str | None) -> Type | None:
    if not isinstance(found, Tensor) or found.shape is None:
        return found
    shape = list(found.shape)
    shape.insert(axis + len(shape) + 1 if axis < 0 else axis, size)
    return Tensor(found.element, tuple(shape))


def _loop_types(facts: Facts) -> list[Type | None]:
    known = output_types(facts.attributes.get("body"))[1:]
    known += [None] * (facts.outputs - len(known))
    state = [merge(initial, _sizeless(final)) or final for initial, final in zip(facts.types[2:], known, strict=False)]
    return [*state, *(_grown(found, 0, None) for found in known[len(state) :])]


def _loop_feeds(facts: Facts) -> dict[str, list[Type | None]]:
    counters: list[Type | None] = [Tensor("int64"), Tensor("bool")]
    return {"body": [*counters, *map(_unshaped, facts.types[2:])]}


def _length(facts: Facts, inputs: int, axis: int) -> int | str | None:
    first = facts.types[len(facts.types) - inputs] if 0 < inputs <= len(facts.types) else None
    shape: Shape | None = first.shape if isinstance(first, Tensor) else None
    return shape[axis] if shape is not None and -len(shape) <= axis < len(shape) else None


def _unified(a: Type | None, b: Type | None) -> Type | None:
    """The type of a value that is of both types: what either tells."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor) or a.element != b.element:
        return merge(a, b)
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return b if a.shape is None else a if b.shape is None else Tensor(a.element)
    return Tensor(a.element, tuple(map(unify, a.shape, b.shape)))


def _scan_types(facts: Facts) -> list[Type | None]:
    known = output_types(facts.attributes.get("body"))
    known += [None] * (facts.outputs - len(known))
    inputs = int(facts.attributes.get("num_scan_inputs", 0))
    count = max(len(facts.types) - inputs, 0)
    state = [_unified(a, b) for a, b in zip(facts.types[:count], known, strict=False)]
    in_axes = facts.attributes.get("scan_input_axes")
    length = _length(facts, inputs, int(in_axes[0]) if in_axes else 0)
    axes = list(facts.attributes.get("scan_output_axes") or [])
    axes += [0] * (len(known) - len(axes))
    return [*state, *(_grown(found, int(axis), length) for found, axis in zip(known[count:], axes, strict=False))]


def _scan_feeds(facts: Facts) -> dict[str, list[Type | None]]:
    inputs = int(facts.attributes.get("num_scan_inputs", 0))
    count = max(len(facts.types) - inputs, 0)
    axes = list(facts.attributes.get("scan_input_axes") or [])
    axes += [0] * (inputs - len(axes))
    slices = [_reduced(found, int(axis)) for found, axis in zip(facts.types[count:], axes, strict=False)]
    return {"body": [*facts.types[:count], *slices]}


def _scan8_feeds(facts: Facts) -> dict[str, list[Type | None]]:
    inputs = int(facts.attributes.get("num_scan_inputs", 0))
    items = [_reduced(found, 0) for found in facts.types[1:]]
    count = max(len(items) - inputs, 0)
    return {"body": [*items[:count], *(_reduced(found, 0) for found in items[count:])]}


def _scan8_types(facts: Facts) -> list[Type | None]:
    known = output_types(facts.attributes.get("body"))
    known += [None] * (facts.outputs - len(known))
    inputs = int(facts.attributes.get("num_scan_inputs", 0))
    count = max(len(facts.types) - 1 - inputs, 0)
    batch, length = _length(facts, inputs, 0), _length(facts, inputs, 1)
    state = [_grown(found, 0, batch) for found in known[:count]]
    return [*state, *(_grown(_grown(found, 0, length), 0, batch) for found in known[count:])]


OPS: tuple[Op, ...] = (
    Op("If", 1, If, _if_types, feeds=_if_feeds),
    Op("Loop", 1, Loop, _loop_types, feeds=_loop_feeds),
    Op("Scan", 8, Scan_8, _scan8_types, feeds=_scan8_feeds),
    Op("Scan", 9, Scan, _scan_types, feeds=_scan_feeds),
)

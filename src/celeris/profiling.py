"""The profile of a session: a JSON array of events, one a line, in the form that chrome://tracing and Perfetto show."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from celeris.environment import CPU
from celeris.graph.graph import Node
from celeris.graph.types import dtype_of, element_of
from celeris.plan.plan import PipelineStep, Step, TensorStep


def by_node(step: Step, start_ns: int, duration_ns: int, spent: list[int]) -> Iterator[tuple[Node, int, int]]:
    """Each node of a step with its start and duration.

    Nodes of a pipeline run block by block: each gets the share of the duration that its kernels took of all kernels'.
    Nodes that one kernel runs share alike.
    """
    if not isinstance(step, PipelineStep | TensorStep):
        yield step.node, start_ns, duration_ns
        return
    total, first, at = sum(spent), 0, start_ns
    for node, count in zip(step.nodes, step.counts, strict=True):
        own = sum(spent[first : first + count])
        first += count
        # Where the reference tier ran the step no kernel has a time.
        share = duration_ns * own // total if total else duration_ns // len(step.nodes)
        yield node, at, share
        at += share


class Sizes:
    """Types, shapes and bytes of the values around a step that ran, and of those that it kept in blocks of rows."""

    def __init__(self, step: Step, inputs: list[Any], outputs: list[Any], constants: Mapping[str, Any]) -> None:
        arrays = zip((*step.inputs, *step.outputs), (*inputs, *outputs), strict=True)
        self._arrays = {name: value for name, value in arrays if isinstance(value, np.ndarray)}
        self._constants = constants
        self._rows = step.rows if isinstance(step, PipelineStep) else {}
        self._count = self._length(step)

    def _length(self, step: Step) -> int | None:
        """How many rows a pipeline ran over."""
        for name in (*step.inputs, *step.outputs):
            rows, value = self._rows.get(name), self._arrays.get(name)
            if rows is not None and value is not None and rows.axis < value.ndim:
                return int(value.shape[rows.axis])
        return None

    def _of(self, name: str) -> tuple[str, list[int], int] | None:
        value = self._arrays.get(name, self._constants.get(name))
        if isinstance(value, np.ndarray):
            return _told(element_of(value.dtype), list(value.shape))
        rows = self._rows.get(name)
        if rows is None or self._count is None:
            return None
        shape = list(rows.tail)
        shape.insert(rows.axis, self._count)
        return _told(rows.element, shape)

    def of_node(self, node: Node) -> dict[str, Any]:
        """What onnxruntime's profile tells of a node's tensors; a list, map or absent one is left out."""
        inputs = [(name, found) for name in node.inputs if (found := self._of(name))]
        outputs = [found for name in node.outputs if (found := self._of(name))]
        parameters = sum(size for name, (_, _, size) in inputs if name in self._constants)
        return {
            "input_type_shape": [{element: shape} for _, (element, shape, _) in inputs],
            "output_type_shape": [{element: shape} for element, shape, _ in outputs],
            "activation_size": str(sum(size for _, (_, _, size) in inputs) - parameters),
            "parameter_size": str(parameters),
            "output_size": str(sum(size for _, _, size in outputs)),
        }


def _told(element: str, shape: list[int]) -> tuple[str, list[int], int]:
    """With the bytes; a string has those of C++'s std::string, whatever its length, as onnxruntime counts."""
    return element, shape, math.prod(shape) * (32 if element == "string" else dtype_of(element).itemsize)


class Profile:
    """Events since the session was made; `end` writes the file, once."""

    def __init__(self, prefix: str) -> None:
        self.start_ns = time.time_ns()
        seconds = self.start_ns // 10**9
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(seconds))
        self._path = f"{prefix}_{stamp}_{self.start_ns // 10**6 % 1000:03d}.json"
        self._events: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._ended = False

    def session(self, name: str, start_ns: int, end_ns: int) -> None:
        """An event of the session: loading, making it ready, a run."""
        self._add("Session", name, start_ns, end_ns - start_ns, {})

    def step(self, step: Step, start_ns: int, duration_ns: int, spent: list[int], sizes: Sizes) -> None:
        """A step of a run, as the engine tells of it."""
        for node, at, share in by_node(step, start_ns, duration_ns, spent):
            args = {"op_name": node.op_type, "provider": CPU, **sizes.of_node(node)}
            self._add("Node", f"{node.name}_kernel_time", at, share, args)

    def _add(self, category: str, name: str, start_ns: int, duration_ns: int, args: dict[str, Any]) -> None:
        event = {
            "cat": category,
            "pid": os.getpid(),
            "tid": threading.get_native_id(),
            "dur": max(duration_ns, 0) // 1000,
            "ts": max(start_ns - self.start_ns, 0) // 1000,
            "ph": "X",
            "name": name,
            "args": args,
        }
        with self._lock:
            if not self._ended:
                self._events.append(event)

    def end(self) -> str:
        """Writes the file and gives its name; '' where it was written before. A folder that is not there is silent."""
        with self._lock:
            if self._ended:
                return ""
            self._ended = True
            import json

            ordered = sorted(self._events, key=lambda event: event["ts"] + event["dur"])
            lines = ",\n".join(json.dumps(event) for event in ordered)
        try:
            with open(self._path, "w", encoding="utf-8") as file:
                file.write(f"[\n{lines}\n]\n")
        except OSError:
            return self._path
        return self._path

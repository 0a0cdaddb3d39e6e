"""The profile of a session: a JSON array of events, one a line, in the form that chrome://tracing and Perfetto show."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from celeris.environment import CPU


def by_node(label: Any, start_ns: int, duration_ns: int, spent: list[int]) -> Iterator[tuple[str, str, int, int]]:
    """(name, operator, start, duration) of each node of a step, as `plan.compile` labelled it.

    Nodes of a pipeline run block by block: each gets the share of the duration that its kernels took of all kernels'.
    """
    if isinstance(label[0], str):
        yield *label, start_ns, duration_ns
        return
    total, first, at = sum(spent), 0, start_ns
    for name, op_type, count in label:
        own = sum(spent[first : first + count])
        first += count
        # Where the reference tier ran the step no kernel has a time.
        share = duration_ns * own // total if total else duration_ns // len(label)
        yield name, op_type, at, share
        at += share


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

    def step(self, label: Any, start_ns: int, duration_ns: int, spent: list[int]) -> None:
        """A step of a run, as the engine tells of it."""
        for name, op_type, at, share in by_node(label, start_ns, duration_ns, spent):
            self._add("Node", f"{name}_kernel_time", at, share, {"op_name": op_type, "provider": CPU})

    def _add(self, category: str, name: str, start_ns: int, duration_ns: int, args: dict[str, str]) -> None:
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

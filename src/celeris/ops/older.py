"""How operators took their arguments before: attributes dropped, added or ignored, and the broadcasting of opset 1."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


class _Signed:
    """`older` under the name and signature of `function`, with keywords `added` and parameters `dropped`.

    Hardly any signature is ever asked for: it is made then.
    """

    def __init__(
        self, function: Callable[..., Any], older: Callable[..., Any], added: dict[str, Any], dropped: set[str]
    ) -> None:
        update_wrapper(self, function)
        self._older, self._added, self._dropped = older, added, dropped

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        return self._older(*inputs, **attributes)

    @property
    def __signature__(self) -> inspect.Signature:
        signature = inspect.signature(self.__wrapped__)  # type: ignore[attr-defined]
        gone = self._dropped.union(self._added)
        kept = [each for each in signature.parameters.values() if each.name not in gone]
        extra = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=d) for n, d in self._added.items()]
        return signature.replace(parameters=[*kept, *extra])


def _signed(function: Callable[..., Any], older: Callable[..., Any], added: dict[str, Any], dropped: set[str]) -> Any:
    return _Signed(function, older, added, dropped)


def ignoring(function: F, *names: str) -> F:
    """`function` with attributes that mean nothing, such as `consumed_inputs`."""

    def older(*inputs: Any, **attributes: Any) -> Any:
        return function(*inputs, **{n: v for n, v in attributes.items() if n not in names})

    return _signed(function, older, dict.fromkeys(names), set())


def consuming(function: F) -> F:
    """`function` as of opset 1, when `consumed_inputs` asked for work in place."""
    return ignoring(function, "consumed_inputs")


def without(function: F, *names: str) -> F:
    """`function` before its parameters `names` were added."""

    def older(*inputs: Any, **attributes: Any) -> Any:
        for name in names:
            if name in attributes:
                raise TypeError(f"{function.__name__}: unexpected attribute {name!r} at this opset")
        return function(*inputs, **attributes)

    return _signed(function, older, {}, set(names))


def defaulting(function: F, **defaults: Any) -> F:
    """`function` with other defaults of its attributes."""

    def older(*inputs: Any, **attributes: Any) -> Any:
        return function(*inputs, **{**defaults, **attributes})

    return _signed(function, older, defaults, set())


def axes_attribute(function: F, required: bool = False) -> F:
    """`function(data, axes)` of the opsets where `axes` was an attribute."""

    def older(data: Any, *, axes: Any = None, **attributes: Any) -> Any:
        return function(data, None if axes is None else np.asarray(axes, np.int64), **attributes)

    missing = inspect.Parameter.empty if required else None
    return _signed(function, older, {"axes": missing}, {"axes"})


def placed(a: np.ndarray, b: np.ndarray, axis: int | None, broadcast: int, where: str) -> np.ndarray:
    """`b` in a shape that broadcasts to `a`, by the rule of opsets 1 to 6.

    b's sizes are those of a from `axis` on, or 1. Source: ai.onnx Add-6.
    """
    if a.shape == b.shape:
        return b
    if not broadcast:
        raise ValueError(
            f"{where}: expected inputs of one shape, got {list(a.shape)} and {list(b.shape)}; set broadcast=1"
        )
    if b.size == 1 and b.ndim <= a.ndim:
        return b.reshape(())
    start = a.ndim - b.ndim if axis is None else axis + a.ndim if axis < 0 else axis
    part = a.shape[start : start + b.ndim]
    if start < 0 or len(part) != b.ndim or any(y not in (1, x) for x, y in zip(part, b.shape, strict=True)):
        raise ValueError(
            f"{where}: expected the second shape to be a part of {list(a.shape)} from axis {start}, got {list(b.shape)}"
        )
    return b.reshape(b.shape + (1,) * (a.ndim - start - b.ndim))


def aligned(function: F) -> F:
    """`function` of two inputs as of opset 6, which broadcast the second along `axis` where `broadcast` is 1."""

    def older(a: np.ndarray, b: np.ndarray, *, axis: int | None = None, broadcast: int = 0) -> Any:
        return function(a, placed(a, b, axis, broadcast, function.__name__))

    return _signed(function, older, {"axis": None, "broadcast": 0}, set())

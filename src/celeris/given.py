"""What SessionOptions put into a model before it is checked: tensors in the place of its own, sizes of dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from celeris.errors import error
from celeris.graph.types import Tensor
from celeris.options import SessionOptions
from celeris.records import replace

if TYPE_CHECKING:
    from celeris.graph.graph import Model


def replace_initializers(model: Model, options: SessionOptions) -> None:
    """Puts the tensors of `add_initializer` and `add_external_initializers` in the place of the model's own."""
    graph = model.graph
    for name, array in {**options._external, **options._initializers}.items():
        if name not in graph.initializers:
            continue
        own = graph.initializers[name]
        if isinstance(own, np.ndarray) and (own.dtype != array.dtype or own.shape != array.shape):
            raise error(
                "INVALID_ARGUMENT",
                f"initializer '{name}': expected {own.dtype} {list(own.shape)} as in the model, "
                f"got {array.dtype} {list(array.shape)}",
            )
        graph.initializers[name] = array


def sizes_by_name(model: Model, size_of: Mapping[str, int]) -> dict[str, int]:
    """Overrides by denotation as overrides by name; a dimension without a name is fixed in the input's type."""
    found: dict[str, int] = {}
    for name, denotations in model.graph.denotations.items():
        type_ = model.graph.types.get(name)
        shape = list(type_.shape or ()) if isinstance(type_, Tensor) else []
        for axis, denotation in enumerate(denotations[: len(shape)]):
            if denotation in size_of:
                dim = shape[axis]
                if isinstance(dim, str):
                    found[dim] = size_of[denotation]
                elif dim is None:
                    shape[axis] = size_of[denotation]
        if isinstance(type_, Tensor):
            model.graph.types[name] = replace(type_, shape=tuple(shape) if shape else type_.shape)
    return found

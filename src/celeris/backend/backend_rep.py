"""A prepared model, as the onnx package's backend interface has it."""

from __future__ import annotations

from typing import Any

from celeris.options import RunOptions
from celeris.session import InferenceSession

_NOT_PERMITTED = {"terminate"}  # it would end other callers' runs


def set_options(options: Any, given: dict[str, Any], refused: set[str], kind: str) -> None:
    """Sets those attributes that the options have; RuntimeError for one that callers of a backend may not set."""
    for name, value in given.items():
        if name in refused:
            raise RuntimeError(
                f"{kind} attribute '{name}' is not permitted via the backend API; use InferenceSession instead."
            )
        if hasattr(options, name):
            setattr(options, name, value)


class OnnxRuntimeBackendRep:
    """A session behind the backend interface."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    def run(self, inputs: Any, **kwargs: Any) -> list[Any]:
        """All outputs: `inputs` is a list with one array an input, or the only input itself."""
        options = RunOptions()
        set_options(options, kwargs, _NOT_PERMITTED, "RunOptions")
        names = [each.name for each in self._session.get_inputs()]
        if isinstance(inputs, list):
            feed = dict(zip(names, inputs, strict=False))
        else:
            if len(names) != 1:
                raise RuntimeError(f"Model expect {len(names)} inputs")
            feed = {names[0]: inputs}
        results: list[Any] = self._session.run(None, feed, options)
        return results

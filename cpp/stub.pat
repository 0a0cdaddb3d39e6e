_core\.__suffix__:
    \from typing import Any, TypeVar
    _R = TypeVar("_R")
    class SessionBase:
        """The native part of a session."""
        def run(
            self, output_names: Any, input_feed: Any, run_options: Any = None
        ) -> list[Any]: ...
        def _connect(
            self,
            program: Program,
            inputs: list[tuple[str, int, tuple[int, ...] | None]],
            outputs: list[str],
            threads: int,
        ) -> None: ...
        def _run_native(self, output_names: Any, input_feed: Any) -> list[Any] | None: ...
        def _disconnect(self) -> None: ...
    class RecordBase:
        """The native part of a record."""
        def __init__(self, *values: Any, **named: Any) -> None: ...
_core\.replace:
    def replace(record: _R, **changes: Any) -> _R:
        """A copy in which some values are others."""

"""External data: tensors in files beside the model, mapped into memory.

A path must stay within the model's folder: relative, no '..', no link that leads out of it. The folder that a linked
model file really lies in counts too, since download caches keep model and data as links into one folder. Every step of
the resolved path is opened without following links, so nothing can be swapped between the check and the use.
"""

from __future__ import annotations

import os
import stat

import numpy as np

from celeris.reader.errors import ReadError
from celeris.reader.wire import Message
from celeris.records import Record, field

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)
_STEPWISE = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


class Folder(Record):
    """Where a model's external data may lie. `model` is the model file, or None for the working directory."""

    model: str | None = None
    _maps: dict[str, np.ndarray] = field(default_factory=dict)

    def read(self, entries: list[Message], size: int, name: str) -> np.ndarray:
        """The `size` bytes of tensor `name` that the key-value pairs of TensorProto.external_data describe, uint8."""
        keys = {entry.get("key", ""): entry.get("value", "") for entry in entries}
        if "location" not in keys:
            raise ReadError("external", "model format error! Missing 'location'")
        location = keys["location"]
        if not location:
            raise ReadError("external", "model format error! External data location cannot be empty")
        offset = _number(keys.get("offset", "0"), "offset", name)
        if "length" in keys and (length := _number(keys["length"], "length", name)) != size:
            raise ReadError(
                "external",
                f"TensorProto: {name} external data size mismatch. Computed size: {size}, "
                f"external_data.length: {length}",
            )
        if location not in self._maps:
            self._maps[location] = self._map(location, name)
        data = self._maps[location]
        if offset + size > len(data):
            raise ReadError(
                "external",
                f"External initializer: {name} offset: {offset} size to read: {size} given file_length: {len(data)} "
                "are out of bounds or can not be read in full.",
            )
        return data[offset : offset + size]

    def _map(self, location: str, name: str) -> np.ndarray:
        import mmap

        root, parts = self._resolve(location, name)
        try:
            descriptor = _open(root, parts)
        except OSError as error:
            raise _refusal(name, f"cannot open {location!r}: {error.strerror}") from error
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise _refusal(name, f"Random-access reads require a regular file: {location!r}")
            if found.st_nlink > 1:
                raise _refusal(name, f"External data file has more than one hard link: {location!r}; copy it")
            if not found.st_size:
                return np.empty(0, np.uint8)
            return np.frombuffer(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ), np.uint8)
        except (OSError, ValueError) as error:
            raise _refusal(name, f"cannot map {location!r}: {error}") from error
        finally:
            os.close(descriptor)

    def _resolve(self, location: str, name: str) -> tuple[str, list[str]]:
        """The folder that holds the file, and the steps from there, free of links."""
        if location.startswith(("/", "\\")) or os.path.isabs(location) or os.path.splitdrive(location)[0]:
            raise _refusal(name, "Absolute path not allowed for external data location")
        beside = os.path.dirname(self.model) if self.model else ""
        folder = os.path.realpath(beside or os.curdir)
        if "\0" in location or ".." in location.replace("\\", "/").split("/"):
            raise _escape(name, location, os.path.normpath(os.path.join(folder, location)), folder)
        try:
            path = os.path.realpath(os.path.join(folder, location))
        except (OSError, ValueError) as error:
            raise _refusal(name, f"cannot resolve {location!r}: {error}") from error
        roots = [folder]
        if self.model:
            roots.append(os.path.dirname(os.path.realpath(self.model)))
        for root in roots:
            if path.startswith(root.rstrip(os.sep) + os.sep):
                if not os.path.lexists(path):
                    raise _refusal(name, f'External data path does not exist: "{path}"')
                return root, os.path.relpath(path, root).split(os.sep)
        raise _escape(name, location, path, roots[-1])


def _open(root: str, parts: list[str]) -> int:
    if not _STEPWISE:
        return os.open(os.path.join(root, *parts), _FLAGS)
    # the root is resolved; only what lies below it is the model's to name
    at = os.open(root, _FLAGS & ~os.O_NOFOLLOW)
    for part in parts:
        try:
            inner = os.open(part, _FLAGS, dir_fd=at)
        finally:
            os.close(at)
        at = inner
    return at


def _number(text: str, key: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 19):
        raise ReadError(
            "external", f"External initializer: {name}: expected a whole number as {key}, got {text[:40]!r}"
        )
    return int(text)


def _refusal(name: str, text: str) -> ReadError:
    return ReadError("external", f"External data path validation failed for initializer: {name}. Error: {text}")


def _escape(name: str, location: str, path: str, folder: str) -> ReadError:
    return _refusal(
        name,
        f'External data path escapes model directory. External data path: "{location}" resolved path: "{path}" '
        f'allowed directory: "{folder}"',
    )

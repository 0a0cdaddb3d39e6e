"""The `providers` and `provider_options` that a session is asked for: checked, and brought to one form."""

from __future__ import annotations

import collections.abc
import warnings
from collections.abc import Sequence
from typing import Any

from celeris.environment import ALL_PROVIDERS, AVAILABLE_PROVIDERS, CPU
from celeris.errors import advised

Wanted = Sequence[str | tuple[str, dict[Any, Any]]]


def check_and_normalize_provider_args(
    providers: Wanted | None,
    provider_options: Sequence[dict[Any, Any]] | None,
    available_provider_names: Sequence[str],
) -> tuple[list[str], list[dict[str, str]]]:
    """Names and options, in order, each name once. ValueError for another form; UserWarning for names not there."""
    if providers is None:
        return [], []
    if not hasattr(providers, "__iter__"):
        raise TypeError(f"providers: expected a list of names, got {providers!r}")
    if not isinstance(providers, collections.abc.Sequence):
        raise ValueError("'providers' should be a sequence.")
    result: dict[str, dict[str, str]] = {}
    for name, options in _pairs(providers, provider_options):
        if name not in available_provider_names:
            warnings.warn(
                f"Specified provider '{name}' is not in available provider names."
                f"Available providers: '{', '.join(available_provider_names)}'",
                stacklevel=3,
            )
        if name in result:
            warnings.warn(f"Duplicate provider '{name}' encountered, ignoring.", stacklevel=3)
            continue
        result[name] = {str(key): str(value) for key, value in options.items()}
    return list(result), list(result.values())


def _pairs(providers: Wanted, provider_options: Any) -> list[tuple[str, dict[Any, Any]]]:
    if provider_options is None:
        pairs = []
        for wanted in providers:
            pair = (wanted, {}) if isinstance(wanted, str) else wanted
            if not (
                isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], dict)
            ):
                raise ValueError("'providers' values must be either strings or (string, dict) tuples.")
            pairs.append(pair)
        return pairs
    if not isinstance(provider_options, collections.abc.Sequence):
        raise ValueError("'provider_options' should be a sequence.")
    if len(providers) != len(provider_options):
        raise ValueError("'providers' and 'provider_options' should be the same length if both are given.")
    if not all(isinstance(wanted, str) for wanted in providers):
        raise ValueError("Only string values for 'providers' are supported if 'provider_options' is given.")
    if not all(isinstance(options, dict) for options in provider_options):
        raise ValueError("'provider_options' values must be dicts.")
    return [(str(wanted), options) for wanted, options in zip(providers, provider_options, strict=True)]


def in_use(names: Sequence[str]) -> list[str]:
    """The providers of a session asked for `names`: those that are there, the CPU always; RuntimeError if unknown."""
    for name in names:
        if name not in ALL_PROVIDERS:
            problem = RuntimeError(f"Unknown Provider Type: {name}")
            raise advised(problem, "leave providers out, or say providers=['CPUExecutionProvider']")
    found = [name for name in names if name in AVAILABLE_PROVIDERS]
    return found if CPU in found else [*found, CPU]

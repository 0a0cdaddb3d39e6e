"""What operators there are, in the form of onnxruntime's `get_all_operator_schema` and `get_all_opkernel_def`."""

from __future__ import annotations

from typing import Any

from celeris.environment import CPU
from celeris.records import Record

_LAST = 2**31 - 1  # end of the range of versions that is still open


class OpSchema(Record):
    """One definition of an operator."""

    name: str
    domain: str
    since_version: int
    deprecated: bool
    doc: str


class KernelDef(Record):
    """Versions of an operator that the CPU provider runs."""

    op_name: str
    domain: str
    version_range: tuple[int, int]
    provider: str
    type_constraints: dict[str, list[str]]


def _operators() -> list[Any]:
    from celeris import ops

    return [op for families in ops.FAMILIES.values() for family in families for op in ops._family(family)]


def get_all_operator_schema() -> list[OpSchema]:
    """Every definition of every operator; reading it imports all of them."""
    return [
        OpSchema(op.name, op.domain, op.since, op.deprecated, (op.function.__doc__ or "").strip())
        for op in _operators()
    ]


def get_all_opkernel_def() -> list[KernelDef]:
    """Every operator that can be run, with its range of versions."""
    rows: list[KernelDef] = []
    by_name: dict[tuple[str, str], list[Any]] = {}
    for op in _operators():
        by_name.setdefault((op.domain, op.name), []).append(op)
    for (domain, name), versions in by_name.items():
        versions.sort(key=lambda op: op.since)
        for op, after in zip(versions, [*versions[1:], None], strict=True):
            if not op.deprecated:
                rows.append(KernelDef(name, domain, (op.since, after.since - 1 if after else _LAST), CPU, {}))
    return rows


def get_registered_ep_kernel_defs(ep_name: str) -> list[KernelDef]:
    """The kernels of a provider: all of the CPU's, none of others."""
    return get_all_opkernel_def() if ep_name == CPU else []

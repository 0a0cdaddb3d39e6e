"""Writes src/celeris/ops/schemas.txt: the facts of operator schemas, from the installed onnx and onnxruntime packages.

ONNX's operators come from onnx. Those of com.microsoft, and what onnxruntime adds to ONNX's own domain and Celeris
knows too, come from onnxruntime.

The form is described where it is read, in src/celeris/ops/schema.py.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
from onnx import defs
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

TARGET = Path(__file__).parent.parent / "src/celeris/ops/schemas.txt"
DOMAINS = ("", "ai.onnx.ml")
ADDED = {("", "SimplifiedLayerNormalization")}  # in ONNX's domain, but onnxruntime's own


def parameter(formal: Any) -> str:
    """name:type, and how it may be given. onnxruntime's binding spells the fields otherwise."""
    ending, option = "", str(formal.option).rpartition(".")[2]
    if option == "Optional":
        ending = "?"
    elif option == "Variadic":
        homogeneous = formal.is_homogeneous if hasattr(formal, "is_homogeneous") else formal.isHomogeneous
        ending = f"{'*' if homogeneous else '%'}{getattr(formal, 'min_arity', 1)}"
    return f"{formal.name}:{spelled(formal.type_str if hasattr(formal, 'type_str') else formal.typeStr)}{ending}"


def spelled(type_: str) -> str:
    """The type as celeris.graph.types spells it: map(int64, float) -> map(int64,tensor(float))."""
    return re.sub(r"map\((\w+), (\w+)\)", r"map(\1,tensor(\2))", type_)


def line(schema: Any, sets: dict[str, int]) -> str:
    """One version of an operator."""
    kinds = (" ".join(sorted(map(spelled, c.allowed_type_strs))) for c in schema.type_constraints)
    numbers = [sets.setdefault(each, len(sets)) for each in kinds]
    constraints = [f"{c.type_param_str}={n}" for c, n in zip(schema.type_constraints, numbers, strict=True)]
    attributes = [
        f"{a.name}={str(a.type).rpartition('.')[2]}{'!' if a.required else ''}"
        for _, a in sorted(schema.attributes.items())
    ]
    arity = f"{schema.min_input},{schema.max_input},{schema.min_output},{schema.max_output}".replace(str(2**31 - 1), "")
    parts = [
        f"{schema.since_version}{'-' if schema.deprecated else ''}",
        arity,
        " ".join(map(parameter, schema.inputs)),
        " ".join(map(parameter, schema.outputs)),
        " ".join(constraints),
        " ".join(attributes),
    ]
    return "|".join(parts)


def main(target: Path) -> None:
    """Writes the file."""
    sets: dict[str, int] = {}
    versions: dict[tuple[str, str], list[Any]] = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain in DOMAINS:
            versions.setdefault((schema.domain, schema.name), []).append(schema)
    for schema in get_all_operator_schema():
        if schema.domain == "com.microsoft" or (schema.domain, schema.name) in ADDED:
            versions.setdefault((schema.domain, schema.name), []).append(schema)
    blocks = []
    for (domain, name), schemas in sorted(versions.items()):
        lines = [line(each, sets) for each in sorted(schemas, key=lambda s: s.since_version)]
        blocks.append("\n".join([f"@{domain}:{name}", *lines]))
    tables = [f"#{number} {kinds}" for kinds, number in sets.items()]
    head = f"onnx {onnx.__version__} onnxruntime {onnxruntime.__version__}"
    target.write_text("\n".join([head, *blocks, "@", *tables, ""]), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)

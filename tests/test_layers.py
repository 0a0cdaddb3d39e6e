"""Imports run one way, downwards, as docs/architecture.md says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import celeris

ROOT = Path(celeris.__file__).parent
# What a part may import of the package, besides itself. A part that is not listed is a face: it may import everything.
ALLOWED: dict[str, set[str]] = {
    "graph": {"ops"},  # check and infer read operators' facts
    "reader": {"graph", "_core"},
    "writer": {"graph", "reader"},
    "ops": {"graph", "_core"},  # the nodes of large forests are numbered by the core
    "node_errors": set(),
    "blas": set(),
    "interpret": {"graph", "ops", "node_errors"},
    "passes": {"graph", "ops", "interpret"},
    "providers": {"graph", "ops", "interpret", "_core"},  # what a kernel does depends on the instruction set
    "plan": {"graph", "ops", "interpret", "passes", "providers", "blas", "_core"},
}


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found.update(name.split(".")[1] for name in names if name.startswith("celeris."))
    return found


def _part(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_what_is_below_it(part: str) -> None:
    files = [path for path in ROOT.rglob("*.py") if _part(path) == part]
    assert files, f"no files for {part}"
    for path in files:
        beyond = _imports(path) - ALLOWED[part] - {part, "records"}
        assert not beyond, f"{path.relative_to(ROOT)} imports {sorted(beyond)}"


def test_operators_know_no_graphs() -> None:
    for path in (ROOT / "ops").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "celeris.graph.graph" not in text, f"{path.name} imports graphs"


# Faces that are imported only where a library is in use, and what each may import of it.
FACES = {
    "frames/pandas.py": {"pandas"},
    "frames/polars.py": {"polars"},
    "frames/arrow.py": {"pyarrow"},
    "sklearn.py": {"sklearn"},
    "explain/plots.py": {"matplotlib"},
    "validation/report.py": {"matplotlib"},
    "cli/validate.py": {"pyarrow", "skops"},
    "cli/tables.py": {"pyarrow"},
    "cli/arrow_rows.py": {"pyarrow"},
    "cli/csv_rows.py": {"pyarrow"},
    "cli/bench.py": {"matplotlib"},
    "cli/pictures.py": {"matplotlib"},
    "cli/profile.py": {"matplotlib"},
    "cli/progress.py": {"rich"},
    "cli/writing.py": {"pyarrow"},
}


def test_no_third_party_imports_at_run_time() -> None:
    import sys

    for path in ROOT.rglob("*.py"):
        permitted = {"numpy", "ml_dtypes", "PIL", "celeris"} | FACES.get(path.relative_to(ROOT).as_posix(), set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module]
                if isinstance(node, ast.ImportFrom) and node.module
                else []
            )
            for module in modules:
                top = module.split(".")[0]
                assert top in permitted or top in sys.stdlib_module_names, f"{path.relative_to(ROOT)} imports {module}"


def test_faces_are_imported_only_when_met() -> None:
    import subprocess
    import sys

    libraries = "('pandas', 'polars', 'pyarrow', 'sklearn')"
    code = f"import sys, celeris, celeris.frames; print([m for m in {libraries} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

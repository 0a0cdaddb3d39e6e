"""The command `celeris`: help, version, exit codes; the demo."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import celeris
from celeris.cli import COMMANDS
from tests.cli.runs import piped, run

Capsys = pytest.CaptureFixture[str]


def test_help_lists_every_command(capsys: Capsys) -> None:
    done = run(capsys, "--help")
    assert done.code == 0
    for name in COMMANDS:
        assert f"\n    {name} " in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command(capsys: Capsys, name: str) -> None:
    done = run(capsys, name, "--help")
    assert done.code == 0 and done.out.startswith(f"usage: celeris {name}") and done.err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_module_says(name: str) -> None:
    first_line = (import_module(f"celeris.cli.{name}").__doc__ or "").splitlines()[0]
    assert first_line.rstrip(".") == COMMANDS[name]


def test_a_command_imports_no_other() -> None:
    code = "import sys; from celeris.cli import main; main(['predict', 'no.onnx', 'no.csv']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert "celeris.cli.predict" in loaded and not {"celeris.cli.bench", "celeris.explain"}.intersection(loaded)


def test_version(capsys: Capsys) -> None:
    assert run(capsys, "--version").out == f"celeris {celeris.__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("predict",), ("predict", "m", "d", "--bad", "x")])
def test_wrong_calls(capsys: Capsys, arguments: tuple[str, ...]) -> None:
    done = run(capsys, *arguments)
    assert done.code == 2 and done.out == "" and "usage: celeris" in done.err


def test_demo(capsys: Capsys) -> None:
    done = run(capsys, "demo")
    assert done.code == 0 and done.err == ""
    assert "labels right: 146 of 150" in done.out and "one row" in done.out


def test_as_a_process() -> None:
    done = piped("predict", "no.onnx", "no.csv")
    assert done.returncode == 2 and done.stdout == b"" and done.stderr.count(b"\n") == 1


def test_a_reader_that_leaves_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m celeris demo | head -1", shell=True, capture_output=True, check=True, text=True
    )
    assert done.stdout.startswith("celeris demo") and done.stderr == ""

"""What compilers made of a model, kept in bench/zoo/compiled/. Each compilation is a process, ended after a while.

`python -m bench.peers.compiled PEER MODEL FILE` is that process: it calls `compile(entry, path)` of the peer's file.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from bench.peers import PEERS, Unable
from bench.zoo import FOLDER, Entry, load

_LARGEST = 5e6
_SECONDS = float(os.environ.get("BENCH_COMPILE_SECONDS", "120"))


def compiled(peer: str, entry: Entry, suffix: str) -> Path:
    """The file or folder that the peer compiled; how it ended is remembered if it ended badly."""
    path = FOLDER / "compiled" / peer / f"{entry.name}{suffix}"
    fault = path.with_name(f"{entry.name}.fault")
    if len(entry.onnx) > _LARGEST:
        raise Unable(f"not compiled: a file of {len(entry.onnx) / 1e6:.0f} MB would take it too long")
    if fault.exists():
        raise Unable(fault.read_text())
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        if why := _compile(peer, entry.name, path):
            _remove(_partial(path))
            fault.write_text(why)
            raise Unable(why)
    return path


def _partial(path: Path) -> Path:
    return path.with_name(f"partial.{path.name}")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _compile(peer: str, model: str, path: Path) -> str:
    print(f"compiling {model} by {peer} ...", file=sys.stderr)
    partial = _partial(path)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.peers.compiled", peer, model, str(partial)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        _, errors = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the compiler's own processes too
        process.communicate()
        return f"did not compile within {_SECONDS:.0f} s"
    if process.returncode == 0 and partial.exists():
        partial.rename(path)
        return ""
    last = (errors.strip().splitlines() or [f"ended with {process.returncode}"])[-1]
    return f"did not compile: {last[:200]}"


if __name__ == "__main__":
    import_module(f"bench.peers.{PEERS[sys.argv[1]]}").compile(load(sys.argv[2]), Path(sys.argv[3]))

"""Sessions in threads, children, pickles and copies; what they leave behind."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import celeris
from tests.models import zoo


@pytest.fixture(scope="module")
def model() -> zoo.Trained:
    return zoo.classifier("random forest", 3)


def answers(session: celeris.InferenceSession, rows: np.ndarray) -> tuple[bytes, bytes]:
    label, scores = session.run(None, {"X": rows})
    return label.tobytes(), scores.tobytes()


def test_many_threads_call_one_session(model: zoo.Trained) -> None:
    session = celeris.InferenceSession(model.onnx)
    rows = np.tile(model.rows, (20, 1))
    sizes = [1, 2, 100, 4000]
    expected = {n: answers(session, rows[:n]) for n in sizes}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: (sizes[i % 4], answers(session, rows[: sizes[i % 4]])), range(200)))
    assert all(found_ == expected[n] for n, found_ in found)


def test_sessions_are_made_in_many_threads(model: zoo.Trained) -> None:
    expected = answers(celeris.InferenceSession(model.onnx), model.rows)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: answers(celeris.InferenceSession(model.onnx), model.rows), range(24)))
    assert set(made) == {expected}


def test_pickle_and_copies(model: zoo.Trained, tmp_path: Path) -> None:
    options = celeris.SessionOptions()
    options.intra_op_num_threads = 1
    path = tmp_path / "m.onnx"
    path.write_bytes(model.onnx)
    for source in (model.onnx, str(path)):
        session = celeris.InferenceSession(source, options, disabled_optimizers=["ConstantFolding"])
        session.note = "mine"
        for again in (pickle.loads(pickle.dumps(session)), copy.deepcopy(session), copy.copy(session)):
            assert answers(again, model.rows) == answers(session, model.rows)
            assert again.note == "mine"
            assert again.get_session_options().intra_op_num_threads == 1
            assert [str(n) for n in again.get_inputs()] == [str(n) for n in session.get_inputs()]


def test_a_pickle_outlives_the_file(model: zoo.Trained, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(model.onnx)
    data = pickle.dumps(celeris.InferenceSession(str(path)))
    path.unlink()
    assert answers(pickle.loads(data), model.rows) == answers(celeris.InferenceSession(model.onnx), model.rows)


def in_child(session: celeris.InferenceSession, rows: np.ndarray) -> tuple[bytes, bytes]:
    return answers(session, rows)


def test_spawned_children(model: zoo.Trained) -> None:
    session = celeris.InferenceSession(model.onnx)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = [pool.submit(in_child, session, model.rows).result(timeout=60) for _ in range(2)]
    assert found == [answers(session, model.rows)] * 2


def test_forked_children_run_the_parents_session(model: zoo.Trained) -> None:
    """As gunicorn's workers do with preload; the parent's pool has run, and runs while it forks."""
    session = celeris.InferenceSession(model.onnx)
    rows = np.tile(model.rows, (40, 1))
    expected = answers(session, rows)
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            session.run(None, {"X": rows})

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(4):
            child = os.fork()
            if not child:  # only what is async-safe, and what is tested
                code = 1
                try:
                    code = 0 if answers(session, rows) == expected else 2
                finally:
                    os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        thread.join()


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


def test_the_interpreter_ends_with_live_sessions(model: zoo.Trained, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(model.onnx)
    code = f"""
import celeris, numpy, threading
sessions = [celeris.InferenceSession({str(path)!r}) for _ in range(3)]
x = numpy.zeros((5000, 6), numpy.float32)
def loop():
    while True:
        sessions[0].run(None, {{"X": x}})
threading.Thread(target=loop, daemon=True).start()
print(len(sessions[1].run(None, {{"X": x}})[0]))
"""
    done = run_python(code)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "5000", "")


def threads_of_process() -> int:
    return len(os.listdir("/proc/self/task")) if Path("/proc/self/task").exists() else threading.active_count()


def resident() -> int:
    """Bytes of memory in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc, which Linux alone has")
def test_sessions_leave_nothing_behind(model: zoo.Trained) -> None:
    def once() -> None:
        celeris.InferenceSession(model.onnx).run(None, {"X": model.rows})

    for _ in range(20):
        once()
    gc.collect()
    memory, threads = resident(), threads_of_process()
    for _ in range(150):
        once()
    gc.collect()
    assert threads_of_process() == threads
    assert resident() - memory < 4 << 20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc, which Linux alone has")
def test_runs_leave_nothing_behind() -> None:
    """Whatever the sizes of batches; strings and dicts, too."""
    trained = zoo.classifier("logistic", 3, "str", zipmap=True)
    session = celeris.InferenceSession(trained.onnx)
    rng = np.random.default_rng(0)

    def once() -> None:
        session.run(None, {"X": trained.rows[: rng.integers(0, 200)]})

    for _ in range(500):
        once()
    memory = resident()
    for _ in range(5000):
        once()
    assert resident() - memory < 2 << 20


def test_an_idle_pool_uses_no_time(model: zoo.Trained) -> None:
    import time

    session = celeris.InferenceSession(model.onnx)
    session.run(None, {"X": np.tile(model.rows, (40, 1))})
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.05


@pytest.mark.parametrize("isa", ["baseline", "sse9", "AVX2"])
def test_instruction_sets_are_chosen_by_name(isa: str) -> None:
    done = run_python("import celeris; print(celeris.build_info()['instruction_set'])", CELERIS_ISA=isa)
    if isa == "baseline":
        assert done.stdout.strip() == "baseline"
    else:
        assert done.returncode != 0 and f"got '{isa}'" in done.stderr


def test_every_instruction_set_gives_the_same_bits(model: zoo.Trained, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", model.rows)
    for name, trained in (("forest", model), ("linear", zoo.classifier("scaler and logistic", 2))):
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(trained.onnx)
        code = f"""
import celeris, hashlib, numpy
out = celeris.InferenceSession({str(path)!r}).run(None, {{"X": numpy.load({str(tmp_path / "x.npy")!r})}})
print(celeris.build_info()["instruction_set"], hashlib.sha256(b"".join(o.tobytes() for o in out)).hexdigest())
"""
        found = [run_python(code, CELERIS_ISA=isa).stdout.split() for isa in celeris.build_info()["supported"]]
        assert [isa for isa, _ in found] == list(celeris.build_info()["supported"])
        assert len({digest for _, digest in found}) == 1


def test_import_is_quiet_and_light() -> None:
    """No network, no heavy modules, nothing printed."""
    code = """
import sys, celeris
heavy = {"socket", "ssl", "asyncio", "pandas", "onnx", "google", "urllib.request", "http.client", "ml_dtypes", "multiprocessing"}
print(sorted(heavy & set(sys.modules)))
"""
    done = run_python(code)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")

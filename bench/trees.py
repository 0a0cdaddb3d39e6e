"""Which tree algorithm wins where? `python -m bench.trees`: sets the numbers in providers/native/trees.py.

Random ensembles of 100 trees over 30 features, by leaves a tree and rows a call, one thread: nanoseconds a tree and row
by bit vectors, by lanes (a dash where the instruction set or the trees have none) and by walks, and onnxruntime's. The
last column names the fastest.
"""

from __future__ import annotations

import argparse
import statistics
from time import perf_counter_ns
from typing import Any

import numpy as np

import celeris
from celeris.providers.native import trees as rule

_TREES, FEATURES = 100, 30
LEAVES = (4, 8, 16, 32, 64, 128, 200, 256, 512, 2048)
ROWS = (1, 2, 4, 8, 12, 16, 24, 32, 64, 100, 256, 512, 1000)


def ensemble(leaves: int, seed: int = 0, *, trees: int = _TREES, complete: bool = False) -> bytes:
    """A regressor whose trees grow at random leaves, as leaf-wise boosting makes them, or level by level."""
    from onnx import TensorProto, helper

    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {n: [] for n in ("tree", "node", "mode", "feature", "value", "true", "false")}
    leaf: dict[str, list[Any]] = {n: [] for n in ("tree", "node", "weight")}
    for tree in range(trees):
        sides: list[tuple[int, int] | None] = [None]
        while len(sides) < 2 * leaves - 1:
            at = (len(sides) - 1) // 2 if complete else int(rng.integers(len(sides)))
            if sides[at] is None:
                sides[at] = (len(sides), len(sides) + 1)
                sides += [None, None]
        for node, pair in enumerate(sides):
            columns["tree"].append(tree)
            columns["node"].append(node)
            columns["mode"].append("LEAF" if pair is None else "BRANCH_LEQ")
            columns["feature"].append(int(rng.integers(FEATURES)))
            columns["value"].append(float(rng.integers(-120, 120)) / 60)
            columns["true"].append(pair[0] if pair else 0)
            columns["false"].append(pair[1] if pair else 0)
            if pair is None:
                leaf["tree"].append(tree)
                leaf["node"].append(node)
                leaf["weight"].append(float(rng.normal()))
    node_ = helper.make_node(
        "TreeEnsembleRegressor", ["X"], ["Y"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=columns["tree"], nodes_nodeids=columns["node"], nodes_modes=columns["mode"],
        nodes_featureids=columns["feature"], nodes_values=columns["value"], nodes_truenodeids=columns["true"],
        nodes_falsenodeids=columns["false"], target_treeids=leaf["tree"], target_nodeids=leaf["node"],
        target_ids=[0] * len(leaf["tree"]), target_weights=leaf["weight"],
    )  # fmt: skip
    graph = helper.make_graph(
        [node_], "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, FEATURES])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 1])],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)])
    made.ir_version = 8
    return bytes(made.SerializeToString())


def session(onnx: bytes, bit_rows: int, leaves: int = 1 << 30) -> celeris.InferenceSession:
    """A session whose trees are bit vectors from so many rows on, below that lanes, or always walks beyond `leaves`."""
    kept = rule.BIT_ROWS, rule.BIT_LEAVES
    rule.BIT_ROWS, rule.BIT_LEAVES = dict.fromkeys(kept[0], ((1 << 30, bit_rows),)), leaves
    try:
        options = celeris.SessionOptions()
        options.intra_op_num_threads = 1
        return celeris.InferenceSession(onnx, options)
    finally:
        rule.BIT_ROWS, rule.BIT_LEAVES = kept


def main() -> None:
    """A line for each number of leaves and rows."""
    import onnxruntime

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("leaves", nargs="*", type=int)
    parser.add_argument("--seconds", type=float, default=0.2)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    print("leaves   rows   bits ns  lanes ns  walks ns    ort ns  fastest   (a tree and row; medians)")
    for leaves in arguments.leaves or LEAVES:
        lanes = leaves <= rule.LANE_LEAVES.get(celeris.build_info()["instruction_set"], 0)
        onnx = ensemble(leaves)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        theirs = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        sessions: list[Any] = [session(onnx, 1), session(onnx, 0, 0), theirs]
        if lanes:
            sessions.append(session(onnx, 1 << 30))
        for rows in ROWS:
            feeds = [{"X": rng.normal(size=(rows, FEATURES)).astype(np.float32)} for _ in range(max(1, 64 // rows))]
            times = _times(sessions, feeds, arguments.seconds)
            each = [statistics.median(t) / rows / _TREES / len(feeds) for t in times]
            found = dict(zip(("bits", "walks", "theirs", "lanes"), each, strict=False))
            shown = [
                f"{found[name]:9.2f}" if name in found else f"{'-':>9}" for name in ("bits", "lanes", "walks", "theirs")
            ]
            print(f"{leaves:6} {rows:6}", *shown, f"{min(found, key=found.__getitem__):>8}", flush=True)


def _times(sessions: list[Any], feeds: list[dict[str, np.ndarray]], seconds: float) -> list[list[int]]:
    times: list[list[int]] = [[] for _ in sessions]
    end = perf_counter_ns() + seconds * 1e9
    while len(times[0]) < 3 or perf_counter_ns() < end:
        for each, into in zip(sessions, times, strict=True):
            start = perf_counter_ns()
            for feed in feeds:
                each.run(None, feed)
            into.append(perf_counter_ns() - start)
    return times


if __name__ == "__main__":
    main()

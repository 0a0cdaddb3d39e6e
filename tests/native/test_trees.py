"""Tree ensembles: the native tier against the reference tier, bit for bit, over random ensembles of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celeris.graph.graph import Attribute, Graph, Model, Node
from celeris.graph.infer import infer
from celeris.graph.types import Tensor
from celeris.plan.compile import compile_model
from celeris.plan.plan import PipelineStep
from celeris.writer import write
from tests.native.forests import MODES, ORDERED, ROWS, SPECIAL, Grown, check, model
from tests.native.tables import same

SHAPES = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**31),
        "trees": st.sampled_from([1, 2, 7, 8, 9, 30]),
        "depth": st.sampled_from([0, 1, 3, 5, 6, 8, 12]),
        "features": st.sampled_from([1, 3, 20]),
        "modes": st.sampled_from([["BRANCH_LEQ"], ["BRANCH_LT"], ORDERED, MODES, ["BRANCH_EQ"]]),
        "integers": st.booleans(),
    }
)


@settings(max_examples=15, deadline=None)
@given(
    SHAPES,
    st.sampled_from([("one", 1), ("some", 1), ("own", 3), ("all", 3), ("some", 4), ("repeated", 2)]),
    st.sampled_from(["SUM", "AVERAGE", "MIN", "MAX"]),
    st.sampled_from([np.float32, np.float64, np.int64]),
    st.booleans(),
    st.sampled_from(["none", "one", "each"]),
)
def test_regressors(shape: Any, weights: tuple[str, int], aggregate: str, dtype: type, double: bool, base: str) -> None:
    grown = Grown(**shape)
    per_leaf, targets = weights
    attributes = grown.attributes("target", per_leaf, targets, double)
    attributes["n_targets"] = Attribute("INT", targets)
    attributes["aggregate_function"] = Attribute("STRING", aggregate.encode())
    if base != "none":
        count = 1 if base == "one" else targets
        attributes["base_values"] = Attribute("FLOATS", grown.rng.normal(size=count).astype(np.float32))
    x = grown.table(max(ROWS), dtype)
    check(model("TreeEnsembleRegressor", attributes, x, ["y"]), x)


def test_a_large_forest_beside_trees_by_bit_vectors() -> None:
    """One pipeline, whose blocks are as long as the smaller of what both can take."""
    large, small = Grown(1, 100, 13, 1, ["BRANCH_LEQ"], False), Grown(2, 30, 4, 60, ["BRANCH_LEQ"], False)
    assert len(large.nodes) > 1 << 16 and max(tree for tree, *_ in small.nodes) == 29
    x = small.table(3000, np.float32)
    nodes = [
        Node("TreeEnsembleRegressor", ["x"], [out], attributes | {"n_targets": Attribute("INT", targets)}, "ai.onnx.ml")
        for out, targets, attributes in (
            ("y", 1, large.attributes("target", "one", 1, False)),
            ("z", 8, small.attributes("target", "all", 8, False)),
        )
    ]
    graph = Graph("g", ["x"], ["y", "z"], nodes, {}, {"x": Tensor("float", ("N", 60))})
    made = Model(graph, 8, {"": 18, "ai.onnx.ml": 3})
    infer(made)
    program = compile_model(made)
    assert [type(step) for step in program.plan.steps] == [PipelineStep], program.plan.reasons
    for mine, expected in zip(
        program.execute({"x": x}), compile_model(made, disabled=["native"]).execute({"x": x}), strict=True
    ):
        assert same(mine, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("per_leaf,aggregate", [("one", "SUM"), ("all", "AVERAGE"), ("some", "MIN")])
def test_the_tops_of_deep_trees(dtype: Any, per_leaf: str, aggregate: str) -> None:
    """Rows go down the first nodes by bit vectors, then walk: deep trees, beside one of a single leaf and one of few."""
    grown = Grown(5, 6, 11, 5, MODES, dtype is np.int64)
    for tree, depth in ((6, 0), (7, 2), (8, 12)):
        grown._count = 0
        grown._grow(tree, depth, depth)
    attributes = grown.attributes("target", per_leaf, 3, False)
    attributes |= {"n_targets": Attribute("INT", 3), "aggregate_function": Attribute("STRING", aggregate.encode())}
    x = grown.table(max(ROWS), dtype)
    check(model("TreeEnsembleRegressor", attributes, x, ["y"]), x)


@pytest.mark.parametrize("features", [7, 16, 17, 32, 33, 64, 65, 128, 129, 300])
@pytest.mark.parametrize("per_leaf,targets", [("one", 1), ("all", 3)])
def test_deep_trees_of_any_number_of_features(features: int, per_leaf: str, targets: int) -> None:
    """A row's keys in 2 or 8 registers, or too many; NaN goes left or right, or there is none."""
    grown = Grown(features, 30, 10, features, ORDERED, False)
    attributes = grown.attributes("target", per_leaf, targets, False) | {"n_targets": Attribute("INT", targets)}
    x = grown.table(max(ROWS), np.float32)
    made = model("TreeEnsembleRegressor", attributes, x, ["y"])
    check(made, x)
    check(made, np.nan_to_num(x))


@pytest.mark.parametrize("depth", [18, 19])
def test_a_tree_of_half_a_million_nodes(depth: int) -> None:
    """The second has more tiles than one tree may have (61,918 and 183,487 of 65,536)."""
    rng = np.random.default_rng(depth)
    inner, count = (1 << depth) - 1, (2 << depth) - 1
    at = np.arange(count)
    splits = at < inner
    attributes = {
        "nodes_treeids": np.zeros(count, np.int64),
        "nodes_nodeids": at,
        "nodes_featureids": np.where(splits, rng.integers(0, 4, count), 0),
        "nodes_truenodeids": np.where(splits, 2 * at + 1, 0),
        "nodes_falsenodeids": np.where(splits, 2 * at + 2, 0),
        "target_treeids": np.zeros(count - inner, np.int64),
        "target_nodeids": at[inner:],
        "target_ids": np.zeros(count - inner, np.int64),
    }
    x = rng.normal(size=(300, 4)).astype(np.float32)
    made = model(
        "TreeEnsembleRegressor",
        {name: Attribute("INTS", values) for name, values in attributes.items()}
        | {
            "nodes_modes": Attribute("STRINGS", [b"BRANCH_LEQ" if inner_ else b"LEAF" for inner_ in splits]),
            "nodes_values": Attribute("FLOATS", rng.normal(size=count).astype(np.float32)),
            "target_weights": Attribute("FLOATS", rng.normal(size=count - inner).astype(np.float32)),
            "n_targets": Attribute("INT", 1),
        },
        x,
        ["y"],
    )
    (truth,) = compile_model(made, disabled=["native"]).execute({"x": x})
    program = compile_model(made)
    for rows in (1, 20, 300):
        assert same(program.execute({"x": x[:rows]})[0], truth[:rows])


def test_a_large_forest_takes_long_blocks() -> None:
    grown = Grown(1, 100, 13, 1, ["BRANCH_LEQ"], False)
    x = grown.table(20_001, np.float32)
    made = model("TreeEnsembleRegressor", grown.attributes("target", "one", 1, False), x, ["y"])
    program = compile_model(made)
    (whole,) = program.execute({"x": x}, threads=1)
    parts = [program.execute({"x": part}, threads=1)[0] for part in np.split(x, [1, 18, 530, 9000])]
    assert same(whole, np.concatenate(parts))
    assert same(program.execute({"x": x}, threads=2)[0], whole)
    assert same(compile_model(made, disabled=["native"]).execute({"x": x[-400:]})[0], whole[-400:])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("depth,features", [(3, 129), (5, 200), (8, 320), (12, 200)])
def test_many_features(dtype: Any, depth: int, features: int) -> None:
    """Bit vectors turn some features of rows into columns at a time; fewer rows go by lanes, or walk."""
    grown = Grown(depth, 60, depth, features, MODES, dtype is np.int64)
    attributes = grown.attributes("target", "own", 3, False) | {"n_targets": Attribute("INT", 3)}
    x = grown.table(max(ROWS), dtype)
    check(model("TreeEnsembleRegressor", attributes, x, ["y"]), x)


def test_many_rows_of_many_features() -> None:
    grown = Grown(3, 60, 5, 500, ["BRANCH_LEQ"], False)
    x = np.tile(grown.table(600, np.float32), (10, 1))
    made = model("TreeEnsembleRegressor", grown.attributes("target", "one", 1, False), x, ["y"])
    program = compile_model(made)
    truth = np.tile(compile_model(made, disabled=["native"]).execute({"x": x[:600]})[0], (10, 1))
    for threads in (1, 2):
        assert same(program.execute({"x": x}, threads=threads)[0], truth)


@pytest.mark.parametrize("depth", [0, 3, 6, 12])
@pytest.mark.parametrize("double", [False, True])
def test_leaves_without_weights_add_nothing(depth: int, double: bool) -> None:
    for seed in range(4):
        grown = Grown(seed, 9, depth, 3, ["BRANCH_LEQ"], False)
        attributes = grown.attributes("target", "some", 1, double) | {"n_targets": Attribute("INT", 1)}
        x = grown.table(max(ROWS), np.float32)
        check(model("TreeEnsembleRegressor", attributes, x, ["y"]), x)


@settings(max_examples=12, deadline=None)
@given(
    SHAPES,
    st.sampled_from([("one", 1), ("one", 2), ("last", 2), ("own", 2), ("all", 2), ("all", 3), ("own", 5), ("some", 3)]),
    st.sampled_from(["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]),
    st.booleans(),
    st.sampled_from(["none", "each"]),
    st.booleans(),
)
def test_classifiers(
    shape: Any, weights: tuple[str, int], transform: str, strings: bool, base: str, positive: bool
) -> None:
    grown = Grown(**shape)
    per_leaf, classes = weights
    attributes = grown.attributes("class", per_leaf, classes, False)
    if positive:
        attributes["class_weights"] = Attribute("FLOATS", np.abs(attributes["class_weights"].value))
    attributes["post_transform"] = Attribute("STRING", transform.encode())
    if strings:
        attributes["classlabels_strings"] = Attribute("STRINGS", [f"c{k}".encode() for k in range(classes)])
    else:
        attributes["classlabels_int64s"] = Attribute("INTS", np.arange(classes) * 3 + 5)
    if base != "none":
        attributes["base_values"] = Attribute("FLOATS", grown.rng.normal(size=classes).astype(np.float32))
    x = grown.table(max(ROWS), np.float32)
    with np.errstate(all="ignore"):
        check(model("TreeEnsembleClassifier", attributes, x, ["l", "p"]), x, exact=transform == "NONE")


@settings(max_examples=12, deadline=None)
@given(SHAPES, st.sampled_from([np.float32, np.float64]), st.sampled_from([1, 3]), st.integers(0, 3))
def test_ensembles_of_version_5(shape: Any, dtype: Any, targets: int, aggregate: int) -> None:
    x, attributes = _version_5(Grown(**shape), dtype, targets, aggregate)
    if attributes is not None:
        check(model("TreeEnsemble", attributes, x, ["y"], 5), x)


@pytest.mark.parametrize("trees,features,dtype", [(60, 1, np.float32), (60, 1, np.float64), (450, 3, np.float32)])
def test_features_of_thousands_of_thresholds(trees: int, features: int, dtype: Any) -> None:
    """More than ranks of a byte tell apart, and more comparisons than are made at a time."""
    x, attributes = _version_5(Grown(trees, trees, 6, features, ORDERED, False), dtype, 2, 1)
    assert attributes is not None
    check(model("TreeEnsemble", attributes, x, ["y"], 5), x)


def _version_5(
    grown: Grown, dtype: Any, targets: int, aggregate: int
) -> tuple[np.ndarray, dict[str, Attribute] | None]:
    """The grown trees as TreeEnsemble-5 has them, some of their comparisons made sets."""
    rng = grown.rng
    inner = {n[:2]: i for i, n in enumerate([n for n in grown.nodes if n[2] != "LEAF"])}
    leaves = {n[:2]: i for i, n in enumerate([n for n in grown.nodes if n[2] == "LEAF"])}
    x = grown.table(max(ROWS), dtype)
    nodes = [n for n in grown.nodes if n[2] != "LEAF"]
    roots = [inner[n[:2]] for n in nodes if n[1] == 0]
    if not roots:
        return x, None
    modes = np.array([MODES.index(n[2]) for n in nodes], np.uint8)
    modes[rng.random(len(modes)) < 0.3] = 6
    members: list[float] = []
    for _ in range(int((modes == 6).sum())):
        members += [*rng.choice(x[:50].ravel(), rng.integers(0, 9)), np.nan]
    ints = {
        "nodes_featureids": [n[3] for n in nodes],
        "nodes_truenodeids": [inner.get((n[0], n[5]), leaves.get((n[0], n[5]))) for n in nodes],
        "nodes_falsenodeids": [inner.get((n[0], n[6]), leaves.get((n[0], n[6]))) for n in nodes],
        "nodes_trueleafs": [(n[0], n[5]) in leaves for n in nodes],
        "nodes_falseleafs": [(n[0], n[6]) in leaves for n in nodes],
        "nodes_missing_value_tracks_true": [n[7] for n in nodes],
        "tree_roots": roots,
        "leaf_targetids": rng.integers(0, targets, len(leaves)),
    }
    made = {name: Attribute("INTS", np.array(value, np.int64)) for name, value in ints.items()}
    for name, value, kind in (
        ("nodes_modes", modes, np.uint8),
        ("nodes_splits", [n[4] for n in nodes], dtype),
        ("leaf_weights", rng.normal(size=len(leaves)), dtype),
        ("membership_values", members, dtype),
    ):
        if len(value) or name != "membership_values":
            made[name] = Attribute("TENSOR", np.array(value, kind))
    made["n_targets"], made["aggregate_function"] = Attribute("INT", targets), Attribute("INT", aggregate)
    return x, made


def _nodes(columns: dict[str, Any], **others: Attribute) -> dict[str, Attribute]:
    made = {
        f"nodes_{n}": Attribute("STRINGS", [m.encode() for m in v])
        if n == "modes"
        else Attribute("FLOATS", np.array(v, np.float32))
        if n == "values"
        else Attribute("INTS", np.array(v, np.int64))
        for n, v in columns.items()
    }
    return {**made, **others}


def test_shared_subtrees_are_laid_out_once() -> None:
    """A chain of 60 diamonds has 2^60 paths."""
    depth = 60
    below = [*range(1, depth + 1), 0]
    columns = {
        "treeids": [0] * (depth + 1), "nodeids": range(depth + 1), "modes": ["BRANCH_LEQ"] * depth + ["LEAF"],
        "featureids": [i % 3 for i in range(depth + 1)], "values": [0.5] * (depth + 1), "truenodeids": below,
        "falsenodeids": below,
    }  # fmt: skip
    one = Attribute("INTS", np.zeros(1, np.int64))
    attributes = _nodes(
        columns, target_treeids=one, target_nodeids=Attribute("INTS", np.array([depth])), target_ids=one,
        target_weights=Attribute("FLOATS", np.array([7.0], np.float32)),
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(max(ROWS), 3)).astype(np.float32)
    check(model("TreeEnsembleRegressor", attributes, x, ["y"]), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("crowded", [False, True])
def test_every_comparison_of_every_number(dtype: Any, crowded: bool) -> None:
    """Features of few thresholds, which numbers are compared with, or of many, among which they are ranked."""
    least = np.nextafter(dtype(0), dtype(1))
    numbers = np.array([*SPECIAL, -1e-45, least, -least, 1 + np.finfo(dtype).eps, 5e-324], np.float64)
    rng = np.random.default_rng(0)
    stumps = [
        (mode, missing, feature, value)
        for feature, (mode, missing) in enumerate((m, s) for m in ORDERED for s in (0, 1))
        for value in ([*numbers, *rng.normal(size=60)] if crowded else numbers[np.isfinite(numbers)])
    ]
    trees = range(len(stumps))
    attributes = {
        "nodes_treeids": np.repeat(trees, 3), "nodes_nodeids": np.tile([0, 1, 2], len(stumps)),
        "nodes_featureids": np.array([f for _, _, f, _ in stumps for _ in range(3)]),
        "nodes_truenodeids": np.tile([1, 0, 0], len(stumps)), "nodes_falsenodeids": np.tile([2, 0, 0], len(stumps)),
        "nodes_missing_value_tracks_true": np.array([m for _, m, _, _ in stumps for _ in range(3)]),
        "target_treeids": np.repeat(trees, 2), "target_nodeids": np.tile([1, 2], len(stumps)),
        "target_ids": np.zeros(2 * len(stumps), np.int64),
    }  # fmt: skip
    made = {name: Attribute("INTS", np.asarray(values, np.int64)) for name, values in attributes.items()}
    modes = [each for mode, *_ in stumps for each in (mode.encode(), b"LEAF", b"LEAF")]
    made["nodes_modes"] = Attribute("STRINGS", modes)
    values = np.array([each for *_, value in stumps for each in (value, 0, 0)], np.float64)
    made["nodes_values_as_tensor"] = Attribute("TENSOR", values)
    made["target_weights_as_tensor"] = Attribute("TENSOR", rng.integers(-99, 99, 2 * len(stumps)).astype(float))
    x = rng.choice(numbers, (max(ROWS), 8)).astype(dtype)
    x[: len(numbers)] = numbers[:, None]
    check(model("TreeEnsembleRegressor", made, x, ["y"]), x)


@pytest.mark.parametrize("leaves", [15, 16, 17, 63, 64, 65, 255, 256, 257])
@pytest.mark.parametrize("shape", ["balanced", "chain", "random"])
def test_every_form_of_tree(leaves: int, shape: str) -> None:
    """Around the sizes where bit vectors change their form, and where walks take over."""
    rng = np.random.default_rng(leaves)
    columns: dict[str, list[Any]] = {
        n: [] for n in ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids")
    }
    ends: list[tuple[int, int]] = []
    for tree in range(5):
        sides: list[tuple[int, int] | None] = [None]
        open_ = [0]
        while len(open_) < leaves:
            at = open_.pop({"balanced": 0, "chain": len(open_) - 1, "random": int(rng.integers(len(open_)))}[shape])
            sides[at] = (len(sides), len(sides) + 1)
            open_ += [len(sides), len(sides) + 1]
            sides += [None, None]
        for at, pair in enumerate(sides):
            row = (tree, at, "BRANCH_LEQ" if pair else "LEAF", rng.integers(4), rng.normal(), *(pair or (0, 0)))
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
        ends += [(tree, at) for at in open_]
    attributes = _nodes(
        columns,
        target_treeids=Attribute("INTS", np.array([e[0] for e in ends])),
        target_nodeids=Attribute("INTS", np.array([e[1] for e in ends])),
        target_ids=Attribute("INTS", np.zeros(len(ends), np.int64)),
        target_weights=Attribute("FLOATS", rng.normal(size=len(ends)).astype(np.float32)),
    )
    x = rng.normal(size=(max(ROWS), 4)).astype(np.float32)
    check(model("TreeEnsembleRegressor", attributes, x, ["y"]), x)


@pytest.mark.parametrize("per_leaf,targets", [("one", 1), *(("all", n) for n in (2, 3, 5, 9, 20)), ("own", 3)])
@pytest.mark.parametrize("values", ["votes", "wide", "rounded", "infinite", "tiny", "zero"])
def test_sums_that_are_exact_and_such_that_are_not(per_leaf: str, targets: int, values: str) -> None:
    """Groups of trees are summed as integers where no sum can be rounded, else in double, in order."""
    grown = Grown(3, 30, 5, 4, ["BRANCH_LEQ"], False)
    attributes = grown.attributes("target", per_leaf, targets, False)
    count = len(attributes["target_weights"].value)
    weights = grown.rng.integers(0, 31, count).astype(np.float32) / np.float32(30) / np.float32(30)
    if values == "wide":  # exact in double, but not in 32 bits
        weights *= np.float32(2.0) ** grown.rng.integers(-12, 12, count).astype(np.float32)
    elif values == "rounded":
        weights[grown.rng.integers(0, count, 9)] = [1e9, -1e9, 1e-9, -1e9, 1e9, 3e-8, 1e9, -1e9, 1e9]
    elif values == "infinite":
        weights[count // 2] = np.inf
    elif values == "tiny":
        weights = grown.rng.integers(-3, 4, count).astype(np.float32) * np.float32(1e-45)
    elif values == "zero":
        weights = np.where(grown.rng.random(count) < 0.5, np.float32(-0.0), np.float32(0))
    attributes["target_weights"] = Attribute("FLOATS", weights)
    attributes["n_targets"] = Attribute("INT", targets)
    x = grown.table(max(ROWS), np.float32)
    check(model("TreeEnsembleRegressor", attributes, x, ["y"]), x)


@pytest.mark.parametrize("depth", [4, 5, 6, 7])
@pytest.mark.parametrize("spread,first", [(0, 0), (2, 0), (12, 0), (21, 0), (40, 0), (8, 45), (21, 9)])
def test_no_bit_of_a_sum_is_lost(depth: int, spread: int, first: int) -> None:
    """Values of 24 bits at powers of two so far apart are integers of one, two and more digits; the sums are seen in double."""
    grown = Grown(spread, 50, depth, 4, ["BRANCH_LEQ"], False)
    x, attributes = _version_5(grown, np.float64, 1, 1)
    assert attributes is not None
    rng, count = grown.rng, len(attributes["leaf_weights"].value)
    odd = rng.choice([2**24 - 1, 1 - 2**24, 2**23 + 1, -(2**23) - 1, 3, -1], count).astype(np.float64)
    weights = odd * 2.0 ** -rng.choice([0, spread], count)
    weights[: count // 2] *= 2.0**first  # then sums of those that follow are rounded, one by one
    attributes["leaf_weights"] = Attribute("TENSOR", weights)
    check(model("TreeEnsemble", attributes, x, ["y"], 5), x)


@settings(max_examples=10, deadline=None)
@given(SHAPES)
def test_onnxruntime_agrees(shape: Any) -> None:
    import onnxruntime  # tools/aarch64 runs the others where it cannot be loaded

    grown = Grown(**{**shape, "modes": ORDERED[:2]})
    attributes = {**grown.attributes("target", "one", 1, False), "n_targets": Attribute("INT", 1)}
    x = grown.table(100, np.float32)
    made = model("TreeEnsembleRegressor", attributes, x, ["y"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    peer = onnxruntime.InferenceSession(write(made), options, providers=["CPUExecutionProvider"])
    scale = float(np.abs(attributes["target_weights"].value).sum())
    ours = compile_model(made).execute({"x": x})[0]
    assert np.allclose(ours, peer.run(None, {"x": x})[0], 0, 1e-6 * scale)

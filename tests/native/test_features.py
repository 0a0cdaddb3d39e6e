"""scaler, normalizer, imputer, binarizer, label_encoder and one_hot against the reference tier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from celeris.interpret import NodeError
from celeris.plan.compile import compile_model
from tests.native.tables import Feeds, check, model, node, reals, whole

_RNG = np.random.default_rng(0)
_WORDS = np.array(["", "a", "ab", "abcdefghi", "ü", "z\0"], object)


def _table(dtype: Any) -> np.ndarray:
    if dtype is object:
        return _WORDS[_RNG.integers(0, 6, (300, 3))]  # type: ignore[no-any-return]
    return reals(dtype, 3) if np.dtype(dtype).kind == "f" else whole(dtype, 3)


def _check(op: str, dtype: Any, ulps: float = 0, x: np.ndarray | None = None, **attributes: Any) -> None:
    feeds = {"x": _table(dtype) if x is None else x}
    check(model([node(op, ["x"], ["y"], "ai.onnx.ml", **attributes)], feeds, {}, ["y"]), feeds, ulps=ulps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
@pytest.mark.parametrize("each", [1, 3])
def test_scaler(each: int, dtype: Any) -> None:
    _check("Scaler", dtype, offset=[0.5, 100.0, -1e6][:each], scale=[2.0, 0.1, 1e-3][:each])


@pytest.mark.parametrize("norm", ["MAX", "L1", "L2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_normalizer(dtype: Any, norm: str) -> None:
    x = (_RNG.normal(size=(300, 3)) * 9).astype(dtype)
    x[4] = 0
    _check("Normalizer", dtype, x=x, norm=norm, ulps=1)


@pytest.mark.parametrize("missing", [float("nan"), 0.0, -2.5])
@pytest.mark.parametrize("each", [1, 3])
def test_imputer(each: int, missing: float) -> None:
    _check(
        "Imputer", np.float32, imputed_value_floats=[7.0, 8.0, 9.0][:each], replaced_value_float=missing
    )  # fmt: skip


def test_imputer_of_integers() -> None:
    _check("Imputer", np.int64, imputed_value_int64s=[7, 8, 9], replaced_value_int64=-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
def test_binarizer(dtype: Any) -> None:
    x = _table(dtype)
    _check("Binarizer", dtype, x=np.nan_to_num(x, nan=3.0) if np.dtype(dtype).kind == "f" else x, threshold=0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binarizer_refuses_nan(dtype: Any) -> None:
    feeds = {"x": _table(dtype)}
    made = model([node("Binarizer", ["x"], ["y"], "ai.onnx.ml")], feeds, {}, ["y"])
    with pytest.raises(NodeError, match="is NaN"):
        compile_model(made).execute(feeds)


_KEYS: dict[str, Any] = {
    "keys_strings": ["a", "ü", "abcdefghi"],
    "keys_int64s": [3, -9, 0],
    "keys_floats": [0.5, float("nan"), -1.0],
}
_VALUES: dict[str, Any] = {
    "values_strings": ["x", "", "yy"],
    "values_int64s": [1 << 60, -5, 0],
    "values_floats": [0.1, -0.0, 3e38],
}


@pytest.mark.parametrize("values", sorted(_VALUES))
@pytest.mark.parametrize("keys", sorted(_KEYS))
def test_label_encoder(keys: str, values: str) -> None:
    dtype = {"keys_strings": object, "keys_int64s": np.int64, "keys_floats": np.float32}[keys]
    feeds = {"x": _table(dtype)}
    one = node("LabelEncoder", ["x"], ["y"], "ai.onnx.ml", **{keys: _KEYS[keys], values: _VALUES[values]})
    for ml in (3, 4):  # NaN is a key since 4
        check(model([one], feeds, {}, ["y"], ml=ml), feeds)


def test_label_encoder_of_many_keys() -> None:
    keys = _RNG.permutation(5000)
    x = _RNG.integers(0, 6000, (300, 2))
    _check(
        "LabelEncoder",
        np.int64,
        x=x,
        keys_int64s=keys.tolist(),
        values_floats=(keys * 0.5).tolist(),
        default_float=-1.0,
    )


@pytest.mark.parametrize(
    ("dtype", "categories"),
    [
        (object, {"cats_strings": ["a", "", "ü"]}),
        (np.int64, {"cats_int64s": [3, -2, 0, 9]}),
        (np.float32, {"cats_int64s": [3, -2, 0, 9]}),
        (np.float64, {"cats_int64s": [0, 1]}),
    ],
)
def test_one_hot(dtype: Any, categories: dict[str, Any]) -> None:
    _check("OneHotEncoder", dtype, zeros=1, **categories)


def test_one_hot_refuses_what_it_does_not_know() -> None:
    feeds: Feeds = {"x": np.array([["a"], ["b"]], object)}
    one = node("OneHotEncoder", ["x"], ["y"], "ai.onnx.ml", cats_strings=["a", "b"], zeros=0)
    program = compile_model(model([one], feeds, {}, ["y"]))
    assert program.execute(feeds)[0].tolist() == [[[1, 0]], [[0, 1]]]
    with pytest.raises(NodeError):
        program.execute({"x": np.array([["a"], ["c"]], object)})

"""Feature operators of ai.onnx.ml of the reference tier against onnxruntime, over the kinds that it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import celeris
from celeris import ops
from tests.ops.one_node import agree, model_of, run

KINDS = [np.float32, np.float64, np.int64, np.int32]
NAN = float("nan")
Fail = celeris.capi.onnxruntime_pybind11_state.Fail
InvalidArgument = celeris.capi.onnxruntime_pybind11_state.InvalidArgument


def feature(op: str, x: list[np.ndarray], version: int = 3, types: bool = False, **attributes: Any) -> list[Any]:
    """Held to onnxruntime, which tells few of these operators' shapes."""
    return agree(op, x, domain="ai.onnx.ml", opsets={"ai.onnx.ml": version}, types=types, **attributes)


def ours(op: str, x: list[np.ndarray], version: int = 3, **attributes: Any) -> Any:
    return run(celeris, model_of(op, [*x], 1, "ai.onnx.ml", {"ai.onnx.ml": version}, attributes), [*x])[0][0]


def values(dtype: Any, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-3, 4, shape).astype(dtype)


def texts(*words: str) -> np.ndarray:
    return np.array(words, object)


@pytest.mark.parametrize("dtype", KINDS)
def test_scaling(dtype: Any) -> None:
    for count in (1, 4):
        numbers: dict[str, Any] = {"offset": [0.5] * count, "scale": [float(i + 1) / 4 for i in range(count)]}
        feature("Scaler", [values(dtype, 3, 4)], **numbers)
    feature("Scaler", [values(dtype, 4)], offset=[0.5, 1.0, 2.0, 3.0], scale=[2.0, 3.0, 4.0, 5.0])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("norm", ["MAX", "L1", "L2"])
def test_normalizing(dtype: Any, norm: str) -> None:
    feature("Normalizer", [values(dtype, 5, 4)], norm=norm)
    feature("Normalizer", [values(dtype, 4)], norm=norm)
    feature("Normalizer", [np.zeros((2, 3), dtype)], norm=norm)
    feature("Normalizer", [-np.abs(values(dtype, 5, 4)) - 1], norm=norm)


@pytest.mark.parametrize("dtype", KINDS)
def test_picking_columns(dtype: Any) -> None:
    for at in ([0, 2], [3], [1, 1, 0]):
        for x in (values(dtype, 3, 4), values(dtype, 4), values(dtype, 2, 3, 4)):
            feature("ArrayFeatureExtractor", [x, np.array(at)])
            feature("ArrayFeatureExtractor", [x, np.array([at])])
    feature("ArrayFeatureExtractor", [texts("a", "b", "c", "d").reshape(2, 2), np.array([1])])


@pytest.mark.parametrize("at", [4, -1])
def test_columns_that_are_not_there_are_named(at: int) -> None:
    with pytest.raises(InvalidArgument, match=rf"index is out of range: Y\[0\] \({at}\) must be in \[0, 4\)"):
        ours("ArrayFeatureExtractor", [values(np.float32, 3, 4), np.array([at])])


@pytest.mark.parametrize("dtype", KINDS)
def test_gluing_columns(dtype: Any) -> None:
    pair = [values(dtype, 3, 2), values(dtype, 3, 3)]
    feature("FeatureVectorizer", pair, inputdimensions=[2, 3])
    feature("FeatureVectorizer", pair, inputdimensions=[3, 2])
    feature("FeatureVectorizer", [values(dtype, 2), values(dtype, 3)], inputdimensions=[2, 3])


@pytest.mark.parametrize("x", [NAN, 0.0, 2.0], ids=str)
@pytest.mark.parametrize("by", [[5.0], [5.0, 6.0, 7.0], [5.0, 6.0]], ids=str)
def test_imputing(x: float, by: list[float]) -> None:
    rows = np.array([[1, NAN, 0], [NAN, 2, 0]], np.float32)
    expected = feature("Imputer", [rows], replaced_value_float=x, imputed_value_floats=by)
    wide = ours("Imputer", [rows.astype(np.float64)], replaced_value_float=x, imputed_value_floats=by)
    np.testing.assert_array_equal(wide, expected[0])  # onnxruntime has no kernel for doubles
    whole = np.array([[1, 0, 3], [0, 0, 2]])
    feature("Imputer", [whole], replaced_value_int64=0, imputed_value_int64s=[int(v) for v in by])


def test_binarizing() -> None:
    feature("Binarizer", [values(np.float32, 3, 4)], threshold=0.5)
    assert ours("Binarizer", [values(np.int64, 4)], threshold=0.5).dtype == np.int64


@pytest.mark.parametrize("dtype", KINDS[:3])
def test_one_hot(dtype: Any) -> None:
    feature("OneHotEncoder", [values(dtype, 3, 2)], types=True, cats_int64s=[-1, 0, 2])
    feature("OneHotEncoder", [values(dtype, 6)], types=True, cats_int64s=[-1, 0, 2])
    feature("OneHotEncoder", [np.array([0, 2]).astype(dtype)], types=True, cats_int64s=[-1, 0, 2], zeros=0)
    with pytest.raises(Fail, match="Unknown Category and zeros = 0"):
        ours("OneHotEncoder", [np.array([5]).astype(dtype)], cats_int64s=[-1, 0, 2], zeros=0)


def test_one_hot_of_words_and_fractions() -> None:
    feature("OneHotEncoder", [texts("a", "b", "z", "c").reshape(2, 2)], types=True, cats_strings=["a", "b", "c"])
    feature("OneHotEncoder", [np.array([0.5, -0.5, 1.9, -1.2], np.float32)], types=True, cats_int64s=[-1, 0, 1])


_KEYS: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "words": (texts("a", "b", "q"), {"keys_strings": ["a", "b", "c"]}),
    "integers": (np.array([1, 2, 9]), {"keys_int64s": [1, 2, 3]}),
    "floats": (np.array([1, 2.5, 9, NAN, -0.0], np.float32), {"keys_floats": [1.0, 2.5, NAN]}),
}
_VALUES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "words": ({"values_strings": ["x", "y", "z"]}, {"default_string": "D"}),
    "integers": ({"values_int64s": [7, 8, 9]}, {"default_int64": -5}),
    "floats": ({"values_floats": [0.5, 0.25, NAN]}, {"default_float": -1.5}),
}


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("keys", _KEYS)
@pytest.mark.parametrize("found", _VALUES)
def test_labels(version: int, keys: str, found: str) -> None:
    x, names = _KEYS[keys]
    to, default = _VALUES[found]
    if version == 2 and (keys, found) in (("integers", "integers"), ("words", "words"), ("floats", "floats")):
        agree("LabelEncoder", [x], domain="ai.onnx.ml", opsets={"ai.onnx.ml": 2}, **names, **to)
    feature("LabelEncoder", [x], version, types=True, **names, **to)
    feature("LabelEncoder", [x.reshape(1, -1)], version, types=True, **names, **to, **default)


@pytest.mark.parametrize(("keys", "found"), [("float64", "float64"), ("int64", "int64"), ("float64", "int64")])
def test_labels_in_tensors(keys: str, found: str) -> None:
    if (keys, found) == ("float64", "int64"):
        assert ours(
            "LabelEncoder",
            [np.array([1.0, 9.0])],
            4,
            keys_tensor=_tensor([1, 2], keys),
            values_tensor=_tensor([4, 5], found),
        ).tolist() == [4, -1]
        return
    given = {"keys_tensor": _tensor([1, 2, 3], keys), "values_tensor": _tensor([4, 5, 6], found)}
    feature(
        "LabelEncoder", [np.array([1, 2, 9]).astype(keys)], 4, types=True, **given, default_tensor=_tensor([-1], found)
    )
    feature("LabelEncoder", [np.array([1, 2, 9]).astype(keys)], 4, types=True, **given)


def _tensor(numbers: list[float], dtype: str) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.array(numbers, dtype))


def test_labels_of_version_1_and_categories() -> None:
    names = ["a", "b", "c"]
    feature("LabelEncoder", [texts("a", "b", "q")], 1, classes_strings=names)
    feature("LabelEncoder", [np.array([0, 2, 9, -1])], 1, classes_strings=names, default_string="D")
    feature("CategoryMapper", [texts("a", "b", "q")], cats_strings=names, cats_int64s=[4, 5, 6])
    feature("CategoryMapper", [np.array([4, 6, 9])], cats_strings=names, cats_int64s=[4, 5, 6], default_string="D")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text("abé", max_size=3), min_size=1, max_size=6, unique=True),
    st.lists(st.text("abé", max_size=3), min_size=1, max_size=6),
)
def test_any_words(keys: list[str], words: list[str]) -> None:
    feature(
        "LabelEncoder", [texts(*words)], 2, keys_strings=keys, values_int64s=list(range(len(keys))), default_int64=-1
    )
    feature("OneHotEncoder", [texts(*words)], cats_strings=keys)


@pytest.mark.parametrize(
    "labels", [{"classlabels_int64s": [7, 3, 5]}, {"classlabels_strings": ["z", "a", "b"]}], ids=["ints", "strings"]
)
def test_maps_of_scores(labels: dict[str, Any]) -> None:
    scores = np.random.default_rng(0).random((4, 3)).astype(np.float32)
    feature("ZipMap", [scores], types=True, **labels)
    feature("ZipMap", [scores[:0]], types=True, **labels)
    feature("ZipMap", [scores[0]], types=True, **labels)
    zip_map = ops.find("ai.onnx.ml", "ZipMap", 1)
    assert zip_map is not None
    with pytest.raises(ValueError, match="number of classlabels"):
        zip_map.function(scores[:, :2], **labels)

"""What a run can be fed: every kind of object for every kind of input, on onnxruntime and on Celeris."""

from __future__ import annotations

import collections
import types
from functools import cache
from typing import Any

import ml_dtypes
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto as T

import celeris
from tests import api_models as models
from tests.peers import same

F4 = np.float32
INPUTS: dict[str, tuple[bytes, str]] = {
    "float [N, 2]": (models.identity(T.FLOAT, ["N", 2]), "x"),
    "float []": (models.identity(T.FLOAT, []), "x"),
    "float": (models.identity(), "x"),
    "int64": (models.identity(T.INT64), "x"),
    "uint8": (models.identity(T.UINT8), "x"),
    "bool": (models.identity(T.BOOL), "x"),
    "float16": (models.identity(T.FLOAT16), "x"),
    "string": (models.identity(T.STRING), "x"),
    "bfloat16": (models.identity(T.BFLOAT16), "x"),
    "sequence": (models.sequence(), "s"),
    "map int64": (models.dictionary(), "m"),
    "map string": (models.dictionary(T.STRING), "m"),
    "optional": (models.optional(), "o"),
}


class WithArray:
    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        return np.ones((1, 2), F4)


GIVEN: dict[str, Any] = {
    "int": lambda o: 1,
    "float": lambda o: 1.0,
    "bool": lambda o: True,
    "str": lambda o: "s",
    "bytes": lambda o: b"s",
    "scalar": lambda o: F4(1),
    "tuple": lambda o: (1,),
    "empty list": lambda o: [],
    "list": lambda o: [1],
    "list of lists": lambda o: [[1, 2]],
    "list with None": lambda o: [[1.7, None]],
    "list of number texts": lambda o: ["1.5"],
    "list of texts": lambda o: [["a", "b"]],
    "list of scalars": lambda o: [F4(1), 2],
    "list of arrays": lambda o: [np.ones(2, F4)],
    "list of doubles": lambda o: [np.ones(2)],
    "ragged list": lambda o: [[1], [1, 2]],
    "list of complex": lambda o: [1 + 2j],
    "list of maps": lambda o: [{1: 2.0}],
    "list of empty maps": lambda o: [{}],
    "list of list of nothing": lambda o: [[]],
    "list of True": lambda o: [True],
    "list of bytes": lambda o: [b"y"],
    "list of tuple and list": lambda o: [[1, 2], (3, 4)],
    "list of large": lambda o: [10**19],
    "tuple of arrays": lambda o: (np.ones(2),),
    "set": lambda o: {1, 2},
    "range": lambda o: range(3),
    "iterator": lambda o: iter([1]),
    "no items": lambda o: iter([]),
    "generator": lambda o: (x for x in [1.0]),
    "bytearray": lambda o: bytearray(b"x"),
    "memoryview": lambda o: memoryview(b"x"),
    "object": lambda o: WithArray(),
    "class": lambda o: WithArray,
    "value": lambda o: o.OrtValue.ortvalue_from_numpy(np.ones((1, 2), F4)),
    "state's value": lambda o: o.OrtValue.ortvalue_from_numpy(np.ones((1, 2), F4))._ortvalue,
    "list of values": lambda o: [o.OrtValue.ortvalue_from_numpy(np.ones(2, F4))],
    "empty map": lambda o: {},
    "map": lambda o: {1: 2.0},
    "map of ints": lambda o: {1: 2},
    "map by text": lambda o: {"a": 1.0},
    "map of texts": lambda o: {"a": "b"},
    "map of mixed keys": lambda o: {1: 2.0, "a": 3.0},
    "map by float": lambda o: {1.5: 1.0},
    "map of scalars": lambda o: {np.int64(1): F4(2)},
    "map by True": lambda o: {True: 1.0},
    "map of None": lambda o: {1: None},
    "floats": lambda o: np.ones((1, 2), F4),
    "doubles": lambda o: np.ones((1, 2)),
    "rank 1": lambda o: np.ones(2, F4),
    "rank 3": lambda o: np.ones((1, 2, 1), F4),
    "3 columns": lambda o: np.ones((1, 3), F4),
    "no rows": lambda o: np.ones((0, 2), F4),
    "0-d": lambda o: np.array(3, F4),
    "complex64": lambda o: np.ones((1, 2), np.complex64),
    "text": lambda o: np.array(["a"]),
    "time": lambda o: np.array([1], "datetime64[s]"),
    "duration": lambda o: np.array([1], "timedelta64[s]"),
    "bfloat16": lambda o: np.ones(2, ml_dtypes.bfloat16),
    "int4": lambda o: np.ones(2, ml_dtypes.int4),
    "long double": lambda o: np.longdouble([1]),
    "longlong": lambda o: np.array([1], np.longlong),
    "ulonglong": lambda o: np.array([1], np.ulonglong),
    "matrix": lambda o: np.array([[1.0, 2.0]], F4).view(np.matrix),
    "masked": lambda o: np.ma.array([[1, 2]], dtype=F4),
    "float16": lambda o: np.ones(2, np.float16),
    "fortran": lambda o: np.asfortranarray(np.arange(4, dtype=F4).reshape(2, 2)),
    "reversed": lambda o: np.arange(4, dtype=F4).reshape(2, 2)[::-1, ::-1],
    "strided": lambda o: np.arange(8, dtype=F4).reshape(2, 4)[:, ::2],
    "broadcast": lambda o: np.broadcast_to(F4(2), (3, 2)),
    "misaligned": lambda o: np.frombuffer(b"\0" + np.ones(4, F4).tobytes(), F4, 4, 1).reshape(2, 2),
    "objects": lambda o: np.array([1, None, float("nan"), b"b", F4(1), "x"], object),
}


@cache
def session(module: Any, kind: str) -> Any:
    return module.InferenceSession(INPUTS[kind][0])


# The text of these comes from the depth of onnxruntime's C++; the class is the same.
OTHER_TEXT = {("sequence", "list of doubles")} | {
    (kind, given) for kind in ("map int64", "map string") for given in GIVEN if "list" in given
}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("kind", INPUTS)
def test_every_object_for_every_input(kind: str, given: str) -> None:
    def case(o: Any) -> Any:
        return session(o, kind).run(None, {INPUTS[kind][1]: GIVEN[given](o)})

    same(case, text=(kind, given) not in OTHER_TEXT)


STRINGS: dict[str, np.ndarray] = {
    "U": np.array(["ab", "c", ""]),
    "0-d": np.array("a"),
    "none": np.array([], "U"),
    "emoji": np.array(["\U0001f600é"]),
    "S": np.array([b"ab\0", b"c"], "S8"),
    "S with NUL": np.array([b"a\0b"], "S8"),
    "V with NUL": np.array([b"a\0b"], "V3"),
    "S not UTF-8": np.array([b"\xff\xfe"], "S3"),
    "V not UTF-8": np.array([b"\xff"], "V1"),
    "records": np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")]),
    "StringDType": np.array(["a"], np.dtypes.StringDType()),
    "two dimensions": np.array([["a", "b"]], object),
}


@pytest.mark.parametrize("name", STRINGS)
def test_texts(name: str) -> None:
    same(lambda o: session(o, "string").run(None, {"x": STRINGS[name]}))


ONE = np.ones(2, F4)


def add(names: Any = None, *, drop: str = "", run_options: Any = None, **feed: Any) -> Any:
    """A case that runs a + b, with `feed` over the ordinary feed."""

    def case(o: Any) -> Any:
        whole = {"a": ONE, "b": ONE, **feed}
        whole.pop(drop, None)
        options = run_options(o) if callable(run_options) else run_options
        return adder(o).run(names, whole, options)

    return case


@cache
def adder(module: Any) -> Any:
    return module.InferenceSession(models.add())


class Keys:
    def keys(self) -> list[str]:
        return ["a", "b"]

    def values(self) -> list[np.ndarray]:
        return [ONE, ONE]

    def items(self) -> list[tuple[str, np.ndarray]]:
        return [("a", ONE), ("b", ONE)]

    def __getitem__(self, key: str) -> np.ndarray:
        return ONE


CASES: dict[str, Any] = {
    "all": add(),
    "one": add(["y"]),
    "tuple": add(("y",)),
    "array of names": add(np.array(["y"])),
    "empty tuple": add(()),
    "twice": add(["y", "y"]),
    "bytes as name": add([b"y"]),
    "set of names": add({"y"}),
    "generator of names": lambda o: adder(o).run((x for x in ["y"]), {"a": ONE, "b": ONE}),
    "str as names": add("y"),
    "dict as names": add({"y": 1}),
    "None as name": add([None]),
    "number as name": add([1]),
    "unknown name": add(["q"]),
    "two unknown names": add(["y", "q", "p"]),
    "input as name": add(["a"]),
    "missing": add(drop="b"),
    "missing before conversion": add(drop="b", a=1),
    "missing before names": add("y", drop="b"),
    "names before conversion": add("y", a=1),
    "conversion before dtype": add(a=np.ones(2), b=1),
    "extra before dtype": add(a=np.ones(2), z=ONE),
    "dtype before output": add(["q"], a=np.ones(2)),
    "extra": add(z=ONE),
    "extra None": add(z=None),
    "extra list": add(z=[1]),
    "extra map": add(z={1: 2.0}),
    "rank": add(a=np.ones((2, 1), F4)),
    "dims": add(b=np.ones(3, F4)),
    "None for an input": add(b=None),
    "run options": add(run_options=lambda o: o.RunOptions()),
    "run options of another type": add(run_options=1),
    "session options for run options": add(run_options=lambda o: o.SessionOptions()),
    "no feed": lambda o: adder(o).run(None, None),
    "list feed": lambda o: adder(o).run(None, [ONE]),
    "number as key": lambda o: adder(o).run(None, {"a": ONE, "b": ONE, 1: ONE}),
    "bytes as key": lambda o: adder(o).run(None, {"a": ONE, "b": ONE, b"c": ONE}),
    "nothing fed": lambda o: adder(o).run(None, {}),
    "ordered": lambda o: adder(o).run(None, collections.OrderedDict(a=ONE, b=ONE)),
    "user dict": lambda o: adder(o).run(None, collections.UserDict(a=ONE, b=ONE)),
    "chain": lambda o: adder(o).run(None, collections.ChainMap({"a": ONE}, {"b": ONE})),
    "proxy": lambda o: adder(o).run(None, types.MappingProxyType({"a": ONE, "b": ONE})),
    "anything with keys and items": lambda o: adder(o).run(None, Keys()),
    "by keyword": lambda o: adder(o).run(output_names=["y"], input_feed={"a": ONE, "b": ONE}, run_options=None),
    "unknown keyword": lambda o: adder(o).run(None, {"a": ONE, "b": ONE}, foo=1),
    "no arguments": lambda o: adder(o).run(),
    "optional left out": lambda o: session(o, "optional").run(None, {}),
    "optional None": lambda o: session(o, "optional").run(None, {"o": None}),
    "optional there": lambda o: session(o, "optional").run(None, {"o": ONE}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_call(name: str) -> None:
    same(CASES[name])


def fixed(o: Any, shape: tuple[int, ...]) -> Any:
    return o.InferenceSession(models.identity(T.FLOAT, [2, "N", 3])).run(None, {"x": np.ones(shape, F4)})


@pytest.mark.parametrize("shape", [(2, 4, 3), (3, 4, 5), (2, 4, 5), (2, 0, 3), (2, 3), ()])
def test_dimensions(shape: tuple[int, ...]) -> None:
    same(lambda o: fixed(o, shape))


def test_bytes_that_fill_their_width_stay_apart() -> None:
    """onnxruntime reads on into the neighbours."""
    result = session(celeris, "string").run(None, {"x": np.array([b"ab", b"cd", b"e"])})
    assert result[0].tolist() == ["ab", "cd", "e"]


def test_text_keeps_its_nul() -> None:
    """onnxruntime ends it there."""
    assert session(celeris, "string").run(None, {"x": np.array(["a\0b"])})[0].tolist() == ["a\0b"]


@pytest.mark.parametrize("array", [np.ones((1, 2), ">f4"), np.array([["a"]], ">U1")])
def test_big_endian_is_converted(array: np.ndarray) -> None:
    """onnxruntime takes the bytes as they are."""
    kind = "string" if array.dtype.kind == "U" else "float"
    assert session(celeris, kind).run(None, {"x": array})[0].tolist() == array.tolist()


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        session(celeris, "string").run(None, {"x": np.array(["ok", "\ud800"])})


@pytest.mark.parametrize("module", [onnxruntime, celeris])
def test_results_belong_to_the_caller(module: Any) -> None:
    x = np.ones((2, 2), F4)
    made = session(module, "float")
    first, second = made.run(None, {"x": x})[0], made.run(None, {"x": x})[0]
    assert first.flags.writeable
    first[0, 0] = 5
    assert x[0, 0] == 1
    assert second[0, 0] == 1

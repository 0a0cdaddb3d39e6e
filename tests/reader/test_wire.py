"""The wire decoder on small schemas: every wire type, packed or not, merging, and everything it must refuse."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeris import _core
from celeris.graph.strings import Strings
from celeris.reader.wire import decode
from celeris.writer.encode import varint, varints

TABLE = {
    "M": [
        (1, "i", "int64", False, -1, ""),
        (2, "j", "int32", False, -1, ""),
        (3, "u", "uint64", False, -1, ""),
        (4, "f", "float", False, -1, ""),
        (5, "d", "double", False, -1, ""),
        (6, "s", "string", False, -1, ""),
        (7, "b", "bytes", False, -1, ""),
        (8, "m", "message", False, -1, "M"),
        (11, "is", "int64", True, -1, ""),
        (12, "js", "int32", True, -1, ""),
        (13, "us", "uint64", True, -1, ""),
        (14, "fs", "float", True, -1, ""),
        (15, "ds", "double", True, -1, ""),
        (16, "ss", "string", True, -1, ""),
        (17, "bs", "bytes", True, -1, ""),
        (18, "ms", "message", True, -1, "M"),
        (10, "ns", "integers", True, -1, ""),
        (21, "x", "int64", False, 0, ""),
        (22, "y", "string", False, 0, ""),
    ]
}
SCHEMA = _core.WireSchema(TABLE, Strings)


def m(data: Any, depth: int = 100, messages: int = 1000, threads: int = 1) -> Any:
    return SCHEMA.decode(data, "M", depth, messages, threads)


def tag(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def text(number: int, data: bytes) -> bytes:
    return tag(number, 2) + varint(len(data)) + data


def test_scalars() -> None:
    data = tag(1, 0) + varint(-5) + tag(2, 0) + varint(2**32 + 7) + tag(3, 0) + varint(2**64 - 1)
    data += tag(4, 5) + np.float32(0.5).tobytes() + tag(5, 1) + np.float64(0.1).tobytes()
    data += text(6, "ü".encode()) + text(7, b"\xff\x00")
    found = m(data)
    assert bytes(found.pop("b")) == b"\xff\x00"
    assert found == {"i": -5, "j": 7, "u": 2**64 - 1, "f": 0.5, "d": 0.1, "s": "ü"}
    assert m(b"") == {}


def test_single_bytes_are_views_of_the_buffer() -> None:
    data = text(7, b"abc")
    view = m(data)["b"]
    assert isinstance(view, memoryview)
    assert view.obj is data


@pytest.mark.parametrize(
    ("number", "name", "wire", "dtype"),
    [
        (11, "is", 0, np.int64),
        (12, "js", 0, np.int32),
        (13, "us", 0, np.uint64),
        (14, "fs", 5, "f4"),
        (15, "ds", 1, "f8"),
    ],
)
def test_repeated_numbers_come_packed_and_not(number: int, name: str, wire: int, dtype: Any) -> None:
    def one(value: int) -> bytes:
        return varint(value) if wire == 0 else np.array(value, dtype).tobytes()

    single = b"".join(tag(number, wire) + one(value) for value in (1, 300, 3))
    packed = text(number, one(4) + one(500))
    found = m(single + packed + text(number, b"") + single)[name]
    assert found.dtype == dtype
    assert found.tolist() == [1, 300, 3, 4, 500, 1, 300, 3]
    assert m(text(number, b""))[name].shape == (0,)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_varints_of_any_size(values: list[int]) -> None:
    packed = varints(np.array(values, np.int64))
    assert packed == b"".join(map(varint, values))
    assert m(text(11, packed)).get("is", np.empty(0)).tolist() == values
    assert m(b"".join(tag(11, 0) + varint(value) for value in values)).get("is", np.empty(0)).tolist() == values


def test_long_arrays_own_their_memory() -> None:
    found = m(b"".join(tag(11, 0) + varint(value) for value in range(5000)))["is"]
    assert found.tolist() == list(range(5000))
    assert found.flags.writeable


@given(st.lists(st.sampled_from([b"", b"a", b"BRANCH_LEQ", b"LEAF", b"12345678", b"123456789" * 3]) | st.binary()))
def test_repeated_bytes_are_distinct_values_and_codes(values: list[bytes]) -> None:
    found = m(b"".join(text(17, value) for value in values)).get("bs", Strings.of(()))
    assert list(found) == values
    unique, codes = found.codes()
    assert unique == list(dict.fromkeys(values))
    assert codes.dtype == (np.int64 if values else np.int32)


@given(
    st.lists(st.one_of(*(st.integers(0, 2**bits - 1) for bits in (7, 14, 21, 28, 63))), min_size=1), st.integers(0, 3)
)
def test_integers_of_mixed_sizes(values: list[int], more: int) -> None:
    values = values * 4 ** min(more, 2)
    data = b"".join(tag(10, 0) + varint(value) for value in values)
    assert m(data)["ns"].tolist() == values
    assert m(data + tag(11, 0) + varint(300))["ns"].tolist() == values
    with pytest.raises(_core.WireError, match="expected a whole varint"):
        m(data + tag(10, 0) + b"\xff" * (more + 1))


SIZES = {np.int8: 7, np.int16: 15, np.uint16: 16, np.int32: 31, np.int64: 63}


@given(st.lists(st.tuples(st.sampled_from(list(SIZES)), st.integers(1, 2500)), max_size=5), st.integers(0, 2**32))
def test_many_integers_are_as_narrow_as_the_widest(runs: list[tuple[Any, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [rng.integers(-(2 ** SIZES[t]) * (seed % 2), 2 ** SIZES[t], n) for t, n in runs]
    values = np.concatenate([np.zeros(0, np.int64), *parts])
    both = b"".join(tag(10, 0) + varint(value) for value in values.tolist()), text(10, varints(values))
    for data in (*both, both[0] + both[1]):
        found = m(data).get("ns", np.zeros(0, np.int64))
        np.testing.assert_array_equal(found, np.concatenate((values, values)) if data not in both else values)
        fits = [
            d for d in SIZES if not values.size or np.iinfo(d).min <= values.min() <= values.max() <= np.iinfo(d).max
        ]
        assert found.dtype == (fits[0] if len(found) >= 4096 else np.int64)


def test_codes_of_many_strings_are_narrow() -> None:
    values = [b"%d" % number for number in range(200)] * 21
    unique, codes = m(b"".join(text(17, value) for value in values))["bs"].codes()
    assert unique == values[:200]
    assert codes.dtype == np.int16
    assert codes.tolist() == list(range(200)) * 21


def test_several_threads_read_what_one_reads() -> None:
    numbers = np.arange(60_000) * 7919 % 70_000
    inner = [
        b"".join(tag(n, 0) + varint(value) for value in numbers[:k].tolist()) for n, k in ((10, 60_000), (12, 30_000))
    ]
    data = b"".join(text(18, each) for each in (inner[0], b"", inner[1], text(18, inner[0]) + text(18, inner[1])))
    one, several = m(data), m(data, threads=3)
    for a, b in zip(one["ms"], several["ms"], strict=True):
        assert a.keys() == b.keys()
    np.testing.assert_array_equal(several["ms"][0]["ns"], numbers)
    np.testing.assert_array_equal(several["ms"][2]["js"], numbers[:30_000])
    np.testing.assert_array_equal(several["ms"][3]["ms"][0]["ns"], numbers)
    for broken in (inner[0] + tag(10, 0) + b"\xff", inner[0] + tag(1, 6)):
        damaged = text(18, inner[0]) + text(18, broken) + text(18, inner[1][:-1] + b"\xff")
        texts = []
        for threads in (1, 3):
            with pytest.raises(_core.WireError) as caught:
                m(damaged, threads=threads)
            texts.append(str(caught.value))
        assert texts[0] == texts[1]
    with pytest.raises(_core.WireError, match="expected fewer messages"):
        m(data, messages=5, threads=3)


def test_narrow_integers_are_many() -> None:
    with pytest.raises(ValueError, match="expected many integers"):
        _core.WireSchema({"M": [(1, "i", "integers", False, -1, "")]}, Strings)


def test_many_distinct_strings() -> None:
    values = [b"%d" % number for number in range(3000)] * 2
    assert list(m(b"".join(text(17, value) for value in values))["bs"]) == values


def test_repeated_strings_and_messages() -> None:
    data = text(16, b"a") + text(16, b"") + text(18, tag(1, 0) + b"\x01") + text(18, b"")
    assert m(data) == {"ss": ["a", ""], "ms": [{"i": 1}, {}]}


def test_last_scalar_wins_and_messages_merge() -> None:
    assert m(tag(1, 0) + b"\x01" + tag(1, 0) + b"\x02") == {"i": 2}
    found = m(text(8, tag(1, 0) + b"\x01" + tag(11, 0) + b"\x07") + text(8, tag(2, 0) + b"\x02" + tag(11, 0) + b"\x08"))
    assert found["m"].pop("is").tolist() == [7, 8]
    assert found == {"m": {"i": 1, "j": 2}}


def test_last_of_a_oneof_wins() -> None:
    assert m(tag(21, 0) + b"\x01" + text(22, b"n")) == {"y": "n"}
    assert m(text(22, b"n") + tag(21, 0) + b"\x01") == {"x": 1}


def test_unknown_fields_and_foreign_wire_types_are_skipped() -> None:
    unknown = tag(99, 0) + b"\x80\x01" + tag(2**29 - 1, 1) + b"8" * 8 + tag(99, 5) + b"4444" + text(99, b"abc")
    group = tag(99, 3) + tag(1, 0) + b"\x01" + tag(98, 3) + tag(98, 4) + text(7, b"z") + tag(99, 4)
    foreign = text(1, b"abc") + tag(6, 0) + b"\x01" + tag(11, 5) + b"4444" + tag(8, 3) + tag(8, 4)
    assert m(unknown + group + foreign + tag(1, 0) + b"\x05") == {"i": 5}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x08", "end of the data"),
        (b"\x08\x80", "end of the data"),
        (b"\x08" + b"\xff" * 10, "a longer one"),
        (b"\x08" + b"\x80" * 9 + b"\x02", "a longer one"),
        (b"\x00\x01", "field number"),
        (b"\x80" * 4 + b"\x10", "field number"),
        (b"\xff" * 5, "end of the data"),
        (b"\x0e", "wire type"),
        (b"\x0f", "wire type"),
        (b"\x0c", "not begun"),
        (b"\x3a\x05abc", "beyond its end"),
        (b"\x3a" + b"\xff" * 9 + b"\x01", "beyond its end"),
        (b"\x25abc", "end of the data"),
        (b"\x5a\x02\x01\x80", "end of a packed array"),
        (b"\x72\x03abc", "a part of one"),
        (b"\x72\x05abcde", "a part of one"),
        (tag(99, 3), "end of the data"),
        (tag(99, 3) + tag(98, 4), "another's"),
        (text(8, b"\x08"), "end of the data"),
        (text(6, b"\xff"), "UTF-8"),
        (text(16, b"\xed\xa0\x80"), "UTF-8"),
    ],
)
def test_damage_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(_core.WireError, match=what):
        m(data)


def test_depth_is_limited() -> None:
    nested = b""
    for _ in range(6):
        nested = text(8, nested)
    assert m(nested, depth=6)
    with pytest.raises(_core.WireError, match="less deeply"):
        m(nested, depth=5)
    with pytest.raises(_core.WireError, match="less deeply"):
        m(tag(99, 3) * 2000)


def test_number_of_messages_is_limited() -> None:
    assert len(m(text(18, b"") * 5, messages=5)["ms"]) == 5
    with pytest.raises(_core.WireError, match="fewer messages"):
        m(text(18, b"") * 6, messages=5)


@given(st.binary(max_size=60))
def test_any_bytes_end_in_a_message_or_the_error(data: bytes) -> None:
    with suppress(_core.WireError):
        assert isinstance(m(data), dict)


def test_other_buffers() -> None:
    data = tag(1, 0) + b"\x01"
    assert m(bytearray(data)) == m(memoryview(data)) == m(np.frombuffer(data, np.uint8)) == {"i": 1}
    with pytest.raises(TypeError):
        m("text")


def _message(ours: dict[str, Any], name: str) -> Any:
    import onnx

    return ours[name] if name in ours else getattr(onnx, name)


def test_onnx_schema_is_complete() -> None:
    """Every field of onnx.proto is in the schema with its number and type, or left out on purpose."""
    import onnx

    from celeris.reader.schema import SCHEMA as ONNX

    ours: dict[str, Any] = {
        "TensorTypeProto": onnx.TypeProto.Tensor,
        "ElementTypeProto": onnx.TypeProto.Sequence,
        "MapTypeProto": onnx.TypeProto.Map,
        "OpaqueTypeProto": onnx.TypeProto.Opaque,
        "Dimension": onnx.TensorShapeProto.Dimension,
        "TensorSegment": onnx.TensorProto.Segment,
    }
    left_out = set()
    kinds = {
        1: "double",
        2: "float",
        3: "int64",
        4: "uint64",
        5: "int32",
        9: "string",
        11: "message",
        12: "bytes",
        14: "int32",
    }
    for name, fields in ONNX.items():
        descriptor = _message(ours, name).DESCRIPTOR
        by_number = {field.number: field for field in fields}
        for theirs in descriptor.fields:
            found = by_number.pop(theirs.number, None)
            if found is None:
                left_out.add(theirs.name)
                continue
            assert (found.name, found.kind.replace("integers", "int64")) == (theirs.name, kinds[theirs.type])
            assert found.repeated == theirs.is_repeated
            assert (found.oneof >= 0) == (theirs.containing_oneof is not None)
        assert not by_number
    assert left_out == {
        "doc_string", "metadata_props", "denotation", "training_info", "configuration", "device_configurations",
        "quantization_annotation",
    }  # fmt: skip


def test_decode_names_the_fault() -> None:
    from celeris.reader import ReadError

    with pytest.raises(ReadError, match="byte 1: expected") as found:
        decode(b"\x0f")
    assert found.value.kind == "protobuf"

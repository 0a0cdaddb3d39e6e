"""The message types of ONNX that inference needs, as data. Source: onnx.proto, IR version 14 (onnx 1.23).

A row is `number name kind`; `*` after the kind: repeated; `|`: one of the fields so marked excludes the others. A kind
that is no scalar is a message type. Fields left out (training, devices, annotations) are skipped like unknown ones.
"""

from __future__ import annotations

from typing import NamedTuple

_SCALARS = {"int32", "int64", "integers", "uint64", "float", "double", "string", "bytes"}

_TYPES: dict[str, str] = {
    "ModelProto": """
        1 ir_version int64
        2 producer_name string
        3 producer_version string
        4 domain string
        5 model_version int64
        6 doc_string string
        7 graph GraphProto
        8 opset_import OperatorSetIdProto*
        14 metadata_props StringStringEntryProto*
        25 functions FunctionProto*""",
    "OperatorSetIdProto": """
        1 domain string
        2 version int64""",
    "StringStringEntryProto": """
        1 key string
        2 value string""",
    "FunctionProto": """
        1 name string
        4 input string*
        5 output string*
        6 attribute string*
        7 node NodeProto*
        8 doc_string string
        9 opset_import OperatorSetIdProto*
        10 domain string
        11 attribute_proto AttributeProto*
        12 value_info ValueInfoProto*
        13 overload string""",
    "GraphProto": """
        1 node NodeProto*
        2 name string
        5 initializer TensorProto*
        10 doc_string string
        11 input ValueInfoProto*
        12 output ValueInfoProto*
        13 value_info ValueInfoProto*
        15 sparse_initializer SparseTensorProto*""",
    "NodeProto": """
        1 input string*
        2 output string*
        3 name string
        4 op_type string
        5 attribute AttributeProto*
        6 doc_string string
        7 domain string
        8 overload string""",
    "AttributeProto": """
        1 name string
        2 f float
        3 i int64
        4 s bytes
        5 t TensorProto
        6 g GraphProto
        7 floats float*
        8 ints integers*
        9 strings bytes*
        10 tensors TensorProto*
        11 graphs GraphProto*
        14 tp TypeProto
        15 type_protos TypeProto*
        20 type int32
        21 ref_attr_name string
        22 sparse_tensor SparseTensorProto
        23 sparse_tensors SparseTensorProto*""",
    "ValueInfoProto": """
        1 name string
        2 type TypeProto""",
    "TensorProto": """
        1 dims int64*
        2 data_type int32
        3 segment TensorSegment
        4 float_data float*
        5 int32_data int32*
        6 string_data bytes*
        7 int64_data int64*
        8 name string
        9 raw_data bytes
        10 double_data double*
        11 uint64_data uint64*
        13 external_data StringStringEntryProto*
        14 data_location int32""",
    "TensorSegment": """
        1 begin int64
        2 end int64""",
    "SparseTensorProto": """
        1 values TensorProto
        2 indices TensorProto
        3 dims int64*""",
    "TypeProto": """
        1 tensor_type TensorTypeProto|
        4 sequence_type ElementTypeProto|
        5 map_type MapTypeProto|
        7 opaque_type OpaqueTypeProto|
        8 sparse_tensor_type TensorTypeProto|
        9 optional_type ElementTypeProto|""",
    "TensorTypeProto": """
        1 elem_type int32
        2 shape TensorShapeProto""",
    "ElementTypeProto": """
        1 elem_type TypeProto""",
    "MapTypeProto": """
        1 key_type int32
        2 value_type TypeProto""",
    "OpaqueTypeProto": """
        1 domain string
        2 name string""",
    "TensorShapeProto": """
        1 dim Dimension*""",
    "Dimension": """
        1 dim_value int64|
        2 dim_param string|
        3 denotation string""",
}


class Field(NamedTuple):
    """One field of a message type, in the shape that the native decoder takes."""

    number: int
    name: str
    kind: str  # a scalar, or 'message'
    repeated: bool
    oneof: int  # -1: none
    message: str  # the message type, or ''


def _field(row: str) -> Field:
    number, name, kind = row.split()
    bare = kind.rstrip("*|")
    scalar = bare in _SCALARS
    return Field(
        int(number), name, bare if scalar else "message", "*" in kind, 0 if "|" in kind else -1, "" if scalar else bare
    )


SCHEMA: dict[str, list[Field]] = {
    name: [_field(row) for row in rows.strip().splitlines()] for name, rows in _TYPES.items()
}

# AttributeProto.AttributeType -> the kind's name, and the field that holds its value.
ATTRIBUTE_KINDS: dict[int, tuple[str, str]] = {
    1: ("FLOAT", "f"),
    2: ("INT", "i"),
    3: ("STRING", "s"),
    4: ("TENSOR", "t"),
    5: ("GRAPH", "g"),
    6: ("FLOATS", "floats"),
    7: ("INTS", "ints"),
    8: ("STRINGS", "strings"),
    9: ("TENSORS", "tensors"),
    10: ("GRAPHS", "graphs"),
    11: ("SPARSE_TENSOR", "sparse_tensor"),
    12: ("SPARSE_TENSORS", "sparse_tensors"),
    13: ("TYPE_PROTO", "tp"),
    14: ("TYPE_PROTOS", "type_protos"),
}
EXTERNAL = 1  # TensorProto.DataLocation

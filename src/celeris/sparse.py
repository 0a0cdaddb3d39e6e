"""Sparse tensors as onnxruntime shows them: the state class, its wrapper, and the views of their indices."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from celeris.device_enums import OrtSparseFormat
from celeris.devices import Device, OrtDevice, require_cpu
from celeris.graph.types import SparseTensor as GraphSparse
from celeris.graph.types import dtype_of, element_of

_STATE = "celeris.capi.onnxruntime_pybind11_state"


class SparseCooView:
    """Indices of a COO tensor: [nnz] into the flat tensor, or [nnz, rank]."""

    def __init__(self, indices: np.ndarray) -> None:
        self._indices = indices

    def indices(self) -> np.ndarray:
        return self._indices


class SparseBlockSparseView(SparseCooView):
    """Indices of a block-sparse tensor."""


class SparseCsrView:
    """Indices of a CSR tensor: columns [nnz], and where each row starts [rows + 1]."""

    def __init__(self, inner: np.ndarray, outer: np.ndarray) -> None:
        self._inner, self._outer = inner, outer

    def inner(self) -> np.ndarray:
        return self._inner

    def outer(self) -> np.ndarray:
        return self._outer


class SparseValue:
    """A sparse tensor: values [nnz], indices by format, dense shape."""

    def __init__(self, form: Any, shape: Sequence[int], values: np.ndarray, indices: tuple[np.ndarray, ...]) -> None:
        self._format, self._values, self._indices = form, _frozen(values), tuple(_frozen(each) for each in indices)
        self._shape = [operator.index(size) for size in shape]

    @staticmethod
    def sparse_coo_from_numpy(shape: Any, values: np.ndarray, indices: Any, device: Device) -> SparseValue:
        require_cpu(device)
        values, places = _values(values), _indices(indices)
        if places.size not in (values.size, 2 * values.size):
            raise RuntimeError(f"Index size: {places.size} must be equal to or twice the values size: {values.size}")
        return SparseValue(OrtSparseFormat.ORT_SPARSE_COO, _shape(shape), values, (places,))

    @staticmethod
    def sparse_csr_from_numpy(shape: Any, values: np.ndarray, inner: Any, outer: Any, device: Device) -> SparseValue:
        require_cpu(device)
        sizes, values = _shape(shape), _values(values)
        columns, starts = _indices(inner), _indices(outer)
        if len(sizes) != 2:
            raise RuntimeError(f"CSR: expected a dense shape of 2 dimensions, got {len(sizes)}")
        if columns.size != values.size:
            raise RuntimeError(f"CSR: expected as many inner indices as values ({values.size}), got {columns.size}")
        if values.size and starts.size != sizes[0] + 1:
            raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : Outer index count must be rows + 1")
        return SparseValue(OrtSparseFormat.ORT_SPARSE_CSRC, sizes, values, (columns, starts))

    @staticmethod
    def blocksparse_from_numpy(shape: Any, values: np.ndarray, indices: Any, device: Device) -> SparseValue:
        require_cpu(device)
        return SparseValue(OrtSparseFormat.ORT_SPARSE_BLOCK_SPARSE, _shape(shape), values, (_indices(indices),))

    @staticmethod
    def of_graph(tensor: GraphSparse) -> SparseValue:
        """A sparse tensor of the engine, as COO."""
        return SparseValue(OrtSparseFormat.ORT_SPARSE_COO, tensor.shape, tensor.values, (tensor.indices,))

    def to_graph(self) -> GraphSparse:
        """The tensor as the engine knows it: COO with indices [nnz, rank]; ValueError where an index lies outside."""
        shape, values = tuple(self._shape), self._values
        if self._format == OrtSparseFormat.ORT_SPARSE_CSRC:
            columns, starts = self._indices
            rows = np.repeat(np.arange(shape[0]), np.diff(starts)) if values.size else columns
            places = np.stack([rows, columns], axis=1)
        elif self._format == OrtSparseFormat.ORT_SPARSE_COO:
            places = self._indices[0]
            if places.ndim == 1 and len(shape) != 1:
                places = np.stack(np.unravel_index(places, shape), axis=1)
            places = places.reshape(values.size, len(shape))
        else:
            raise ValueError("a block-sparse tensor: expected COO or CSR")
        if ((places < 0) | (places >= np.array(shape))).any():
            raise ValueError(f"sparse tensor: expected indices inside the dense shape {list(shape)}")
        return GraphSparse(values, places.astype(np.int64), shape)

    @property
    def format(self) -> Any:
        return self._format

    def values(self) -> np.ndarray:
        return self._values

    def dense_shape(self) -> list[int]:
        return list(self._shape)

    def data_type(self) -> str:
        return f"sparse_tensor({element_of(self._values.dtype)})"

    def device_name(self) -> str:
        return "Cpu"

    def get_coo_data(self) -> SparseCooView:
        return SparseCooView(*self._of(OrtSparseFormat.ORT_SPARSE_COO, "COO"))

    def get_csrc_data(self) -> SparseCsrView:
        return SparseCsrView(*self._of(OrtSparseFormat.ORT_SPARSE_CSRC, "CSR(C)"))

    def get_blocksparse_data(self) -> SparseBlockSparseView:
        return SparseBlockSparseView(*self._of(OrtSparseFormat.ORT_SPARSE_BLOCK_SPARSE, "BlockSparse"))

    def _of(self, form: Any, name: str) -> tuple[np.ndarray, ...]:
        if self._format != form:
            raise RuntimeError(f"This sparse tensor does not contain {name} format")
        return self._indices

    def to_cuda(self, device: Device) -> SparseValue:
        raise RuntimeError("Cuda is not available in this build")


def _frozen(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _values(values: Any) -> np.ndarray:
    if not isinstance(values, np.ndarray):
        raise TypeError(f"sparse tensor: expected values as a numpy array, got {type(values).__name__}")
    if values.ndim != 1:
        raise RuntimeError(f"sparse tensor: expected values of 1 dimension, got {values.ndim}")
    return values.astype(dtype_of("string")) if element_of(values.dtype) == "string" else values


def _indices(indices: Any) -> np.ndarray:
    return np.ascontiguousarray(indices, np.int64)


def _shape(shape: Any) -> list[int]:
    sizes = [operator.index(size) for size in shape]
    if any(size < 0 for size in sizes):
        raise RuntimeError(f"sparse tensor: expected a dense shape without negative sizes, got {sizes}")
    return sizes


class SparseTensor:
    """A sparse tensor, as callers make one."""

    def __init__(self, sparse_tensor: SparseValue) -> None:
        if not isinstance(sparse_tensor, SparseValue):
            raise ValueError(
                "`Provided object` needs to be of type `onnxruntime.capi.onnxruntime_pybind11_state.SparseTensor`"
            )
        self._tensor = sparse_tensor

    def _get_c_tensor(self) -> SparseValue:
        return self._tensor

    @classmethod
    def sparse_coo_from_numpy(
        cls, dense_shape: Any, values: np.ndarray, coo_indices: Any, ort_device: OrtDevice
    ) -> SparseTensor:
        """COO: values [nnz]; indices [nnz] into the flat tensor, or [nnz, 2]."""
        return cls(SparseValue.sparse_coo_from_numpy(dense_shape, values, coo_indices, ort_device._get_c_device()))

    @classmethod
    def sparse_csr_from_numpy(
        cls, dense_shape: Any, values: np.ndarray, inner_indices: Any, outer_indices: Any, ort_device: OrtDevice
    ) -> SparseTensor:
        """CSR: values [nnz], columns [nnz], row starts [rows + 1]."""
        device = ort_device._get_c_device()
        return cls(SparseValue.sparse_csr_from_numpy(dense_shape, values, inner_indices, outer_indices, device))

    def values(self) -> np.ndarray:
        """The values that are there [nnz]."""
        return self._tensor.values()

    def as_coo_view(self) -> SparseCooView:
        """Its COO indices."""
        return self._tensor.get_coo_data()

    def as_csrc_view(self) -> SparseCsrView:
        """Its CSR indices."""
        return self._tensor.get_csrc_data()

    def as_blocksparse_view(self) -> SparseBlockSparseView:
        """Its block indices."""
        return self._tensor.get_blocksparse_data()

    def to_cuda(self, ort_device: OrtDevice) -> SparseTensor:
        """Refuses: there is no CUDA here."""
        return SparseTensor(self._tensor.to_cuda(ort_device._get_c_device()))

    def format(self) -> Any:
        """Its OrtSparseFormat."""
        return self._tensor.format

    def dense_shape(self) -> list[int]:
        """The shape of the dense tensor."""
        return self._tensor.dense_shape()

    def data_type(self) -> str:
        """Such as 'sparse_tensor(float)'."""
        return self._tensor.data_type()

    def device_name(self) -> str:
        """'cpu'."""
        return self._tensor.device_name().lower()


SparseValue.__name__ = SparseValue.__qualname__ = "SparseTensor"
for _cls in (SparseValue, SparseCooView, SparseCsrView, SparseBlockSparseView):
    _cls.__module__ = _STATE

"""IOBinding: inputs and outputs tied to memory once, for many runs."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from celeris.devices import Device, OrtDevice, require_cpu
from celeris.errors import plain_text
from celeris.feeds import Fed, convert, of_value
from celeris.graph.types import ELEMENT_NAMES, Tensor, dtype_of, element_of
from celeris.options import RunOptions
from celeris.ortvalue import OrtValue, OrtValueVector
from celeris.values import Value, element_of_numpy, to_numpy, to_python

if TYPE_CHECKING:
    from celeris.loading import LoadedModel

_CPU = OrtDevice.make("cpu", 0)._get_c_device()
_FIX = "Please fix either the inputs/outputs or the model."


class SessionIOBinding:
    """What is bound to a loaded model, by name."""

    def __init__(self, model: LoadedModel, native: Callable[..., list[Any] | None] | None = None) -> None:
        self._model = model
        self._native = native  # the session's native way, which checks what it is given; None: none
        self._inputs: dict[str, Fed] = {}
        self._outputs: dict[str, Value | None] = {}  # None: made by the next run
        self._given: set[str] = set()  # outputs whose memory is the caller's

    def bind_input(self, name: str, *where: Any) -> None:
        """`(name, array)`, or `(name, device, element type, shape, address)`."""
        if not isinstance(name, str):
            raise TypeError(f"name: expected a str, got {type(name).__name__}")
        if name not in self._model._known:
            raise RuntimeError(
                f"Failed to find NodeArg with name: {name} in the def list"
                if len(where) == 1
                else f"Error when binding input: Failed to find input name in the mapping: {name}"
            )
        if len(where) == 1:
            self._bind_array(name, where[0])
        else:
            self._inputs[name] = of_value(_at(*where))

    def _bind_array(self, name: str, array: Any) -> None:
        if not isinstance(array, np.ndarray):
            raise RuntimeError("Unable to create OrtValue from the given python object")
        declared = self._model._known[name]
        if isinstance(declared, Tensor) and declared.element == "string":
            raise RuntimeError("Only binding non-string Tensors is currently supported")
        self._inputs[name] = convert(name, array, declared)

    def bind_ortvalue_input(self, name: str, value: Value) -> None:
        """Binds the value to the input. RuntimeError for an unknown name."""
        if name not in self._model._known:
            raise RuntimeError(f"Error when binding input: Failed to find input name in the mapping: {name}")
        self._inputs[name] = of_value(value)

    def bind_output(self, name: str, device: Device, *where: Any) -> None:
        """`(name, device)`: memory made by the run; or `(name, device, element type, shape, address)`."""
        require_cpu(device)
        self._bind(name, _at(device, *where) if where else None)

    def bind_ortvalue_output(self, name: str, value: Value) -> None:
        """Asks for the output in the memory of the value."""
        self._bind(name, value)

    def _bind(self, name: str, value: Value | None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name: expected a str, got {type(name).__name__}")
        self._outputs[name] = value
        if value is None:
            self._given.discard(name)
        else:
            self._given.add(name)

    def run(self, run_options: RunOptions | None) -> None:
        """Runs the model on what is bound; RuntimeError for every failure."""
        names = list(self._outputs)
        try:
            if not names:
                raise RuntimeError("At least one output should be requested.")
            self._check_given()
            for name, value in zip(names, self._answers(names, run_options), strict=True):
                self._keep(name, value)
        except Exception as problem:
            text = plain_text(problem).replace("Invalid output name:", "Invalid output name: ")
            raise RuntimeError(f"Error in execution: {text}") from problem

    def _answers(self, names: list[str], run_options: RunOptions | None) -> list[Any]:
        """The wanted outputs; by `execute`, which words what is wrong, where the native way is none for the call."""
        if self._native is not None and not self._model.watched(run_options):
            values = self._native(names, {name: fed.value for name, fed in self._inputs.items()})
            if values is not None:
                return values
        return self._model.execute(names, self._inputs, run_options)

    def _check_given(self) -> None:
        for name in self._given:
            value, declared = self._outputs[name], self._model._outputs.get(name)
            if value is None or not isinstance(value._value, np.ndarray) or not isinstance(declared, Tensor):
                continue
            element = element_of(value._value.dtype)
            if element != declared.element:
                raise RuntimeError(
                    f"Unexpected output data type. Actual: (tensor({element})) , expected: (tensor({declared.element}))"
                )

    def _keep(self, name: str, new: Any) -> None:
        """Binds a result: in the earlier value's memory where it fits there, else as it is."""
        held = self._outputs[name]
        old = None if held is None else held._value
        if isinstance(new, np.ndarray) and isinstance(old, np.ndarray):
            if old.shape == new.shape and old.dtype == new.dtype:
                old[...] = new
                return
            if name in self._given:
                self._refuse(name, old, new)
        self._outputs[name] = Value.of(new, self._model._outputs[name])

    def _refuse(self, name: str, old: np.ndarray, new: np.ndarray) -> NoReturn:
        wrong = [
            f"\n index: {axis} Got: {got} Expected: {expected}"
            for axis, (got, expected) in enumerate(zip(old.shape, new.shape, strict=False))
            if got != expected
        ]
        raise RuntimeError(
            f"Got invalid dimensions for output: {name} for the following indices{''.join(wrong)}\n {_FIX}"
            if old.ndim == new.ndim
            else f"Invalid rank for output: {name} Got: {old.ndim} Expected: {new.ndim} {_FIX}"
        )

    def synchronize_inputs(self) -> None:
        """Nothing: the CPU does not lag."""

    def synchronize_outputs(self) -> None:
        """Nothing: the CPU does not lag."""

    def get_outputs(self) -> OrtValueVector:
        """The outputs of the last run; RuntimeError before the first."""
        return OrtValueVector(self._ran())

    def copy_outputs_to_cpu(self) -> list[Any]:
        """The outputs of the last run as Python values of their own memory; RuntimeError before the first."""
        return [
            to_numpy(value._value).copy() if isinstance(value._value, np.ndarray) else to_python(value._value)
            for value in self._ran()
        ]

    def _ran(self) -> list[Value]:
        values = []
        for name, value in self._outputs.items():
            if value is None:
                raise RuntimeError(f"IOBinding: expected a run before its outputs are read; '{name}' has no value yet")
            values.append(value)
        return values

    def clear_binding_inputs(self) -> None:
        """Forgets what inputs are bound to."""
        self._inputs.clear()

    def clear_binding_outputs(self) -> None:
        """Forgets which outputs are asked for."""
        self._outputs.clear()
        self._given.clear()


def _at(device: Device, kind: Any, shape: Any, address: int) -> Value:
    """A tensor over memory that the caller keeps alive."""
    require_cpu(device)
    if isinstance(kind, int):
        if kind not in ELEMENT_NAMES:
            raise RuntimeError(f"tensor type {kind} is not supported")
        dtype = dtype_of(ELEMENT_NAMES[kind])
    else:
        dtype = dtype_of(element_of_numpy(np.dtype(kind)))
    if dtype.kind == "O":
        raise RuntimeError("Only binding non-string Tensors is currently supported")
    size = prod(shape) * dtype.itemsize
    if not size:
        return Value.of(np.empty(tuple(shape), dtype), None)
    if not address:
        raise RuntimeError("IOBinding: expected the address of a buffer, got 0")
    import ctypes

    memory = (ctypes.c_char * size).from_address(int(address))
    return Value.of(np.frombuffer(memory, dtype).reshape(tuple(shape)), None)


SessionIOBinding.__module__ = "celeris.capi.onnxruntime_pybind11_state"


class IOBinding:
    """Inputs and outputs of a session, bound to arrays, addresses or OrtValues."""

    def __init__(self, session: Any) -> None:
        self._session = session._sess
        self._iobinding = SessionIOBinding(session._sess, session._run_native)

    def bind_cpu_input(self, name: str, arr_on_cpu: np.ndarray) -> None:
        """Binds an array, by reference where it is C-contiguous."""
        self._iobinding.bind_input(name, arr_on_cpu)

    def bind_input(
        self, name: str, device_type: str, device_id: int, element_type: Any, shape: Any, buffer_ptr: int
    ) -> None:
        """Binds memory at an address, which the caller keeps alive."""
        device = OrtDevice.make(device_type, device_id)._get_c_device()
        self._iobinding.bind_input(name, device, element_type, shape, buffer_ptr)

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        """Binds an OrtValue."""
        self._iobinding.bind_ortvalue_input(name, ortvalue._ortvalue)

    def bind_output(
        self,
        name: str,
        device_type: str = "cpu",
        device_id: int = 0,
        element_type: Any = None,
        shape: Any = None,
        buffer_ptr: int | None = None,
    ) -> None:
        """Asks for an output, in memory of its own or at an address that the caller keeps alive."""
        plain = device_type == "cpu" and device_id == 0
        device = _CPU if plain else OrtDevice.make(device_type, device_id)._get_c_device()
        if buffer_ptr is None:
            self._iobinding.bind_output(name, device)
            return
        if element_type is None or shape is None:
            raise ValueError("`element_type` and `shape` are to be provided if pre-allocated memory is provided")
        self._iobinding.bind_output(name, device, element_type, shape, buffer_ptr)

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Asks for an output in an OrtValue's memory."""
        self._iobinding.bind_ortvalue_output(name, ortvalue._ortvalue)

    def synchronize_inputs(self) -> None:
        """Nothing: the CPU does not lag."""
        self._iobinding.synchronize_inputs()

    def synchronize_outputs(self) -> None:
        """Nothing: the CPU does not lag."""
        self._iobinding.synchronize_outputs()

    def get_outputs(self) -> list[OrtValue]:
        """The outputs of the last run, in the order they were bound."""
        return [OrtValue(value) for value in self._iobinding.get_outputs()]

    def get_outputs_as_ortvaluevector(self) -> OrtValueVector:
        """The same as a vector of the state module's class."""
        return self._iobinding.get_outputs()

    def copy_outputs_to_cpu(self) -> list[Any]:
        """The outputs of the last run, copied."""
        return self._iobinding.copy_outputs_to_cpu()

    def clear_binding_inputs(self) -> None:
        """Forgets what inputs are bound to."""
        self._iobinding.clear_binding_inputs()

    def clear_binding_outputs(self) -> None:
        """Forgets which outputs are asked for."""
        self._iobinding.clear_binding_outputs()

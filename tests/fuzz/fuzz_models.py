"""Damages valid models and loads them: every one must end in a model or in a clean exception, never in a crash.

    python -m tests.fuzz.fuzz_models --seconds 30 --seed 1 [--session] [--first 0]

Each case has a number and depends on the seed and that number alone; the number is written to standard error before
anything that may kill the process, so a crash is repeated with `--first <number> --cases 1`.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import resource
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from celeris.graph import edit
from celeris.graph.graph import Attribute, Graph, Model
from celeris.graph.strings import Strings
from celeris.graph.types import Tensor, dtype_of
from celeris.reader import ReadError, read
from celeris.writer import write
from tests.onnx_models import file_models, node_models

_NUMBERS = [0, 1, -1, 2, 7, 127, 2**31 - 1, -(2**31), 2**31, 2**40, 2**63 - 1, -(2**63)]
_FLOATS = [0.0, -0.0, 1.0, -1.0, 1e-45, 3.4e38, float("inf"), float("nan")]
_LARGEST = 20_000  # bytes; small models find the same faults sooner
_MEMORY = 8 << 30  # bytes
_ELEMENTS = 1 << 20  # of a model's input fed, at most


def flip(data: bytes, random: random.Random) -> bytes:
    """Some bytes changed."""
    damaged = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 8])):
        damaged[random.randrange(len(damaged))] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)])
    return bytes(damaged)


def cut(data: bytes, random: random.Random) -> bytes:
    """The end missing, or a part from the middle."""
    at = random.randrange(len(data))
    return data[:at] if random.random() < 0.5 else data[:at] + data[at + random.randrange(1, 9) :]


def splice(data: bytes, random: random.Random) -> bytes:
    """A part of the model once more, elsewhere."""
    start = random.randrange(len(data))
    part = data[start : start + random.randrange(1, 40)]
    at = random.randrange(len(data))
    return data[:at] + part + data[at:]


def fields(data: bytes, random: random.Random) -> bytes:
    """A model that is well formed and wrong: attributes, tensors, names, types changed through the writer."""
    model = read(data)
    for _ in range(random.choice([1, 1, 2, 4])):
        graph = random.choice(list(edit.walk(model.graph)))
        random.choice(_CHANGES)(model, graph, random)
    return write(model)


def _change_attribute(model: Model, graph: Graph, random: random.Random) -> None:
    found = [(node, name) for node in graph.nodes for name in node.attributes]
    if found:
        node, name = random.choice(found)
        node.attributes[name] = _other_attribute(node.attributes[name], random)


def _other_attribute(attribute: Attribute, random: random.Random) -> Attribute:
    number, real = random.choice(_NUMBERS), random.choice(_FLOATS)
    if random.random() < 0.1:
        return random.choice([Attribute("INT", number), Attribute("FLOAT", real), Attribute("STRING", b"\xff")])
    match attribute.kind:
        case "INT":
            return Attribute("INT", number)
        case "FLOAT":
            return Attribute("FLOAT", real)
        case "STRING":
            return Attribute("STRING", random.choice([b"", b"\xff", b"NONE", b"SOFTMAX", b"BRANCH_LEQ"]))
        case "INTS" | "FLOATS":
            values = list(attribute.value)
            return Attribute(attribute.kind, _other_list(values, number if attribute.kind == "INTS" else real, random))
        case "STRINGS":
            return Attribute("STRINGS", Strings.of(_other_list(list(attribute.value), b"\xff", random)))
        case "TENSOR":
            return Attribute("TENSOR", _other_array(attribute.value, random))
    return attribute


def _other_list(values: list[Any], value: Any, random: random.Random) -> list[Any]:
    if not values or random.random() < 0.2:
        return [*values, value]
    if random.random() < 0.3:
        return values[: random.randrange(len(values))]
    values[random.randrange(len(values))] = random.choice([value, random.choice(values)])
    return values


def _other_array(array: np.ndarray, random: random.Random) -> np.ndarray:
    choice = random.randrange(4)
    if choice == 0:
        return array.reshape(-1)
    if choice == 1:
        return array[..., None][:0]
    if choice == 2 and array.dtype.kind in "iuf":
        dtype = dtype_of(random.choice(["float", "double", "int64", "int32", "int8", "float16", "bool"]))
        with np.errstate(all="ignore"):
            return array.astype(dtype)
    made = array.copy().reshape(-1)
    if made.size and array.dtype.kind in "iuf":
        with np.errstate(all="ignore"):
            value = random.choice(_NUMBERS if array.dtype.kind in "iu" else _FLOATS)
            made[random.randrange(made.size)] = np.array(value).astype(array.dtype)
    return made.reshape(array.shape)


def _change_constant(model: Model, graph: Graph, random: random.Random) -> None:
    names = [name for name, value in graph.initializers.items() if isinstance(value, np.ndarray)]
    if names:
        name = random.choice(names)
        graph.initializers[name] = _other_array(graph.initializers[name], random)  # type: ignore[arg-type]


def _change_wire(model: Model, graph: Graph, random: random.Random) -> None:
    names = sorted(edit.names(graph)) or ["x"]
    if graph.nodes:
        node = random.choice(graph.nodes)
        side = random.choice([node.inputs, node.outputs])
        if side:
            side[random.randrange(len(side))] = random.choice([*names, "", "nowhere"])


def _change_node(model: Model, graph: Graph, random: random.Random) -> None:
    if graph.nodes:
        node = random.choice(graph.nodes)
        match random.randrange(4):
            case 0:
                edit.remove_nodes(graph, [node])
            case 1:
                graph.nodes.insert(0, node)
            case 2:
                node.op_type = random.choice(["Add", "Reshape", "Gather", "Loop", "Foo", "TreeEnsembleClassifier"])
            case _:
                node.inputs = node.inputs[: random.randrange(len(node.inputs) + 1)]


def _change_type(model: Model, graph: Graph, random: random.Random) -> None:
    for name in random.sample(sorted(graph.types), min(len(graph.types), 2)):
        shape = tuple(random.choice([0, 1, 2, 3, 2**40, "N", None]) for _ in range(random.randrange(4)))
        element = random.choice(["float", "double", "int64", "string", "bool", "bfloat16", "int4"])
        graph.types[name] = Tensor(element, random.choice([None, shape, shape]))


def _change_opset(model: Model, graph: Graph, random: random.Random) -> None:
    for domain in model.opsets:
        model.opsets[domain] = random.randrange(30)


_CHANGES: list[Callable[[Model, Graph, random.Random], None]] = [
    _change_attribute, _change_attribute, _change_attribute, _change_constant, _change_constant, _change_wire,
    _change_node, _change_type, _change_opset,
]  # fmt: skip
_MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [flip, cut, splice, fields, fields]


def corpus() -> list[bytes]:
    """The models that are damaged: those of the onnx package that are small."""
    models = [*file_models().values(), *node_models().values()]
    return [data for data in models if len(data) <= _LARGEST]


def check_reader(data: bytes) -> str:
    """Reads; what it ended in. Anything but a model or a ReadError is raised."""
    try:
        model = read(data)
    except ReadError as error:
        return error.kind
    if read(write(model)).graph.inputs != model.graph.inputs:
        raise AssertionError("the model is another one after being written and read")
    return "model"


def check_session(data: bytes, random: random.Random) -> str:
    """Loads and runs with made-up inputs; what it ended in. Only exceptions of the public API pass."""
    import celeris
    from celeris.errors import EXCEPTIONS

    allowed: tuple[type[Exception], ...] = (*EXCEPTIONS, ValueError, RuntimeError, MemoryError)
    options = celeris.SessionOptions()
    options.log_severity_level = 4
    try:
        session = celeris.InferenceSession(data, options)
        feeds = {each.name: _feed(each, random) for each in session.get_inputs()}
        if any(feed is None for feed in feeds.values()):
            return "no feed"
        session.run(None, feeds)
    except allowed as error:
        return type(error).__name__
    return "run"


def _feed(argument: Any, random: random.Random) -> Any:
    """An array for an input, or None where none can be made."""
    from celeris.graph.types import ELEMENT_NUMBERS

    element = argument.type.removeprefix("tensor(").removesuffix(")")
    if element not in ELEMENT_NUMBERS:
        return None
    shape = [size if isinstance(size, int) else random.choice([0, 1, 2, 3]) for size in argument.shape]
    if np.prod([float(size) for size in shape]) > _ELEMENTS:
        return None
    if element == "string":
        return np.full(shape, "a", object)
    made = np.random.default_rng(random.randrange(2**32)).normal(size=shape) * random.choice([1, 100])
    with np.errstate(all="ignore"):
        return np.asarray(made).astype(dtype_of(element))


def case(number: int, seed: int, models: list[bytes], session: bool) -> str:
    """One damaged model; what it ended in."""
    rng = random.Random(f"{seed}/{number}")
    data = rng.choice(models)
    for _ in range(rng.choice([1, 1, 2])):
        mutation = rng.choice(_MUTATIONS)
        try:
            data = mutation(data, rng) or b"\0"
        except ReadError:
            break  # what is damaged already cannot always be changed by its fields
    found = check_reader(data)
    return check_session(data, rng) if session and found == "model" else found


def main(arguments: list[str] | None = None) -> int:
    """Runs cases until the time is over; 1 where one ended otherwise than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--cases", type=int, help="how many at most")
    parser.add_argument("--session", action="store_true", help="load and run, too")
    options = parser.parse_args(arguments)
    models = corpus()
    ends: Counter[str] = Counter()
    faults = 0
    number = options.first
    stop = time.monotonic() + options.seconds
    while time.monotonic() < stop and (options.cases is None or number < options.first + options.cases):
        if options.session:
            print(f"\rcase {number} ", end="", file=sys.stderr, flush=True)
        try:
            ends[case(number, options.seed, models, options.session)] += 1
        except Exception:
            faults += 1
            print(f"\ncase {number} of seed {options.seed}:", file=sys.stderr)
            traceback.print_exc()
        number += 1
    shown = ", ".join(f"{end} {count}" for end, count in ends.most_common())
    print(f"\n{number - options.first} cases: {shown}; {faults} faults", file=sys.stderr)
    return 1 if faults or number == options.first else 0


if __name__ == "__main__":
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))  # a model may ask for more than there is: MemoryError
    warnings.simplefilter("ignore")
    sys.exit(main())

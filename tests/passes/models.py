"""Models in text for tests of passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from celeris.graph.graph import Model
from celeris.graph.infer import infer
from celeris.graph.text import parse_graph, print_graph
from celeris.passes import PASSES
from celeris.passes.run import copy_graph, verify


def parsed(text: str, opset: int = 18) -> Model:
    """The model of a graph's text, with inferred types."""
    model = Model(parse_graph(text), 8, {"": opset, "ai.onnx.ml": 3})
    infer(model)
    return model


def rewritten(run: Callable[[Model], Iterator[str]], text: str, opset: int = 18) -> tuple[list[str], list[str]]:
    """What the pass says, and the lines of the graph's nodes and constants after it. It is what its row looks for."""
    model = parsed(text, opset)
    model.graph = copy_graph(model.graph)
    row = next(each for each in PASSES if each.name == run.__name__)
    concerned = row.concerns(model, {node.op_type for node in model.graph.nodes})
    said = list(run(model))
    assert concerned or not said
    verify(model.graph, run.__name__)
    lines = print_graph(model.graph).splitlines()
    return said, [line.strip() for line in lines[1:-1] if not line.strip().startswith("type ")]


def untouched(run: Callable[[Model], Iterator[str]], text: str, opset: int = 18) -> None:
    """The pass finds nothing to do, and does nothing."""
    model = parsed(text, opset)
    before = print_graph(model.graph)
    assert list(run(model)) == []
    assert print_graph(model.graph) == before

"""Graph edits: uses and captures, names free of clash, and what pruning keeps."""

from __future__ import annotations

import numpy as np
import pytest

from celeris.graph import edit
from celeris.graph.graph import Graph, Node
from celeris.graph.text import parse_graph, print_graph
from celeris.graph.types import Tensor

CHAIN = """
graph "g" (%x: float[N,2], %c: bool[]) -> (%y: float[N,2]) {
  init %w: float[2] = float[2]{1.0, 2.0}
  init %unused: float[1] = float[1]{0.0}
  %h: float[N,2] = ai.onnx.Add(%x, %w)
  %dead: float[N,2] = ai.onnx.Neg(%h)
  %y = ai.onnx.If(%c, else_branch=graph "e" () -> (%z) {
    %z = ai.onnx.Mul(%h, %w)
  }, then_branch=graph "t" () -> (%h) {
  })
}
"""


@pytest.fixture
def graph() -> Graph:
    return parse_graph(CHAIN)


def ops(nodes: list[Node]) -> list[str]:
    return [node.op_type for node in nodes]


def test_questions(graph: Graph) -> None:
    add, neg, branch = graph.nodes
    assert edit.producers(graph) == {"h": add, "dead": neg, "y": branch}
    users = edit.users(graph)
    assert {name: ops(nodes) for name, nodes in users.items()} == {
        "x": ["Add"], "w": ["Add", "If"], "h": ["Neg", "If"], "c": ["If"],
    }  # fmt: skip
    assert edit.reads(branch) == {"c", "h", "w"}
    assert [each.name for each in edit.walk(graph)] == ["g", "t", "e"]
    assert edit.captures(graph) == set()
    assert edit.names(graph) == {"x", "c", "y", "w", "unused", "h", "dead", "z"}


def test_fresh_names_avoid_subgraphs_too(graph: Graph) -> None:
    assert edit.fresh_name(graph, "new") == "new"
    assert edit.fresh_name(graph, "z") == "z_1"
    assert edit.fresh_name(graph, "z", ["z_1"]) == "z_2"


def test_replace_uses_reaches_captures(graph: Graph) -> None:
    assert edit.replace_uses(graph, "h", "x") == 3
    assert set(edit.users(graph)) == {"x", "w", "c"}
    then = graph.nodes[2].attr("then_branch")
    assert then.outputs == ["x"]
    assert graph.outputs == ["y"]


def test_replace_uses_keeps_the_interface_unless_told(graph: Graph) -> None:
    assert edit.replace_uses(graph, "y", "x") == 0
    assert edit.replace_uses(graph, "y", "x", outputs=True) == 1
    assert graph.outputs == ["x"]


def test_replace_uses_is_not_caught_by_an_inner_name(graph: Graph) -> None:
    """The subgraph has a z of its own, so what reads the outer z there must not meet it."""
    edit.rename(graph.nodes[2].attr("else_branch"), "z", "x")
    edit.replace_uses(graph, "h", "x")
    inner = graph.nodes[2].attr("else_branch")
    assert inner.nodes[0].inputs == ["x", "w"]
    assert inner.nodes[0].outputs == inner.outputs == ["x_1"]


def test_an_inner_definition_hides_the_outer_one() -> None:
    graph = parse_graph("""graph "g" (%x) -> (%y) {
      %y = ai.onnx.If(%x, then_branch=graph "t" () -> (%a) {
        %x = ai.onnx.Constant(value_int=1)
        %a = ai.onnx.Neg(%x)
      })
    }""")
    assert edit.replace_uses(graph, "x", "q") == 1
    assert graph.nodes[0].attr("then_branch").nodes[1].inputs == ["x"]


def test_rename(graph: Graph) -> None:
    edit.rename(graph, "h", "k")
    edit.rename(graph, "w", "v")
    edit.rename(graph, "y", "out")
    edit.rename(graph, "x", "in")
    edit.rename(graph, "in", "in")
    text = print_graph(graph)
    for gone in ("%h", "%w", "%y", "%x"):
        assert gone not in text
    assert graph.types["k"] == Tensor("float", ("N", 2))
    with pytest.raises(ValueError, match="expected a free name"):
        edit.rename(graph, "k", "z")


def test_insert_remove_replace(graph: Graph) -> None:
    add, neg, branch = graph.nodes
    twin = parse_graph('graph "g" () -> () {\n  %i = ai.onnx.Identity(%x)\n}').nodes[0]
    edit.insert(graph, twin, neg)
    assert ops(graph.nodes) == ["Add", "Identity", "Neg", "If"]
    edit.remove_node(graph, neg)
    assert "dead" not in graph.types
    with pytest.raises(ValueError, match="expected a node of the graph"):
        edit.remove_node(graph, neg)
    edit.replace_node(graph, add, [twin])
    assert ops(graph.nodes) == ["Identity", "Identity", "If"]
    assert "h" not in graph.types
    assert edit.remove_nodes(graph, [branch, neg]) == 1
    assert "y" in graph.types  # a graph output stays typed
    edit.insert(graph, branch)
    assert graph.nodes[-1] is branch


def test_initializers(graph: Graph) -> None:
    assert edit.add_initializer(graph, np.zeros((2, 1), np.int64), "w") == "w_1"
    assert graph.types["w_1"] == Tensor("int64", (2, 1))
    edit.remove_initializer(graph, "w_1")
    assert "w_1" not in graph.types
    assert "w_1" not in graph.initializers


def test_prune(graph: Graph) -> None:
    assert edit.prune(graph) == 2  # Neg, unused
    assert ops(graph.nodes) == ["Add", "If"]
    assert list(graph.initializers) == ["w"]
    assert set(graph.types) == {"x", "c", "y", "w", "h"}
    assert edit.prune(graph) == 0
    graph.nodes[1].attr("else_branch").outputs[:] = ["x"]
    graph.nodes[1].attr("then_branch").outputs[:] = ["x"]
    assert edit.prune(graph) == 3  # Mul inside, then Add, then w
    assert graph.inputs == ["x", "c"]


def test_prune_keeps_defaults_of_inputs() -> None:
    graph = parse_graph('graph "g" (%x, %w) -> (%x) {\n  init %w = float[1]{1.0}\n}')
    assert edit.prune(graph) == 0
    assert list(graph.initializers) == ["w"]


def test_sort_nodes_respects_captures_and_refuses_cycles() -> None:
    text = """graph "g" (%c) -> (%y) {
      %y = ai.onnx.If(%c, then_branch=graph "t" () -> (%b) {
      })
      %other = ai.onnx.Neg(%c)
      %b = ai.onnx.Neg(%a)
      %a = ai.onnx.Neg(%c)
    }"""
    graph = parse_graph(text)
    assert edit.sort_nodes(graph)
    assert [node.outputs[0] for node in graph.nodes] == ["other", "a", "b", "y"]
    graph.nodes[1].inputs[:] = ["b"]
    assert not edit.sort_nodes(graph)
    assert [node.outputs[0] for node in graph.nodes] == ["other", "a", "b", "y"]

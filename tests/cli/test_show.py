"""celeris show: text, drawing, page; where the boxes of a drawing go."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from celeris.cli.layers import place
from tests.cli.runs import fails, run, write_model

Capsys = pytest.CaptureFixture[str]
_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("show") / "m.onnx")


def test_text(model: Path, capsys: Capsys) -> None:
    done = run(capsys, "show", model)
    assert done.code == 0 and "LinearClassifier" in done.out and "plan: 1 step\n" in done.out
    assert "runs as" not in done.out
    assert "runs as" in run(capsys, "show", model, "--why").out


def test_drawing(model: Path, tmp_path: Path, capsys: Capsys) -> None:
    done = run(capsys, "show", model, "--svg", tmp_path / "m.svg")
    assert (done.code, done.out, done.err) == (0, "", "")
    tree = ElementTree.parse(tmp_path / "m.svg")
    texts = [element.text for element in tree.iter(f"{_SVG}text")]
    assert {"X", "LinearClassifier", "label", "probabilities", "native kernels"} <= set(texts)
    arrows = [element for element in tree.iter(f"{_SVG}path") if element.get("marker-end")]
    assert len(arrows) == 3


def test_page_needs_nothing_else(model: Path, tmp_path: Path, capsys: Capsys) -> None:
    assert run(capsys, "show", model, "--html", tmp_path / "m.html").code == 0
    text = (tmp_path / "m.html").read_text(encoding="utf-8")
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            seen.append(tag)
            assert tag not in ("script", "link", "img", "iframe")
            assert not {"src", "href"} & {name for name, _ in attributes}

    Reader().feed(text)
    assert seen.count("svg") == 1 and seen.count("table") == 4 and "argmax_label" in text


def test_names_from_the_file_are_no_markup(tmp_path: Path, capsys: Capsys) -> None:
    from onnx import TensorProto, helper

    evil = "<script>alert(1)</script>"
    node = helper.make_node("Relu", [evil], ["y&"], name='"><b>')
    graph = helper.make_graph([node], "<i>g</i>", [helper.make_tensor_value_info(evil, TensorProto.FLOAT, ["N", 2])],
                              [helper.make_tensor_value_info("y&", TensorProto.FLOAT, ["N", 2])])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    run(capsys, "show", tmp_path / "m.onnx", "--html", tmp_path / "m.html", "--svg", tmp_path / "m.svg")
    text = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "<script" not in text and "<b>" not in text and "<i>" not in text
    ElementTree.parse(tmp_path / "m.svg")


def test_large_graphs_are_drawn_in_part_and_say_so(tmp_path: Path, capsys: Capsys) -> None:
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Sin" if i % 2 else "Cos", [f"v{i}"], [f"v{i + 1}"]) for i in range(450)]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("v0", TensorProto.FLOAT, ["N", 2])],
                              [helper.make_tensor_value_info("v450", TensorProto.FLOAT, ["N", 2])])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    run(capsys, "show", tmp_path / "m.onnx", "--svg", tmp_path / "m.svg")
    assert "and 50 more nodes, which are not drawn" in (tmp_path / "m.svg").read_text(encoding="utf-8")


def test_errors(model: Path, tmp_path: Path, capsys: Capsys) -> None:
    fails(run(capsys, "show", tmp_path / "no.onnx"), "no.onnx")
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    fails(run(capsys, "show", tmp_path / "d.csv"), "d.csv")
    fails(run(capsys, "show", model, "--svg", tmp_path / "none" / "m.svg"), "cannot be written")


def test_boxes_do_not_overlap_and_edges_go_down() -> None:
    widths = [100.0, 60.0, 200.0, 80.0, 90.0, 40.0]
    edges = [(0, 2), (1, 2), (0, 3), (2, 4), (3, 4), (0, 4), (1, 5)]
    placed = place(widths, edges, 30.0, 20.0)
    for at, (x, y) in enumerate(placed.boxes):
        assert widths[at] / 2 <= x <= placed.width - widths[at] / 2 + 1e-6
        assert 15 <= y <= placed.height - 15
        for other in range(at):
            if placed.boxes[other][1] == y:
                assert abs(placed.boxes[other][0] - x) >= (widths[at] + widths[other]) / 2
    for points in placed.edges:
        assert all(b[1] - a[1] == 50 for a, b in pairwise(points))


def test_nothing_to_place() -> None:
    placed = place([], [], 30.0, 20.0)
    assert (placed.boxes, placed.edges) == ([], [])

"""A graph as it runs, drawn as SVG: a box a node, coloured by who runs it, numbered by the step of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise

from celeris.cli.layers import Placed, place
from celeris.graph import edit
from celeris.graph.graph import Graph, Node
from celeris.graph.types import Tensor
from celeris.plan.plan import CallStep, PipelineStep, Plan, TensorStep

SHOWN_NODES = 400  # beyond it a drawing cannot be read; the rest is counted
_HEIGHT, _GAP, _MARGIN, _LEGEND = 38.0, 34.0, 24.0, 46.0
_LETTER = 7.9  # of 13 px text, about
# fill, line: inputs and outputs, native, NumPy, no work.
_COLOURS = {"value": ("#eef1f5", "#8793a3"), "native": ("#d8efe6", "#2a8f6b"), "NumPy": ("#fde8cd", "#c77b18"),
            "made": ("#e9e4f5", "#7a63b8")}  # fmt: skip
_MEANING = {"native": "native kernels", "NumPy": "NumPy", "made": "list of dicts"}


@dataclass(frozen=True, slots=True)
class _Box:
    text: str
    below: str
    kind: str
    title: str
    step: int | None


def draw(graph: Graph, plan: Plan) -> str:
    """The graph of the plan as an SVG document."""
    nodes = graph.nodes[:SHOWN_NODES]
    boxes, edges = _boxes(graph, nodes, plan)
    widths = [max(92.0, _LETTER * max(len(box.text) + _beside(box), 0.86 * len(box.below)) + 26) for box in boxes]
    placed = place(widths, edges, _HEIGHT, _GAP)
    more = len(graph.nodes) - len(nodes)
    return _svg(boxes, widths, placed, f"and {more} more nodes, which are not drawn" if more else "")


def _beside(box: _Box) -> int:
    """Letters' room for the step's number, and as much on the other side of a name in the middle."""
    return 0 if box.step is None else 3 + 2 * len(str(box.step))


def _steps(plan: Plan) -> dict[int, tuple[int, str]]:
    """By a node's id: the number of its step, and who runs it."""
    found = {}
    for number, step in enumerate(plan.steps, 1):
        if isinstance(step, PipelineStep | TensorStep):
            found.update({id(node): (number, "native") for node in step.nodes})
        else:
            found[id(step.node)] = (number, "NumPy" if isinstance(step, CallStep) else "made")
    return found


def _boxes(graph: Graph, nodes: list[Node], plan: Plan) -> tuple[list[_Box], list[tuple[int, int]]]:
    steps = _steps(plan)
    inputs = [name for name in graph.inputs if name not in graph.initializers]
    boxes = [_Box(_short(n), _type(graph, n), "value", f"input {n}: {graph.types.get(n, '?')}", None) for n in inputs]
    makers = {name: at for at, name in enumerate(inputs)}
    edges: list[tuple[int, int]] = []
    for node in nodes:
        at = len(boxes)
        number, kind = steps.get(id(node), (None, "native"))
        told = node.name and not node.name.startswith(node.op_type)  # more than converters' Scaler1
        below = _short(node.name) if told else _type(graph, node.outputs[0])
        boxes.append(_Box(node.op_type, below, kind, _told(node), number))
        edges += [(makers[name], at) for name in sorted(edit.reads(node)) if name in makers]
        makers.update({name: at for name in node.outputs if name})
    for name in graph.outputs:
        if name in makers:
            edges.append((makers[name], len(boxes)))
            boxes.append(
                _Box(_short(name), _type(graph, name), "value", f"output {name}: {graph.types.get(name, '?')}", None)
            )
    return boxes, list(dict.fromkeys(edges))


def _short(text: str, most: int = 26) -> str:
    return text if len(text) <= most else f"{text[: most - 9]}…{text[-8:]}"


def _type(graph: Graph, name: str) -> str:
    """float [?, 4]"""
    found = graph.types.get(name)
    if not isinstance(found, Tensor) or found.shape is None:
        return "" if found is None else _short(str(found), 30)
    return _short(f"{found.element} [{', '.join('?' if d is None else str(d) for d in found.shape)}]", 30)


def _told(node: Node) -> str:
    name = f"{node.domain + '.' if node.domain else ''}{node.op_type}"
    return f"{', '.join(filter(None, node.outputs))} = {name}({', '.join(node.inputs)})"


def _svg(boxes: list[_Box], widths: list[float], placed: Placed, more: str) -> str:
    kinds = [kind for kind in _MEANING if any(box.kind == kind for box in boxes)]
    legend_width = sum(_LETTER * len(_MEANING[kind]) + 48 for kind in kinds)
    width = max(placed.width, legend_width, _LETTER * len(more)) + 2 * _MARGIN
    height = placed.height + _LEGEND + 2 * _MARGIN + (24 if more else 0)
    shift = (width - placed.width) / 2, _MARGIN + _LEGEND
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="system-ui, Helvetica, Arial, sans-serif">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0.6 L8,4 L0,7.4 z" fill="#8793a3"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        *_legend(kinds),
        *(_edge(points, shift) for points in placed.edges),
        *(_box(box, w, x + shift[0], y + shift[1]) for box, w, (x, y) in zip(boxes, widths, placed.boxes, strict=True)),
    ]
    if more:
        lines.append(f'<text x="{width / 2:.0f}" y="{height - 14:.0f}" font-size="13" text-anchor="middle" '
                     f'fill="#55606e">{more}</text>')  # fmt: skip
    return "\n".join([*lines, "</svg>\n"])


def _legend(kinds: list[str]) -> list[str]:
    lines, x = [], _MARGIN
    for kind in kinds:
        fill, line = _COLOURS[kind]
        lines.append(f'<rect x="{x:.0f}" y="{_MARGIN - 4:.0f}" width="16" height="16" rx="3" fill="{fill}" '
                     f'stroke="{line}"/><text x="{x + 23:.0f}" y="{_MARGIN + 9:.0f}" font-size="13" '
                     f'fill="#333c47">{_MEANING[kind]}</text>')  # fmt: skip
        x += _LETTER * len(_MEANING[kind]) + 48
    return lines


def _edge(points: list[tuple[float, float]], shift: tuple[float, float]) -> str:
    """Straight down out of a box and into one, and through the middle of each layer between."""
    moved = [(x + shift[0], y + shift[1]) for x, y in points]
    moved[0] = (moved[0][0], moved[0][1] + _HEIGHT / 2)
    moved[-1] = (moved[-1][0], moved[-1][1] - _HEIGHT / 2 - 1)
    path = f"M{moved[0][0]:.1f},{moved[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(moved):
        middle = (y0 + y1) / 2
        path += f" C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
    return f'<path d="{path}" fill="none" stroke="#a5afbb" stroke-width="1.3" marker-end="url(#tip)"/>'


def _box(box: _Box, width: float, x: float, y: float) -> str:
    fill, line = _COLOURS[box.kind]
    radius = _HEIGHT / 2 if box.kind == "value" else 6
    left, top = x - width / 2, y - _HEIGHT / 2
    name_y = y - 2 if box.below else y + 5
    parts = [
        f"<g><title>{escape(box.title)}</title>",
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_HEIGHT:.0f}" rx="{radius:.0f}" '
        f'fill="{fill}" stroke="{line}"/>',
        f'<text x="{x:.1f}" y="{name_y:.1f}" font-size="13" font-weight="600" text-anchor="middle" '
        f'fill="#1d242c">{escape(box.text)}</text>',
    ]
    if box.below:
        parts.append(f'<text x="{x:.1f}" y="{y + 13:.1f}" font-size="10.5" text-anchor="middle" '
                     f'fill="#55606e">{escape(box.below)}</text>')  # fmt: skip
    if box.step:
        parts.append(f'<text x="{left + 7:.1f}" y="{top + 14:.1f}" font-size="10.5" font-weight="600" '
                     f'fill="{line}">{box.step}</text>')  # fmt: skip
    return "".join([*parts, "</g>"])

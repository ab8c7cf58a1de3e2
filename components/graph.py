"""What rests on what, drawn in layers: from a tenant on the left to its servers on the right.

Layers by the longest way from the first node, orders by barycentres (Sugiyama, Tagawa and Toda,
"Methods for Visual Understanding of Hierarchical System Structures", 1981). A line that passes a
layer has a place of its own there, so that it runs between nodes and not behind them. Where there
is no room for it an indented list says the same; assets/tenants.css chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dash import dcc, html
from dash.development.base_component import Component

from components.links import about
from components.marks import mark
from services.observation import Status
from services.views.tenant_graph import Node, Web

#: Pixels from one node to the next below it, and of a place through which a line passes.
ROW, PASSAGE = 62, 24
#: Width of what is between two columns, in widths of a column.
GAP = 0.3
#: More than this is shown as a list whatever the room.
MOST_NODES, MOST_LAYERS = 60, 7
SWEEPS = 6

#: A node, or the passage of an edge through a layer.
Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """From ``(layer, y)`` to ``(layer, y)``; within one layer it passes through. ``to`` is the
    node that it leads to in the end."""

    start: tuple[int, float]
    end: tuple[int, float]
    to: str


@dataclass(frozen=True, slots=True)
class Layout:
    """``at`` has the layer and the middle (px from the top) of each node."""

    at: Mapping[str, tuple[int, float]]
    lines: tuple[Line, ...]
    layers: int
    height: float


def layout(nodes: Sequence[Node], edges: Sequence[tuple[str, str]]) -> Layout:
    """Where everything stands. ``edges`` have no circles; servers stand in the last layer."""
    layer = _layers(nodes, edges)
    count = max(layer.values(), default=-1) + 1
    chains = [_chain(one, other, layer) for one, other in edges]
    columns: list[list[Place]] = [[] for _ in range(count)]
    for node in nodes:
        columns[layer[node.key]].append((node.key,))
    for chain in chains:
        for step, place in enumerate(chain[1:-1], layer[chain[0][0]] + 1):
            columns[step].append(place)
    _order(columns, chains)
    heights = [sum(map(_height, column)) for column in columns]
    whole = max(heights, default=0)
    middle: dict[Place, float] = {}
    for column, height in zip(columns, heights, strict=True):
        top = (whole - height) / 2
        for place in column:
            middle[place] = top + _height(place) / 2
            top += _height(place)
    return Layout(
        {node.key: (layer[node.key], middle[node.key,]) for node in nodes},
        tuple(line for chain in chains for line in _lines(chain, layer, middle)),
        count,
        whole,
    )


def _height(place: Place) -> float:
    return ROW if len(place) == 1 else PASSAGE


def _layers(nodes: Sequence[Node], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    layer = {node.key: 0 for node in nodes}
    for _ in nodes:
        deeper = {b: layer[a] + 1 for a, b in sorted(edges, key=lambda e: layer[e[0]])}
        moved = {key: depth for key, depth in deeper.items() if depth > layer[key]}
        if not moved:
            break
        layer.update(moved)
    last = max(layer.values(), default=0)
    return layer | {node.key: last for node in nodes if node.kind == "vps"}


def _chain(one: str, other: str, layer: Mapping[str, int]) -> list[Place]:
    passages = [(one, other, str(step)) for step in range(layer[one] + 1, layer[other])]
    return [(one,), *passages, (other,)]


def _order(columns: list[list[Place]], chains: Sequence[Sequence[Place]]) -> None:
    before: dict[Place, list[Place]] = {}
    after: dict[Place, list[Place]] = {}
    for chain in chains:
        for one, other in pairwise(chain):
            after.setdefault(one, []).append(other)
            before.setdefault(other, []).append(one)
    for sweep in range(SWEEPS):
        beside, way = (before, columns) if sweep % 2 == 0 else (after, columns[::-1])
        rank: dict[Place, float] = {}
        for column in way:
            own = {place: (at + 0.5) / len(column) for at, place in enumerate(column)}
            means = {
                place: sum(rank[o] for o in found) / len(found)
                for place in column
                if (found := [o for o in beside.get(place, ()) if o in rank])
            }
            column.sort(key=lambda place, own=own, means=means: means.get(place, own[place]))  # type: ignore[misc]
            rank |= {place: (at + 0.5) / len(column) for at, place in enumerate(column)}


def _lines(
    chain: Sequence[Place], layer: Mapping[str, int], middle: Mapping[Place, float]
) -> list[Line]:
    found, first, goal = [], layer[chain[0][0]], chain[-1][0]
    for step, (one, other) in enumerate(pairwise(chain), first):
        found.append(Line((step, middle[one]), (step + 1, middle[other]), goal))
        if len(other) > 1:
            found.append(Line((step + 1, middle[other]), (step + 1, middle[other]), goal))
    return found


def graph(found: Web, label: str) -> Component:
    """The graph, and the list that says the same. ``label``: what it shows."""
    placed = layout(found.nodes, found.edges)
    drawn = len(found.nodes) <= MOST_NODES and placed.layers <= MOST_LAYERS
    parts = [_picture(found, placed, label)] if drawn else []
    return html.Div([*parts, _tree(found, label)], className="graph" if drawn else "graph is-list")


def _picture(found: Web, placed: Layout, label: str) -> Component:
    status = {node.key: node.status for node in found.nodes}
    names = {node.key: node.label for node in found.nodes}
    width = 100 / (placed.layers + GAP * (placed.layers - 1))
    below: dict[str, list[str]] = {}
    for one, other in found.edges:
        below.setdefault(one, []).append(names[other])
    # What is well is drawn first, so that trouble lies on top.
    lines = sorted(placed.lines, key=lambda line: status[line.to] is not Status.HEALTHY)
    nodes = [
        html.Li(
            _node(node, below.get(node.key, ())),
            className="graph-place",
            style={
                "left": f"{placed.at[node.key][0] * width * (1 + GAP):.3f}%",
                "width": f"{width:.3f}%",
                "top": f"{placed.at[node.key][1] - ROW / 2:.1f}px",
            },
        )
        for node in found.nodes
    ]
    return html.Div(
        [
            html.Div(
                [_line(line, width, status[line.to]) for line in lines],
                className="graph-lines",
                **{"aria-hidden": "true"},
            ),
            html.Ul(nodes, **{"aria-label": label}),
        ],
        className="graph-picture",
        style={"height": f"{placed.height:.0f}px"},
        **{"data-layers": str(placed.layers)},
    )


def _line(line: Line, width: float, status: Status) -> Component:
    (one, top), (other, bottom) = line.start, line.end
    step = width * (1 + GAP)
    left = one * step + (0 if one == other else width)
    right = other * step + (width if one == other else 0)
    rise = bottom - top
    way = "is-level" if abs(rise) < 1.5 else "is-falling" if rise > 0 else "is-rising"
    return html.I(
        className=f"graph-line {way} is-{status}",
        style={
            "left": f"{left:.3f}%",
            "width": f"{right - left:.3f}%",
            "top": f"{min(top, bottom):.1f}px",
            "height": f"{max(abs(rise), 2):.1f}px",
        },
    )


def _node(node: Node, below: Sequence[str] = ()) -> Component:
    words = [html.B(node.label, title=node.label)]
    if node.detail:
        words.append(html.Small(node.detail, title=node.detail))
    body = [
        mark(node.status, word=False),
        html.Span(words, className="graph-words"),
        html.Span(f" rests on {', '.join(below)}", className="visually-hidden") if below else None,
    ]
    href = "" if node.kind == "tenant" else about(node.key)
    if node.kind == "application":
        href = f"#{anchor(node.key)}"
    look = f"graph-node is-{node.status} of-{node.kind}"
    named = {"data-node": node.key, "data-status": str(node.status)}
    if not href:
        return html.Span(body, className=look, **named)
    if href.startswith("#"):
        return html.A(body, href=href, className=look, **named)
    return html.Span(dcc.Link(body, href=href, className=look), **named)


def anchor(key: str) -> str:
    """Where an application stands on the page."""
    return f"application-{key.partition('/')[2]}"


def _tree(found: Web, label: str) -> Component:
    nodes = {node.key: node for node in found.nodes}
    below: dict[str, list[str]] = {}
    for one, other in found.edges:
        below.setdefault(one, []).append(other)
    seen: set[str] = set()

    def branch(key: str, depth: int) -> Component:
        own = [] if key in seen or depth > 20 else below.get(key, [])
        seen.add(key)
        inner = html.Ul([branch(one, depth + 1) for one in own]) if own else None
        return html.Li([_node(nodes[key]), inner])

    first = found.nodes[0].key
    return html.Ul(branch(first, 0), className="graph-tree", **{"aria-label": label})

"""Servers at a glance: a card for each."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from components.marks import (
    DASH,
    NBSP,
    WORST_FIRST,
    count,
    mark,
    moment,
    percent,
    rates,
    response,
    size,
)
from components.spark import LARGE, SMALL, Box, spark
from components.states import empty
from services.observation import Status
from services.views.model import Gauge, Instance, VpsCard

#: So many servers have the room to be shown large.
FEW = 2


def vps_panel(cards: Sequence[VpsCard]) -> Component:
    """Every server, in the order of the view."""
    if cards:
        body = html.Div(
            [vps_card(card, LARGE if len(cards) <= FEW else SMALL) for card in cards],
            className="vps-grid",
            **{"data-few": "yes" if len(cards) <= FEW else None},
        )
    else:
        how = [
            "List your servers in an inventory file and start with ",
            html.Code("python app.py serve --inventory FILE"),
            ".",
        ]
        body = html.Div(empty("No server is watched yet.", how), className="card")
    return html.Section(
        [html.Div([html.H2("Servers", id="vps-title"), _summary(cards)], className="head"), body],
        **{"aria-labelledby": "vps-title", "data-testid": "vps-panel"},
    )


def _summary(cards: Sequence[VpsCard]) -> Component | None:
    """How many there are in each state, worst first."""
    if len(cards) < 2:
        return None
    numbers = {status: sum(card.status is status for card in cards) for status in WORST_FIRST}
    told = [f"{number}{NBSP}{status}" for status, number in numbers.items() if number]
    return html.Span(" · ".join(told), className="aside")


def vps_card(card: VpsCard, box: Box = SMALL) -> Component:
    """One server: state, what it uses, what runs on it, whose it is. ``box``: the size of its
    courses."""
    silent = card.measured and (card.status is Status.UNKNOWN or card.seen_at is None)
    why = [] if card.status is Status.HEALTHY or not card.reason else [html.P(card.reason)]
    region = [html.Small(card.region)] if card.region else []
    head = html.Div([html.H3([card.name, *region]), mark(card.status)], className="vps-head")
    body = [head, *why, *(_machine(card, box) if card.measured else [_runs(card)])]
    return html.Article(
        [*body, _belongings(card)],
        id={"type": "vps", "vps": card.id},
        className=f"card vps-card is-{card.status}{' is-silent' if silent else ''}",
        **{"data-testid": "vps-card", "data-vps": card.id, "data-status": str(card.status)},
    )


def _machine(card: VpsCard, box: Box) -> list[Component | None]:
    gauges = [
        _gauge("CPU", card.cpu, box, count(card.cores, "core") if card.cores else ""),
        _gauge("Memory", card.memory, box, _used(card.memory)),
        _gauge("Disk", card.disk, box, _used(card.disk)),
    ]
    return [html.Div(gauges, className="gauges"), _traffic(card)]


def _runs(card: VpsCard) -> Component:
    """What runs on a server, for one that is known by its services alone."""
    return html.Ul([_service(one) for one in card.services], className="runs")


def _used(gauge: Gauge | None) -> str:
    if gauge is None or gauge.used is None or gauge.total is None:
        return ""
    return size(gauge.used, gauge.total, gauge.unit)


def _gauge(label: str, gauge: Gauge | None, box: Box, detail: str) -> Component:
    """A row of a card; the detail stands in the title and, where there is room, below."""
    value = None if gauge is None else gauge.percent
    course = () if gauge is None else gauge.course
    hot = gauge is not None and gauge.hot
    return html.Div(
        [
            html.Span(label, className="label"),
            spark(course, hot=hot, box=box),
            html.Span(percent(value), className="value"),
            html.Span(detail, className="detail"),
        ],
        className="gauge is-hot" if hot else "gauge",
        title=f"{label}: {detail}" if detail else None,
        **{"data-gauge": label.lower()},
    )


def _traffic(card: VpsCard) -> Component | None:
    if card.load is None and card.network_in is None and card.network_out is None:
        return None
    load = DASH if card.load is None else f"{card.load:.2f}"
    parts = [html.Span(f"Load {load}")]
    if card.network_in is not None or card.network_out is not None:
        (received, sent), unit = rates(card.network_in, card.network_out)
        network = [_arrow("↓", "received"), received, _arrow(" ↑", "sent"), f"{sent}{NBSP}{unit}"]
        parts.append(html.Span(network, title="Network in and out"))
    return html.Div(parts, className="traffic")


def _arrow(arrow: str, word: str) -> Component:
    return html.Span(
        [
            html.Span(f"{arrow}{NBSP}", **{"aria-hidden": "true"}),
            html.Span(f"{word} ", className="visually-hidden"),
        ]
    )


def _belongings(card: VpsCard) -> Component:
    ill = sum(one.status is not Status.HEALTHY for one in card.services)
    holds = [count(len(card.services), "service")]
    if card.tenants:
        holds.append(count(len(card.tenants), "tenant"))
    troubled = html.Span(f" · {ill} not healthy", className="ill") if ill else None
    if not card.measured:
        seen = None
    elif card.seen_at is None:
        seen = html.Span("never seen", className="since")
    else:
        seen = html.Span(
            [html.Span("seen ", className="wide"), moment(card.seen_at, "ago")], className="since"
        )
    listed: list[Component] = [_runs(card)] if card.measured and card.services else []
    if card.tenant_names:
        listed.append(html.P(f"Tenants: {', '.join(card.tenant_names)}"))
    if not listed:
        return html.Div([html.Span(" · ".join(holds)), seen], className="belongings plain")
    return html.Details(
        [
            html.Summary(
                [html.Span([" · ".join(holds), troubled]), html.I(className="chevron"), seen]
            ),
            html.Div(listed, className="listed"),
        ],
        className="belongings",
    )


def _service(one: Instance) -> Component:
    took = "" if one.response_ms is None else response(one.response_ms)
    return html.Li(
        [
            html.Span(one.name, className="name"),
            mark(one.status),
            html.Span(took, className="share"),
        ],
        title=one.message or None,
    )

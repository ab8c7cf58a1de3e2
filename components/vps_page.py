"""A server's page: how it is now, its courses, what runs on it, whom it carries, what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.events import events_panel
from components.island import island
from components.links import inside
from components.live import Live, Section, stale_after
from components.logs import actions_host, service_actions
from components.marks import (
    DASH,
    NBSP,
    availability,
    count,
    mark,
    moment,
    percent,
    rates,
    response,
    size,
)
from components.services import heartbeat
from components.spark import spark
from components.states import empty
from components.vps_alerts import alert_list
from components.vps_charts import Figures, panel_head, resource_charts
from services.observation import Status
from services.views.model import Gauge, VpsCard
from services.views.vps_courses import PANELS
from services.views.vps_page import ServiceLine, TenantLine, VpsPage

#: Seconds between two drawings of numbers that move with every reading; of the services, which
#: somebody may be about to press a button of, seldom.
OFTEN, SELDOM = 5, 30
LOOKED = {"agent": "agent", "exporter": "node_exporter", "health": "health endpoint",
          "local": "this machine", "": "services only"}  # fmt: skip


def page(view: VpsPage, figures: Figures, range_: str, now: float) -> Component:
    """The page at ``now`` (seconds since the epoch); ``range_`` is what its charts span."""
    held, vps_id = LIVE.held(view), view.card.id
    main = html.Div(
        [resource_charts(view, figures, range_, held), held["services"]], className="vps-main"
    )
    side = html.Div([held["alerts"], held["tenants"], held["events"]], className="vps-side")
    body = [
        dcc.Store(id="vps-id", data=vps_id),
        held["top"],
        held["now"],
        html.Div([main, side], className="vps-columns"),
        actions_host(),
        *([_removal(vps_id)] if view.rights.remove else []),
    ]
    age = now - view.updated_at
    title = f"VPS Health: {view.card.name}"
    return LIVE.frame(title, body, view, age, stale_after(view.platform_interval))


def top(view: VpsPage) -> Component:
    """State, reason and since when; where it is and how it is read."""
    card = view.card
    facts = [card.id, card.region, view.provider, *view.tags]
    looked = LOOKED.get(view.source, view.source)
    read = f"{looked} {view.agent.rpartition('/')[2]}".strip() if view.source == "agent" else looked
    seen: list[Any] = []
    if card.measured:
        seen = ["never seen"] if card.seen_at is None else ["seen ", moment(card.seen_at, "ago")]
    parts: list[Any] = [html.Span(" · ".join(one for one in facts if one)), html.Span(f"by {read}")]
    if seen:
        parts.append(html.Span(seen))
    why = [html.Span(card.reason, className="why")] if card.reason else []
    since = (
        [html.Span(["for ", moment(card.since, "since")], className="aside")] if card.since else []
    )
    return html.Div(
        [
            html.Div([mark(card.status), *why, *since], className="vps-state"),
            html.Div(parts, className="vps-facts"),
        ],
        className="vps-top",
        **{"data-status": str(card.status), "data-vps": card.id},
    )


def now_strip(view: VpsPage) -> Component:
    """The figures of this moment."""
    card = view.card
    if not card.measured:
        return html.Div()
    load = DASH if card.load is None else f"{card.load:.2f}"
    cores = count(card.cores, "core") if card.cores else ""
    cells = [
        _cell("CPU", percent(card.cpu.percent if card.cpu else None), cores, card.cpu),
        _cell("Memory", percent(card.memory.percent if card.memory else None),
              _used(card.memory), card.memory),
        _cell("Disk", percent(card.disk.percent if card.disk else None), _used(card.disk),
              card.disk),
        _cell("Load", load, "mean of 1 min"),
        _cell("Network", *_traffic(card)),
        _cell("Available, 30 d", availability(view.uptime), "of the observed time"),
    ]  # fmt: skip
    return html.Div(cells, className="card kpis")


def _traffic(card: VpsCard) -> tuple[str, str]:
    """What comes in, and what goes out."""
    if card.network_in is None and card.network_out is None:
        return DASH, "not reported"
    (received, sent), unit = rates(card.network_in, card.network_out)
    return f"{received}{NBSP}{unit}", f"in · {sent}{NBSP}{unit} out"


def _cell(label: str, value: str, detail: str, gauge: Gauge | None = None) -> Component:
    hot = " is-hot" if gauge is not None and gauge.hot else ""
    return html.Div(
        [html.Span(label), html.B(value), html.Small(detail or NBSP)], className=f"kpi{hot}"
    )


def _used(gauge: Gauge | None) -> str:
    if gauge is None or gauge.used is None or gauge.total is None:
        return ""
    return size(gauge.used, gauge.total, gauge.unit)


def service_list(view: VpsPage) -> Component:
    """Every service of the server, with what it depends on."""
    if view.services:
        body: list[Component] = [_service(one, view) for one in view.services]
    else:
        body = [
            empty(
                "No service is checked on this server.",
                "Give it services in the inventory; they appear here by themselves.",
            )
        ]
    title = html.H2("Services", id="vps-services-title")
    aside = html.Span("last 24 h", className="aside") if view.services else None
    return html.Section(
        [html.Div([title, aside], className="head"), html.Div(body, className="card rows")],
        **{"aria-labelledby": "vps-services-title", "data-testid": "service-list"},
    )


def _service(line: ServiceLine, view: VpsPage) -> Component:
    one = line.instance
    well = one.status is Status.HEALTHY
    said = [html.P(one.message)] if one.message and not well else []
    took = DASH if one.response_ms is None else response(one.response_ms)
    highest = max((v for v in line.course if v is not None), default=0.0) or 1.0
    course = [None if v is None else v / highest * 90 for v in line.course]
    needs = [
        html.Span([mark(status, word=status is not Status.HEALTHY), name], className="dep")
        for name, status in sorted(one.checks.items())
    ]
    acts = service_actions(
        view.card.id, one.name, may_log=view.rights.logs, may_restart=view.rights.restart
    )
    since = [moment(one.since, "since")] if one.since else []
    return html.Div(
        [
            html.Div([html.B(one.name), html.Small(line.type)], className="name"),
            html.Div([mark(one.status), html.Small(since)], className="state"),
            html.Div([island(heartbeat(line.beats)), html.Small(availability(line.availability))],
                     className="lately"),
            html.Div([spark(course), html.Span(took)], className="took",
                     title="Response time, last hour"),
            acts,
            html.Div([*said, *needs], className="needs") if said or needs else None,
        ],
        className="service-line",
        **{"data-instance": one.key, "data-status": str(one.status)},
    )  # fmt: skip


def tenant_list(tenants: Sequence[TenantLine]) -> Component:
    if tenants:
        body: Component = html.Ul([_tenant(one) for one in tenants], className="rows")
    else:
        body = empty("No tenant is on this server.", "Tenants are named in the inventory.")
    return html.Section(
        [
            html.Div(html.H2("Tenants here", id="vps-tenants-title"), className="head"),
            html.Div(body, className="card"),
        ],
        **{"aria-labelledby": "vps-tenants-title", "data-testid": "tenant-list"},
    )


def _tenant(one: TenantLine) -> Component:
    link = dcc.Link(one.name, href=inside(f"/health/tenants/{one.id}"))
    return html.Li([link, mark(one.status)], className="tenant-line", **{"data-tenant": one.id})


def _removal(vps_id: str) -> Component:
    """Takes a server off the list that was added in the UI."""
    return html.Div(
        [
            html.Button("Take this server off the list…", id="vps-remove-open", type="button",
                        className="plain danger"),
            dbc.Modal(
                [
                    dbc.ModalHeader(dbc.ModalTitle("Take a server off the list")),
                    dbc.ModalBody(
                        [
                            html.P("Healthdeck stops watching it. Its history stays, for it may "
                                   "return under the same id."),
                            html.Label(["Type ", html.Code(vps_id), " to confirm"],
                                       htmlFor="vps-remove-typed"),
                            dbc.Input(id="vps-remove-typed", type="text", value="",
                                      autocomplete="off",),
                        ]
                    ),
                    dbc.ModalFooter(
                        dbc.Button("Take it off", id="vps-remove-go", color="danger",
                                   disabled=True)
                    ),
                ],
                id="vps-remove",
                is_open=False,
                centered=True,
            ),
        ],
        className="removal",
    )  # fmt: skip


def _moving(view: VpsPage) -> float:
    return view.updated_at // OFTEN


def _head(panel: str) -> Section[VpsPage]:
    return Section(
        lambda v: (_moving(v), [s.instance.key for s in v.services]), lambda v: panel_head(v, panel)
    )


#: What a section shows, without what moves with every reading.
LIVE = Live(
    "vpspage",
    {
        "top": Section(
            lambda v: (v.card.status, v.card.reason, v.card.since, _moving(v), v.agent), top
        ),
        "now": Section(_moving, now_strip),
        "services": Section(
            lambda v: (
                v.updated_at // SELDOM,
                [(s.instance.status, s.instance.message, s.instance.checks) for s in v.services],
            ),
            service_list,
        ),
        "alerts": Section(lambda v: v.alerts, lambda v: alert_list(v.alerts)),
        "tenants": Section(lambda v: v.tenants, lambda v: tenant_list(v.tenants), still=True),
        "events": Section(lambda v: v.events, lambda v: events_panel(v.events), still=True),
        **{f"head-{name}": _head(name) for name in PANELS},
    },
)

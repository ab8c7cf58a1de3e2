"""The list of servers: a table to filter and to search, and the form that adds one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside
from components.live import Live, Section, stale_after
from components.marks import NBSP, WORST_FIRST
from components.states import empty
from components.tables import table
from services.views.vps_list import VpsList

#: Rows from which on the table scrolls by itself, and how high it is then (px).
MANY, HEIGHT = 30, 680
SOURCES = (
    ("agent", "Agent", "a small program on the server reports by itself"),
    ("exporter", "Prometheus node_exporter", "Healthdeck reads its page of metrics"),
    ("health", "Health endpoint", "Healthdeck reads a URL that also tells of the machine"),
    ("local", "This machine", "the one that Healthdeck runs on"),
    ("none", "Services only", "the machine itself is not read"),
)
CHECKS = ("http", "tcp", "postgres", "redis", "smtp", "tls", "dns")

_NUMBER = {"type": "rightAligned", "flex": 1, "minWidth": 88, "sortingOrder": ["desc", "asc"]}
COLUMNS: tuple[Mapping[str, Any], ...] = (
    {"field": "name", "headerName": "Server", "cellRenderer": "VpsName", "minWidth": 150,
     "flex": 2, "wide": False},
    {"field": "rank", "headerName": "State", "cellRenderer": "VpsState", "minWidth": 132,
     "flex": 1, "sort": "asc", "wide": False},
    {"field": "region", "headerName": "Region", "minWidth": 100, "flex": 1, "wide": True},
    {"field": "cpu", "headerName": "CPU", "cellRenderer": "VpsShare", **_NUMBER, "wide": False},
    {"field": "memory", "headerName": "Memory", "cellRenderer": "VpsShare", **_NUMBER,
     "wide": True},
    {"field": "disk", "headerName": "Disk", "cellRenderer": "VpsShare", **_NUMBER, "wide": True},
    {"field": "load", "headerName": "Load", "cellRenderer": "VpsLoad", **_NUMBER, "wide": True},
    {"field": "servicesHealthy", "headerName": "Services", "cellRenderer": "VpsServices",
     **_NUMBER, "wide": True},
    {"field": "tenants", "headerName": "Tenants", **_NUMBER, "wide": True},
    {"field": "lastSeen", "headerName": "Last seen", "cellRenderer": "VpsSeen", "minWidth": 104,
     "flex": 1, "type": "rightAligned", "wide": True},
)  # fmt: skip


def page(view: VpsList, now: float, query: Mapping[str, str]) -> Component:
    """The page at ``now`` (seconds since the epoch). Of the address' ``query``: state and q filter,
    add opens the form."""
    held = LIVE.held(view)
    columns = [{k: v for k, v in column.items() if k != "wide"} for column in COLUMNS]
    height = HEIGHT if len(view.rows) > MANY else None
    grid = html.Div(
        table("vps-table", columns, [], "Servers", height,
              suppressNoRowsOverlay=True),
        className="card vps-table",
    )  # fmt: skip
    body = [
        html.Div([held["counts"], _filters(query), _add_button(view)], className="list-tools"),
        held["rows"],
        grid,
        html.P("No server matches.", id="vps-nomatch", className="aside", hidden=True),
        dcc.Store(id="vps-wide", data=[c["field"] for c in COLUMNS if c["wide"]]),
        add_dialog(view, is_open=view.may_add and "add" in query),
    ]
    age = now - view.updated_at
    return LIVE.frame("VPS Health", body, view, age, stale_after(view.interval))


def counts(view: VpsList) -> Component:
    """How many there are in each state, worst first."""
    numbers = view.counts
    told = [f"{numbers[s]}{NBSP}{s}" for s in WORST_FIRST if numbers[s]]
    return html.Span(" · ".join(told), className="aside")


def rows(view: VpsList) -> Component:
    """The rows for the browser to filter; what to do where there are none."""
    how = "Add one here, or list your servers in an inventory file."
    none = (
        [] if view.rows else [html.Div(empty("No server is watched yet.", how), className="card")]
    )
    return html.Div([dcc.Store(id="vps-rows", data=[_row(row) for row in view.rows]), *none])


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    rank = [str(status) for status in WORST_FIRST].index(row["status"])
    return {**row, "rank": rank, "href": inside(f"/health/vps/{row['id']}")}


def _filters(query: Mapping[str, str]) -> Component:
    states = [{"label": "Any state", "value": "any"}]
    states += [{"label": str(s).capitalize(), "value": str(s)} for s in WORST_FIRST]
    chosen = query.get("state", "")
    return html.Div(
        [
            html.Label("Search servers", htmlFor="vps-search", className="visually-hidden"),
            dbc.Input(id="vps-search", type="search", placeholder="Search servers",
                      value=query.get("q", ""), className="search-input"),
            html.Label("State", htmlFor="vps-state", className="visually-hidden"),
            dbc.Select(id="vps-state", options=states,
                       value=chosen if chosen in [s["value"] for s in states] else "any"),
        ],
        className="list-filters", role="search",
    )  # fmt: skip


def _add_button(view: VpsList) -> Component | None:
    if not view.may_add:
        return html.Span(dbc.Button(id="vps-add-open"), hidden=True)
    plus = html.I(className="icon icon-plus", **{"aria-hidden": "true"})
    return dbc.Button([plus, "Add a server"], id="vps-add-open", color="primary")


def add_dialog(view: VpsList, *, is_open: bool) -> Component:
    """The form, or once the server was added what to do next."""
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Add a server")),
            dbc.ModalBody(add_form(view.tenants), id="vps-add-body"),
        ],
        id="vps-add",
        is_open=is_open,
        size="lg",
        scrollable=True,
    )


def add_form(tenants: Sequence[tuple[str, str]]) -> Component:
    """Name and source are what is needed; the rest can follow in the inventory."""
    sources = [
        {"label": html.Span([html.B(word), html.Small(f" {what}")]), "value": value}
        for value, word, what in SOURCES
    ]
    carried = [{"label": name, "value": id_} for id_, name in tenants]
    return html.Div(
        [
            html.Div(
                [
                    _field("name", "Name", "Netherlands 3"),
                    _field("id", "Id", "vps-3", "Small letters, digits, dots, dashes; it stays."),
                    _field("region", "Region", "nl-west"),
                ],
                className="form-row",
            ),
            html.Fieldset(
                [
                    html.Legend("How is it read?"),
                    dbc.RadioItems(options=sources, value="agent", id=_field_id("source")),
                    html.Div(
                        _field("url", "Address", "Its full address",
                               "Of the exporter or the health endpoint."),
                        id="vps-add-url", hidden=True,
                    ),
                ]
            ),
            html.Fieldset(
                [
                    html.Legend("Services on it (they may follow later)"),
                    html.Div([service_row(0)], id="vps-add-services"),
                    html.Button("Another service", id="vps-add-more", type="button",
                                className="plain"),
                    html.Details(
                        [html.Summary("Write services as YAML"), dcc.Textarea(
                            id=_field_id("more"), className="form-control mono", rows=5,
                            spellCheck=False,
                            placeholder="- {name: jobs, type: worker, unit: jobs.service, "
                            "dependsOn: [redis]}"),
                         html.Small("As in the inventory file, with dependsOn and every kind of "
                                    "check.", className="aside")],
                    ),
                ]
            ),
            html.Fieldset(
                [html.Legend("Tenants on it"),
                 dbc.Checklist(id="vps-add-tenants", options=carried, value=[],
                               className="tenant-choice")],
                hidden=not carried,
            ),
            html.Div(id="vps-add-problem", role="alert"),
            dbc.Button("Add the server", id="vps-add-go", color="primary"),
        ],
        className="add-form",
    )  # fmt: skip


def service_row(number: int) -> Component:
    """The fields of one service."""
    kinds = [{"label": kind, "value": kind} for kind in CHECKS]

    def field(name: str, label: str, place: str) -> Component:
        id_ = {"type": "vps-add-service", "field": name, "row": number}
        control = (
            dbc.Select(id=id_, options=kinds, value="http")
            if name == "check"
            else dbc.Input(id=id_, type="text", value="", placeholder=place)
        )
        return html.Label([html.Span(label), control], className="form-field")

    return html.Div(
        [
            field("name", "Service", "backend-api"),
            field("type", "Type", "backend"),
            field("check", "Check", ""),
            field("address", "Address", "Its full address"),
            field("unit", "systemd unit", "backend.service"),
        ],
        className="service-row",
    )


def problem(what: str, details: Sequence[Any]) -> Component:
    """Why a server was not added; ``details`` are what the inventory's desk found, by field."""
    items = [
        html.Li([html.Code(str(d["field"])), f" {d['problem']}"]) if isinstance(d, dict) else
        html.Li(str(d))
        for d in details
    ]  # fmt: skip
    return html.Div([html.P(what), html.Ul(items)], className="form-problem")


def added(vps_id: str, name: str, command: str) -> Component:
    """What was added; with the ``command`` that starts its agent, where it has one."""
    parts: list[Component] = [html.P([html.B(name), " is on the list."])]
    if command:
        parts += [
            html.P("Run this on the new server. The token in it is told this once."),
            html.Pre(command, className="command", id="vps-command", tabIndex=0),
            html.Div(
                [
                    html.Button("Copy", type="button", className="btn btn-primary",
                                **{"data-copy": "#vps-command"}),
                    html.Span(
                        "Its first reading appears here by itself. To let it restart services "
                        "or show logs, add --allow restart:UNIT logs:UNIT.", className="aside",
                    ),
                ],
                className="command-tools",
            ),
        ]  # fmt: skip
    else:
        parts.append(html.P("Its first reading appears within a minute."))
    link = dcc.Link(f"Open {name}", href=inside(f"/health/vps/{vps_id}"))
    return html.Div([*parts, html.P(link)], className="added")


def _field_id(name: str) -> dict[str, str]:
    return {"type": "vps-add-field", "field": name}


def _field(name: str, label: str, place: str, hint: str = "") -> Component:
    control = dbc.Input(id=_field_id(name), type="text", value="", placeholder=place)
    said = [html.Small(hint)] if hint else []
    return html.Label([html.Span(label), control, *said], className="form-field")


LIVE = Live(
    "vpslist",
    {
        "counts": Section(lambda v: v.counts, counts),
        "rows": Section(lambda v: v.stamp, rows),
    },
)

"""The controls of the metrics page: what is shown, of when, and how."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import charts
from components.links import inside
from services.times import iso
from services.views.metrics_asked import MARKS
from services.views.metrics_page import Choices, MetricsView

#: The charts' group, for the crosshair and the zoom.
GROUP = "metrics"
PRESETS = {
    "now-15m": "15 min", "now-1h": "1 h", "now-6h": "6 h", "now-24h": "24 h",
    "now-7d": "7 d", "now-30d": "30 d", "now-90d": "90 d",
}  # fmt: skip
KINDS = {
    "note": "Note",
    "deployment": "Deployment",
    "incident": "Incident",
    "maintenance": "Maintenance",
}


def controls(view: MetricsView, links: Component) -> Component:
    """Everything above the charts; ``links`` are the links of the menu."""
    chosen, choices = view.selection, view.choices
    vps = None if chosen.vps else "The busiest" if len(choices.vps) > len(view.vps) else "All"
    pickers = [
        _picker("metric", "Metrics", choices.metrics, chosen.metrics, "CPU", "metric-picker"),
        _picker("vps", "Servers", choices.vps, chosen.vps, vps or "Choose", "vps-picker"),
        _picker("tenant", "Tenants", choices.tenants, chosen.tenants, "Any", "tenant-picker"),
    ]
    return html.Section(
        [
            html.Div(pickers, className="pickers"),
            html.Div([_range(), _live()], className="ranges"),
            html.Div([*_options(view), _acts(links)], className="options"),
        ],
        className="card metrics-controls",
        **{"aria-label": "What is shown"},
    )


def note_form(choices: Choices) -> Component:
    """The small form for a note, which the browser opens with the time that was clicked."""
    tenants = [("tenant:" + id_, f"Tenant {label}") for id_, label in choices.tenants]
    servers = [("vps:" + id_, f"Server {label}") for id_, label in choices.vps]
    about = [("everything", "Everything"), *servers, *tenants] if choices.whole else tenants
    first = about[0][0] if about else ""
    body = [
        html.P(["At ", html.B(id="metrics-note-when"), "."], className="note-when"),
        _field(
            "What happened",
            "metrics-note-text",
            dbc.Textarea(id="metrics-note-text", maxLength=2000, rows=2, placeholder="backend 4.2"),
        ),
        _field("Kind", "metrics-note-kind", _select("metrics-note-kind", list(KINDS.items()))),
        _field("About", "metrics-note-about", _select("metrics-note-about", about, first)),
    ]
    buttons = [
        dbc.Button("Cancel", color="link", className="plain", id="metrics-note-cancel"),
        dbc.Button("Add note", color="primary", id="metrics-note-save"),
    ]
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Add a note"), close_button=True),
            dbc.ModalBody(body),
            dbc.ModalFooter(buttons),
        ],
        id="metrics-note",
        is_open=False,
        size="sm",
        centered=True,
    )


def export(view: MetricsView) -> Component:
    """Links to the same selection and range; the browser shows them in the menu."""
    rolling = view.selection.rolling
    query = {
        "metric": ",".join(view.exported),
        "vpsId": ",".join(view.vps),
        "tenantId": ",".join(view.selection.tenants),
        "from": view.selection.start if rolling else iso(view.start),
        "to": view.selection.end if rolling else iso(view.end),
    }
    links = [
        html.A(
            f"{kind.upper()} file",
            href=inside("/api/admin/health/export?" + urlencode(
                {"format": kind, **{name: value for name, value in query.items() if value}})),
            download="",
        )
        for kind in ("csv", "json")
        if view.exported
    ]  # fmt: skip
    picture = html.Button("PNG picture", type="button", **{"data-metrics-png": ""})
    return html.Div([*links, picture])


def _picker(
    name: str,
    label: str,
    options: Sequence[tuple[str, str]],
    value: Sequence[str],
    nothing: str,
    testid: str,
) -> Component:
    id_ = f"metrics-{name}"
    dropdown = dcc.Dropdown(
        [{"value": one, "label": words} for one, words in options],
        list(value),
        id=id_,
        multi=True,
        searchable=True,
        closeOnSelect=False,
        placeholder=nothing,
    )
    return html.Div(
        [html.Label(label, htmlFor=id_), dropdown],
        className="picker",
        **{"data-testid": testid},
    )


def _range() -> Component:
    presets = [
        html.Button(
            words,
            type="button",
            **{"data-metrics-range": start, "data-unzoom": GROUP, "aria-pressed": "false"},
        )
        for start, words in PRESETS.items()
    ]
    own = html.Details(
        [
            html.Summary(["Custom", html.I(className="chevron", **{"aria-hidden": "true"})]),
            html.Div(className="own-range card", **{"data-metrics-own": ""}),
        ],
        className="own",
        id="metrics-own",
    )
    return html.Div(
        [
            html.Div(presets, className="presets", role="group", **{"aria-label": "Range"}),
            own,
            charts.zoom(GROUP),
        ],
        className="range-picker",
        **{"data-testid": "range-picker"},
    )


def _live() -> Component:
    return html.Div(
        [
            html.Span(id="metrics-state", className="aside", role="status"),
            html.Button(
                [
                    html.I(className="icon icon-pause", **{"aria-hidden": "true"}),
                    html.Span("Pause"),
                ],
                type="button",
                id="metrics-pause",
                className="chip",
            ),
        ],
        className="metrics-live",
    )


def _options(view: MetricsView) -> list[Component]:
    chosen = view.selection
    return [
        _choice("layout", "Layout", {"overlay": "Overlay", "small": "Small charts"}, chosen.layout),
        _choice(
            "compare",
            "Compare with",
            {"none": "Nothing", "1d": "Yesterday", "7d": "Last week"},
            chosen.compare or "none",
        ),
        html.Fieldset(
            [
                html.Legend("Marks"),
                dbc.Checklist(
                    id="metrics-marks",
                    options=[{"value": kind, "label": words} for kind, words in MARKS.items()],
                    value=list(chosen.marks),
                    inline=True,
                ),
                dbc.Checklist(
                    id="metrics-band",
                    options=[{"value": "band", "label": "Expected range"}],
                    value=["band"] if chosen.band else [],
                    inline=True,
                ),
            ],
            className="marks-choice",
        ),
    ]


def _acts(links: Component) -> Component:
    note = html.Button(
        [html.I(className="icon icon-plus", **{"aria-hidden": "true"}), "Add note"],
        type="button",
        className="chip",
        title="At the time now; click a chart for another time",
        **{"data-metrics-note": ""},
    )
    menu = html.Details(
        [
            html.Summary(
                [html.I(className="icon icon-download", **{"aria-hidden": "true"}), "Export"],
                className="chip",
                **{"data-testid": "export-button"},
            ),
            html.Div(links, className="card export-menu"),
        ],
        className="export",
        id="metrics-export-menu",
    )
    return html.Div([note, menu], className="metrics-acts")


def _choice(name: str, label: str, options: dict[str, str], value: str) -> Component:
    id_ = f"metrics-{name}"
    return html.Div(
        [html.Label(label, htmlFor=id_), _select(id_, list(options.items()), value)],
        className="choice",
    )


def _field(label: str, id_: str, control: Component) -> Component:
    return html.Div([html.Label(label, htmlFor=id_), control], className="field")


def _select(id_: str, options: Sequence[tuple[str, str]], value: str | None = None) -> Component:
    return dbc.Select(
        id=id_,
        options=[{"value": one, "label": words} for one, words in options],
        value=options[0][0] if value is None and options else value,
        size="sm",
    )

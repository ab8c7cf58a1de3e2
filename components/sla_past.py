"""What became of a promise: downtime with the events behind it, and the monthly reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.links import inside, linked
from components.marks import availability, moment
from components.sla_words import at, hidden, minutes, month_name, target
from components.states import empty

Body = Mapping[str, Any]

MOST_DOWNTIMES = 8
_KINDS = (("json", "JSON"), ("csv", "CSV"), ("pdf", "PDF"))


def downtimes(account: Body) -> Component:
    """What counted as downtime, with the event behind each."""
    found = account["downtimes"]
    head = html.H3(f"Downtime in the last 30 days ({minutes(account['downtimeMinutes'])})")
    if not found:
        body: Component = empty("None.", "Every counted minute of these 30 days was up.")
        return html.Div([head, html.Div(body, className="card")], className="sla-part")
    rows = [_down(one) for one in found]
    shown = [html.Ul(rows[:MOST_DOWNTIMES], className="rows")]
    if more := rows[MOST_DOWNTIMES:]:
        shown.append(
            html.Details(
                [
                    html.Summary([f"{len(more)} more", html.I(className="chevron")]),
                    html.Ul(more, className="rows"),
                ],
                className="sla-more",
            )
        )
    if account["moreDowntimes"]:
        shown.append(html.P("Still older ones are in the reports.", className="aside sla-note"))
    return html.Div([head, html.Div(shown, className="card downs")], className="sla-part")


def _down(one: Body) -> Component:
    facts = "; ".join(f"{name}: {value}" for name, value in one["evidence"].items())
    until = "still down" if one["ongoing"] else ["until ", moment(at(one["to"]), "at")]
    return html.Li(
        [
            html.Span(
                [moment(at(one["from"]), "at"), " ", html.Small(until)], className="down-when"
            ),
            html.Span(
                [
                    html.B(linked(one["label"], one["target"])),
                    html.Span(f" {one['status']}: {one['reason']}"),
                    html.Small([f"Event {one['eventId']}", f" · {facts}" if facts else ""]),
                ],
                className="down-what",
            ),
            html.Span(
                [
                    html.B(minutes(one["minutes"])),
                    html.Small(f"{minutes(one['countedMinutes'])} counted"),
                ],
                className="down-length",
            ),
        ],
        className="down",
        **{"data-event": one["eventId"]},
    )


def reports(found: Sequence[Body], tenant_id: str) -> Component:
    """The monthly reports with their files."""
    head = html.H3("Monthly reports")
    if not found:
        body: Component = empty(
            "No report yet.", "The first one is there as soon as something has been observed."
        )
        return html.Div([head, html.Div(body, className="card")], className="sla-part no-print")
    titles = ("Month", "Uptime", "Promised", "Downtime", "")
    table = html.Table(
        [
            html.Thead(
                html.Tr([html.Th(title or hidden("Files"), scope="col") for title in titles])
            ),
            html.Tbody([_report(one, tenant_id) for one in found]),
        ],
        className="reports",
    )
    return html.Div([head, html.Div(table, className="card")], className="sla-part no-print")


def _report(one: Body, tenant_id: str) -> Component:
    month, name = one["month"], month_name(one["month"])
    kept = one["kept"]
    note = f"version {kept['version']}" if kept and kept["version"] > 1 else ""
    files = [
        html.A(
            [icon("download"), label, hidden(f" of {name}")],
            href=inside(f"/api/admin/health/sla/reports/{tenant_id}/{month}?format={kind}"),
            download=f"sla-{tenant_id}-{month}.{kind}",
            className="file",
        )
        for kind, label in _KINDS
    ]
    met = one["met"]
    tone = "unknown" if met is None else "healthy" if met else "unhealthy"
    return html.Tr(
        [
            html.Th([name, html.Small(note or ("" if one["complete"] else "so far"))], scope="row"),
            html.Td(
                html.Span(
                    [
                        html.I(className="mark", **{"aria-hidden": "true"}),
                        availability(one["uptime"]),
                    ],
                    className=f"status is-{tone}",
                )
            ),
            html.Td(target(one["target"])),
            html.Td(minutes(one["downtimeMinutes"])),
            html.Td(files, className="files"),
        ],
        **{"data-month": month},
    )


def icon(name: str) -> Component:
    """An icon that says nothing by itself."""
    return html.I(className=f"icon icon-{name}", **{"aria-hidden": "true"})

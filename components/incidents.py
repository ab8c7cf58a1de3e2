"""Incidents: alerts with one root, as a list, and one in full in the drawer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components.alert_drawer import EVENTS
from components.alert_page import address, dotted, stay
from components.links import inside
from components.marks import DASH, count, moment, names, tag
from components.states import empty
from services.times import span
from services.views.alert_model import AlertsPage
from services.views.model import Body

_STEPS = (
    ("toTold", "until told"),
    ("toAcknowledged", "until taken"),
    ("toResolved", "until over"),
)
_MORE_EVENTS = {"detected": "Detected", "over": "Over", "action": "Action"}


def listing(view: AlertsPage) -> Component:
    """The incidents of the time asked for, newest first."""
    found = view.incidents or ()
    if not found:
        nothing = empty("No incident in this time.", "Alerts with one root make an incident.")
        return html.Div(nothing, className="card")
    shown = [_row(one, view) for one in found]
    if view.more:
        words = f"These are the newest {len(found)}; choose a shorter time for others."
        shown.append(html.P(words, className="alerts-more aside"))
    return html.Div(shown, className="card rows alerts-list")


def whole(view: AlertsPage) -> Component:
    """One incident for the drawer: how long what took, its alerts, what happened, notes."""
    one = view.incident
    if one is None:
        return html.Div()
    hurt = [view.names.get(id_, id_) for id_ in one["tenants"]]
    steps = [html.Div([html.Dt(words), html.Dd(_took(one, name))]) for name, words in _STEPS]
    report = html.A(
        [html.I(className="icon icon-download", **{"aria-hidden": "true"}), "Post-mortem"],
        href=inside(f"/api/admin/incidents/{one['id']}/postmortem"),
        download=f"incident-{one['id']}.md",
        className="btn btn-sm btn-outline-secondary",
        title="A Markdown file to be completed",
        **{"data-postmortem": ""},
    )
    return html.Div(
        [
            html.Div([tag(one["severity"]), html.Span(one["status"], className="badge-soft")],
                     className="drawer-tags"),
            html.H2(one["title"], id="alerts-drawer-title"),
            html.P(_lasting(one), className="drawer-standing"),
            html.P(f"It reached {names(hurt, 5)}." if hurt else "It reached no tenant."),
            html.Div(report, className="drawer-acts"),
            html.Dl(steps, className="facts"),
        ],
        className="drawer-part",
        **{"data-testid": "incident"},
    )  # fmt: skip


def story(view: AlertsPage) -> Component:
    """The incident's alerts and timeline."""
    one = view.incident
    if one is None:
        return html.Div()
    alerts = [
        html.Li([tag(alert["severity"]),
                 stay(alert["title"], address(view, alert=alert["id"], incident="", view="")),
                 html.Span(alert["status"], className="aside")])
        for alert in one["alerts"]
    ]  # fmt: skip
    entries = html.Ol([_entry(entry) for entry in one["timeline"]], className="steps-list")
    parts = [
        html.Div([html.H3("Alerts"), html.Ul(alerts, className="members")],
                 className="drawer-part"),
        html.Div([html.H3("Timeline"), entries], className="drawer-part"),
    ]  # fmt: skip
    if notes := one["notes"]:
        listed = html.Ol([_note(note) for note in notes], className="steps-list")
        parts.append(html.Div([html.H3("Notes"), listed], className="drawer-part"))
    return html.Div(parts)


def note_form(view: AlertsPage) -> Component | None:
    """Where somebody writes what was found out. Not drawn anew while somebody writes."""
    if not view.query.get("incident") or not view.may_note:
        return None
    area = dbc.Textarea(id="alerts-note", value="", rows=2, maxlength=10_000)
    label = html.Label([html.Span("Add a note"), area], className="asked-note")
    save = dbc.Button("Add note", id="alerts-note-save", color="secondary", outline=True,
                      size="sm")  # fmt: skip
    return html.Div([label, save], className="drawer-part")


def _row(one: Body, view: AlertsPage) -> Component:
    title = stay(
        one["title"],
        address(view, incident=one["id"], alert=""),
        className="alert-link",
        **{"data-opens": one["id"]},
    )
    hurt = [view.names.get(id_, id_) for id_ in one["tenants"]]
    said = [html.Span(count(one["alertCount"], "alert"))]
    if hurt:
        said.append(html.Span(f"hit {names(hurt)}"))
    said += [
        html.Span(f"{_took(one, name)} {words}")
        for name, words in _STEPS
        if one["durations"][name] is not None
    ]
    head = [tag(one["severity"]), html.H3(title)]
    if one["status"] != "resolved":
        head.append(html.Span(one["status"], className="badge-soft"))
    return html.Article(
        [
            html.Div([html.Div(head, className="alert-head"), html.P(dotted(said))],
                     className="alert-words"),
            html.Div(moment(_seconds(one["startedAt"]), "at"), className="since"),
        ],
        className="alert-row",
        **{"data-testid": "incident-row"},
    )  # fmt: skip


def _took(one: Body, name: str) -> str:
    took = one["durations"][name]
    return DASH if took is None else span(took)


def _lasting(one: Body) -> list[Any]:
    began = moment(_seconds(one["startedAt"]), "at")
    if one["resolvedAt"] is None:
        return ["Since ", began]
    lasted = span(_seconds(one["resolvedAt"]) - _seconds(one["startedAt"]))
    return ["Began ", began, f", lasted {lasted}"]


def _entry(entry: Body) -> Component:
    event = {**EVENTS, **_MORE_EVENTS}.get(entry["event"], entry["event"])
    by = f" by {entry['by']}" if entry["by"] else ""
    words = [html.B(f"{event}{by}"), html.Span(entry["text"])]
    return html.Li([moment(_seconds(entry["at"]), "at"), html.Div(words)])


def _note(note: Body) -> Component:
    words = [html.B(note["who"]), html.Span(note["text"])]
    return html.Li([moment(_seconds(note["at"]), "at"), html.Div(words)])


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()

"""The page of alerts: its tabs, the filters, and the list with what can be done at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside
from components.marks import count, moment, names, tag
from components.states import empty
from services.times import span
from services.views.alert_model import AlertsPage, Row

PATH = "/health/alerts"
TABS = (
    ("active", "Active"),
    ("history", "History"),
    ("rules", "Rules"),
    ("analytics", "Analytics"),
    ("settings", "Settings"),
)


def tabs(current: str) -> Component:
    """The way from tab to tab."""
    links = [
        stay(
            word,
            inside(f"{PATH}?tab={name}"),
            className="tab",
            **({"aria-current": "page"} if name == current else {}),
        )
        for name, word in TABS
    ]
    return html.Nav(links, className="tabs", **{"aria-label": "Parts of alerts"})


def held_by(tab: str, prefix: str, query: Mapping[str, Any]) -> Component:
    """The page around a tab that fills itself."""
    place = html.Div(html.Div(className="skeleton"), id=f"{prefix}-tab")
    body = [tabs(tab), dcc.Store(id=f"{prefix}-query", data=dict(query)), place]
    return html.Div([html.H1("Alerts"), html.Div(body, className="page-body")], className="page")


def address(view: AlertsPage, /, **changes: str) -> str:
    """The page's address with other words in it; empty ones are left out."""
    query = {**view.query, **changes}
    return inside(f"{PATH}?{urlencode({name: one for name, one in query.items() if one})}")


def stay(text: Any, href: str, **more: Any) -> Component:
    """A link within the page that leaves it where it is scrolled to (assets/alerts.js)."""
    return html.A(text, href=href, **{"data-stay": "", **more})


def listing(view: AlertsPage) -> Component:
    """The alerts of the tab."""
    if not view.rows:
        return html.Div(_nothing(view), className="card")
    number = len(view.rows) if view.total is None else view.total
    many = f"{number}+" if view.total is None and view.more else str(number)
    head = html.Div(
        [
            _box("all", "Select all of this list") if view.tab == "active" else None,
            html.Span(f"{many} {'alert' if many == '1' else 'alerts'}", className="aside"),
        ],
        className="alerts-count",
    )
    shown = [head, *(_row(row, view) for row in view.rows)]
    if view.more:
        shown.append(_more(view))
    return html.Div(shown, className="card rows alerts-list")


def bulk() -> Component:
    """What can be done with the selected alerts. assets/alerts.js shows it while there are any."""
    buttons = [
        act_button("acknowledge", "picked", "Acknowledge", primary=True),
        act_button("snooze", "picked", "Snooze…"),
        act_button("resolve", "picked", "Resolve…"),
        html.Button("Clear", type="button", className="plain", **{"data-pick-none": ""}),
    ]
    said = html.Span("", id="alerts-picked-count", role="status")
    return html.Div([said, *buttons], id="alerts-bulk", className="bulk card", hidden=True)


def act_button(act: str, alert_id: str, word: str, primary: bool = False, of: str = "") -> Any:
    """A button for something that can be done with an alert (``picked``: the selected ones)."""
    text = [word, html.Span(f" {of}", className="visually-hidden")] if of else word
    return dbc.Button(
        text,
        id={"type": "alert-act", "act": act, "alert": alert_id},
        color="primary" if primary else "secondary",
        outline=not primary,
        size="sm",
    )


def badges(status: str, occurrences: int, flapping: bool) -> list[Component]:
    """What else is to be known of an alert, in a word each."""
    found = [] if status in ("active", "resolved") else [html.Span(status, className="badge-soft")]
    if flapping:
        found.append(html.Span("flapping", className="badge-soft", title="It comes and goes"))
    if occurrences > 1:
        found.append(html.Span(f"{occurrences} times", className="badge-soft"))
    return found


def _row(row: Row, view: AlertsPage) -> Component:
    opened = view.query.get("alert") == row.id
    title = stay(
        row.title,
        address(view, alert=row.id, incident=""),
        className="alert-link",
        **{"data-opens": row.id, **({"aria-current": "true"} if opened else {})},
    )
    head = html.Div(
        [tag(row.severity), html.H3(title), *badges(row.status, row.occurrences, row.flapping)],
        className="alert-head",
    )
    standing = row.resolved_at is None
    return html.Article(
        [
            _box(row.id, f"Select {row.title}") if view.tab == "active" else None,
            html.Div([head, html.P(dotted(_said(row)))], className="alert-words"),
            html.Div(_since(row), className="since"),
            html.Div(_acts(row), className="alert-acts") if standing else None,
        ],
        className=f"alert-row is-{row.status}",
        **{"data-testid": "alert-row", "data-alert": row.id, "data-status": row.status},
    )


def _said(row: Row) -> list[Any]:
    parts: list[Any] = [] if row.target in row.title else [html.Span(row.target)]
    if row.impact:
        parts.append(html.Span(f"hits {names(row.impact)}"))
    if row.handled:
        parts.append(html.Span(row.handled, className="handled"))
    if row.snoozed_until is not None and row.status == "snoozed":
        parts.append(html.Span(["until ", moment(row.snoozed_until, "at")]))
    if row.suppressed_by:
        parts.append(html.Span(f"explained by {row.suppressed_by}"))
    elif row.told:
        parts.append(html.Span(row.told))
    if row.next_at is not None:
        whom = f" to {row.next_whom}" if row.next_whom else ""
        parts.append(html.Span(["escalates", whom, " at ", moment(row.next_at, "at")]))
    return parts


def dotted(parts: Sequence[Any]) -> list[Any]:
    """Parts of a line, with dots between them."""
    return [one for part in parts for one in (" · ", part)][1:]


def _since(row: Row) -> list[Any]:
    if row.resolved_at is None:
        return [moment(row.triggered_at, "since")]
    lasted = span(row.resolved_at - row.triggered_at)
    return [moment(row.resolved_at, "ago"), html.Small(f"lasted {lasted}")]


def _acts(row: Row) -> list[Component]:
    acts = [
        act_button("snooze", row.id, "Snooze…", of=row.title),
        act_button("resolve", row.id, "Resolve…", of=row.title),
    ]
    if row.status == "active":
        acts.insert(0, act_button("acknowledge", row.id, "Acknowledge", of=row.title))
    return acts


def _box(value: str, label: str) -> Component:
    """A box to tick. It is the browser's own affair (assets/alerts.js)."""
    return html.Button(
        type="button",
        role="checkbox",
        className="pick",
        **{"aria-checked": "false", "aria-label": label, "data-pick": value},
    )


def _more(view: AlertsPage) -> Component:
    pages = int(view.query.get("pages", "1")) if view.query.get("pages", "1").isdigit() else 1
    if len(view.rows) >= 500:
        words = f"These are the first {count(len(view.rows), 'alert')}; narrow the filters."
        return html.P(words, className="alerts-more aside")
    link = stay("Show more", address(view, pages=str(pages + 1)), className="plain")
    return html.P(link, className="alerts-more")


def _nothing(view: AlertsPage) -> Component:
    narrowing = {"q", "severity", "status", "vps", "tenant", "service", "rule", "fp"}
    if narrowing & view.query.keys():
        every = stay("Show all", inside(f"{PATH}?tab={view.tab}"))
        return empty("No alert fits these filters.", [every, " or choose others."])
    if view.tab == "history":
        return empty("No alert of this time has ended.", "Choose a longer time above.")
    return empty("No active alerts.", "One appears here as soon as a rule's condition holds.")

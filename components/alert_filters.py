"""The filters of the page of alerts. assets/alerts.js puts what is chosen into the address."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components.alert_page import PATH, stay
from components.links import inside
from services.views.alert_model import AlertsPage

#: A filter's value that asks for nothing; it is left out of the address.
ANY = "any"
STATUSES = (
    (ANY, "Any state"),
    ("active", "Active"),
    ("acknowledged", "Acknowledged"),
    ("snoozed", "Snoozed"),
)
SEVERITIES = (
    (ANY, "Any severity"),
    ("critical", "Critical"),
    ("warning", "Warning"),
    ("info", "Info"),
)
RANGES = (
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    ("90d", "Last 90 days"),
    ("all", "Any time"),
)
ACTIVE_SORTS = (
    ("worst", "Worst first"),
    ("-triggeredAt", "Newest first"),
    ("triggeredAt", "Oldest first"),
)
HISTORY_SORTS = (
    ("-resolvedAt", "Latest end"),
    ("-triggeredAt", "Latest begin"),
    ("-duration", "Longest"),
    ("-severity", "Worst first"),
)
FALSE = ((ANY, "True and false"), ("1", "False positives"))
VIEWS = (("", "Alerts"), ("incidents", "Incidents"))


def tools(view: AlertsPage) -> Component:
    """What fits the tab, with what the address has of it chosen."""
    over = view.tab == "history"
    query = view.query
    parts = [_views(view)] if over else []
    if over:
        parts.append(_choice("range", "Time", RANGES, query.get("range", "7d")))
    if view.incidents is None:
        if not over:
            parts.append(_choice("status", "State", STATUSES, query.get("status", ANY)))
        parts += [
            _choice("severity", "Severity", SEVERITIES, query.get("severity", ANY)),
            _choice("vps", "Server", ((ANY, "Any server"), *view.servers), query.get("vps", ANY)),
        ]
        if view.tenants:
            parts.append(_tenants(view))
        if over:
            parts.append(_choice("fp", "False positives", FALSE, query.get("fp", ANY)))
        sorts = HISTORY_SORTS if over else ACTIVE_SORTS
        parts.append(_choice("sort", "Order", sorts, query.get("sort", sorts[0][0])))
    elif view.tenants:
        parts.append(_tenants(view))
    shown = [html.Div(parts, className="choices")]
    if view.incidents is None:
        shown.append(_search(query.get("q", "")))
    return html.Div(shown, className="tools", role="search", **{"aria-label": "Filter"})


def _views(view: AlertsPage) -> Component:
    current = "incidents" if view.incidents is not None else ""
    links = [
        stay(
            word,
            inside(f"{PATH}?tab=history{'&view=' + name if name else ''}"),
            **({"aria-current": "true"} if name == current else {}),
        )
        for name, word in VIEWS
    ]
    return html.Div(links, className="segments", role="group", **{"aria-label": "What is listed"})


def _tenants(view: AlertsPage) -> Component:
    options = ((ANY, "Any tenant"), *view.tenants)
    return _choice("tenant", "Tenant", options, view.query.get("tenant", ANY))


def _choice(name: str, label: str, options: Sequence[tuple[str, str]], value: str) -> Component:
    known = [*options] if value in {one for one, _ in options} else [*options, (value, value)]
    select = dbc.Select(
        id={"type": "alerts-filter", "name": name},
        options=[{"value": one, "label": words} for one, words in known],
        value=value,
        size="sm",
    )
    return html.Label([html.Span(label, className="visually-hidden"), select])


def _search(text: str) -> Component:
    field = dbc.Input(
        id={"type": "alerts-filter", "name": "q"},
        type="search",
        value=text,
        debounce=True,
        placeholder="Search title, target, rule",
        size="sm",
    )
    words = html.Span("Search alerts", className="visually-hidden")
    return html.Label([words, field], className="grows")

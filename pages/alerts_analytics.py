"""The analytics' tab of ``/health/alerts``: its callbacks. It is no page of its own, so it calls no
``register_page``; that word is by what Dash finds this file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from dash import ClientsideFunction, Input, Output, callback, clientside_callback
from dash.development.base_component import Component

from components import analytics_tab
from services import container
from services.alerts.quiet.schedules import zone
from services.alerts.rules.sight import Sight
from services.insights.desk import Question
from services.insights.firings import Wanted
from services.insights.grid import grid

DAYS = {"7d": 7, "30d": 30, "90d": 90}
SEVERITIES = ("critical", "warning", "info")
CHOICES = [Input(f"analytics-{name}", "value") for name in ("range", *analytics_tab.FILTERS)]
NAMES = ("range", *analytics_tab.FILTERS)


@callback(Output("analytics-tab", "children"), Input("analytics-query", "data"))
def draw(query: Any) -> Component:
    """The tab with what the address chooses."""
    options = _options()
    return analytics_tab.page(_chosen(query if isinstance(query, dict) else {}, options), options)


@callback(Output("analytics-body", "children"), Input("analytics-zone", "data"), *CHOICES)
def count(zone_name: Any, *values: Any) -> Component:
    """What alerts add up to, by the reader's clock."""
    chosen = _chosen(dict(zip(NAMES, values, strict=True)), _options())
    services, scope, now = container.current(), container.scope(), time.time()
    wanted = Wanted(
        rules=_one(chosen, "rule"),
        vps=_one(chosen, "vps"),
        tenants=_one(chosen, "tenant"),
        severities=_one(chosen, "severity"),
    )
    asked = Question(now - DAYS[chosen["range"]] * 86400, now, wanted, _zone(zone_name))
    told = services.insights.analytics(asked, scope)
    shape = grid(services.database, services.read.fleet(), asked, scope)
    return analytics_tab.body(told, shape, chosen)


clientside_callback(
    ClientsideFunction("healthdeck", "analyticsAddress"), Output("analytics-zone", "data"), *CHOICES
)


def _zone(name: Any) -> ZoneInfo:
    """The browser's time zone; UTC for one that is not known here."""
    try:
        return zone(name if isinstance(name, str) else "UTC")
    except ValueError:
        return zone("UTC")


def _one(chosen: Mapping[str, str], name: str) -> tuple[str, ...]:
    return (chosen[name],) if chosen.get(name) else ()


def _chosen(asked: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """The range and the filters, of what there is and the caller may know of."""
    known = {name: {one["value"] for one in options[name]} for name in options}
    known["severity"] = set(SEVERITIES)
    range_ = asked.get("range")
    found = {"range": range_ if isinstance(range_, str) and range_ in DAYS else "30d"}
    for name, values in known.items():
        value = asked.get(name)
        found[name] = value if isinstance(value, str) and value in values else ""
    return found


def _options() -> dict[str, list[dict[str, str]]]:
    services, scope = container.current(), container.scope()
    fleet = services.read.fleet()
    sight = Sight.of(fleet, scope)
    rules = [entry.rule for entry in services.rules.all() if sight.sees(entry.rule)]
    tenants = [one for one in fleet.tenants.values() if scope is None or one.id in scope]
    return {
        "rule": _sorted((one.id, one.name) for one in rules),
        "vps": _sorted((id_, fleet.vps[id_].label) for id_ in sight.servers),
        "tenant": _sorted((one.id, one.label) for one in tenants),
    }


def _sorted(pairs: Any) -> list[dict[str, str]]:
    return [
        {"label": label, "value": id_}
        for id_, label in sorted(pairs, key=lambda pair: (pair[1].casefold(), pair[0]))
    ]

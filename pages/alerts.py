"""``/health/alerts``: what is wrong, what was, and everything around being told of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx
from dash.development.base_component import Component

from components import alert_dialog, alert_drawer, alert_filters, alert_page, incidents, states
from components.live import Live, Section, stale_after
from components.marks import count
from services import container
from services.alerts import trace
from services.alerts.asked import Decision, carry_out, decision
from services.errors import NotFound
from services.insights.incidents_desk import Wanted
from services.views import alert_detail
from services.views import alert_page as views
from services.views.alert_model import AlertsPage, Step

dash.register_page(
    __name__,
    path="/health/alerts",
    name="Alerts",
    title="Alerts · Healthdeck",
    icon="alerts",
    order=5,
)

#: The tabs that other modules fill, and how the ids of their parts begin.
FILLED = {"rules": "rules", "analytics": "analytics", "settings": "alertsettings"}
INCIDENTS = 100
NOTE_LENGTH = 10_000
DONE = {
    "acknowledge": "Acknowledged",
    "snooze": "Snoozed",
    "resolve": "Resolved",
    "delete": "Deleted",
}


def _list(view: AlertsPage) -> Component:
    return alert_page.listing(view) if view.incidents is None else incidents.listing(view)


def _state(view: AlertsPage) -> Component:
    return incidents.whole(view) if view.incident else alert_drawer.state(view)


def _story(view: AlertsPage) -> Component:
    return incidents.story(view) if view.incident else alert_drawer.story(view)


LIVE: Live[AlertsPage] = Live(
    "alerts",
    {
        "list": Section(lambda v: (v.rows, v.total, v.more, v.incidents), _list),
        "state": Section(
            lambda v: (
                v.missing,
                v.incident,
                v.chosen and (v.chosen.body, v.chosen.facts, v.chosen.impact, v.chosen.incident),
            ),
            _state,
        ),
        "course": Section(lambda v: v.chosen and v.chosen.course, alert_drawer.course),
        "story": Section(
            lambda v: (
                v.incident,
                v.chosen and (v.chosen.decisions, v.chosen.messages, v.chosen.why),
            ),
            _story,
        ),
    },
)


def layout(**query: Any) -> Component:
    tab = query.get("tab", "active")
    if tab in FILLED:
        return alert_page.held_by(tab, FILLED[tab], query)
    view = _view(query)
    held = LIVE.held(view)
    note = incidents.note_form(view)
    parts = [held["state"], held["course"], held["story"], *([note] if note else [])]
    body = [
        alert_page.tabs(view.tab),
        alert_filters.tools(view),
        alert_page.bulk(),
        held["list"],
        alert_drawer.drawer(view, parts),
        *alert_dialog.host(),
    ]
    return LIVE.frame("Alerts", body, view, 0.0, stale_after(view.interval))


def _view(query: Mapping[str, Any]) -> AlertsPage:
    """What an address asks for, with the drawer's content."""
    services, scope, now = container.current(), container.scope(), time.time()
    view = views.alerts_page(
        services.read, services.database, services.rules.book.rules, scope, query, now,
        services.settings.collect_interval,
    )  # fmt: skip
    view = replace(view, may_note=container.caller().is_a("whole"))
    if view.tab == "history" and view.query.get("view") == "incidents":
        view = _with_incidents(view, now)
    try:
        if alert_id := view.query.get("alert"):
            return replace(view, chosen=_detail(alert_id, now))
        if incident_id := view.query.get("incident"):
            return replace(view, incident=services.incidents.get(incident_id, scope))
    except NotFound:
        return replace(view, missing=True)
    return view


def _with_incidents(view: AlertsPage, now: float) -> AlertsPage:
    scope, tenant = container.scope(), view.query.get("tenant")
    length = views.RANGES.get(view.query.get("range", "7d"))
    if tenant and scope is not None and tenant not in scope:
        return replace(view, incidents=())
    since = now - length if length else None
    asked = Wanted(tenant=tenant, since=since, limit=INCIDENTS)
    found, last = container.current().incidents.list(asked, scope)
    return replace(view, incidents=tuple(found), more=last is not None)


def _detail(alert_id: str, now: float) -> Any:
    """Raises NotFound."""
    services, scope = container.current(), container.scope()
    body = services.read.alert(alert_id, scope)
    with services.database.read() as session:
        found = trace.decisions(session, alert_id, guarded=scope is not None)
    steps = [Step(one.at, one.kind, one.text, one.who) for one in found]
    rule = services.rules.book.rules.get(body["ruleId"])
    may = container.caller().is_a("whole")
    fleet = services.read.fleet()
    return alert_detail.detail(services.database, fleet, rule, body, steps, scope, now, may)


@callback(
    *LIVE.outputs,
    *LIVE.inputs,
    State("_pages_location", "search"),
    prevent_initial_call=True,
)
def refresh(_event: Any, _acted: Any, before: Any, search: str | None) -> list[Any]:
    """Reads what the address asks for again."""
    return LIVE.redraw(_view(dict(parse_qsl((search or "").removeprefix("?")))), 0.0, before)


@callback(
    LIVE.acted,
    Output("alerts-dialog", "children"),
    Output("alerts-dialog", "is_open"),
    Output("alerts-asked", "data"),
    Input({"type": "alert-act", "act": ALL, "alert": ALL}, "n_clicks"),
    State("alerts-picked", "data"),
    prevent_initial_call=True,
)
def ask(_clicks: Any, picked: Any) -> Any:
    """Does at once what needs no word more, and asks about the rest."""
    pressed = ctx.triggered_id
    if pressed is None or not ctx.triggered[0]["value"]:
        raise dash.exceptions.PreventUpdate
    act, ids = pressed["act"], picked if pressed["alert"] == "picked" else [pressed["alert"]]
    if act == "acknowledge":
        _carry_out(decision({"act": act, "ids": ids}))
        return time.time(), dash.no_update, False, None
    return dash.no_update, alert_dialog.question(act, _of(ids)), True, {"act": act, "ids": ids}


clientside_callback(
    ClientsideFunction("healthdeck", "alertsDecide"),
    Output("alerts-decided", "data"),
    Input("alerts-confirm", "n_clicks"),
    State("alerts-asked", "data"),
    State({"type": "alerts-said", "field": ALL}, "value"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("healthdeck", "alertsClose"),
    Output("alerts-dialog", "is_open", allow_duplicate=True),
    Input("alerts-cancel", "n_clicks"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("healthdeck", "alertsFilter"),
    Output("alerts-picked", "data", allow_duplicate=True),
    Input({"type": "alerts-filter", "name": ALL}, "value"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("healthdeck", "alertsActed"),
    Output("alerts-picked", "data", allow_duplicate=True),
    Input(LIVE.store("acted"), "data"),
    prevent_initial_call=True,
)


@callback(
    LIVE.acted,
    Output("alerts-dialog", "is_open", allow_duplicate=True),
    Input("alerts-decided", "data"),
    prevent_initial_call=True,
)
def decide(decided: Any) -> Any:
    """Does what was confirmed."""
    if decided is None:
        raise dash.exceptions.PreventUpdate
    _carry_out(decision(decided))
    return time.time(), False


@callback(
    LIVE.acted,
    Input({"type": "alert-resend", "message": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def resend(_clicks: Any) -> Any:
    """Has a message sent once more."""
    if ctx.triggered_id is None or not ctx.triggered[0]["value"]:
        raise dash.exceptions.PreventUpdate
    actor = container.acting("whole")
    row = container.current().notifications.resend(ctx.triggered_id["message"], actor)
    _say(f"It is sent to {row.recipient} again.")
    return time.time()


@callback(
    LIVE.acted,
    Output("alerts-note", "value"),
    Input("alerts-note-save", "n_clicks"),
    State("alerts-note", "value"),
    State("_pages_location", "search"),
    prevent_initial_call=True,
)
def note(clicks: int | None, text: Any, search: str | None) -> Any:
    """Notes something about the incident that is open."""
    words = text.strip() if isinstance(text, str) else ""
    if not clicks or not words:
        raise dash.exceptions.PreventUpdate
    asked = dict(parse_qsl((search or "").removeprefix("?"))).get("incident", "")
    actor = container.acting("whole")
    container.current().incidents.note(asked, words[:NOTE_LENGTH], actor)
    return time.time(), ""


def _carry_out(one: Decision) -> None:
    """Raises what a single alert was refused for; of several it says each outcome."""
    actor, desk = container.acting(), container.current().alerts
    outcomes = carry_out(desk, one, actor, container.scope())
    refused = [outcome.refused for outcome in outcomes if outcome.refused]
    if refused and len(outcomes) == 1:
        raise refused[0]
    said = [] if len(refused) == len(outcomes) else [
        states.done(f"{DONE[one.act]} {count(len(outcomes) - len(refused), 'alert')}.")
    ]  # fmt: skip
    if refused:
        why = "; ".join(dict.fromkeys(error.message for error in refused[:5]))
        said.append(states.refused(f"{len(refused)} of {len(outcomes)}: {why}"))
    dash.set_props("toasts", {"children": said})


def _of(ids: Any) -> str:
    """What a question is about. Raises NotFound."""
    if isinstance(ids, list) and len(ids) == 1:
        return str(container.current().read.alert(str(ids[0]), container.scope())["title"])
    return count(len(ids) if isinstance(ids, list) else 0, "alert")


def _say(text: str) -> None:
    dash.set_props("toasts", {"children": states.done(text)})

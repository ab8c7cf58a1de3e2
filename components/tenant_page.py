"""A tenant's page: one sentence, its applications, its promise, what it rests on, what happened."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.graph import anchor, graph
from components.island import island
from components.links import inside, linked
from components.live import Live, Section, stale_after
from components.logs import actions_host, service_actions
from components.marks import WORST_FIRST, availability, mark, moment, response, tag
from components.services import heartbeat
from components.sla import sla_panel
from components.sla_words import at, hidden, minutes
from components.states import empty
from services.observation import Status
from services.times import span
from services.views.model import AlertView, Body
from services.views.tenant_page import ApplicationView, Service, Shown, TenantPage

#: Seconds between two drawings of figures that grow with every reading.
FIGURES_EVERY = 30
ID = "tenant-id"
MOST_SERVICES, MOST_EVENTS = 12, 12


def page(view: Shown, now: float) -> Component:
    """The page of a view. ``now``: seconds since the epoch, to tell the browser the view's age."""
    held = LIVE.held(view)
    main = [held["applications"], held["sla"]]
    side = [held["alerts"], held["actions"], held["events"]]
    body = [
        html.Div(dcc.Link("All tenants", href=inside("/health/tenants")), className="way-back"),
        held["hero"],
        html.Div(
            [
                html.Div(main, className="tenant-main"),
                html.Div(side, className="tenant-side no-print"),
            ],
            className="tenant-columns",
        ),
        html.Div(held["graph"], className="tenant-below no-print"),
        html.Div(held["said"], className="visually-hidden", role="status"),
        dcc.Store(id=ID, data=view.page.id),
        actions_host(),
    ]
    age = now - view.page.updated_at
    title = f"Tenant Health: {view.page.name}"
    return LIVE.frame(title, body, view, age, stale_after(view.page.interval))


def hero(view: Shown) -> Component:
    """How it is, since when, what hurts and who knows; and the figures that matter most."""
    found = view.page
    since = [html.Span(["since ", moment(found.since, "at")])] if found.since is not None else []
    well = sum(one.status is Status.HEALTHY for one in found.applications)
    left = view.promise.thirty["errorBudget"]["leftMinutes"]
    facts = [
        ("Applications healthy", f"{well} of {len(found.applications)}"),
        ("Uptime, 30 days", availability(view.promise.thirty["uptime"])),
        ("Error budget left", minutes(left) if left >= 0 else f"overdrawn by {minutes(-left)}"),
    ]
    say = html.Div(
        [
            html.Div([mark(found.status), *since], className="tenant-state"),
            html.P(found.headline, className="say"),
            html.P(found.told, className="sub"),
        ],
        className="saying",
    )
    figures = html.Dl(
        [html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts],
        className="tenant-facts",
    )
    return html.Section(
        [say, figures],
        className=f"card tenant-hero is-{found.status}",
        **{"aria-label": f"State of {found.name}", "data-status": str(found.status)},
    )


def applications(found: Sequence[ApplicationView]) -> Component:
    """Each application with its address, its state and its last day."""
    if found:
        body: Component = html.Ul([_application(one) for one in found], className="card rows")
    else:
        what = "No application of its own is watched."
        then = "It is judged by the servers that carry it and what runs on them."
        body = html.Div(empty(what, then), className="card")
    return _section("Applications", "applications", body)


def _application(one: ApplicationView) -> Component:
    address: Component = (
        html.A(one.url, href=one.link, target="_blank", rel="noopener noreferrer")
        if one.link
        else html.Span(one.url)
    )
    place = [" on ", linked(one.runs_on[1], one.runs_on[0])] if one.runs_on else []
    said = [] if one.status is Status.HEALTHY else [html.P(one.message, className="message")]
    quick = "" if one.response_ms is None else response(one.response_ms)
    since = ["since ", moment(one.since, "at")] if one.since is not None else []
    return html.Li(
        [
            html.Div([html.B(one.name), html.Small(place), html.Div(address)], className="name"),
            html.Div([mark(one.status), html.Small(since)], className="app-state"),
            html.Div([hidden("response time "), quick], className="app-time"),
            html.Div([island(heartbeat(one.beats)), html.Small("24 h")], className="app-beats"),
            *said,
        ],
        id=anchor(one.key),
        className="application",
        **{"data-application": one.key, "data-status": str(one.status)},
    )


def alerts(found: Sequence[AlertView]) -> Component:
    """The active alerts that reach the tenant."""
    if not found:
        body = [empty("No active alerts.", "One appears here when it reaches this tenant.")]
    else:
        body = [_alert(one) for one in found]
    number = html.Span(str(len(found)), className="chip count") if found else None
    return _section("Active alerts", "tenant-alerts", html.Div(body, className="card rows"), number)


def _alert(one: AlertView) -> Component:
    named = dcc.Link(one.title, href=inside(f"/health/alerts?alert={one.id}"))
    since = html.Span(moment(one.triggered_at, "since"), className="since")
    if one.acknowledged_at is None:
        handling: Component = dbc.Button(
            ["Acknowledge", hidden(f" {one.title}")],
            id={"type": "tenant-acknowledge", "alert": one.id},
            color="primary",
            size="sm",
        )
    else:
        by = f"acknowledged by {one.acknowledged_by}" if one.acknowledged_by else "acknowledged"
        handling = html.Span([by, " · ", moment(one.acknowledged_at, "ago")], className="handled")
    return html.Article(
        [
            html.Div([tag(one.severity), html.H3(named), since], className="alert-head"),
            html.P(one.message),
            html.Div([handling, html.Span(one.told, className="told")], className="acts"),
        ],
        className="alert-item",
        **{"data-alert": one.id, "data-status": one.status},
    )


def actions(view: Shown) -> Component:
    """The services that it rests on, with what can be done to them."""
    found = sorted(view.page.services, key=lambda one: WORST_FIRST.index(one.status))
    if not found:
        what = "Nothing to restart is known."
        then = "Say in the inventory on which service an application runs (runsOn)."
        body: Component = html.Div(empty(what, then), className="card")
    else:
        body = html.Ul([_action(one, view) for one in found[:MOST_SERVICES]], className="card rows")
    section = _section("Quick actions", "tenant-actions", body)
    return html.Div(section, **{"data-testid": "quick-actions"})


def _action(one: Service, view: Shown) -> Component:
    buttons = service_actions(
        one.vps_id,
        one.name,
        may_log=view.may_log,
        may_restart=view.may_restart,
        label=one.label,
    )
    place = linked(one.label.removeprefix(one.name).strip(), one.vps_id)
    return html.Li(
        [
            mark(one.status, word=False),
            html.Span([html.B(one.name), html.Small(place)], className="name"),
            buttons,
        ],
        className="quick-action",
        **{"data-service": f"{one.vps_id}/{one.name}"},
    )


def events(found: Sequence[Body]) -> Component:
    """What changed of its applications and of what they rest on, newest first."""
    if not found:
        body = empty("Nothing has changed yet.", "Changes of status will be listed here.")
    else:
        latest, older = found[:MOST_EVENTS], found[MOST_EVENTS:]
        body = html.Div(
            [html.Ol([_event(one) for one in latest], className="timeline"), *_older(older)]
        )
    return html.Div(
        _section("Events", "tenant-events", html.Div(body, className="card")),
        **{"data-testid": "event-list"},
    )


def _older(found: Sequence[Body]) -> list[Component]:
    if not found:
        return []
    summary = html.Summary([f"{len(found)} earlier", html.I(className="chevron")])
    rest = html.Ol([_event(one) for one in found], className="timeline")
    return [html.Details([summary, rest], className="sla-more")]


def _event(one: Body) -> Component:
    status = Status(one["status"])
    lasted = one["durationSeconds"]
    said = "healthy again" if status is Status.HEALTHY else f"{status}: {one['reason']}"
    ill = status is not Status.HEALTHY
    label = one["service"] if one["tenantId"] and one["service"] else one["label"]
    for_ = f" for {span(lasted)}" if lasted is not None and ill else ""
    return html.Li(
        [
            mark(status, word=False),
            html.Span([linked(label, one["target"]), f" {said}{for_}"]),
            moment(at(one["timestamp"]), "at"),
        ],
        className=f"is-{status}",
    )


def rests_on(found: TenantPage) -> Component:
    """The graph of what it runs on."""
    label = f"What {found.name} rests on"
    body = html.Div(graph(found.web, label), className="card graph-card")
    return _section("Where it runs and what it depends on", "tenant-graph", body)


def _section(title: str, name: str, body: Component, aside: Component | None = None) -> Component:
    head = html.Div([html.H2(title, id=f"{name}-title"), aside], className="head")
    return html.Section([head, body], **{"aria-labelledby": f"{name}-title"})


def _figures(view: Shown) -> object:
    """Minutes grow with every reading: they are taken along twice a minute, or when a status
    changes."""
    promise = view.promise
    steady = [(down["eventId"], down["ongoing"]) for down in promise.thirty["downtimes"]]
    return promise.at // FIGURES_EVERY, view.page.status, steady


def _applications(view: Shown) -> object:
    """Response times are taken along as often."""
    tick = view.page.updated_at // FIGURES_EVERY
    return tick, [(one.key, one.status, one.message) for one in view.page.applications]


#: The parts by name, each in ``tenant-<name>``.
LIVE: Live[Shown] = Live(
    "tenant",
    {
        "hero": Section(lambda v: (v.page.headline, v.page.told, _figures(v)), hero, still=True),
        "applications": Section(_applications, lambda v: applications(v.page.applications)),
        "sla": Section(_figures, lambda v: sla_panel(v.promise, v.page.id), still=True),
        "graph": Section(lambda v: v.page.web, lambda v: rests_on(v.page), still=True),
        "alerts": Section(lambda v: v.page.alerts, lambda v: alerts(v.page.alerts)),
        "actions": Section(lambda v: (v.page.services, v.may_log, v.may_restart), actions),
        "events": Section(lambda v: v.page.events, lambda v: events(v.page.events), still=True),
        "said": Section(lambda v: v.page.headline, lambda v: html.Span(v.page.headline)),
    },
)

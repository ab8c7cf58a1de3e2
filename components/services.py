"""The service grid: a row for each type with its heartbeat, and its instances underneath."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.island import island
from components.links import inside, linked
from components.marks import NBSP, WORST_FIRST, availability, count, mark, moment, response
from components.states import empty
from services.observation import Status
from services.times import iso
from services.views.model import Beat, Instance, ServiceType

#: How far heartbeats reach back, and what that is called; the control that chooses it.
SPANS: Mapping[str, str] = {"24h": "24 h", "7d": "7 d", "90d": "90 d"}
USUAL = "24h"
BEATS = "overview-beats"

#: Instances that a row unfolds; the others are a link away.
MOST_INSTANCES = 12


def service_grid(services: Sequence[ServiceType], span: str = USUAL) -> Component:
    """Every service type in the order of the view. ``span``: how far its heartbeats reach."""
    if services:
        body = island(service_rows(services, span), className="card rows")
    else:
        nothing = empty(
            "No service is checked yet.",
            "Give a server its services in the inventory file; they appear here by themselves.",
        )
        body = html.Div(nothing, className="card rows")
    head = [html.H2("Services", id="services-title"), _choice(span) if services else None]
    return html.Section(
        [html.Div(head, className="head"), body],
        **{"aria-labelledby": "services-title", "data-testid": "service-grid"},
    )


def service_rows(services: Sequence[ServiceType], span: str = USUAL) -> list[Component]:
    """The rows of the grid."""
    return [_service(row, SPANS[span]) for row in services]


def _choice(span: str) -> Component:
    radios = dbc.RadioItems(
        id=BEATS,
        options=[{"label": label, "value": value} for value, label in SPANS.items()],
        value=span,
        class_name="seg",
        input_class_name="btn-check",
        label_class_name="seg-item",
        label_checked_class_name="is-on",
    )
    return html.Div(
        radios, className="beats-choice", role="group", **{"aria-label": "Heartbeats reach back"}
    )


def shown(row: ServiceType) -> list[Instance]:
    """The instances that a row unfolds, worst first."""
    ranked = sorted(row.instances, key=lambda one: WORST_FIRST.index(one.status))
    return ranked[:MOST_INSTANCES]


def _service(row: ServiceType, reach: str) -> Component:
    number = len(row.instances)
    some = "" if row.healthy == number else f", {row.healthy} healthy"
    share = html.Span(
        [
            html.Span("available ", className="visually-hidden"),
            availability(row.availability),
        ],
        className="share" if row.availability is not None else "share is-none",
        title=f"Available over the last {reach}",
    )
    name = html.Span(
        [html.B(row.label), html.Small(f"{count(number, 'instance')}{some}")], className="name"
    )
    summary = html.Summary(
        [name, mark(row.status), heartbeat(row.beats), share, html.I(className="chevron")]
    )
    rest = number - MOST_INSTANCES
    every = dcc.Link(
        f"{rest} more on the servers page" if rest > 0 else "Show their servers",
        href=inside(f"/health/vps?service={row.type}"),
    )
    instances = html.Ul([_instance(one) for one in shown(row)], className="instances")
    return html.Details(
        [summary, instances, html.P(every, className="instances-more")],
        id={"type": "service-type", "name": row.type},
        className="service",
        **{"data-service-type": row.type, "data-status": str(row.status)},
    )


def heartbeat(beats: Sequence[Beat]) -> Component:
    """A bar for each slice of time; the ones that tell something can be reached by keyboard."""
    trouble = sum(beat.status in (Status.DEGRADED, Status.UNHEALTHY) for beat in beats)
    summary = f"{trouble} of {len(beats)} slices of time with trouble" if trouble else "no trouble"
    return html.Span(
        [_beat(beat) for beat in beats],
        className="beats",
        role="group",
        **{"aria-label": f"Heartbeat: {summary}"},
    )


def _beat(beat: Beat) -> Component:
    telling = beat.status in (Status.DEGRADED, Status.UNHEALTHY)
    spoken = {"role": "img", "tabIndex": 0, "aria-label": f"{beat.status}: {beat.text}"}
    return html.I(
        className=f"beat is-{beat.status}",
        **(spoken if telling else {"aria-hidden": "true"}),
        **{
            "data-from": iso(beat.start),
            "data-to": iso(beat.end),
            "data-state": str(beat.status),
            "data-text": beat.text,
        },
    )


def _instance(one: Instance) -> Component:
    well = one.status is Status.HEALTHY
    said = [] if well or not one.message else [html.Span(one.message, className="message")]
    checks = [_check(name, status) for name, status in sorted(one.checks.items())]
    return html.Li(
        [
            html.Span(
                [
                    html.B(one.name),
                    html.Small([" on ", linked(one.vps_id, one.vps_id)]),
                ],
                className="name",
            ),
            mark(one.status),
            html.Span([*said, *checks], className="findings"),
            html.Span(
                "" if one.response_ms is None else response(one.response_ms), className="share"
            ),
            html.Span(moment(one.since, "since"), className="since"),
        ],
        className="instance",
        **{"data-instance": one.key, "data-status": str(one.status)},
    )


def _check(name: str, status: Status) -> Component:
    return html.Span(
        [f"{name}{NBSP}", mark(status, word=status is not Status.HEALTHY)], className="check"
    )

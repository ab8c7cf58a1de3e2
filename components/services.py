"""The service grid: a row for each type with its heartbeat, and its instances underneath."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from components.marks import NBSP, WORST_FIRST, availability, count, mark, moment, response
from components.states import empty
from services.observation import Status
from services.times import iso, span
from services.views.model import Beat, Instance, ServiceType


def service_grid(services: Sequence[ServiceType]) -> Component:
    """Every service type in the order of the view."""
    if services:
        body = [_service(row) for row in services]
    else:
        body = [
            empty(
                "No service is checked yet.",
                "Give a server its services in the inventory file; they appear here by themselves.",
            )
        ]
    head = [html.H2("Services", id="services-title")]
    if length := _length(services):
        head.append(html.Span(f"last {span(length)}", className="aside"))
    return html.Section(
        [html.Div(head, className="head"), html.Div(body, className="card rows")],
        **{"aria-labelledby": "services-title", "data-testid": "service-grid"},
    )


def _length(services: Sequence[ServiceType]) -> float:
    """How many seconds the heartbeats reach back."""
    return max((row.beats[-1].end - row.beats[0].start for row in services if row.beats), default=0)


def _service(row: ServiceType) -> Component:
    number = len(row.instances)
    some = "" if row.healthy == number else f", {row.healthy} healthy"
    share = html.Span(
        [
            html.Span("available ", className="visually-hidden"),
            availability(row.availability),
        ],
        className="share" if row.availability is not None else "share is-none",
    )
    name = html.Span(
        [html.B(row.label), html.Small(f"{count(number, 'instance')}{some}")], className="name"
    )
    summary = html.Summary(
        [name, mark(row.status), heartbeat(row.beats), share, html.I(className="chevron")]
    )
    worst_first = sorted(row.instances, key=lambda one: WORST_FIRST.index(one.status))
    instances = html.Ul([_instance(one) for one in worst_first], className="instances")
    return html.Details(
        [summary, instances],
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
            html.Span([html.B(one.name), html.Small(f" on {one.vps_id}")], className="name"),
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

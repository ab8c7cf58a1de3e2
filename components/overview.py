"""The overview: one sentence first, the score with its reasons, then everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dash import html
from dash.development.base_component import Component

from components.alerts import alerts_panel
from components.events import events_panel
from components.live import Live, Section, stale_after
from components.marks import points, score_number
from components.services import service_grid
from components.vps import vps_panel
from services.observation import Status
from services.times import span
from services.views.model import Overview, Reason, Score

#: Seconds between two drawings of response times.
RESPONSES_EVERY = 30

#: Reasons of the score that are always on screen; the others can be unfolded.
SHOWN_REASONS = 4


def _services(view: Overview) -> object:
    """Response times move with every reading: they are taken along twice a minute, or with the
    next thing that changes."""
    steady = [
        replace(
            row,
            instances=tuple(replace(i, response_ms=None, uptime_s=None) for i in row.instances),
        )
        for row in view.services
    ]
    return view.updated_at // RESPONSES_EVERY, steady


def page(view: Overview, now: float) -> Component:
    """The page of a view. ``now``: seconds since the epoch, to tell the browser the view's age."""
    held = LIVE.held(view)
    columns = html.Div(
        [
            html.Div([held["alerts"], held["events"]], className="side-column"),
            html.Div([held["services"], held["vps"]], className="main-column"),
        ],
        className="columns",
    )
    body = [held["hero"], columns, _spoken(held["said"])]
    return LIVE.frame(
        "System Health", body, view, now - view.updated_at, stale_after(view.interval)
    )


def hero(view: Overview) -> Component:
    """The sentence, who knows of it, and the score with what it lost points for."""
    say = html.Div(
        [html.P(view.headline, className="say"), html.P(view.told, className="sub")],
        className="saying",
    )
    return html.Section(
        [ring(view.score), say, _reasons(view)],
        className=f"card hero is-{view.status}",
        **{"aria-label": "State of the platform", "data-status": str(view.status)},
    )


def _spoken(headline: Component) -> Component:
    """The sentence once more for those who listen: said when it changes, and only then."""
    return html.Div(headline, className="visually-hidden", role="status")


def ring(score: Score) -> Component:
    """The score as a ring that is as full as the platform is well."""
    said = "unknown" if score.value is None else f"{score_number(score.value)} of 100, {score.band}"
    return html.Div(
        html.Span(
            [
                html.B(score_number(score.value)),
                html.Span("no data" if score.value is None else score.band),
            ],
            **{"aria-hidden": "true"},
        ),
        className=f"ring is-{score.band}",
        role="img",
        style={"--value": f"{score.value or 0:.1f}"},
        **{"aria-label": f"Health score {said}", "data-testid": "health-score"},
    )


def _reasons(view: Overview) -> Component:
    reasons = view.score.reasons
    if not reasons:
        return html.Div(_quiet(view), className="reasons")
    shown = [html.Ul([_reason(reason) for reason in reasons[:SHOWN_REASONS]])]
    if more := reasons[SHOWN_REASONS:]:
        lost = points(sum(reason.points for reason in more))
        shown.append(_unfold(f"and {len(more)} more", lost, more))
    return html.Div(shown, className="reasons", role="group", **{"aria-label": "Points lost"})


def _unfold(text: str, lost: str, reasons: Sequence[Reason]) -> Component:
    summary = html.Summary([html.Span([text, html.I(className="chevron")]), html.B(lost)])
    return html.Details([summary, html.Ul([_reason(reason) for reason in reasons])])


def _reason(reason: Reason) -> Component:
    return html.Li([html.Span(reason.text), html.B(points(reason.points))])


def _quiet(view: Overview) -> Component:
    """What there is to say while nothing costs a point."""
    if view.status is Status.UNKNOWN:
        return html.P("The score appears with the first readings.")
    instances = [one for row in view.services for one in row.instances]
    facts = [("Without an outage", span(view.uptime_s))]
    for word, parts in (("Servers", view.vps), ("Services", instances)):
        healthy = sum(part.status is Status.HEALTHY for part in parts)
        facts.append((f"{word} healthy", f"{healthy} of {len(parts)}"))
    return html.Ul([html.Li([html.Span(text), html.B(value)]) for text, value in facts])


#: The parts by name, each in ``overview-<name>``.
SECTIONS: Mapping[str, Section[Overview]] = {
    "hero": Section(lambda v: (v.headline, v.told, v.status, v.score), hero),
    "alerts": Section(lambda v: v.alerts, lambda v: alerts_panel(v.alerts)),
    "events": Section(lambda v: v.events, lambda v: events_panel(v.events)),
    "services": Section(_services, lambda v: service_grid(v.services)),
    "vps": Section(lambda v: v.vps, lambda v: vps_panel(v.vps)),
    "said": Section(lambda v: v.headline, lambda v: html.Span(v.headline)),
}

LIVE = Live("overview", SECTIONS)

"""The overview: one sentence first, the score with its reasons, then everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from dash import dcc, html
from dash.development.base_component import Component

from components.alerts import MOST_ALERTS, alerts_panel
from components.events import events_panel
from components.links import linked
from components.live import Live, Section, stale_after
from components.marks import moment, points, score_number
from components.services import BEATS, SPANS, USUAL, service_grid, shown
from components.vps import vps_panel
from services.observation import Status
from services.times import span
from services.views.model import AlertView, Overview, Reason, Score

__all__ = ["BEATS", "DRAWN", "FLEET", "LIVE", "SNOOZE", "SPANS", "USUAL", "Page", "page"]

#: Stores: the rows of servers that the browser is to draw, which of them it has drawn, and the
#: snooze that is asked for (assets/overview.js).
FLEET, DRAWN, SNOOZE = "overview-fleet", "overview-fleet-drawn", "overview-snooze"

#: Seconds between two drawings of response times.
RESPONSES_EVERY = 30

#: Reasons of the score that are always on screen; so many more can be unfolded.
SHOWN_REASONS, MORE_REASONS = 4, 50


class Page(NamedTuple):
    """What the page shows: ``beats`` is the span of the heartbeats (a key of SPANS), ``may_add``
    whether the reader may add servers."""

    view: Overview
    beats: str = USUAL
    may_add: bool = False


def page(shows: Page, now: float) -> Component:
    """The page. ``now``: seconds since the epoch, to tell the browser the view's age."""
    held, view = LIVE.held(shows), shows.view
    columns = html.Div(
        [
            html.Div([held["alerts"], held["events"]], className="side-column"),
            html.Div(held["services"], className="main-column"),
            held["vps"],
        ],
        className="columns",
    )
    stores = [
        dcc.Store(id=FLEET, data=view.roster.since(None)),
        dcc.Store(id=DRAWN),
        dcc.Store(id=SNOOZE),
    ]
    body = [held["hero"], columns, _spoken(held["said"]), html.Div(stores, hidden=True)]
    return LIVE.frame(
        "System Health", body, shows, now - view.updated_at, stale_after(view.interval)
    )


def hero(view: Overview) -> Component:
    """The sentence, who knows of it, and the score with what it lost points for."""
    parts = [linked(part.text, part.about) for part in view.sentence] or view.headline
    say = html.Div(
        [html.P(parts, className="say"), html.P(_told(view), className="sub")],
        className="saying",
    )
    return html.Section(
        [ring(view.score), say, _reasons(view)],
        className=f"card hero is-{view.status}",
        **{"aria-label": "State of the platform", "data-status": str(view.status)},
    )


def _told(view: Overview) -> str | list[str | Component]:
    """Who knows, and since when: ``Ops was told by e-mail 2 min ago; not acknowledged yet.``"""
    worst = view.alerts[0] if view.alerts else None
    if worst is None or worst.told_at is None or not view.told.startswith(worst.told):
        return view.told
    return [f"{worst.told} ", moment(worst.told_at, "ago"), view.told.removeprefix(worst.told)]


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
    told = [html.Ul([_reason(reason) for reason in reasons[:SHOWN_REASONS]])]
    if more := reasons[SHOWN_REASONS:]:
        lost = points(sum(reason.points for reason in more))
        told.append(_unfold(f"and {len(more)} more", lost, more[:MORE_REASONS]))
    return html.Div(told, className="reasons", role="group", **{"aria-label": "Points lost"})


def _unfold(text: str, lost: str, reasons: Sequence[Reason]) -> Component:
    summary = html.Summary([html.Span([text, html.I(className="chevron")]), html.B(lost)])
    return html.Details([summary, html.Ul([_reason(reason) for reason in reasons])])


def _reason(reason: Reason) -> Component:
    text = html.Span(linked(reason.text, reason.target))
    return html.Li([text, html.B(points(reason.points))])


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


def _hero(shows: Page) -> object:
    view = shows.view
    score = (view.score.value, view.score.band, len(view.score.reasons))
    reasons = view.score.reasons[: SHOWN_REASONS + MORE_REASONS]
    told_at = view.alerts[0].told_at if view.alerts else None
    quiet = () if view.score.reasons else (len(view.vps), view.uptime_s // 60)
    return view.sentence, view.headline, view.told, told_at, view.status, score, reasons, quiet


def _services(shows: Page) -> object:
    """Response times move with every reading: they are taken along twice a minute, or with the
    next thing that changes."""
    steady = [
        (
            row.status, row.healthy, len(row.instances), row.beats, row.availability,
            [replace(one, response_ms=None, uptime_s=None) for one in shown(row)],
        )
        for row in shows.view.services
    ]  # fmt: skip
    return shows.view.updated_at // RESPONSES_EVERY, shows.beats, steady


def _alerts(shows: Page) -> tuple[Sequence[AlertView], int]:
    return shows.view.alerts[:MOST_ALERTS], shows.view.active or len(shows.view.alerts)


#: The parts by name, each in ``overview-<name>``. The servers' rows are not among them: they come
#: with a store of their own, and the browser draws them.
SECTIONS: Mapping[str, Section[Page]] = {
    "hero": Section(_hero, lambda p: hero(p.view), still=True),
    "alerts": Section(_alerts, lambda p: alerts_panel(*_alerts(p))),
    "events": Section(lambda p: p.view.events, lambda p: events_panel(p.view.events), still=True),
    "services": Section(_services, lambda p: service_grid(p.view.services, p.beats)),
    "vps": Section(
        lambda p: (bool(p.view.vps), p.may_add),
        lambda p: vps_panel(bool(p.view.vps), may_add=p.may_add),
    ),
    "said": Section(lambda p: p.view.headline, lambda p: html.Span(p.view.headline)),
}

LIVE = Live("overview", SECTIONS)

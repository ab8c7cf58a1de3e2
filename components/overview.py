"""The overview: one sentence first, the score with its reasons, then everything else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

from dash import dcc, html
from dash.development.base_component import Component

from components.alerts import alerts_panel
from components.events import events_panel
from components.marks import points, score_number
from components.services import service_grid
from components.shell import counts
from components.vps import vps_panel
from services.observation import Status
from services.times import span
from services.views.model import Overview, Reason, Score

#: Seconds between two drawings of response times.
RESPONSES_EVERY = 30

#: Reasons of the score that are always on screen; the others can be unfolded.
SHOWN_REASONS = 4


class Section(NamedTuple):
    """A part of the page that is drawn anew by itself: what it shows, and how."""

    shows: Callable[[Overview], object]
    draw: Callable[[Overview], Component]


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


def draw(view: Overview, names: Collection[str]) -> dict[str, Component]:
    """The named parts of the page."""
    return {name: SECTIONS[name].draw(view) for name in names}


def digests(view: Overview) -> dict[str, str]:
    """A short fingerprint of what each part shows, to tell which ones changed."""
    return {
        name: blake2b(repr(section.shows(view)).encode(), digest_size=8).hexdigest()
        for name, section in SECTIONS.items()
    }


def page(view: Overview, now: float) -> Component:
    """The page of a view. ``now``: seconds since the epoch, to tell the browser the view's age."""
    parts = draw(view, [name for name in SECTIONS if name != SHELL])
    held = {name: html.Div(part, id=f"overview-{name}") for name, part in parts.items()}
    return html.Div(
        [
            html.H1("System Health"),
            html.Div(
                [
                    held["hero"],
                    html.Div(
                        [
                            html.Div([held["alerts"], held["events"]], className="side-column"),
                            html.Div([held["services"], held["vps"]], className="main-column"),
                        ],
                        className="columns",
                    ),
                ],
                className="overview",
                **{"data-stale-after": stale_after(view.interval)},
            ),
            _spoken(held["said"]),
            dcc.Store(id="overview-drawn", data=drawn(view, now)),
            dcc.Store(id="overview-acted"),
        ],
        className="page",
    )


def drawn(view: Overview, now: float) -> dict[str, Any]:
    """What the browser keeps of a drawing: its age in seconds, and its digests."""
    age = round(max(0.0, now - view.updated_at), 1)
    return {"age": age, "digests": digests(view)}


def changed(drawn: Mapping[str, Any], before: Any) -> set[str]:
    """The sections that differ from those of ``before``, which a browser sent: all of them when
    it is no drawing."""
    old = before.get("digests") if isinstance(before, dict) else None
    known = old if isinstance(old, dict) else {}
    return {name for name, digest in drawn["digests"].items() if known.get(name) != digest}


def stale_after(interval: float) -> int:
    """Seconds without news after which the page says so: three missed rounds and some grace."""
    return round(max(30.0, 3 * interval + 15))


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


#: The part that stands in the shell, around the page.
SHELL = "counts"

#: The parts by name, each in ``overview-<name>``.
SECTIONS: Mapping[str, Section] = {
    "hero": Section(lambda v: (v.headline, v.told, v.status, v.score), hero),
    "alerts": Section(lambda v: v.alerts, lambda v: alerts_panel(v.alerts)),
    "events": Section(lambda v: v.events, lambda v: events_panel(v.events)),
    "services": Section(_services, lambda v: service_grid(v.services)),
    "vps": Section(lambda v: v.vps, lambda v: vps_panel(v.vps)),
    "said": Section(lambda v: v.headline, lambda v: html.Span(v.headline)),
    SHELL: Section(
        lambda v: (len(v.vps), [len(r.instances) for r in v.services], v.tenants, v.interval),
        counts,
    ),
}

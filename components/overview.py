"""The overview: one sentence first, the score with its reasons, then everything else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

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

#: The parts of the page that are drawn anew by themselves, each in ``overview-<name>``.
SECTIONS = ("hero", "alerts", "events", "services", "vps", "said")

#: Reasons of the score that are always on screen; the others can be unfolded.
SHOWN_REASONS = 4


def sections(view: Overview) -> dict[str, Component]:
    """The parts of the page by name, and ``counts`` for the shell."""
    return {
        "hero": hero(view),
        "alerts": alerts_panel(view.alerts),
        "events": events_panel(view.events),
        "services": service_grid(view.services),
        "vps": vps_panel(view.vps),
        "said": html.Span(view.headline),
        "counts": counts(view),
    }


def digests(parts: Mapping[str, Component]) -> dict[str, str]:
    """A short fingerprint of each part, to tell which ones changed."""
    return {
        name: blake2b(_as_json(part).encode(), digest_size=8).hexdigest()
        for name, part in parts.items()
    }


def _as_json(part: Component) -> str:
    return json.dumps(part, default=lambda inner: inner.to_plotly_json())


def page(view: Overview, now: float) -> Component:
    """The page of a view. ``now``: seconds since the epoch, to tell the browser the view's age."""
    parts = sections(view)
    held = {name: html.Div(parts[name], id=f"overview-{name}") for name in SECTIONS}
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
            dcc.Store(id="overview-drawn", data=drawn(view, parts, now)),
            dcc.Store(id="overview-acted"),
        ],
        className="page",
    )


def drawn(view: Overview, parts: Mapping[str, Component], now: float) -> dict[str, Any]:
    """What the browser keeps of a drawing: its age in seconds, and its digests."""
    age = round(max(0.0, now - view.updated_at), 1)
    return {"age": age, "digests": digests(parts)}


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

"""What was promised to a tenant and what was kept: figures, budget, days, and how it is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.marks import availability, count
from components.sla_past import downtimes, reports
from components.sla_words import budget_words, burn_words, meter, minutes, month_name, target
from services.times import span
from services.views.tenant_page import Promise

Body = Mapping[str, Any]

#: Days with less uptime than this are drawn as bad ones, whatever the target is. Percent.
BAD = 95.0


def sla_panel(promise: Promise, tenant_id: str) -> Component:
    """Everything about the promise."""
    printing = html.Button(
        "Print",
        type="button",
        className="btn btn-sm btn-quiet aside",
        **{"data-print": "", "aria-label": "Print the service level report"},
    )
    head = html.Div([html.H2("Service level", id="sla-title"), printing], className="head")
    card = html.Div(
        [
            html.Div(
                [
                    figure(f"{month_name(promise.month['month'])}, so far", promise.month),
                    figure("Last 30 days", promise.thirty),
                    burning(promise.thirty),
                ],
                className="sla-figures",
            ),
            days(promise.days, promise.thirty["target"]),
            policy(promise.thirty),
        ],
        className="card sla-card",
    )
    return html.Section(
        [head, card, downtimes(promise.thirty), reports(promise.reports, tenant_id)],
        className="sla",
        **{"aria-labelledby": "sla-title", "data-testid": "sla-panel"},
    )


def figure(title: str, account: Body) -> Component:
    """Uptime against the target, and the error budget of the same time."""
    uptime, met = account["uptime"], account["met"]
    tone = "unknown" if met is None else "healthy" if met else "unhealthy"
    verdict = "nothing counted yet" if met is None else "kept" if met else "missed"
    return html.Div(
        [
            html.H3(title),
            html.P(
                [
                    html.B(
                        availability(uptime),
                        className="sla-uptime",
                        title=None if uptime is None else f"{uptime:.4f} %",
                    ),
                    html.Span(
                        [html.I(className="mark", **{"aria-hidden": "true"}), verdict],
                        className=f"status is-{tone}",
                    ),
                ],
                className="sla-number",
            ),
            html.P(f"Promised: {target(account['target'])}", className="aside"),
            budget(account["errorBudget"]),
        ],
        className="sla-figure",
        **{"data-uptime": "" if uptime is None else f"{uptime:.4f}"},
    )


def budget(found: Body) -> Component:
    """The error budget as a bar that empties, and in words."""
    total, left = found["totalMinutes"], found["leftMinutes"]
    share = 0.0 if total <= 0 else max(0.0, min(1.0, left / total))
    tone = "unhealthy" if left < 0 or total <= 0 else "degraded" if share < 0.25 else "healthy"
    return html.Div(
        [meter(share, tone), html.P(budget_words(total, left), className="sla-left")],
        className="sla-budget",
        **{"data-left": f"{left:.2f}"},
    )


def burning(account: Body) -> Component:
    """Both burn rates in words."""
    rates = account["burnRates"]
    rows = [
        _rate("Now", rates["fast"]),
        _rate("Over hours", rates["slow"]),
    ]
    return html.Div(
        [html.H3("Error budget is used up"), html.Dl([part for row in rows for part in row])],
        className="sla-figure sla-burn",
    )


def _rate(name: str, rate: Body) -> tuple[Component, Component]:
    windows = f"{span(60 * rate['longMinutes'])} and {span(60 * rate['shortMinutes'])}"
    return (
        html.Dt([name, html.Small(f" ({windows})")]),
        html.Dd(burn_words(rate["both"], rate["long"])),
    )


def days(found: Sequence[Body], goal: float) -> Component:
    """A bar for each day: its height and colour tell how much of it was up."""
    known = [day for day in found if day["uptime"] is not None]
    missed = sum(day["uptime"] < goal for day in known)
    words = (
        f"{count(len(known), 'day')} counted; on {missed or 'none'} of them below the target."
        if known
        else "No day has been counted yet."
    )
    return html.Div(
        [
            html.Div(
                [html.H3("Day by day"), html.P(words, className="aside")], className="sla-days-head"
            ),
            html.Div(
                [_day(day, goal) for day in found],
                className="day-bars",
                role="group",
                **{"aria-label": f"Uptime of the last {len(found)} days. {words}"},
            ),
            html.Div(
                [html.Span(f"{len(found)} days ago"), html.Span("today (UTC)")],
                className="day-axis",
                **{"aria-hidden": "true"},
            ),
        ],
        className="sla-days",
    )


def day_tone(uptime: float | None, goal: float) -> str:
    """The colour of a day."""
    if uptime is None:
        return "unknown"
    return "healthy" if uptime >= goal else "degraded" if uptime >= BAD else "unhealthy"


def day_height(uptime: float | None) -> int:
    """The height of a day's bar in percent: the lower, the more downtime; a minute of it shows."""
    if uptime is None:
        return 22
    down = max(0.0, 100 - uptime)
    return 100 if down == 0 else round(max(28.0, 88 - 60 * min(1.0, (down / 20) ** 0.5)))


def _day(day: Body, goal: float) -> Component:
    uptime, down = day["uptime"], day["downtimeMinutes"]
    tone = day_tone(uptime, goal)
    state = "not counted" if uptime is None else f"{availability(uptime)} up"
    text = "nothing was observed" if uptime is None else f"{minutes(down)} of downtime"
    telling = bool(down)
    name = f"{day['from'][:10]}: {state}, {text}"
    spoken = {"role": "img", "tabIndex": 0, "aria-label": name}
    return html.I(
        html.I(style={"height": f"{day_height(uptime)}%"}),
        className=f"day is-{tone}",
        **(spoken if telling else {"aria-hidden": "true"}),
        **{
            "data-from": day["from"],
            "data-to": day["to"],
            "data-state": state,
            "data-text": text,
            "data-day": day["from"][:10],
        },
    )


def policy(account: Body) -> Component:
    """How the figures were counted, as it is printed with them."""
    return html.Div(
        [html.H3("How this is counted"), html.P(account["policy"]["text"])], className="sla-policy"
    )

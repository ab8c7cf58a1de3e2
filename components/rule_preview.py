"""What a rule would have done: a sentence, a picture, and its firings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components.charts import Band, Chart, Figure, Line, Mark, figure, graph
from components.marks import NBSP, count, moment, named
from components.rule_words import amount, whom
from services.times import span

Told = Mapping[str, Any]

RANGES = {"24h": "24 h", "7d": "7 d", "30d": "30 d"}
#: Firings that are listed at once, and differences of each kind.
MOST = 50
FEW = 5
#: The name of the chart.
CHART = "rule-preview"
#: The states' colours; anything else is not well.
TONES = {"healthy": "healthy", "reporting": "healthy", "present": "healthy",
         "degraded": "degraded", "unknown": "unknown"}  # fmt: skip


def frame() -> Component:
    """The place of the preview: its range, how far it is, and what came of it."""
    options = [{"label": label, "value": value} for value, label in RANGES.items()]
    ranges = html.Div(
        dbc.RadioItems(id="rule-range", options=options, value="30d", inline=True),
        className="segments",
        role="group",
        **{"aria-label": "How much of the past"},
    )
    progress = html.Span(id="rule-progress", className="aside", role="status")
    waiting = html.P("As soon as the rule is complete, it is tried here.", className="aside")
    return html.Div(
        [
            html.Div([html.H2("On the past"), progress, ranges], className="head"),
            html.Div(waiting, id="rule-shown"),
        ],
        className="card rule-preview",
        **{"data-testid": "rule-preview"},
    )


def shown(told: Told, rule: Told) -> Component:
    """The preview of ``rule``, as the API tells it."""
    series = told["series"]
    first = best(told)
    return html.Div(
        [
            html.P(sentence(told, rule), className="say", role="status"),
            *[html.P(note, className="aside") for note in told["notes"]],
            _targets(series, first) if series else None,
            html.Div(picture(told, rule, first), id="rule-picture"),
            _firings(told, told["unit"]),
            _changes(told["comparedTo"]),
        ]
    )


def refused(why: str) -> Component:
    """Why there is no preview."""
    return html.P(why, className="wrong", role="alert")


def sentence(told: Told, rule: Told) -> str:
    """``It would have fired 3 times in 30 days and told Ops 4 times; 2 more than today's rule.``"""
    days = told["span"]["days"]
    length = f"{round(days * 24)}{NBSP}h" if days < 2 else f"{round(days)}{NBSP}days"
    if not told["targetsWatched"]:
        return "It would have watched nothing: no target has this metric where it looks."
    if not told["count"]:
        said = f"It would not have fired in {length}"
    else:
        said = f"It would have fired {times(told['count'])} in {length}"
        if told["pages"] and rule.get("notification", {}).get("channels", ("inApp",)):
            said += f" and told {whom(rule)} {times(told['pages'])}"
    return f"{said}{_against(told)}."


def picture(told: Told, rule: Told, number: int) -> Component | None:
    """The course of one of the worst targets, the limit dashed, its firings as bands."""
    if not 0 <= number < len(told["series"]):
        return None
    one = told["series"][number]
    if one["words"]:
        return _strip(told, one)
    return graph(CHART, _course(told, rule, one), f"{one['label']} and when it would have fired")


def best(told: Told) -> int:
    """Which target is shown first: the worst; where nothing fired the one that is known longest."""
    if told["count"]:
        return 0
    known = [len(one["dataPoints"]) for one in told["series"]]
    return known.index(max(known)) if known else 0


def times(number: int) -> str:
    """``once``, ``4 times``."""
    return "once" if number == 1 else f"{number:,}{NBSP}times"


def _against(told: Told) -> str:
    live = told["comparedTo"]
    if live is None:
        return ""
    if not live["enabled"]:
        return "; today's rule is disabled"
    more = told["count"] - live["count"]
    if more:
        return f"; {abs(more):,} {'more' if more > 0 else 'fewer'} than today's rule"
    if live["addedCount"] or live["removedCount"]:
        return "; as often as today's rule, but not at the same times"
    return ", as today's rule did" if told["count"] else "; neither did today's rule"


def _targets(series: Sequence[Told], first: int) -> Component:
    """Which target is shown; without a choice its name alone."""
    if len(series) == 1:
        return html.P(series[0]["label"], className="rule-target")
    options = [{"label": one["label"], "value": str(at)} for at, one in enumerate(series)]
    choice = dbc.Select(id="rule-target", options=options, value=str(first), size="sm")
    return html.Div(named("Whose course is shown", choice), className="rule-target")


def _course(told: Told, rule: Told, one: Told) -> Figure:
    condition, points = rule["condition"], one["dataPoints"]
    at = [seconds(point["timestamp"]) for point in points]
    usual = one["band"]
    band = Band(at, [p["min"] for p in points], [p["max"] for p in points])
    if usual:
        band = Band(
            [seconds(p["timestamp"]) for p in usual],
            [p["lower"] for p in usual],
            [p["upper"] for p in usual],
            "var(--healthy-bar)",
        )
    limit = condition.get("value")
    number = isinstance(limit, int | float) and not isinstance(limit, bool)
    return figure(
        Chart(
            lines=[Line(one["label"], *_gapped(at, [p["value"] for p in points]))],
            unit=told["unit"],
            start=seconds(told["span"]["from"]),
            end=seconds(told["span"]["to"]),
            limit=(limit, f"limit {amount(limit, told['unit'])}") if number else None,
            band=band if at else None,
            marks=_fired(told, one),
        )
    )


def _gapped(
    at: Sequence[float], values: Sequence[float | None]
) -> tuple[Sequence[float], Sequence[float | None]]:
    """The same with a gap wherever nothing was seen for much longer than elsewhere."""
    if len(at) < 3:
        return at, values
    steps = sorted(later - earlier for earlier, later in pairwise(at))
    usual, moments, known = steps[len(steps) // 2], [at[0]], [values[0]]
    for (before, moment_), value in zip(pairwise(at), values[1:], strict=True):
        if moment_ - before > 3 * usual:
            moments.append(before + usual)
            known.append(None)
        moments.append(moment_)
        known.append(value)
    return moments, known


def _fired(told: Told, one: Told) -> list[Mark]:
    end, width = seconds(told["span"]["to"]), _least(told)
    return [
        Mark(start, "", max(until, start + width), "var(--unhealthy-bar)")
        for firing in told["firings"]
        if firing["target"] == one["target"]
        for start in [seconds(firing["start"])]
        for until in [seconds(firing["end"]) if firing["end"] else end]
    ]


def _least(told: Told) -> float:
    """The least that a band must last to be seen: a firing of minutes has no width in a month."""
    return float(told["span"]["days"]) * 86400 / 250


def _strip(told: Told, one: Told) -> Component:
    """The words of a state as a strip over the time."""
    start, end = seconds(told["span"]["from"]), seconds(told["span"]["to"])
    length = max(end - start, 1.0)

    def piece(begin: float, until: float, kind: str, title: str) -> Component:
        left = max(0.0, min(100.0, 100 * (begin - start) / length))
        width = max(0.3, min(100.0 - left, 100 * (until - begin) / length))
        place = {"left": f"{left:.3f}%", "width": f"{width:.3f}%"}
        return html.I(style=place, className=kind, title=title)

    words = [
        piece(begin, until, f"is-{TONES.get(w['value'], 'unhealthy')}", w["value"])
        for w in one["words"]
        for begin, until in [(seconds(w["start"]), seconds(w["end"]))]
    ]
    fired = [piece(mark.at, mark.until or end, "fired", "it fires") for mark in _fired(told, one)]
    label = f"{one['label']}: {times(len(fired))} fired" if fired else f"{one['label']}: no firing"
    return html.Div(
        [
            html.Div(words, className="strip words"),
            html.Div(fired, className="strip firings"),
            html.Div([moment(start, "ago"), html.Span("now")], className="strip-ends"),
        ],
        role="img",
        **{"aria-label": label},
    )


def _firings(told: Told, unit: str) -> Component | None:
    if not told["firings"]:
        return None
    rows = [
        html.Tr(
            [
                html.Td(_moment(one["start"])),
                html.Td(_lasted(one), className="number"),
                html.Td(_peak(one["peak"], unit), className="number"),
                html.Td([one["label"], _often(one)]),
            ],
            title=one["evidence"],
        )
        for one in told["firings"][:MOST]
    ]
    head = [("Began", ""), ("Lasted", "number"), ("Peak", "number"), ("Where", "")]
    columns = html.Tr([html.Th(word, scope="col", className=kind) for word, kind in head])
    left = told["count"] - len(rows)
    return html.Div(
        [
            html.Table([html.Thead(columns), html.Tbody(rows)], className="firings-table"),
            html.P(f"{left:,} more before these.", className="aside") if left > 0 else None,
        ],
        className="firings-list",
        tabIndex=0,
        role="group",
        **{"aria-label": "When it would have fired"},
    )


def _changes(live: Told | None) -> Component | None:
    """What is different from the rule in force."""
    if live is None or not (live["addedCount"] or live["removedCount"]):
        return None

    def part(kind: str, word: str) -> Component | None:
        rows, of = live[kind][:FEW], live[f"{kind}Count"]
        if not of:
            return None
        more = f" and {of - len(rows):,} more" if of > len(rows) else ""
        listed = [html.Li([_moment(one["start"]), f" {one['label']}"]) for one in rows]
        return html.Div([html.H3(f"{count(of, 'firing')} {word}"), html.Ul(listed), more])

    return html.Div(
        [part("added", "that today's rule has not"), part("removed", "of today's rule gone")],
        className="two rule-changes",
    )


def suggestion(told: Told) -> Component:
    """A milder rule beside the one in force, or why there is none."""
    found = told["suggestion"]
    notes = [html.P(text, className="aside") for text in told["notes"]]
    if found is None:
        return html.Div([html.P(told["sentence"]), *notes])
    figures = [
        (f"{found['pagesBefore']:,}", "messages before"),
        (f"{found['pages']:,}", "messages after"),
        (f"{found['reducedBy']:g}{NBSP}%", "fewer"),
    ]
    tiles = [html.Div([html.B(value), html.Span(label)]) for value, label in figures]
    use = dbc.Button("Use this rule", id="rule-apply", color="primary", size="sm")
    return html.Div(
        [
            html.P(told["sentence"]),
            html.Div(tiles, className="before-after"),
            *notes,
            use if found["applicable"] else None,
        ]
    )


def seconds(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time."""
    return datetime.fromisoformat(text).timestamp()


def _moment(text: str) -> Component:
    return moment(seconds(text), "at")


def _lasted(one: Told) -> str:
    return span(one["seconds"]) if one["end"] else f"{span(one['seconds'])} and goes on"


def _peak(value: Any, unit: str) -> str:
    if isinstance(value, int | float):
        return amount(round(value, 1 if abs(value) < 100 else 0), unit)
    return "" if value is None else str(value)


def _often(one: Told) -> str:
    return f" ({one['occurrences']} times)" if one["occurrences"] > 1 else ""

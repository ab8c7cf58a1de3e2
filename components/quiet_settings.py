"""When nobody is told: the calendar of maintenance, silences, and the forms that write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.marks import DASH, mark, moment
from components.people_settings import FORMS, SHORT_DAYS
from components.setting_forms import Dialog, number, section, several, table, text
from components.states import empty
from services.observation import Status
from services.times import span

#: Days that the calendar shows from today on.
AHEAD = 31
KINDS = (("once", "once"), ("daily", "every day"), ("weekly", "every week"), ("cron", "by cron"))
FIELDS = (
    ("", "choose…"), ("severity", "severity"), ("rule", "rule"), ("vps", "server"),
    ("service", "service"), ("tenant", "tenant"), ("tag", "tag"), ("target", "target"),
)  # fmt: skip
OPERATORS = (("equals", "is"), ("notEquals", "is not"), ("oneOf", "is one of"))
LENGTHS = (
    ("30", "30 minutes"), ("60", "1 hour"), ("240", "4 hours"), ("1440", "1 day"),
    ("10080", "1 week"), ("", "until a time:"),
)  # fmt: skip
_STATES = {"active": "degraded", "upcoming": "info", "ended": "unknown"}
#: Rows of matchers in the form.
_MATCHERS = 4

Body = Mapping[str, Any]


# ---- maintenance ----
def maintenance(
    found: Sequence[Body], windows: Sequence[Body], whole: bool, now: float
) -> Component:
    """``found`` and ``windows`` as the API gives them; ``whole``: those are all windows of the
    coming month. ``now`` in seconds since the epoch."""
    listed = (
        table(
            ("Name", "State", "When", "What", ""), [_planned(one) for one in found], "Maintenance"
        )
        if found
        else empty(
            "No maintenance is planned.", "Plan some, and nobody is woken by the work you do."
        )
    )
    return html.Div(
        [
            section(
                "Maintenance",
                "While a window is open nobody is told of alerts in its scope; watching goes on.",
                FORMS.open("maintenance", "", "Plan maintenance", look="main"),
                listed,
            ),
            section(
                "Calendar",
                "The coming 31 days; days and times in UTC."
                + ("" if whole else " Some windows come too often to show all."),
                None,
                calendar(windows, now),
            ),
        ],
        className="set-sections",
    )  # fmt: skip


def calendar(windows: Sequence[Body], now: float) -> Component:
    """A grid of weeks from this one on; today is marked."""
    today = datetime.fromtimestamp(now, UTC).date()
    first = today - timedelta(days=today.weekday())
    weeks = -(-((today - first).days + AHEAD) // 7)
    by_day = _by_day(windows)
    heads = [html.Div(name, className="cal-head") for _, name in SHORT_DAYS]
    days = [
        _day(day, today, by_day.get(day, ()))
        for day in (first + timedelta(days=at) for at in range(7 * weeks))
    ]
    return html.Div(
        [*heads, *days], className="card calendar", **{"data-testid": "maintenance-calendar"}
    )


def _by_day(windows: Sequence[Body]) -> dict[date, list[tuple[str, str]]]:
    """By day what is open on it: times and name."""
    found: dict[date, list[tuple[str, str]]] = {}
    for one in windows:
        start, end = (datetime.fromisoformat(one[edge]) for edge in ("start", "end"))
        day = start.date()
        while day <= end.date() and (day == start.date() or end.time() or day < end.date()):
            begins = f"{start:%H:%M}" if day == start.date() else "00:00"
            ends = f"{end:%H:%M}" if day == end.date() else "24:00"
            if begins != ends or day == start.date():
                found.setdefault(day, []).append((f"{begins}{DASH}{ends}", one["name"]))
            day += timedelta(days=1)
    return found


def _day(day: date, today: date, planned: Sequence[tuple[str, str]]) -> Component:
    classes = ["cal-day"]
    classes += ["is-today"] if day == today else ["is-past"] if day < today else []
    classes += [] if planned else ["is-free"]
    number_ = f"{day:%-d %b}" if day.day == 1 or day == today else f"{day:%-d}"
    head = [
        html.Span(f"{day:%a} ", className="cal-weekday"),
        html.Span(number_),
        html.Span("today", className="cal-today") if day == today else None,
    ]
    shown = [
        html.Li([html.Span(times, className="cal-times"), f" {name}"], title=f"{times} UTC {name}")
        for times, name in planned[:4]
    ]
    if len(planned) > 4:
        shown.append(html.Li(f"and {len(planned) - 4} more"))
    return html.Div(
        [html.Div(head, className="cal-number"), html.Ul(shown) if shown else None],
        className=" ".join(classes),
    )


def _planned(one: Body) -> list[Any]:
    current, following = one["current"], one["next"]
    once = one["schedule"]["type"] == "once"
    return [
        [html.B(one["name"]), html.Br(), html.Span(f"by {one['createdBy']}", className="aside")],
        _state(one["state"]),
        html.Ul(
            [
                html.Li(["open until ", _at(current["end"])]) if current else None,
                html.Li(["next ", _at(following["start"])]) if following else None,
                html.Li(said_schedule(one["schedule"]), className="aside"),
            ]
        ),
        said_scope(one["scope"]),
        [
            FORMS.open("maintenance-end", one["id"], "End now", one["name"])
            if current and once
            else None,
            FORMS.open("maintenance", one["id"], "Edit", one["name"]),
            FORMS.open("maintenance-delete", one["id"], "Delete", one["name"]),
        ],
    ]


def said_schedule(schedule: Body) -> str:
    """A schedule in words."""
    zone = schedule.get("timeZone", "UTC")
    if schedule["type"] == "once":
        return f"once, {schedule['start'][:16].replace('T', ' ')}, {zone}"
    length = span(schedule["minutes"] * 60)
    if schedule["type"] == "cron":
        return f"cron {schedule['expression']}, {length}, {zone}"
    days = ""
    if schedule["type"] == "weekly":
        days = ", ".join(day.capitalize() for day in schedule["days"]) + " "
    return f"{days or 'daily '}{schedule['at']}, {length}, {zone}"


def said_scope(scope: Body) -> str:
    """What a maintenance is about, in words."""
    if scope.get("everything"):
        return "everything"
    words = (("vps", "servers"), ("service", "services"), ("tenant", "tenants"), ("tags", "tags"))
    return "; ".join(f"{word} {', '.join(scope[key])}" for key, word in words if scope.get(key))


def _state(state: str) -> Component:
    return html.Span(
        [html.I(className="mark", **{"aria-hidden": "true"}), html.Span(state)],
        className=f"status is-{_STATES[state]}",
    )


def _at(iso: str) -> Component:
    return moment(datetime.fromisoformat(iso).timestamp(), "at")


def maintenance_form(key: str, one: Body | None) -> Dialog:
    """``key``: the id of the one that is changed; empty for a new one."""
    one = one or {}
    schedule, scope = one.get("schedule") or {}, one.get("scope") or {}
    kind = schedule.get("type", "once")
    return Dialog(
        f"Maintenance {one['name']}" if one else "Plan maintenance",
        [
            FORMS.line("name", "Name", one.get("name", ""), "Such as: upgrade of the database."),
            html.Div(
                [
                    FORMS.choice("schedule.type", "How often", KINDS, kind),
                    FORMS.line("schedule.timeZone", "Time zone", schedule.get("timeZone", "UTC"),
                               "Such as Europe/Amsterdam."),
                ],
                className="set-pair",
            ),
            FORMS.variants("schedule.type", kind, _when(schedule)),
            html.Fieldset(
                [
                    html.Legend("What is worked on"),
                    html.P("Names with commas between them; alerts that fit every line are held "
                           "back.", className="set-note"),
                    html.Div(
                        [
                            FORMS.line("scope.vps", "Servers", _joined(scope, "vps")),
                            FORMS.line("scope.service", "Services", _joined(scope, "service"),
                                       "postgres, or vps-1/postgres"),
                            FORMS.line("scope.tenant", "Tenants", _joined(scope, "tenant")),
                            FORMS.line("scope.tags", "Tags", _joined(scope, "tags")),
                        ],
                        className="set-pair",
                    ),
                    FORMS.ticks("scope.everything", "Or", [("all", "everything")],
                                ["all"] if scope.get("everything") else []),
                    html.Div(id=FORMS.id("error", "scope"), className="set-error", role="alert"),
                ],
                className="set-group",
            ),
            FORMS.look("maintenance", key),
        ],
        [FORMS.do("maintenance", key, "Save maintenance")],
    )  # fmt: skip


def _when(schedule: Body) -> list[Component]:
    lasting = FORMS.line("schedule.minutes", "For minutes", schedule.get("minutes", 60),
                         type="number", min=1)  # fmt: skip
    edges = [
        html.Div(FORMS.line(f"schedule.{edge}", label, (schedule.get(edge) or "")[:16],
                            type="datetime-local"), className="for-once")
        for edge, label in (("start", "From"), ("end", "To"))
    ]  # fmt: skip
    return [
        html.Div(
            [
                *edges,
                html.Div(FORMS.ticks("schedule.days", "On", SHORT_DAYS, schedule.get("days", ())),
                         className="for-weekly"),
                html.Div(FORMS.line("schedule.at", "At", schedule.get("at", "02:00"), type="time"),
                         className="for-daily for-weekly"),
                html.Div(FORMS.line("schedule.expression", "Cron", schedule.get("expression", ""),
                                    "Minute, hour, day, month, weekday: 0 2 * * 0"),
                         className="for-cron"),
                html.Div(lasting, className="for-daily for-weekly for-cron"),
            ],
            className="set-row",
        )
    ]  # fmt: skip


def _joined(scope: Body, name: str) -> str:
    return ", ".join(scope.get(name) or ())


_PARTS = {
    "once": ("start", "end"), "daily": ("at", "minutes"), "weekly": ("days", "at", "minutes"),
    "cron": ("expression", "minutes"),
}  # fmt: skip


def maintenance_spec(fields: Mapping[str, Any], before: Body | None = None) -> dict[str, Any]:
    """A maintenance as the form says it; ``from`` and ``until`` of the one ``before`` stay."""
    kind = text(fields, "schedule.type")
    schedule: dict[str, Any] = {"type": kind, "timeZone": text(fields, "schedule.timeZone")}
    for part in _PARTS.get(kind, ()):
        name = f"schedule.{part}"
        if part == "days":
            schedule[part] = several(fields, name)
        else:
            schedule[part] = number(fields, name) if part == "minutes" else text(fields, name)
    old = (before or {}).get("schedule") or {}
    if kind != "once" and old.get("type") != "once":
        schedule |= {edge: old[edge] for edge in ("from", "until") if old.get(edge)}
    scope: dict[str, Any] = {
        part: several(fields, f"scope.{part}") for part in ("vps", "service", "tenant", "tags")
    }
    scope["everything"] = bool(several(fields, "scope.everything"))
    return {"name": text(fields, "name"), "schedule": schedule, "scope": scope}


def next_windows(spans: Sequence[tuple[float, float]]) -> Component:
    """The windows that a draft would open: (start, end) in seconds since the epoch."""
    if not spans:
        return html.P("No window would open within a year.", className="set-problem")
    return html.Div(
        [
            html.H3("Next windows, by your clock"),
            html.Ul(
                [
                    html.Li([moment(a, "at"), f" {DASH} ", moment(b, "at"),
                             html.Span(f" ({span(b - a)})", className="aside")])
                    for a, b in spans
                ]
            ),
        ],
        **{"data-testid": "next-windows"},
    )  # fmt: skip


# ---- silences ----
def silences(found: Sequence[Body]) -> Component:
    rows = [
        [
            [html.B(one["comment"]), html.Br(),
             html.Span(f"by {one['createdBy']}", className="aside")],
            _state(one["state"]),
            html.Ul([html.Li(said_matcher(m)) for m in one["matchers"]]),
            ["until ", _at(one["endsAt"])],
            FORMS.open("silence-end", one["id"], "End now", one["comment"])
            if one["state"] != "ended" else None,
        ]
        for one in found
    ]  # fmt: skip
    return section(
        "Silences",
        "For a while nobody is told of alerts that fit. The alerts themselves go on.",
        FORMS.open("silence", "", "Add silence", look="main"),
        table(("Comment", "State", "Alerts with", "Until", ""), rows, "Silences")
        if rows
        else empty("No silences.", "Add one when you know about a trouble and need no more words."),
    )


def said_matcher(one: Body) -> str:
    """``severity is warning``"""
    value = one["value"]
    words = ", ".join(value) if isinstance(value, list | tuple) else value
    field = dict(FIELDS).get(one["field"], one["field"])
    return f"{field} {dict(OPERATORS)[one.get('operator', 'equals')]} {words}"


def silence_form() -> Dialog:
    rows = [
        html.Div(
            [
                FORMS.choice(f"matchers.{at}.field", "Field", FIELDS, ""),
                FORMS.choice(f"matchers.{at}.operator", "Must be", OPERATORS, "equals"),
                FORMS.line(f"matchers.{at}.value", "Value", ""),
            ],
            className="set-row",
        )
        for at in range(_MATCHERS)
    ]
    return Dialog(
        "Add silence",
        [
            FORMS.line("comment", "Comment", "", "Why, for whoever wonders at night."),
            html.Fieldset(
                [html.Legend("Alerts of which all of this is so"), *rows], className="set-group"
            ),
            html.Div(
                [
                    FORMS.choice("minutes", "For", LENGTHS, "60"),
                    FORMS.line("endsAt", "Until (UTC)", "", "Only with “until a time”.",
                               type="datetime-local"),
                ],
                className="set-pair",
            ),
            FORMS.look("silence"),
        ],
        [FORMS.do("silence", "", "Add silence")],
    )  # fmt: skip


def silence_spec(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A silence as the form says it."""
    matchers = []
    for at in range(_MATCHERS):
        field, operator = (text(fields, f"matchers.{at}.{part}") for part in ("field", "operator"))
        if not field:
            continue
        name = f"matchers.{at}.value"
        value: Any = several(fields, name) if operator == "oneOf" else text(fields, name)
        matchers.append({"field": field, "operator": operator, "value": value})
    spec: dict[str, Any] = {"comment": text(fields, "comment"), "matchers": matchers}
    if minutes := number(fields, "minutes"):
        return {**spec, "minutes": minutes}
    return {**spec, "endsAt": text(fields, "endsAt") or None}


def matched(titles: Sequence[tuple[str, str]], of: int) -> Component:
    """Which of the ``of`` unresolved alerts a draft would silence: (title, severity)."""
    head = f"{len(titles)} of {of} active alerts" if of else "No alerts are active now"
    return html.Div(
        [
            html.H3(f"Would silence {head}" if of else f"{head}; it holds for those to come"),
            html.Ul(
                [
                    html.Li([mark(Status.UNHEALTHY if severity == "critical" else Status.DEGRADED,
                                  word=False), f" {title}"])
                    for title, severity in titles[:10]
                ]
            ),
            html.P(f"and {len(titles) - 10} more") if len(titles) > 10 else None,
        ],
        **{"data-testid": "silence-matches"},
    )  # fmt: skip

"""A rule as a form that reads like a sentence, beside what it would have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside
from components.rule_fields import (
    choice,
    errors,
    field,
    labelled,
    line,
    many,
    options_of,
    section,
    text,
)
from components.rule_preview import frame
from components.rule_words import CHANNELS, OPERATORS

Values = Mapping[str, Any]
Options = Sequence[Mapping[str, Any]]

LIST = "/health/alerts?tab=rules"
KINDS = {
    "limit": "crosses a limit",
    "state": "is in a state",
    "anomaly": "is not as usual",
    "absence": "is missing",
}
DIRECTIONS = {"both": "in either direction", "above": "above it", "below": "below it"}
WORDS = ("unhealthy", "degraded", "unknown", "healthy")


def part(name: str) -> dict[str, str]:
    """The id of a part of the form that not every kind of condition has."""
    return {"type": "rule-part", "part": name}


def editor(
    values: Values,
    base: Mapping[str, Any],
    options: Mapping[str, Options],
    steps: Sequence[int],
) -> Component:
    """The editor. ``base``: ``id`` (None: a new rule), ``version``, ``spec`` and ``fixed`` (why it
    cannot be changed, or None); ``options`` of ``metric``, ``vps``, ``service``, ``tenant``,
    ``tags`` and ``recipients``."""
    new = base["id"] is None
    return html.Div(
        [
            html.Div(
                [
                    dcc.Link("Rules", href=inside(LIST)),
                    html.Span(" / ", className="aside"),
                    html.H2("New rule" if new else values["name"]),
                    html.Div(_ways(new, base["fixed"]), className="rule-ways"),
                ],
                className="rule-title",
            ),
            html.Div(_fixed(base["fixed"]), id="rule-notice"),
            html.Div(id="rule-mistakes"),
            html.Div(
                [
                    html.Div(_form(values, options, steps, new), className="card rule-form"),
                    html.Div(
                        [frame(), None if new else _milder()],
                        className="rule-side",
                    ),
                ],
                className="rule-columns",
            ),
            dcc.Store(id="rule-base", data=dict(base)),
            dcc.Store(id="rule-draft"),
            dcc.Store(id="rule-checked"),
            dcc.Store(id="rule-outcome"),
            dcc.Store(id="rule-preview-address", data=inside("/api/admin/alerts/rules/preview")),
        ],
        **{"data-testid": "rule-editor"},
        className="rule-editor",
    )


def conflict(message: str, rule_id: str) -> Component:
    """Somebody else was faster."""
    return html.Div(
        [
            html.P(message),
            html.A(
                "Reload it",
                href=inside(f"{LIST}&rule={rule_id}"),
                className="btn btn-sm btn-outline-secondary",
            ),
        ],
        className="connection rule-conflict",
        role="alert",
    )


def wrong(messages: Sequence[str]) -> Component:
    """Mistakes that belong to no field."""
    return html.Div([html.P(text) for text in messages], className="wrong", role="alert")


def notes(messages: Sequence[str]) -> Component:
    """What a rule, right in itself, will not achieve."""
    return html.Div([html.P(text) for text in messages], className="rule-warning", role="status")


def step(number: int, values: Values, people: Options) -> Component:
    """A step of the escalation."""

    def of(name: str) -> str:
        return f"step{number}.{name}"

    return html.Div(
        [
            html.Div(
                [
                    html.Span("after"),
                    text(of("after"), values, "Length of time until this step", "15 min", 9),
                    html.Span("without an answer also tell"),
                    html.Button(
                        html.I(className="icon icon-close"),
                        id={"type": "rule-step-remove", "step": number},
                        type="button",
                        className="chip icon-button",
                        title="Remove this step",
                        **{"aria-label": "Remove this step"},
                    ),
                ],
                className="phrase",
            ),
            *errors(of("after")),
            _people(of, values, people),
        ],
        id={"type": "rule-step", "step": number},
        className="rule-step",
    )


def _ways(new: bool, fixed: str | None) -> list[Component]:
    return [
        dcc.Link("Discard", href=inside(LIST), className="btn btn-sm btn-outline-secondary"),
        dbc.Button(
            "Create rule" if new else "Save rule",
            id="rule-save",
            color="primary",
            size="sm",
            disabled=True,
            style={"display": "none"} if fixed else None,
        ),
    ]


def _fixed(why: str | None) -> Component | None:
    return html.Div(html.P(why), className="connection", role="note") if why else None


def _form(
    values: Values, options: Mapping[str, Options], steps: Sequence[int], new: bool
) -> list[Component]:
    return [
        html.P(id="rule-said", className="rule-said", **{"aria-live": "polite"}),
        labelled("What it is called", line("name", values, "High memory usage"), "name"),
        _condition(values, options["metric"]),
        _raise(values),
        section("Where", _scope(values, options), "Everything that has this metric, unless named."),
        section(
            "Who is told",
            _people(lambda name: name, values, options["recipients"]),
            "Without a recipient all contacts are told. In the app everybody sees it.",
        ),
        html.Details(
            [
                html.Summary([html.I(className="chevron"), "More"], className="more-head"),
                html.Div(_more(values, options["recipients"], steps, new), className="more"),
            ],
            open=bool(steps),
        ),
    ]


def _condition(values: Values, metrics: Options) -> Component:
    kinds = [{"label": text, "value": kind} for kind, text in KINDS.items()]
    every = {**OPERATORS, "equals": "exactly", "notEquals": "not"}
    words = [{"label": word, "value": word} for word in WORDS]
    if values["word"] not in WORDS:
        words.append({"label": values["word"], "value": values["word"]})
    return html.Div(
        [
            html.Div(
                [
                    html.Span("When"),
                    html.Div(
                        dcc.Dropdown(
                            id=field("metric"),
                            options=list(metrics),
                            value=values["metric"],
                            clearable=False,
                            placeholder="a metric",
                            labels={"search": "Search metrics"},
                        ),
                        className="metric-choice",
                        role="group",
                        **{"aria-label": "Metric"},
                    ),
                    choice("kind", kinds, values, "Kind of condition"),
                    html.Div(
                        [
                            choice("operator", options_of(every), values, "Compared how"),
                            text("value", values, "Limit", "85", 6),
                            html.Span(id="rule-unit", className="unit"),
                        ],
                        id=part("limit"),
                        className="phrase",
                    ),
                    html.Div(
                        [
                            choice(
                                "stateOperator",
                                options_of({"equals": "is", "notEquals": "is not"}),
                                values,
                                "Is or is not",
                            ),
                            choice("word", words, values, "State"),
                        ],
                        id=part("state"),
                        className="phrase",
                    ),
                    html.Div(
                        [
                            choice(
                                "direction", options_of(DIRECTIONS), values, "Which side counts"
                            ),
                            html.Span("at most"),
                            text("maxPerWeek", values, "Alerts a week for each target", "1", 4),
                            html.Span("alerts a week for each"),
                        ],
                        id=part("anomaly"),
                        className="phrase",
                    ),
                    html.Span("for"),
                    text("duration", values, "For how long", "5 min", 7),
                ],
                className="phrase is-sentence",
            ),
            *errors(
                "metric", "kind", "operator", "value", "word", "maxPerWeek", "direction", "duration"
            ),
        ]
    )


def _raise(values: Values) -> Component:
    severities = options_of({one: one for one in ("info", "warning", "critical")})
    return html.Div(
        [
            html.Div(
                [
                    html.Span("raise"),
                    choice("severity", severities, values, "Severity"),
                    dbc.Checkbox(
                        id=field("enabled"), label="enabled", value=bool(values["enabled"])
                    ),
                ],
                className="phrase",
            ),
            *errors("severity"),
        ]
    )


def _scope(values: Values, options: Mapping[str, Options]) -> Component:
    names = {"vps": "server", "service": "service", "tenant": "tenant", "tags": "tag"}
    return html.Div(
        [
            html.Div(
                [many(key, values, options[key], f"any {word}", f"{word}s"), *errors(key)],
            )
            for key, word in names.items()
        ],
        className="two",
    )


def _people(of: Any, values: Values, people: Options) -> Component:
    channels = {"inApp": "in the app", **{k: v for k, v in CHANNELS.items() if k != "inApp"}}
    return html.Div(
        [
            html.Div(
                dbc.Checklist(
                    id=field(of("channels")),
                    options=options_of(channels),
                    value=list(values.get(of("channels"), ("inApp",))),
                    inline=True,
                ),
                role="group",
                **{"aria-label": "By which channels"},
            ),
            *errors(of("channels")),
            html.Div(
                [
                    many(
                        of("recipients"), values, people, "all contacts",
                        "contacts, groups and who is on call",
                    ),
                    text(of("others"), values, "Other addresses, with commas",
                          "other addresses, with commas", None),
                ],
                className="two",
            ),
            *errors(of("recipients"), of("others")),
        ],
        className="rule-people",
    )  # fmt: skip


def _more(values: Values, people: Options, steps: Sequence[int], new: bool) -> list[Component]:
    def row(label: str, name: str, hint: str) -> Component:
        return labelled(label, line(name, values, hint), name)

    return [
        html.Div(
            [
                html.Div(
                    row("Clear only at (hysteresis)", "clearValue", "80"), id=part("clear")
                ),
                row("Keep firing after it cleared for", "keepFiringFor", "1 min"),
                row("Tell the same again without an answer after", "escalateAfter", "15 min"),
                row("Remind every", "remindEvery", "1 h"),
                row("Critical from so many tenants on", "raiseTenants", "3"),
            ],
            className="two",
        ),
        html.H3("Escalation"),
        html.Div([step(n, values, people) for n in steps], id="rule-steps"),
        html.Button(
            "Add a step", id="rule-step-add", type="button", className="plain", n_clicks=0
        ),
        labelled(
            "Runbook", line("runbookUrl", values, "where it says what to do"),
            "runbookUrl",
        ),
        labelled(
            "Id" if new else "Id (it stays)",
            line("id", values, "made of the name", disabled=not new),
            "id",
        ),
    ]  # fmt: skip


def _milder() -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Too often?"),
                    html.Button(
                        "Suggest a milder rule", id="rule-suggest", type="button", className="plain"
                    ),
                ],
                className="head",
            ),
            html.P(
                "Tries other limits and durations on the last 30 days of the saved rule, and keeps "
                "what was real.",
                className="aside",
            ),
            html.Div(id="rule-suggested", **{"aria-live": "polite"}),
            dcc.Store(id="rule-suggestion"),
        ],
        className="card rule-milder",
    )

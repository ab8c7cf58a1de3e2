"""Fields of the form of a rule, each with its label and a place for its mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.marks import named

Values = Mapping[str, Any]
Options = Sequence[Mapping[str, Any]]


def field(name: str) -> dict[str, str]:
    """The id of a field of the form."""
    return {"type": "rule-field", "field": name}


def error(name: str) -> dict[str, str]:
    """The id of the place where a field's mistake is told."""
    return {"type": "rule-error", "field": name}


def section(title: str, body: Component, hint: str) -> Component:
    """A part of the form with its title and a hint."""
    return html.Div(
        [html.H3(title), html.P(hint, className="aside"), body], className="rule-section"
    )


def labelled(label: str, control: Component, name: str) -> Component:
    """A control below its label, with the place for its mistakes."""
    return html.Div([html.Label([html.Span(label), control]), *errors(name)])


def line(name: str, values: Values, hint: str, *, disabled: bool = False) -> Component:
    """A text of any length."""
    return dcc.Input(
        id=field(name),
        type="text",
        value=values.get(name, ""),
        placeholder=hint,
        disabled=disabled,
        autoComplete="off",
    )


def text(name: str, values: Values, label: str, hint: str, wide: int | None) -> Component:
    """A short text in a phrase, as ``wide`` as so many characters."""
    return named(
        label,
        dcc.Input(
            id=field(name),
            type="text",
            value=values.get(name, ""),
            placeholder=hint,
            autoComplete="off",
            style={"width": f"{wide + 3}ch"} if wide else None,
        ),
    )


def choice(name: str, options: Options, values: Values, label: str) -> Component:
    """One of a few."""
    return named(label, dbc.Select(id=field(name), options=list(options), value=values[name]))


def many(name: str, values: Values, options: Options, every: str, label: str) -> Component:
    """Any number of many, searched; what was chosen stays offered when it is gone."""
    chosen = list(values.get(name, ()))
    known = {one["value"] for one in options}
    gone = [{"label": one, "value": one} for one in chosen if one not in known]
    return html.Div(
        dcc.Dropdown(
            id=field(name),
            options=[*options, *gone],
            value=chosen,
            multi=True,
            placeholder=every,
        ),
        role="group",
        **{"aria-label": label[:1].upper() + label[1:]},
    )


def errors(*names: str) -> list[Component]:
    """The places where mistakes of fields are told."""
    return [html.P(id=error(name), className="field-error", role="alert") for name in names]


def options_of(words: Mapping[str, str]) -> list[dict[str, str]]:
    """Choices by value, with their words."""
    return [{"label": label, "value": value} for value, label in words.items()]

"""What is asked before something is done with alerts: a note, how long, whether it was real."""

from __future__ import annotations

from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

WAITS = (
    ("30", "30 minutes"),
    ("60", "1 hour"),
    ("240", "4 hours"),
    ("tomorrow", "Until tomorrow, 8:00"),
    ("until", "Until…"),
)
_HEADS = {
    "note": "Acknowledge",
    "snooze": "Snooze",
    "resolve": "Resolve",
    "delete": "Delete",
}
_WHAT = {
    "note": "You take it on: it escalates no further, and others see that you have it.",
    "snooze": "Nobody hears of it until then. It stays in the list.",
    "resolve": "It counts as over. While its condition holds it stays silent until that has "
    "cleared once.",
    "delete": "It goes from the history, with everything that was noted of it. This cannot be "
    "undone.",
}


def host() -> list[Component]:
    """The dialog's place and the stores it works with; once on a page."""
    return [
        dbc.Modal(
            id="alerts-dialog", is_open=False, fade=False, centered=True,
            labelledby="alerts-dialog-title",
        ),
        dcc.Store(id="alerts-asked"),
        dcc.Store(id="alerts-decided"),
        dcc.Store(id="alerts-picked", data=[]),
    ]  # fmt: skip


def question(act: str, of: str) -> list[Component]:
    """The dialog's content. ``of``: what it is about, such as an alert's title."""
    fields: list[Any] = [html.P(of, className="asked-of"), html.P(_WHAT[act], className="aside")]
    if act == "snooze":
        fields += _waits()
    if act != "delete":
        fields.append(_note())
    if act == "resolve":
        fields.append(
            dbc.Checkbox(id=_field("false"), value=False, label="It was a false positive")
        )
    danger = act in ("resolve", "delete")
    confirm = dbc.Button(
        _HEADS[act], id="alerts-confirm", color="danger" if act == "delete" else "primary"
    )
    cancel = dbc.Button("Cancel", id="alerts-cancel", color="secondary", outline=True)
    title = html.H2(f"{_HEADS[act]}{'?' if danger else ''}", id="alerts-dialog-title")
    return [
        dbc.ModalHeader(title, close_button=False),
        dbc.ModalBody(fields, class_name="asked"),
        dbc.ModalFooter([cancel, confirm]),
    ]


def _note() -> Component:
    area = dbc.Textarea(id=_field("note"), value="", maxlength=2000, rows=2)
    return html.Label([html.Span("Note (optional)"), area], className="asked-note")


def _waits() -> list[Component]:
    choices = dbc.RadioItems(
        id=_field("wait"),
        options=[{"value": value, "label": words} for value, words in WAITS],
        value="60",
    )
    until = dbc.Input(id=_field("until"), type="datetime-local", size="sm")
    return [
        html.Fieldset([html.Legend("For how long"), choices]),
        html.Label([html.Span("Until (with the last choice)"), until], className="asked-note"),
    ]


def _field(name: str) -> dict[str, str]:
    return {"type": "alerts-said", "field": name}

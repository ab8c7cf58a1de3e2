"""The form that adds a tenant, and the question before one is taken off the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

ADD, REMOVE = "tenant-add", "tenant-remove"
#: What is written once of a tenant: the name in the inventory, what it is called, an example.
FIELDS = (
    ("id", "Id", "tenant-acme", "Small letters, digits and dashes; it cannot be changed later."),
    ("organizationName", "Name", "ACME Corp", "As people know it."),
    ("sla", "Promised uptime in percent", "99.9", "Over a month."),
)
#: What is written of each of its applications.
APP_FIELDS = (
    ("name", "Application", "nexus"),
    ("url", "URL", "the whole address, with https"),
    ("runsOn", "Runs on", "vps-1/backend-api"),
)
#: How time is counted, as the inventory names it.
POLICY: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "degraded": ("Degraded time is", {"up": "uptime", "down": "downtime"}),
    "unknown": (
        "Time in which nobody could look is",
        {"excluded": "not counted", "up": "uptime", "down": "downtime"},
    ),
    "maintenance": (
        "Maintenance is",
        {"counted": "counted like any other time", "excluded": "not counted"},
    ),
}
#: Services that the form offers; any other can be written.
MOST_OFFERED = 1000


def dialogs(services: Sequence[str]) -> list[Component]:
    """Both. ``services`` are the keys of those on which an application may run."""
    return [_add(services), _remove()]


def _add(services: Sequence[str]) -> Component:
    fields = [_field({"type": "tenant-field", "name": f[0]}, *f[1:]) for f in FIELDS]
    counting = [
        html.Label(
            [
                html.Span(title),
                dbc.Select(
                    id={"type": "tenant-policy", "name": name},
                    options=[{"label": label, "value": value} for value, label in values.items()],
                    value=next(iter(values)),
                ),
            ],
            className="field",
        )
        for name, (title, values) in POLICY.items()
    ]
    body = [
        html.Div(fields, className="fields"),
        html.H3("Applications"),
        html.Div([app_row(0)], id="tenant-apps"),
        html.Button("Another application", id="tenant-app-more", type="button", className="plain"),
        html.Datalist([html.Option(value=s) for s in services[:MOST_OFFERED]], id="tenant-runs"),
        html.Details(
            [
                html.Summary([html.I(className="chevron"), "How its time is counted"]),
                html.Div(counting, className="fields"),
            ],
            className="counting",
        ),
        html.Div(id="tenant-problems", className="problems", role="alert"),
    ]
    buttons = [
        dbc.Button("Cancel", id="tenant-add-cancel", class_name="btn-quiet", color=""),
        dbc.Button("Add the tenant", id="tenant-add-do", color="primary"),
    ]
    return _modal(ADD, "Add a tenant", body, buttons, "lg")


def app_row(number: int) -> Component:
    """The fields of one application."""
    return html.Div(
        [
            _field(
                {"type": "tenant-app", "name": name, "row": number},
                title,
                example,
                "",
                **({"list": "tenant-runs"} if name == "runsOn" else {}),
            )
            for name, title, example in APP_FIELDS
        ],
        className="fields app-fields",
    )


def _field(id_: Any, title: str, example: str, help_: str, **more: Any) -> Component:
    given = dbc.Input(id=id_, type="text", value="", placeholder=example, maxlength=2000, **more)
    note = html.Small(help_) if help_ else None
    return html.Label([html.Span(title), given, note], className="field")


def problems(message: str, details: Sequence[Any]) -> Component:
    """What is wrong with what was written."""
    lines = [
        f"{one.get('field')}: {one.get('problem')}" if isinstance(one, dict) else str(one)
        for one in details
    ]
    return html.Div([html.P(message), html.Ul([html.Li(line) for line in lines])])


def _remove() -> Component:
    body = [
        html.P(
            [
                html.B(id="tenant-remove-name"),
                " is no longer watched and no longer listed. Its history and its reports stay: ",
                "they are there again when it is added once more under the same id.",
            ]
        ),
        html.Label(
            [
                html.Span(["To confirm, write its id: ", html.Code(id="tenant-remove-id")]),
                dbc.Input(
                    id="tenant-remove-typed", type="text", value="", autocomplete="off",
                    maxlength=200,
                ),
            ],
            className="field",
        ),
        dcc.Store(id="tenant-remove-of"),
    ]  # fmt: skip
    buttons = [
        dbc.Button("Cancel", id="tenant-remove-cancel", class_name="btn-quiet", color=""),
        dbc.Button("Take off the list", id="tenant-remove-do", color="danger", disabled=True),
    ]
    return _modal(REMOVE, "Take a tenant off the list", body, buttons, "")


def _modal(
    id_: str, title: str, body: Sequence[Component], buttons: Sequence[Component], size: str
) -> Component:
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle(title, tag="h2")),
            dbc.ModalBody(list(body), class_name="tenant-dialog"),
            dbc.ModalFooter(list(buttons)),
        ],
        id=id_,
        is_open=False,
        scrollable=True,
        **({"size": size} if size else {}),
    )

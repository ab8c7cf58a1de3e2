"""What stands where there is nothing to show: empty, failed, not found."""

from __future__ import annotations

from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components.links import inside


def empty(what: str, then: str | list[Any]) -> Component:
    """Nothing is here: what that means, and what to do next."""
    return html.Div([html.P(what, className="empty-what"), html.P(then)], className="empty")


def failure(request_id: str | None) -> Component:
    """Something of ours failed; the page stays as it was and goes on."""
    reference = f" The log has the details under {request_id}." if request_id else ""
    text = (
        "The page could not be brought up to date, because the server had an error."
        f"{reference} It tries again with the next update."
    )
    return dbc.Alert(text, color="warning", dismissable=True, class_name="notice")


def refused(why: str) -> Component:
    """What was just asked for was not done, and why."""
    sentence = f"{why[:1].upper()}{why[1:].removesuffix('.')}."
    return dbc.Toast(sentence, header="Not done", dismissable=True, duration=8000, is_open=True)


def done(what: str) -> Component:
    """What was just asked for was done."""
    return dbc.Toast(what, header="Done", dismissable=True, duration=5000, is_open=True)


def not_shown(why: str) -> Component:
    """A page that this caller, or this address, cannot have."""
    return _no_page("This page cannot be shown", f"{why[:1].upper()}{why[1:]}")


def not_found(why: str = "The address may be mistyped, or what it showed is gone.") -> Component:
    return _no_page("There is no such page", f"{why[:1].upper()}{why[1:]}")


def _no_page(title: str, why: str) -> Component:
    return html.Div(
        [
            html.H1(title),
            html.Div(
                [
                    html.P(why),
                    dbc.Button("To the overview", href=inside("/health"), color="primary"),
                ],
                className="card empty-page",
            ),
        ],
        className="page",
    )

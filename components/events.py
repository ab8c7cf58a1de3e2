"""Recent changes of status."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from components.links import linked
from components.marks import mark, moment
from components.states import empty
from services.views.model import EventView


def events_panel(events: Sequence[EventView]) -> Component:
    """The latest changes, newest first."""
    if not events:
        body = empty("Nothing has changed yet.", "Changes of status will be listed here.")
    else:
        body = html.Ul([_event(event) for event in events], className="events")
    return html.Section(
        [
            html.Div(html.H2("Recent events", id="events-title"), className="head"),
            html.Div(body, className="card"),
        ],
        **{"aria-labelledby": "events-title", "data-testid": "event-list"},
    )


def _event(event: EventView) -> Component:
    text = event.text.removeprefix(event.label).strip()
    said = html.Span([linked(event.label, event.target), f" {text}"])
    return html.Li(
        [moment(event.at, "clock"), mark(event.status, word=False), said],
        className="event",
    )

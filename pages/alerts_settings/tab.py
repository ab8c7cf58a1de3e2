"""The tab ``settings`` of ``/health/alerts``: who is told how, what messages say, when nobody is
told, and what was sent.

Dash reads this file, for the word register_page stands in it; it is no page of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx
from dash.development.base_component import Component

from components import states
from components.people_settings import FORMS
from components.setting_forms import Dialog, Outcome, given, named, pressed, side_links
from pages.alerts_settings import channels, maintenance, people, silences, templates
from services import container
from services.errors import HealthdeckError, NotFound

WHOLE = (("people", "People"), ("channels", "Channels"), ("templates", "Templates"))
EVERYBODY = (("maintenance", "Maintenance"), ("silences", "Silences"), ("messages", "Messages"))

Fields = Mapping[str, Any]


@callback(Output("alertsettings-tab", "children"), Input("alertsettings-query", "data"))
def draw(query: Any) -> Any:
    """The tab with its side links."""
    sections = [*(WHOLE if container.caller().is_a("whole") else ()), *EVERYBODY]
    chosen = _chosen(query)
    base = "/health/alerts?tab=settings&section="
    links = side_links(base, sections, chosen, "Sections of the alert settings")
    return FORMS.frame(links, SECTIONS[chosen](_texts(query)))


@callback(
    Output(FORMS.place("body"), "children"),
    Input(FORMS.place("acted"), "data"),
    State("alertsettings-query", "data"),
    prevent_initial_call=True,
)
def redraw(acted: Any, query: Any) -> Any:
    """The section anew after something was changed."""
    return SECTIONS[_chosen(query)](_texts(query)) if acted else dash.no_update


@callback(
    Output(FORMS.place("title"), "children"),
    Output(FORMS.place("form"), "children"),
    Output(FORMS.place("acts"), "children"),
    Output(FORMS.place("said"), "children"),
    Output(FORMS.place("dialog"), "is_open"),
    Input(FORMS.button("open", ALL, ALL), "n_clicks"),
    prevent_initial_call=True,
)
def open_form(_clicks: Any) -> Any:
    """The form of the button that was pressed."""
    asked = pressed(ctx.triggered)
    if asked is None:
        return [dash.no_update] * 5
    form = _one_of(FORM, asked["what"])(asked["key"])
    return form.title, form.body, list(form.acts), "", True


@callback(
    Output(FORMS.id("error", ALL), "children"),
    Output(FORMS.place("said"), "children", allow_duplicate=True),
    Output(FORMS.place("title"), "children", allow_duplicate=True),
    Output(FORMS.place("form"), "children", allow_duplicate=True),
    Output(FORMS.place("acts"), "children", allow_duplicate=True),
    Output(FORMS.place("dialog"), "is_open", allow_duplicate=True),
    Output(FORMS.place("acted"), "data"),
    Input(FORMS.button("do", ALL, ALL), "n_clicks"),
    State(FORMS.id("field", ALL), "value"),
    running=[(Output(FORMS.place("busy"), "hidden"), False, True)],
    prevent_initial_call=True,
)
def do(_clicks: Any, _values: Any) -> list[Any]:
    """Does what the pressed button says, with what stands in the form."""
    asked, names = pressed(ctx.triggered), named(ctx.outputs_list[0])
    if asked is None:
        return FORMS.untouched(names)
    try:
        outcome = _one_of(DEED, asked["what"])(asked["key"], given(ctx.states_list[0]))
    except HealthdeckError as error:
        if asked["what"] == "resend":
            raise
        return FORMS.refused(error.message, error.details, names)
    if outcome.said:
        dash.set_props("toasts", {"children": states.done(outcome.said)})
    return FORMS.after(outcome, names, time.time())


clientside_callback(
    ClientsideFunction("healthdeck", "typed"),
    Output(FORMS.place("typed"), "data"),
    Input(FORMS.id("field", ALL), "value"),
)


@callback(
    Output(FORMS.button("look", ALL, ALL), "children"),
    Input(FORMS.place("typed"), "data"),
    State(FORMS.id("field", ALL), "value"),
)
def look(_typed: Any, _values: Any) -> list[Any]:
    """What the draft in the form would do."""
    fields = given(ctx.states_list[0])
    asked = [one["id"] for one in ctx.outputs_list or ()]
    return [_one_of(LOOK, one["what"])(str(one["key"]), fields) for one in asked]


clientside_callback(
    ClientsideFunction("healthdeck", "variant"),
    Output(FORMS.id("variant", ALL), "className"),
    Input(FORMS.id("field", ALL), "value"),
    State(FORMS.id("field", ALL), "id"),
    State(FORMS.id("variant", ALL), "id"),
)
clientside_callback(
    ClientsideFunction("healthdeck", "closed"),
    Output(FORMS.place("dialog"), "is_open", allow_duplicate=True),
    Input(FORMS.place("close"), "n_clicks"),
    prevent_initial_call=True,
)


SECTIONS: Mapping[str, Callable[[Fields], Component]] = {
    "people": people.draw, "channels": channels.draw, "templates": templates.draw,
    "maintenance": maintenance.draw, "silences": silences.draw, "messages": channels.draw_messages,
}  # fmt: skip
_PARTS = (people, channels, templates, maintenance, silences)
FORM: Mapping[str, Callable[[str], Dialog]] = {
    k: v for part in _PARTS for k, v in part.FORM.items()
}
DEED: Mapping[str, Callable[[str, Fields], Outcome]] = {
    k: v for part in _PARTS for k, v in part.DEED.items()
}
LOOK: Mapping[str, Callable[[str, Fields], Any]] = {
    **templates.LOOK, **maintenance.LOOK, **silences.LOOK
}  # fmt: skip


def _chosen(query: Any) -> str:
    asked = _texts(query).get("section", "")
    first = "people" if container.caller().is_a("whole") else "maintenance"
    allowed = SECTIONS if first == "people" else dict(EVERYBODY)
    return asked if asked in allowed else first


def _texts(query: Any) -> dict[str, str]:
    found = query if isinstance(query, dict) else {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _one_of(table: Mapping[str, Any], what: str) -> Any:
    if what not in table:
        raise NotFound(f"There is no '{what[:50]}' here.")
    return table[what]

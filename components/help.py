"""What the keyboard does, as a dialog. assets/keys.js listens to the keys and opens it."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

#: Keys (those of one entry are pressed one after the other) and what they do, in groups.
KEYS: Sequence[tuple[str, Sequence[tuple[tuple[str, ...], str]]]] = (
    (
        "Anywhere",
        (
            (("Ctrl K",), "Search servers, tenants, services, rules and commands"),
            (("/",), "Search on this page"),
            (("?",), "This help"),
            (("Esc",), "Close what is open"),
        ),
    ),
    (
        "Go to",
        (
            (("g", "o"), "Overview"),
            (("g", "v"), "Servers"),
            (("g", "t"), "Tenants"),
            (("g", "m"), "Metrics"),
            (("g", "a"), "Alerts"),
            (("g", "s"), "Settings"),
        ),
    ),
)


def help_dialog() -> Component:
    """The dialog, closed."""
    head = html.Div(
        [
            html.H2("Keyboard", id="help-title"),
            html.Button(
                type="button",
                className="btn-close",
                **{"aria-label": "Close", "data-close-dialog": ""},
            ),
        ],
        className="help-head",
    )
    note = html.P("On a Mac it is Cmd instead of Ctrl. Keys rest while you type in a field.")
    return html.Dialog(
        [head, html.Div([_group(*group) for group in KEYS], className="help-groups"), note],
        id="help",
        className="help",
        **{"aria-labelledby": "help-title", "data-testid": "help"},
    )


def _group(title: str, keys: Sequence[tuple[tuple[str, ...], str]]) -> Component:
    rows = [html.Div([html.Dt(_pressed(pressed)), html.Dd(does)]) for pressed, does in keys]
    return html.Section([html.H3(title), html.Dl(rows)])


def _pressed(keys: tuple[str, ...]) -> list[Component | str]:
    first, *rest = (html.Kbd(key) for key in keys)
    return [first, *(part for key in rest for part in (" then ", key))]

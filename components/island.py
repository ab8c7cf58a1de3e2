"""Parts of a page of which nothing is asked: one component for Dash, plain HTML for the browser.

Dash looks at each of its components whenever anything on the page changes, so a thousand of them
cost a second each time. Such a part is sent as HTML (escaped here) and put in by assets/island.js.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

_NAMES = {
    "className": "class",
    "htmlFor": "for",
    "tabIndex": "tabindex",
    "dateTime": "datetime",
    "colSpan": "colspan",
    "rowSpan": "rowspan",
}
_VOID = frozenset({"img", "br", "hr", "input"})
_SKIPPED = frozenset({"children", "style", "n_clicks"})


def island(part: Component | Sequence[Component] | None, **about: Any) -> Component:
    """The part as one component. It may hold elements and links, and nothing that a callback
    listens to. ``about``: properties of the element around it."""
    return html.Div(**{"className": "island", **about, "data-html": markup(part)})


def markup(part: Any) -> str:
    """A tree of elements as HTML. Raises TypeError for a component that is more than that."""
    if part is None or part is False:
        return ""
    if isinstance(part, list | tuple):
        return "".join(map(markup, part))
    if not isinstance(part, Component):
        return escape(str(part))
    if isinstance(part, dcc.Link):
        name, more = "a", ' data-link=""'
    elif type(part).__module__.startswith("dash.html"):
        name, more = type(part).__name__.lower(), ""
    else:
        raise TypeError(f"{type(part).__name__} cannot stand in a part that is plain HTML")
    given = part.to_plotly_json()["props"]
    attributes = "".join(_attribute(key, value) for key, value in given.items()) + more
    inside = "" if name in _VOID else f"{markup(given.get('children'))}</{name}>"
    return f"<{name}{attributes}>{inside}"


def _attribute(key: str, value: Any) -> str:
    if key == "style" and value:
        return f' style="{escape(_style(value))}"'
    if key in _SKIPPED or value is None or value is False:
        return ""
    name = _NAMES.get(key, key)
    if value is True:
        value = "true" if name.startswith(("aria-", "data-")) else ""
    if isinstance(value, dict):  # an id as Dash writes it
        value = "{" + ",".join(f'"{k}":"{value[k]}"' for k in sorted(value)) + "}"
    return f' {name}="{escape(str(value))}"'


def _style(style: Mapping[str, Any]) -> str:
    return ";".join(
        f"{''.join(f'-{c.lower()}' if c.isupper() else c for c in name)}:{value}"
        for name, value in style.items()
    )

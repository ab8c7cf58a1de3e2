"""What the settings are made of: fields with their mistakes, a dialog, tables, side links."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dash
import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside

Option = tuple[str, str]


class Dialog(NamedTuple):
    """What the page's dialog shows; ``acts`` are its buttons beside *Close*."""

    title: str
    body: Any
    acts: Sequence[Component] = ()


class Outcome(NamedTuple):
    """What came of something: ``said`` in a toast, ``shown`` in the place of the form."""

    said: str = ""
    shown: Dialog | None = None


class Forms:
    """The parts of one page's forms. All ids carry the page's name; a button to ``open`` a form or
    to ``do`` something says ``what`` it is about and the ``key`` of the thing."""

    def __init__(self, page: str) -> None:
        self.page = page

    def place(self, name: str) -> str:
        """The id of a part of the page: body, dialog, title, form, acts, acted …"""
        return f"{self.page}-{name}"

    def id(self, type_: str, name: Any) -> dict[str, Any]:
        """The id of something by name: field, error, variant or look."""
        return {"type": f"{self.page}-{type_}", "name": name}

    def button(self, type_: str, what: Any, key: Any) -> dict[str, Any]:
        return {"type": f"{self.page}-{type_}", "what": what, "key": key}

    # ---- buttons ----
    def open(
        self, what: str, key: str, label: str, about: str = "", *, look: str = "quiet"
    ) -> Component:
        """A button that opens a form. ``about`` is read aloud beside its label."""
        return self._press("open", what, key, label, about, look)

    def do(
        self, what: str, key: str, label: str, about: str = "", *, look: str = "main"
    ) -> Component:
        """A button that does it; with what stands in the fields."""
        return self._press("do", what, key, label, about, look)

    def _press(
        self, type_: str, what: str, key: str, label: str, about: str, look: str
    ) -> Component:
        looks = {"main": "btn-primary", "danger": "btn-danger", "quiet": "btn-quiet"}
        hidden = [html.Span(f" {about}", className="visually-hidden")] if about else []
        return html.Button(
            [label, *hidden],
            id=self.button(type_, what, key),
            type="button",
            className=f"btn btn-sm {looks[look]}",
        )

    def confirm(self, what: str, key: str, thing: str, then: str, verb: str = "Delete") -> Dialog:
        """A question before something that cannot be undone; it names the thing."""
        return Dialog(
            f"{verb} {thing}?",
            html.P(then),
            [self.do(what, key, f"{verb} {thing}" if len(thing) < 40 else verb, look="danger")],
        )

    # ---- fields ----
    def line(
        self, name: str, label: str, value: Any = "", note: str = "", **more: Any
    ) -> Component:
        """A line of text; ``more`` are the input's own properties (``type``, ``placeholder``)."""
        control = dbc.Input(id=self.id("field", name), value=value, size="sm", **more)
        return self._field(name, label, control, note)

    def secret(self, name: str, label: str, note: str = "") -> Component:
        """A line that is written and never shown."""
        return self.line(name, label, "", note, type="password", autocomplete="new-password")

    def lines(
        self, name: str, label: str, value: str = "", note: str = "", rows: int = 3, **more: Any
    ) -> Component:
        control = dbc.Textarea(id=self.id("field", name), value=value, rows=rows, size="sm", **more)
        return self._field(name, label, control, note)

    def choice(
        self, name: str, label: str, options: Sequence[Option], value: str = "", note: str = ""
    ) -> Component:
        """One of ``options``: (value, label)."""
        control = dbc.Select(
            id=self.id("field", name),
            options=[{"value": one, "label": text} for one, text in options],
            value=value,
            size="sm",
        )
        return self._field(name, label, control, note)

    def ticks(
        self, name: str, label: str, options: Sequence[Option], value: Sequence[str] = ()
    ) -> Component:
        """Any of ``options``: (value, label)."""
        control = dbc.Checklist(
            id=self.id("field", name),
            options=[{"value": one, "label": text} for one, text in options],
            value=list(value),
            inline=True,
        )
        return html.Fieldset(
            [html.Legend(label), control, self._error(name)], className="set-field set-ticks"
        )

    def variants(self, name: str, value: str, children: Any) -> Component:
        """Fields of which those of class ``for-<value>`` are shown, as another field says."""
        return html.Div(children, id=self.id("variant", name), className=f"variant is-{value}")

    def look(self, what: str, key: str = "") -> Component:
        """Where what a draft would do is shown while it is written."""
        return html.Div(
            id=self.button("look", what, key), className="set-look", **{"aria-live": "polite"}
        )

    def _field(self, name: str, label: str, control: Component, note: str) -> Component:
        told = html.Small(note, className="set-note") if note else None
        return html.Div(
            [html.Label([html.Span(label), control]), told, self._error(name)],
            className="set-field",
        )

    def _error(self, name: str) -> Component:
        return html.Div(id=self.id("error", name), className="set-error", role="alert")

    # ---- the frame ----
    def frame(self, links: Component, body: Component | None) -> list[Component]:
        """A page's side links, its section and its dialog."""
        return [
            html.Div(
                [links, html.Div(body, id=self.place("body"), className="set-body")],
                className="set-frame",
            ),
            html.Div(
                "Working…", id=self.place("busy"), className="set-busy", role="status", hidden=True
            ),
            dcc.Store(id=self.place("acted")),
            dcc.Store(id=self.place("typed")),
            dbc.Modal(
                [
                    dbc.ModalHeader(
                        html.H2(id=self.place("title"), className="modal-title"), close_button=True
                    ),
                    dbc.ModalBody(
                        [
                            html.Div(id=self.place("form"), className="set-form"),
                            html.Div(id=self.place("said"), className="set-said", role="alert"),
                        ]
                    ),
                    dbc.ModalFooter(
                        [
                            html.Button(
                                "Close",
                                id=self.place("close"),
                                type="button",
                                className="btn btn-sm btn-quiet",
                            ),
                            html.Div(id=self.place("acts"), className="set-acts"),
                        ]
                    ),
                ],
                id=self.place("dialog"),
                size="lg",
                scrollable=True,
                labelledby=self.place("title"),
                class_name="set-dialog",
            ),
        ]

    # ---- what came of it ----
    def after(self, outcome: Outcome, names: Sequence[str], now: float) -> list[Any]:
        """For a callback that did something: no mistakes, another dialog or none, ``acted``."""
        shown = outcome.shown
        if shown is None:
            return [[""] * len(names), "", *[dash.no_update] * 3, False, now]
        return [[""] * len(names), "", shown.title, shown.body, list(shown.acts), True, now]

    def refused(self, message: str, details: Sequence[Any], names: Sequence[str]) -> list[Any]:
        """For a callback that was refused: the mistakes, each at its field."""
        beside, rest = told_apart(message, details, names)
        return [beside, [html.P(one) for one in rest], *[dash.no_update] * 5]

    def untouched(self, names: Sequence[str]) -> list[Any]:
        """For a callback that had nothing to do."""
        return [[dash.no_update] * len(names), *[dash.no_update] * 6]


def side_links(base: str, entries: Sequence[Option], chosen: str, label: str) -> Component:
    """The sections beside the chosen one. ``base``: a path that ends where the section's name
    follows; ``entries``: (name, label)."""
    return html.Nav(
        [
            dcc.Link(
                text,
                href=inside(f"{base}{name}"),
                className=f"set-link{' is-here' if name == chosen else ''}",
            )
            for name, text in entries
        ],
        className="set-links",
        **{"aria-label": label},
    )


def section(title: str, note: Any, acts: Any, body: Any, *, id_: str = "") -> Component:
    """A part of a settings page with its heading."""
    name = id_ or re.sub(r"[^a-z]+", "-", title.lower())
    return html.Section(
        [
            html.Div(
                [html.H2(title, id=f"set-{name}"), html.Div(acts, className="set-acts")],
                className="head set-head",
            ),
            html.P(note, className="set-about") if note else None,
            *(body if isinstance(body, list) else [body]),
        ],
        className="set-section",
        **{"aria-labelledby": f"set-{name}"},
    )


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], label: str) -> Component:
    """A small table; on a phone each row is a block. The last column without a header holds
    buttons."""
    return html.Div(
        html.Table(
            [
                html.Caption(label, className="visually-hidden"),
                html.Thead(
                    html.Tr(
                        [
                            html.Th(
                                text or html.Span("Actions", className="visually-hidden"),
                                scope="col",
                            )
                            for text in headers
                        ]
                    )
                ),
                html.Tbody([_row(headers, row) for row in rows]),
            ],
            className="set-table",
        ),
        className="card set-rows",
    )


def _row(headers: Sequence[str], row: Sequence[Any]) -> Component:
    return html.Tr(
        [
            html.Td(cell, className=None if head else "set-buttons", **{"data-label": head})
            for head, cell in zip(headers, row, strict=True)
        ]
    )


def secret_shown(what: str, text: str, then: str) -> Component:
    """A secret that is told this once, with a button to copy it."""
    return html.Div(
        [
            html.P(what),
            html.Div(
                [
                    html.Code(text, className="set-secret", tabIndex=0),
                    html.Button(
                        "Copy",
                        type="button",
                        className="btn btn-sm btn-primary",
                        **{"data-copy": ""},
                    ),
                ],
                className="set-copy",
            ),
            html.P(then, className="set-about"),
        ],
        **{"data-testid": "told-once"},
    )


def not_allowed(what: str) -> Component:
    """Instead of a section that the caller may not use."""
    return html.P(
        f"{what} Only a super_admin may; ask one.", className="card set-refused", role="note"
    )


# ---- what a browser sent ----
def pressed(triggered: Any) -> dict[str, Any] | None:
    """``what`` and ``key`` of the button that was pressed; None when one was only drawn anew."""
    first = triggered[0] if triggered else {}
    found = json.loads(first["prop_id"].rpartition(".")[0]) if first.get("value") else {}
    return {name: str(found[name]) for name in ("what", "key")} if found else None


def named(listed: Any) -> list[str]:
    """The names of the components that a wildcard stands for."""
    return [str(one["id"]["name"]) for one in listed or ()]


def given(sent: Any) -> dict[str, Any]:
    """The fields of a form by name."""
    return {str(one["id"]["name"]): one.get("value") for one in sent or ()}


def text(fields: Mapping[str, Any], name: str) -> str:
    """A field as a text without space around it; empty for anything else."""
    value = fields.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}"
    return value.strip() if isinstance(value, str) else ""


def several(fields: Mapping[str, Any], name: str) -> list[str]:
    """A field with several values: ticks, lines, or words with commas between them."""
    value = fields.get(name)
    parts = value if isinstance(value, list) else re.split(r"[,\n]", text(fields, name))
    return [one.strip() for one in parts if isinstance(one, str) and one.strip()]


def number(fields: Mapping[str, Any], name: str) -> Any:
    """A field as a number where it is one, else as it was written: the check behind says what
    would be right."""
    written = text(fields, name)
    try:
        found = float(written)
    except ValueError:
        return written
    return int(found) if found.is_integer() else found


def told_apart(
    message: str, details: Sequence[Any], names: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The mistakes beside each field of ``names``, and those that belong to none."""
    beside: dict[str, list[str]] = {name: [] for name in names}
    rest: list[str] = []
    for one in details:
        if not isinstance(one, Mapping) or "problem" not in one:
            continue
        where, problem = str(one.get("field", "")), str(one["problem"])
        if line := one.get("line"):
            problem = f"line {line}: {problem}"
        where = re.sub(r"^(?:contacts|groups|onCall)\[\d+\]\.?", "", where)
        near = [
            name for name in names if where == name or where.startswith((f"{name}.", f"{name}["))
        ]
        if near:
            beside[max(near, key=len)].append(_sentence(problem))
        else:
            rest.append(_sentence(f"{where}: {problem}" if where else problem))
    if not rest and not any(beside.values()):
        rest = [_sentence(message)]
    return [" ".join(beside[name]) for name in names], rest


def _sentence(words: str) -> str:
    words = words.removeprefix("Value error, ")
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."

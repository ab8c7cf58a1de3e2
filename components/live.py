"""A page that stays true: parts that are drawn anew when what they show has changed.

The browser's part is assets/stream.js: it puts what the stream tells into the page's ``event``
store, and reads the page's age from its ``drawn`` store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, TypeVar

import dash
from dash import Input, Output, State, dcc, html
from dash.development.base_component import Component

from components.island import island

View = TypeVar("View")


class Section(NamedTuple, Generic[View]):
    """A part of the page that is drawn anew by itself: what it shows, and how."""

    shows: Callable[[View], object]
    draw: Callable[[View], Component]
    still: bool = False

    def drawn(self, view: View) -> Component:
        """The part; a ``still`` one, of which no callback asks anything, as an island."""
        part = self.draw(view)
        return island(part) if self.still else part


class Live(Generic[View]):
    """A live page's parts by name; each stands in ``<page>-<name>``.

    A page's callback takes ``outputs`` and ``inputs`` and returns ``redraw``::

        @callback(*LIVE.outputs, *LIVE.inputs, prevent_initial_call=True)
        def refresh(_event, _acted, before):
            return LIVE.redraw(view(), time.time(), before)

    Whoever changes something writes the ``acted`` store (``LIVE.acted``), so that the page is
    drawn anew at once.
    """

    def __init__(self, page: str, sections: Mapping[str, Section[View]]) -> None:
        self.page = page
        self.sections = sections

    def store(self, kind: str) -> dict[str, str]:
        """The id of one of the page's stores: ``event``, ``acted`` or ``drawn``."""
        return {"type": f"live-{kind}", "page": self.page}

    @property
    def outputs(self) -> list[Output]:
        parts = [Output(self.place(name), "children") for name in self.sections]
        return [*parts, Output(self.store("drawn"), "data")]

    @property
    def inputs(self) -> list[Any]:
        return [
            Input(self.store("event"), "data"),
            Input(self.store("acted"), "data"),
            State(self.store("drawn"), "data"),
        ]

    @property
    def acted(self) -> Output:
        return Output(self.store("acted"), "data", allow_duplicate=True)

    def place(self, name: str) -> str:
        """The id of the element that holds a part."""
        return f"{self.page}-{name}"

    def held(self, view: View) -> dict[str, Component]:
        """The parts, each in its place."""
        return {
            name: html.Div(section.drawn(view), id=self.place(name))
            for name, section in self.sections.items()
        }

    def frame(
        self, title: str | Component, body: Any, view: View, age: float, stale_after: int
    ) -> Component:
        """The page with its heading and its stores. ``age`` of the view and ``stale_after`` (how
        long it may go without news before it says so) in seconds."""
        return html.Div(
            [
                html.H1(title) if isinstance(title, str) else title,
                html.Div(
                    body,
                    className=f"page-body {self.page}",
                    **{"data-stale-after": stale_after, "data-live": self.page},
                ),
                html.Div(self.stores(view, age), hidden=True),
            ],
            className="page",
        )

    def stores(self, view: View, age: float) -> list[Component]:
        """What its callback listens to and remembers."""
        return [
            dcc.Store(id=self.store("event")),
            dcc.Store(id=self.store("acted")),
            dcc.Store(id=self.store("drawn"), data=self.drawn(view, age)),
        ]

    def drawn(self, view: View, age: float) -> dict[str, Any]:
        """What the browser keeps of a drawing: the view's age in seconds, and a short fingerprint
        of what each part shows."""
        return {
            "age": round(max(0.0, age), 1),
            "digests": {
                name: blake2b(repr(section.shows(view)).encode(), digest_size=8).hexdigest()
                for name, section in self.sections.items()
            },
        }

    def redraw(self, view: View, age: float, before: Any) -> list[Any]:
        """The parts that differ from those of ``before``, which a browser sent (all of them when
        it is no drawing), and what it is to keep."""
        drawn = self.drawn(view, age)
        old = before.get("digests") if isinstance(before, dict) else None
        known = old if isinstance(old, dict) else {}
        parts = [
            dash.no_update if known.get(name) == drawn["digests"][name] else section.drawn(view)
            for name, section in self.sections.items()
        ]
        return [*parts, drawn]


def stale_after(interval: float) -> int:
    """Seconds without news after which a page says so: three missed rounds and some grace."""
    return round(max(30.0, 3 * interval + 15))
